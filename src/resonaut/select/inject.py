"""Signal put into the data before the training: how much of it a selection that learns from the data then finds.

The efficiency of such a selection depends on how much signal it had to learn from, so it is measured by putting
simulated signal of a known cross section into the data and training again (CMS EXO-22-026).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import awkward as ak
import numpy as np

from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError
from resonaut.core.events import KEY, Dataset
from resonaut.core.identifier import keys
from resonaut.core.weights import NOMINAL, Variation, Weighted, Weights, named
from resonaut.select import base, drawing, results
from resonaut.select import method as methods
from resonaut.select.drawing import Injection
from resonaut.select.improvement import improvement
from resonaut.select.inputs import Inputs
from resonaut.select.regions import Regions, require_events
from resonaut.select.selector import Selector
from resonaut.select.settings import Settings, Window, window
from resonaut.select.tally import DataTally, SignalTally, axes, scale_to_total, usable_events
from resonaut.select.training_data import TrainingData


@dataclass(frozen=True)
class Experiment:
    """One job: what is injected into which data, for which method in which window.

    ``backgrounds`` and ``signals`` are what methods may learn from; ``evaluation`` are backgrounds that count in
    the SIC beside the pseudo-data. Where ``simulation`` suffices it takes the place of ``data``. ``weighted``: by
    dataset, the friends with weights that it has; ``code``: the user's own files that the method may be in.
    """

    settings: Settings
    method: str
    window: str
    data: Collisions
    signal: Dataset
    backgrounds: list[Dataset]
    signals: list[Dataset]
    evaluation: list[Dataset]
    injection: Injection
    simulation: list[Dataset] = field(default_factory=list)
    weighted: Weighted = field(default_factory=dict)
    code: tuple[str, ...] = ()

    @property
    def weights(self) -> Weights:
        """Those of the signal."""
        return Weights.of(self.signal, self.weighted.get(self.signal.name, ()))

    def columns(self, method: methods.Method) -> tuple[str, ...]:
        """What is read of every event."""
        own = window(self.settings, self.window)
        return tuple(dict.fromkeys((own.observable, *own.spectra, *method.columns)))


def inject(experiment: Experiment) -> results.Experiment:
    """Train on data with injected signal, and measure.

    Raises:
        ConfigError: a method that reads the scores of others, or data without luminosity.
        EmptySelectionError: too few events, in the data or of the signal.
    """
    settings = experiment.settings
    if experiment.method in settings.combinations:
        raise ConfigError(
            f"config: {experiment.method!r} combines others' scores, which data with injected signal do not have; take "
            "it out of select.injection.methods."
        )
    # Another draw is another training.
    seed = settings.classifier.seed + experiment.injection.seed
    settings = replace(settings, classifier=replace(settings.classifier, seed=seed))
    experiment = replace(experiment, settings=settings)
    result = _train(experiment, NOMINAL)
    efficiency, retrained = result.signals[0].efficiency, {}
    for variation in _large(experiment, result.injection.events):
        varied = _varied_efficiency(_train(experiment, variation).signals[0], variation)
        retrained[variation.name] = varied / efficiency - 1 if efficiency else None
    return replace(result, injection=replace(result.injection, retrained=retrained))


@dataclass(frozen=True)
class Mixture:
    """Data with signal put into them.

    ``events`` are what the method learns from, those of the ``background`` and the signal's ``injected`` ones.
    ``simulated`` is all of the signal, of ``weights`` in fb (n,); ``remaining`` (n,) is what of each event is not
    injected, ``usable`` (n,) are those that did not train the tagger, and ``shared`` is the part of the injected events
    that another experiment with the same amount holds too.
    """

    background: base.Base
    events: ak.Array
    simulated: ak.Array
    weights: drawing.FloatArray
    usable: drawing.Mask
    injected: drawing.Mask
    remaining: drawing.FloatArray
    shared: float

    @classmethod
    def draw(
        cls, experiment: Experiment, method: methods.Method, tally: SignalTally, window: Window, variation: Variation
    ) -> "Mixture":
        """Draw both, the signal with the weights of ``variation``; ``tally`` says what it asks of the signal."""
        signal, injection, columns = experiment.signal, experiment.injection, experiment.columns(method)
        background = base.draw(
            experiment.data,
            experiment.simulation,
            columns,
            method.friends,
            injection,
            weighted=experiment.weighted,
            held_out=tally.held_out,
        )
        simulated = signal.read(
            tuple(dict.fromkeys((*columns, *tally.columns))), tuple(dict.fromkeys((*method.friends, *tally.friends)))
        )
        usable = usable_events(simulated)
        weights = drawing.signal_weights(signal, simulated, tally.weights, variation)
        weights *= usable * scale_to_total(float(weights.sum()), float(weights[usable].sum()), signal.name)
        drawn = drawing.draw_signal(signal, simulated, weights, window, background.luminosity, injection)
        fields = list(dict.fromkeys((*KEY, *columns)))
        events = ak.concatenate([background.events[fields], simulated[drawn.mask][fields]])
        return cls(background, events, simulated, weights, usable, drawn.mask, drawn.remaining, drawn.shared)

    def shifted(self, experiment: Experiment, method: methods.Method, tally: SignalTally, variation: str) -> ak.Array:
        """The signal with the shifted objects of a variation, and what of each event ``remaining`` is not injected."""
        columns = tuple(dict.fromkeys((*experiment.columns(method), *tally.columns)))
        friends = tuple(dict.fromkeys((*method.friends, *tally.friends)))
        events = ak.concatenate(list(experiment.signal.iterate(columns, friends, variation)))
        # What passes only now was not injected.
        _, ours, theirs = np.intersect1d(keys(events), keys(self.simulated), return_indices=True)
        remaining = np.ones(len(events))
        remaining[ours] = self.remaining[theirs]
        return ak.with_field(events, remaining, "remaining")


def _train(experiment: Experiment, variation: Variation) -> results.Experiment:
    """Draw with the weights of ``variation``, train, and measure."""
    settings, signal = experiment.settings, experiment.signal
    mass_window = window(settings, experiment.window)
    method = methods.make(experiment.method, settings, experiment.window, experiment.code)
    held_out = methods.uses_tagger(experiment.method, settings, experiment.code)
    spectra, described = axes(settings, mass_window, signal), signal.described(mass_window.observable)
    tally = SignalTally(signal, spectra[mass_window.observable], experiment.weights.friends, held_out)
    mixed = Mixture.draw(experiment, method, tally, mass_window, variation)
    name, events = mixed.background.name, mixed.events
    regions = Regions.among(events, mass_window)
    require_events(regions, mass_window, experiment.window, name, settings.min_events)
    source = f"{name} with {signal.name}"
    learned = TrainingData(
        events, regions, mass_window, source, experiment.backgrounds, experiment.signals, injected=signal.name
    )
    selector = Selector.train(experiment.method, method, learned)
    counted = DataTally(settings, mass_window, spectra)
    score = selector.score(events, source, is_data=True)
    counted.add(events, score, selector.selected(score))
    score = selector.score(mixed.simulated, signal.name, is_data=False)
    tally.add(ak.with_field(mixed.simulated, mixed.remaining, "remaining"), score, selector.selected(score))
    for one in tally.variations:
        shifted = mixed.shifted(experiment, method, tally, one)
        tally.add_shifted(shifted, selector.selected(selector.score(shifted, signal.name, is_data=False)), one)
    inside = Regions.among(mixed.simulated, mass_window).signal
    return results.Experiment(
        method=experiment.method,
        window=experiment.window,
        observable=mass_window.observable,
        label=described["label"],
        unit=described["unit"],
        signal_region=mass_window.signal_region,
        sidebands=mass_window.sidebands,
        efficiency_target=method.background_efficiency,
        training=selector.training,
        data=name,
        luminosity=mixed.background.luminosity,
        **vars(counted.summary()),
        sculpting=counted.outside.summary(settings.sculpting, mass_window, counted.expected()),
        signals=[tally.summary()],
        improvement=_improvement(experiment, selector, mixed, inside, source),
        injection=_injected(experiment, mixed, inside),
    )


def _injected(experiment: Experiment, mixed: Mixture, inside: drawing.Mask) -> results.Injected:
    """What was injected; ``inside`` (n,) are the signal's events in the signal region."""
    injection, background = experiment.injection, mixed.background
    return results.Injected(
        signal=experiment.signal.name,
        base=background.kind,
        base_reason=background.reason,
        shared=max(background.shared, mixed.shared),
        amount=injection.amount,
        unit=injection.unit,
        seed=injection.seed,
        events=int(np.count_nonzero(mixed.injected)),
        events_in_signal_region=int(np.count_nonzero(mixed.injected & inside)),
        retrained={},
    )


