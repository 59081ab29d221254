"""OmniFold: weights of simulated events at the particle level, with which they describe data at the detector level.

A. Andreassen, P. Komiske, E. Metodiev, B. Nachman, J. Thaler, arXiv:1911.09107; with acceptance arXiv:2105.09923. Each
iteration learns two ratios. Step 1, detector level: data over the simulation weighted so far; an event that passes both
selections takes the ratio at its detector-level values along. Step 2, particle level: what these events take along on
average, as a function of their particle-level values, is the new weight of every event with such values, seen by the
detector or not. That average is the expectation that an event which was not reconstructed gets, so that no further step
is needed for them. Yields count in both steps: for observables in bins it is D'Agostini's iterative unfolding.

>>> rng = np.random.default_rng(1)
>>> truth, measured = (rng.normal(mean, 1, (2, 4000, 1)) for mean in (0.0, 0.3))
>>> simulated = Simulation.of(truth[0], truth[0] + 0.5 * truth[1])
>>> found = OmniFold.fit(Sample.of(measured[0] + 0.5 * (measured[1] - 0.3)), simulated, settings=Settings(iterations=2))
>>> bool(0.2 < np.average(truth[0][:, 0], weights=found.weights) < 0.4)
True
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError, NotFiniteError, ResonautError
from resonaut.core.identifier import Keys
from resonaut.learn import ratio
from resonaut.learn.ratio import CrossFit, Sample, auc, made_positive
from resonaut.learn.ratio.positive import Signed
from resonaut.unfold.results import Iteration
from resonaut.unfold.scores import Scores
from resonaut.unfold.settings import Classifier
from resonaut.unfold.settings import OmniFold as Settings

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
DEFAULT = Settings()
STEPS = 40


@dataclass(frozen=True)
class Simulation:
    """Simulated events at both levels.

    Args:
        particle: their particle-level values, shape (n, p); anything in rows that do not pass there.
        detector: their detector-level values, shape (n, d); anything in rows that do not pass there.
        weights: at the particle level, shape (n,).
        detector_weights: with the efficiencies' scale factors, shape (n,).
        at_particle: which events pass the selection at the particle level, shape (n,).
        at_detector: which pass it at the detector level, shape (n,).
        keys: of the events, from ``identifier``, shape (n,).
    """

    particle: NDArray[np.float32]
    detector: NDArray[np.float32]
    weights: Array
    detector_weights: Array
    at_particle: Mask
    at_detector: Mask
    keys: Keys

    @classmethod
    def of(
        cls,
        particle: NDArray[Any],
        detector: NDArray[Any],
        weights: Array | None = None,
        detector_weights: Array | None = None,
        at_particle: Mask | None = None,
        at_detector: Mask | None = None,
        keys: Keys | None = None,
    ) -> "Simulation":
        """Events of arrays; by default all have the weight 1, pass at both levels, and have row numbers as keys."""
        n = len(particle)
        weights = np.ones(n) if weights is None else weights
        every = np.ones(n, bool)
        return cls(
            np.asarray(particle, np.float32),
            np.asarray(detector, np.float32),
            weights,
            weights if detector_weights is None else detector_weights,
            every if at_particle is None else at_particle,
            every if at_detector is None else at_detector,
            identifier.rows(n) if keys is None else keys,
        )

    def __getitem__(self, rows: Mask | NDArray[np.int64]) -> "Simulation":
        """The events of a mask or an index array."""
        return Simulation(**{name: values[rows] for name, values in vars(self).items()})

    def scaled(self, factor: Array | float) -> "Simulation":
        """With both weights of each event times a factor."""
        return replace(self, weights=self.weights * factor, detector_weights=self.detector_weights * factor)

    @property
    def matched(self) -> Mask:
        """Which events pass at both levels."""
        return self.at_particle & self.at_detector

    def seen(self, which: Mask, factor: Array | float = 1.0) -> Sample:
        """The detector level of some events, weights times ``factor``."""
        return Sample(self.detector, self.detector_weights * factor, self.keys)[which]


@dataclass(frozen=True)
class OmniFold:
    """An unfolding: ``weights`` (n,) multiply those of the simulated events at the particle level, 0 where these fail.

    ``expectation`` gives them for ``scores`` of particle-level values, ``iterations`` says what each one did;
    ``signed``: what became of negative weights of the data, background subtracted, and of the simulation that is seen.
    """

    weights: Array
    expectation: "Expectation"
    scores: Scores
    iterations: list[Iteration]
    signed: tuple[Signed, Signed]

    @classmethod
    def fit(
        cls,
        data: Sample,
        simulation: Simulation,
        background: Sample | None = None,
        settings: Settings = DEFAULT,
    ) -> "OmniFold":
        """Unfold data.

        Args:
            data: at the detector level, features (m, d).
            simulation: of the same process, weights in numbers of events of these data.
            background: simulation of others, weights in numbers of events of these data, which is subtracted.
            settings: of the iterations.

        Raises:
            EmptySelectionError: there are no data, or too few simulated events that pass at both levels.
            NotFiniteError: a weight or a feature is NaN or infinite.
            ResonautError: weights do not sum to more than 0, or a feature has the same value in all events.
        """
        require_usable(data, simulation, background)
        measured = data if background is None else Sample.concatenate([data, _negative(background)])
        seen = Scores.of(simulation.detector[simulation.at_detector])
        scores = Scores.of(simulation.particle[simulation.at_particle])
        measured = replace(measured, features=seen(measured.features))
        simulation = replace(simulation, detector=seen(simulation.detector), particle=scores(simulation.particle))
        step = _enough_steps(settings.classifier, int(np.count_nonzero(simulation.matched)))
        simulation, signs = _positive(simulation, step)
        measured, others = made_positive(measured, step)
        measured = _without_fakes(measured, simulation, replace(settings, classifier=step))
        matched, here = simulation.matched, simulation.at_particle
        expected = matched if settings.fakes == "share" else simulation.at_detector
        truth = Sample(simulation.particle, simulation.detector_weights, simulation.keys)
        push, found = np.where(here, 1.0, 0.0), list[Iteration]()
        detector = _Detector.fit(measured, simulation, expected, push, step)
        for _ in range(settings.iterations):
            pull = push[matched] * detector.ratio(simulation.seen(matched))
            mean = Expectation.fit(truth[matched], pull, step)
            before, push = push, np.zeros(len(push))
            push[here] = mean.of(simulation.particle[here], simulation.keys[here])
            judged, detector = detector, _Detector.fit(measured, simulation, expected, push, step)
            found.append(_iteration(simulation, before, push, judged, detector))
        return cls(push, mean, scores, found, (others, signs))

    def ratio(self, particle: NDArray[np.float32], keys: Keys | None = None) -> Array:
        """The weights of other events, by their particle-level values (m, p)."""
        return self.expectation.of(self.scores(particle), keys)


@dataclass(frozen=True)
class Expectation:
    """The mean of a positive quantity as a function of features; that of the learned events has their sum."""

    models: CrossFit
    scale: float

    @classmethod
    def fit(cls, sample: Sample, values: Array, settings: ratio.FeatureSettings) -> "Expectation":
        """Learn that of ``values`` (n,) of a sample."""
        models = CrossFit.fit_expectation(sample, values, settings)
        learned = models.ratio(sample.features, sample.keys)
        return cls(models, float(sample.weights @ values / (sample.weights @ learned)))

    def of(self, features: NDArray[np.float32], keys: Keys | None = None) -> Array:
        """The mean at the ``features`` (m, d) of any events."""
        return self.scale * self.models.ratio(features, keys)


@dataclass(frozen=True)
class _Detector:
    """Step 1: data over simulation at the detector level, and how well the two can be told apart."""

    models: CrossFit
    scale: float
    auc: float
    auc_error: float
    data_over_simulation: float

    @classmethod
    def fit(
        cls, data: Sample, simulation: Simulation, expected: Mask, push: Array, settings: ratio.FeatureSettings
    ) -> "_Detector":
        """Learn it for the simulation as it is weighted so far; fakes keep their weight."""
        simulated = simulation.seen(expected, np.where(simulation.at_particle, push, 1.0))
        models = CrossFit.fit(data, simulated, settings)
        one, other = (models.probability(sample.features, sample.keys) for sample in (data, simulated))
        area, error = auc(one, other, data.weights, simulated.weights, learned=1.0)
        total = data.weights.sum()
        scale = total / (simulated.weights @ models.ratio(simulated.features, simulated.keys))
        return cls(models, float(scale), area, error, float(total / simulated.weights.sum()))

    def ratio(self, events: Sample) -> Array:
        """Data over simulation, yields included."""
        return self.scale * self.models.ratio(events.features, events.keys)


def _enough_steps(step: Classifier, n: int) -> Classifier:
    """Batches in which an epoch of ``n`` events has at least ``STEPS`` steps."""
    size = min(step.network.batch_size, max(n // STEPS, 1))
    return replace(step, network=replace(step.network, batch_size=size))


def _negative(sample: Sample) -> Sample:
    """A sample that is subtracted."""
    return replace(sample, weights=-sample.weights)


def _positive(simulation: Simulation, step: Classifier) -> tuple[Simulation, Signed]:
    """What trains with positive weights in place of signed ones: the mean sign of events like each.

    Those are alike at both levels, and fakes at the detector level, which is all that they have.
    """
    weights, fakes = simulation.detector_weights.copy(), simulation.at_detector & ~simulation.at_particle
    both = np.concatenate([simulation.particle, simulation.detector], axis=1)
    signs = Signed()
    for which, features in ((fakes, simulation.detector), (simulation.matched, both)):
        made, signs = made_positive(Sample(features, weights, simulation.keys)[which], step)
        weights[which] = made.weights
    return replace(simulation, detector_weights=weights), signs


def _without_fakes(data: Sample, simulation: Simulation, settings: Settings) -> Sample:
    """Data without fakes, where these have a share of them."""
    fakes = simulation.at_detector & ~simulation.at_particle
    if settings.fakes == "yield" or not fakes.any():
        return data
    # The share of fakes stays if they get E[weight | detector level] of the others; so it is taken out once, for all.
    seen, real = simulation.seen(simulation.at_detector), simulation.at_particle[simulation.at_detector].astype(float)
    purity = Expectation.fit(seen, real, settings.classifier).of(data.features, data.keys)
    return replace(data, weights=data.weights * np.minimum(purity, 1.0))


def _iteration(
    simulation: Simulation, before: Array, after: Array, judged: _Detector, detector: _Detector
) -> Iteration:
    here = simulation.at_particle
    weights, old, new = simulation.weights[here], before[here], after[here]
    product = weights * new
    return Iteration(
        change=float(np.average(np.abs(new / np.maximum(old, np.finfo(float).tiny) - 1), weights=np.abs(weights))),
        yield_ratio=float(product.sum() / weights.sum()),
        effective=float(product.sum() ** 2 / np.square(product).sum()),
        largest=float(new.max()),
        auc_before=judged.auc,
        auc_after=detector.auc,
        auc_error=detector.auc_error,
        data_over_simulation=detector.data_over_simulation,
    )


def require_usable(
    data: Sample,
    simulation: Simulation,
    background: Sample | None,
    detector_names: Sequence[str] = (),
    particle_names: Sequence[str] = (),
) -> None:
    """Stop at input that cannot be unfolded; the names of the features stand in the sentence, else their numbers."""
    samples = {
        "data": Sample(data.features, data.weights, data.keys),
        "simulation at the detector level": simulation.seen(simulation.matched),
        "simulation at the particle level": Sample(simulation.particle, simulation.weights, simulation.keys)[
            simulation.at_particle
        ],
    }
    if background is not None:
        samples["background"] = background
    for name, sample in samples.items():
        if not len(sample.keys):
            raise EmptySelectionError(f"unfold: {name} has no event; correct the selection, or give more events.")
        if bad := np.count_nonzero(~np.isfinite(sample.weights)):
            raise NotFiniteError(f"unfold: {bad} weights of {name} are NaN or infinite; mend or cut these events.")
        if sample.weights.sum() <= 0:
            raise ResonautError(
                f"unfold: the weights of {name} sum to {sample.weights.sum():g}, and a ratio needs more than 0; "
                "correct the weights, or use a larger sample."
            )
        names = particle_names if name.endswith("particle level") else detector_names
        for i, values in enumerate(sample.features.T):
            shown = repr(names[i]) if names else f"feature {i}"
            if bad := np.count_nonzero(~np.isfinite(values)):
                raise NotFiniteError(
                    f"unfold: {shown} of {name} has {bad} NaN or infinite values; mend it, or cut these events."
                )
            if name != "background" and values.min() == values.max():
                raise ResonautError(
                    f"unfold: {shown} of {name} is {values[0]:g} in all events, and has nothing to unfold; take it out."
                )
