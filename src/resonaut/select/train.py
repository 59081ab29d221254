"""One job of the stage: train a method in a mass window, score all datasets, count what is selected."""

from collections.abc import Sequence

from resonaut.core.collisions import Collisions
from resonaut.core.events import Dataset
from resonaut.core.weights import Weighted
from resonaut.select import method as methods
from resonaut.select.counting import Counting
from resonaut.select.importance import importance
from resonaut.select.regions import Regions, require_events
from resonaut.select.results import Trained
from resonaut.select.selector import Selector
from resonaut.select.settings import Settings, window
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
    method = methods.make(method_name, settings, window_name, code)
    events = data.read((mass_window.observable, *method.columns), method.friends)
    regions = Regions.among(events, mass_window)
    require_events(regions, mass_window, window_name, data.name, settings.min_events)
    training = TrainingData(events, regions, mass_window, data.name, list(backgrounds), list(signals), injected=None)
    selector = Selector.train(method_name, method, training)
    held_out = methods.uses_tagger(method_name, settings, code)
    counting = Counting.of(settings, window_name, data, backgrounds, signals, weighted, held_out)
    folder = f"select/{method_name}/{window_name}"
    for dataset in data.datasets:
        selector.apply(dataset, folder, counting.data, is_data=True)
    for tally in counting.simulation:
        selector.apply(tally.dataset, folder, tally, is_data=False)
    important = importance(selector, events, data.name)
    return counting.summary(method_name, method.background_efficiency, selector.training, important)