def _improvement(
    experiment: Experiment, selector: Selector, mixed: Mixture, inside: drawing.Mask, source: str
) -> results.Improvement | None:
    """The significance improvement with the signal that is left over; None in data, whose background is not known."""
    if mixed.background.kind == "data":
        return None
    left = inside & mixed.usable & ~mixed.injected
    background = [
        _ranks(selector, mixed.background.events, source, True),
        _ranks(selector, mixed.background.rest, mixed.background.name, False),
        *_evaluated(experiment, selector),
    ]
    return improvement(
        _ranks(selector, mixed.simulated[left], experiment.signal.name, False),
        np.concatenate(background),
        experiment.settings.spectra_efficiencies,
        (mixed.weights * mixed.remaining)[left],
    )


def _varied_efficiency(signal: results.Signal, variation: Variation) -> float:
    """A signal's efficiency with the weights of a variation, for the selection that was trained with it."""
    up, down = signal.uncertainties.get(named(variation.group, variation.source), (0.0, 0.0))
    return float(signal.efficiency * (1 + (up if variation.way == "up" else down)))


def _evaluated(experiment: Experiment, selector: Selector) -> Iterator[np.ndarray]:
    """Ranks of the backgrounds that are counted beside the pseudo-data; not of events that trained the tagger."""
    method = selector.method
    known = ("tag_train",) if methods.uses_tagger(experiment.method, experiment.settings, experiment.code) else ()
    for dataset in experiment.evaluation:
        events = dataset.read((*experiment.columns(method), *known), method.friends)
        yield _ranks(selector, events[usable_events(events)], dataset.name, False)


