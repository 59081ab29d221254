"""One job of the stage: train a method in a mass window, score all datasets, count what is selected."""

from collections.abc import Sequence

from resonaut.core.collisions import Collisions
from resonaut.core.events import Dataset
from resonaut.core.weights import Weighted
from resonaut.select import method as methods
from resonaut.select.importance import importance
from resonaut.select.regions import Regions, require_events
from resonaut.select.results import Trained
from resonaut.select.sculpting import Sculpted
from resonaut.select.selector import Selector
from resonaut.select.settings import Settings, window
from resonaut.select.tally import BackgroundTally, DataTally, SignalTally, axes
from resonaut.select.training_data import TrainingData


def selection(
    settings: Settings,
    method_name: str,
    window_name: str,
    data: Collisions,
    backgrounds: Sequence[Dataset],
    signals: Sequence[Dataset],
    weighted: Weighted,
    code: Sequence[str] = (),
) -> Trained:
    """Run one method in one window, write the friends of every dataset, and return the summary.

    Args:
        settings: the section ``select``.
        method_name: a method of docs/select.md, or a key of ``select.combinations``.
        window_name: a key of ``select.windows``.
        data: the data to search in, whose events are searched together.
        backgrounds: simulated background, for the sculpting check and for methods that learn from it.
        signals: simulated signals, for the efficiencies and for methods that learn from them.
        weighted: by dataset, the friends with weights that it has.
        code: the user's own files that the method may be in.

    Raises:
        ConfigError: no such method, window or feature.
        EmptySelectionError: too few events to train or to define an efficiency.
    """
    mass_window = window(settings, window_name)
    observable, spectra = mass_window.observable, axes(settings, mass_window, data.datasets[0])
    described = data.datasets[0].described(observable)
    method = methods.make(method_name, settings, window_name, code)
    events = data.read((observable, *method.columns), method.friends)
    regions = Regions.among(events, mass_window)
    require_events(regions, mass_window, window_name, data.name, settings.min_events)
    training = TrainingData(events, regions, mass_window, data.name, list(backgrounds), list(signals), injected=None)
    selector = Selector.train(method_name, method, training)
    held_out = methods.uses_tagger(method_name, settings, code)
    counted = DataTally(settings, mass_window, spectra)
    reweighted = any(weighted.get(one.name) for one in backgrounds)
    simulated = Sculpted("reweighted simulation" if reweighted else "simulation")
    checks = [BackgroundTally(one, observable, weighted.get(one.name, ()), held_out, simulated) for one in backgrounds]
    efficiencies = [SignalTally(one, spectra[observable], weighted.get(one.name, ()), held_out) for one in signals]
    folder = f"select/{method_name}/{window_name}"
    for dataset in data.datasets:
        selector.apply(dataset, folder, counted, is_data=True)
    simulation: list[BackgroundTally | SignalTally] = [*checks, *efficiencies]
    for tally in simulation:
        selector.apply(tally.dataset, folder, tally, is_data=False)
    checked = simulated if backgrounds else counted.outside
    return Trained(
        method=method_name,
        window=window_name,
        observable=observable,
        label=described["label"],
        unit=described["unit"],
        signal_region=mass_window.signal_region,
        sidebands=mass_window.sidebands,
        efficiency_target=method.background_efficiency,
        training=selector.training,
        data=data.name,
        **vars(counted.summary()),
        sculpting=checked.summary(settings.sculpting, mass_window, counted.expected()),
        importance=importance(selector, events, data.name),
        signals=[tally.summary() for tally in efficiencies],
    )
