"""What the calibration does to the jets of a dataset: scale factors of selections, observables before and after."""

from collections.abc import Iterator

import awkward as ak
import hist
import numpy as np
from tqdm import tqdm

from resonaut.calibrate.columns import GROUP, JETS
from resonaut.calibrate.matching import BoolArray
from resonaut.calibrate.normalise import doubtful_fraction
from resonaut.calibrate.results import BeforeAfter, MatchedJets, Normalisation, SelectedJets, Summary
from resonaut.calibrate.settings import Histogram, Settings
from resonaut.core.events import Dataset
from resonaut.core.weights import Efficiency, Variation, Weights
from resonaut.physics.clustering import FloatArray
from resonaut.physics.features import FEATURES


def summarise(dataset: Dataset, normalisation: Normalisation, tagged: bool, settings: Settings) -> Summary:
    """Scale factors of ``settings.selections`` and histograms of ``settings.histograms``, over both jets of all events.

    Args:
        dataset: a signal with its Lund weights.
        normalisation: of its weights, for the numbers of badly matched jets.
        tagged: it also has taggers' scores. Jets of events on which the taggers were trained are then left out.
        settings: the section ``calibrate``.

    Raises:
        InputFileError: an observable is no column of the dataset.
    """
    wanted = {name for cuts in settings.selections.values() for name in cuts} | set(settings.histograms)
    efficiencies = {name: Efficiency() for name in settings.selections}
    filled = {
        name: {when: _histogram(name, axis) for when in ("before", "after")}
        for name, axis in settings.histograms.items()
    }
    for events, jet, weights in _jets(dataset, sorted(wanted), tagged):
        values = {name: observable(events, jet, name) for name in wanted}
        weight = ak.to_numpy(events.weight).astype(np.float64)
        if tagged:
            weight = weight * ~ak.to_numpy(events.tag_train)
        for name, cuts in settings.selections.items():
            efficiencies[name].add(weights, events, weight, passes(values, cuts))
        for name, pair in filled.items():
            pair["before"].fill(values[name], weight=weight)
            pair["after"].fill(values[name], weight=weight * weights.nominal(events))
    return Summary(
        dataset=dataset.name,
        selections={name: _row(efficiency, settings.selections[name]) for name, efficiency in efficiencies.items()},
        histograms={name: BeforeAfter(**pair) for name, pair in filled.items()},
        prongs={
            n: MatchedJets(
                jets=count.jets,
                uncalibrated=count.uncalibrated_jets,
                unclustered=count.unclustered_jets,
                bad_fraction=count.bad_fraction,
                doubtful=count.bad_fraction > doubtful_fraction(int(n)),
            )
            for n, count in normalisation.prongs.items()
        },
    )


def observable(events: ak.Array, jet: str, name: str) -> FloatArray:
    """A jet's observable: ``<name>_<jet>`` of the features that classifiers use, or the column ``<jet>_<name>``."""
    columns = {c: np.asarray(events[c], dtype=np.float64) for c in observable_columns([name], jet)}
    feature = FEATURES.get(f"{name}_{jet}")
    return feature.formula(columns) if feature else columns[f"{jet}_{name}"]


def observable_columns(names: list[str], jet: str) -> list[str]:
    """The columns that ``observable`` reads."""
    features = {name: FEATURES.get(f"{name}_{jet}") for name in names}
    columns = [c for name, f in features.items() for c in (f.columns if f else (f"{jet}_{name}",))]
    return list(dict.fromkeys(columns))


def passes(values: dict[str, FloatArray], cuts: dict[str, tuple[float | None, float | None]]) -> BoolArray:
    """Jets whose observables are all at or above the lower and below the upper ends of their intervals."""
    selected = np.ones(len(next(iter(values.values()))), np.bool_)
    for name, (low, high) in cuts.items():
        if low is not None:
            selected &= values[name] >= low
        if high is not None:
            selected &= values[name] < high
    return selected


def _jets(dataset: Dataset, wanted: list[str], tagged: bool) -> Iterator[tuple[ak.Array, str, Weights]]:
    """The events batch by batch, once for each jet, with that jet's columns, and its weights."""
    both = Weights.of(dataset, ("calibrate",))
    friends = ("calibrate", "tag") if tagged else ("calibrate",)
    shared = ["weight", *(["tag_train"] if tagged else [])]
    for jet in JETS:
        weights = both.part(f"_{jet}")
        batches = dataset.iterate([*shared, *observable_columns(wanted, jet), *weights.columns], friends)
        for events in tqdm(batches, desc=f"{dataset.name} {jet}", unit="batch", disable=None):
            yield events, jet, weights


def _histogram(name: str, axis: Histogram) -> hist.Hist:
    return hist.Hist(hist.axis.Regular(axis.bins, axis.low, axis.high, name=name), storage=hist.storage.Weight())


def _row(efficiency: Efficiency, cuts: dict[str, tuple[float | None, float | None]]) -> SelectedJets:
    """One selection; None where nothing is selected."""
    _, total, selected = efficiency.sums.get(Variation(GROUP, way="without"), np.zeros((3, 1)))[:, 0].tolist()
    found = efficiency.effects()[GROUP] if selected else None
    return SelectedJets(
        cuts=cuts,
        efficiency=selected / total if total else 0.0,
        scale_factor=found.scale_factor if found else None,
        uncertainties=found.uncertainties if found else None,
        total=found.total if found else None,
    )
