"""One job of the stage: train a method in a mass window, score all datasets, count what is selected."""

from collections.abc import Sequence

import awkward as ak

from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.select import method as methods
from resonaut.select.importance import importance
from resonaut.select.regions import Regions, require_events
from resonaut.select.results import Trained
from resonaut.select.selector import Selector
from resonaut.select.settings import Settings, window
from resonaut.select.tally import BackgroundTally, DataTally, SignalTally, Tally
from resonaut.select.training_data import TrainingData


def selection(
    settings: Settings,
    method_name: str,
    window_name: str,
    data: Dataset,
    backgrounds: list[Dataset],
    signals: list[Dataset],
    reweighted: bool,
    lund: bool,
    code: Sequence[str] = (),
) -> Trained:
    """Run one method in one window, write the friends of every dataset, and return the summary.

    Args:
        settings: the section ``select``.
        method_name: a method of docs/select.md, or a key of ``select.combinations``.
        window_name: a key of ``select.windows``.
        data: the data to search in.
        backgrounds: simulated background, for the sculpting check and for methods that learn from it.
        signals: simulated signals, for the efficiencies and for methods that learn from them.
        reweighted: the backgrounds have friends ``reweight``.
        lund: the signals have friends ``calibrate``.
        code: the user's own files that the method may be in.

    Raises:
        ConfigError: no such method, window or feature, or ``data`` has another role.
        EmptySelectionError: too few events to train or to define an efficiency.
    """
    if data.manifest.role != "data":
        raise ConfigError(f"dataset {data.name!r} has the role {data.manifest.role!r}; select trains on role 'data'.")
    mass_window = window(settings, window_name)
    method = methods.make(method_name, settings, window_name, code)
    events = data.read(("m_jj", *method.columns), method.friends)
    regions = Regions.of(ak.to_numpy(events.m_jj), mass_window)
    require_events(regions, mass_window, window_name, data.name, settings.min_events)
    training = TrainingData(events, regions, mass_window, data.name, backgrounds, signals, injected=None)
    selector = Selector.train(method_name, method, training)
    held_out = methods.uses_tagger(method_name, settings, code)
    counted = DataTally(settings, mass_window)
    simulated = BackgroundTally(reweighted, held_out)
    efficiencies = [SignalTally(signal, settings.spectrum, lund, held_out) for signal in signals]
    folder = f"select/{method_name}/{window_name}"
    jobs: list[tuple[Dataset, Tally]] = [(data, counted), *((b, simulated) for b in backgrounds)]
    jobs += zip(signals, efficiencies, strict=True)
    for dataset, tally in jobs:
        selector.apply(dataset, folder, tally)
    checked = simulated.simulated if backgrounds else counted.outside
    return Trained(
        method=method_name,
        window=window_name,
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