def _ranks(selector: Selector, events: ak.Array, source: str, is_data: bool) -> np.ndarray:
    """Ranks of the events in the signal region: the sideband quantile, and for equal quantiles the raw score."""
    events = events[Regions.among(events, selector.window).signal]
    raw = selector.method.raw(events, source).value.mean(axis=1)
    ranks: np.ndarray = selector.score(events, source, is_data) + 1j * raw
    return ranks


def _large(experiment: Experiment, events: int) -> list[Variation]:
    """The variations of the signal's weights that would change what is learned."""
    if not (experiment.injection.systematics and experiment.weights.factors and events):
        return []
    signal, weights = experiment.signal, experiment.weights
    inputs = Inputs.of(experiment.settings, "event")
    simulated = signal.read((inputs.observable, "weight", *inputs.columns, *weights.columns), weights.friends)
    (values,) = inputs.compute(simulated, signal.name)
    nominal = drawing.signal_weights(signal, simulated, weights)

    def shifts(variation: Variation) -> bool:
        varied = drawing.signal_weights(signal, simulated, weights, variation)
        return drawing.shifts_a_feature(values, nominal, varied, events)

    # Toys are many small changes; they are evaluated and never retrained.
    return [one for one in weights.variations if one.way in ("up", "down") and shifts(one)]
