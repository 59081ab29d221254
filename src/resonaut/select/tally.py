"""What is counted while events stream by: spectra, signal efficiencies, sculpting of the background."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import awkward as ak
import hist
import numpy as np
from numpy.typing import NDArray

from resonaut.core import observables
from resonaut.core.errors import EmptySelectionError, InputFileError
from resonaut.core.events import Dataset, require_finite
from resonaut.core.variations import source_and_way
from resonaut.core.weights import Efficiency, Variation, Weights
from resonaut.select import results, settings
from resonaut.select.peak import moved
from resonaut.select.regions import LOWER, SIGNAL, UPPER, Regions
from resonaut.select.sculpting import Sculpted

Selected = NDArray[np.bool_]
Scores = NDArray[np.float32]


def axes(config: settings.Settings, window: settings.Window, dataset: Dataset) -> dict[str, hist.axis.Regular]:
    """The fine axes of the stored spectra by column, that of the window's observable first; units as in ``dataset``."""
    wanted = {window.observable: config.spectrum, **window.spectra}
    return {
        name: hist.axis.Regular(
            round((bins.high - bins.low) / bins.width),
            bins.low,
            bins.high,
            name=name,
            label=observables.axis(name, dataset.described(name)["unit"]),
        )
        for name, bins in wanted.items()
    }


class DataTally:
    """The selected spectra of data, and how many events of each region are selected."""

    friends: tuple[str, ...] = ()

    def __init__(
        self, config: settings.Settings, window: settings.Window, axes: Mapping[str, hist.axis.Regular]
    ) -> None:
        self.window = window
        self.columns: tuple[str, ...] = tuple(axes)
        self.spectrum = hist.Hist(axes[window.observable], storage=hist.storage.Int64())
        self.further = {name: hist.Hist(axes[name], storage=hist.storage.Int64()) for name in window.spectra}
        self.spectra = {cut: self.spectrum.copy() for cut in config.spectra_efficiencies}
        self.categories = {pair: self.spectrum.copy() for pair in pairwise([0.0, *config.categories, 1.0])}
        self.counts = np.zeros((2, 4), dtype=np.int64)
        # A signal, if there is one, must not pass for sculpting.
        self.outside = Sculpted("data outside the signal region")

    def add(self, events: ak.Array, score: Scores, selected: Selected) -> None:
        """Count a batch."""
        mass = ak.to_numpy(events[self.window.observable])
        self.spectrum.fill(mass[selected])
        for name, histogram in self.further.items():
            histogram.fill(ak.to_numpy(events[name])[selected])
        for cut, histogram in self.spectra.items():
            histogram.fill(mass[score >= np.float32(1 - cut)])
        for (low, high), histogram in self.categories.items():
            # The last one has all above it.
            histogram.fill(mass[(score >= np.float32(low)) & ((score < np.float32(high)) | (high == 1))])
        regions = Regions.of(mass, self.window)
        self.counts += [regions.counts(), Regions(regions.code[selected]).counts()]
        self.outside.add(mass, (~regions.signal).astype(np.float64), selected)

    def expected(self) -> float:
        """Selected events in the signal region, if they are as frequent there as in the two sidebands on average."""
        events, selected = self.counts
        return float(events[SIGNAL] * np.mean([selected[side] / max(events[side], 1) for side in (LOWER, UPPER)]))

    def summary(self) -> results.Counted:
        """What the results say of the data."""
        names = ("lower_sideband", "signal_region", "upper_sideband", "outside")
        rows = zip(names, *self.counts.tolist(), strict=True)
        counts = {name: results.Count(events=events, selected=selected) for name, events, selected in rows}
        return results.Counted(
            spectrum=self.spectrum,
            further=self.further,
            spectra={f"{cut:g}": histogram for cut, histogram in self.spectra.items()},
            categories=[results.Category(score=pair, spectrum=one) for pair, one in self.categories.items()],
            counts=results.Counts(**counts),
        )


class SignalTally:
    """Selected cross section of one signal, with the weights of its ``friends`` and with each variation of them.

    Events on which the tagger was trained are left out where the method uses its scores (``held_out``),
    and the others are scaled up to the total weight. Those that were put into the data have stand-ins: the column
    ``remaining`` multiplies the weights (``drawing.draw_signal``).
    """

    def __init__(self, dataset: Dataset, axis: hist.axis.Regular, friends: Sequence[str], held_out: bool) -> None:
        self.dataset, self.held_out, self.observable = dataset, held_out, axis.name
        self.weights = Weights.of(dataset, friends)
        self.columns: tuple[str, ...] = _columns(axis.name, self.weights, held_out)
        self.friends: tuple[str, ...] = (*friends, *(("tag",) if held_out else ()))
        self.spectrum = hist.Hist(axis, storage=hist.storage.Weight())
        self.shifted = {variation: self.spectrum.copy() for variation in self.variations}
        self.total = self.usable = self.squared = 0.0
        self.efficiency = Efficiency()

    @property
    def variations(self) -> dict[str, str]:
        """Those with shifted objects that are counted, each with its group."""
        return self.dataset.manifest.variations

    def add_shifted(self, events: ak.Array, selected: Selected, variation: str) -> None:
        """Count a batch of the events that pass with the shifted objects of a variation."""
        if not len(events):
            return
        measured = self._measured(events)
        shift = Variation(self.variations[variation], *source_and_way(variation))
        self.efficiency.add(self.weights, events, measured, selected, shift)
        weight = measured * selected * self.weights.nominal(events)
        self.shifted[variation].fill(ak.to_numpy(events[self.observable]), weight=weight)

    def _measured(self, events: ak.Array) -> NDArray[np.float64]:
        """The weights with which events count in the efficiency."""
        weight: NDArray[np.float64] = ak.to_numpy(events.weight) * usable_events(events)
        return weight * ak.to_numpy(events.remaining) if "remaining" in events.fields else weight

    def add(self, events: ak.Array, score: Scores, selected: Selected) -> None:  # noqa: ARG002
        """Count a batch."""
        if not len(events):
            return
        weight = ak.to_numpy(events.weight)
        require_finite(weight, "weight", self.dataset.name)
        self.total += float(weight.sum())
        measured = self._measured(events)
        self.usable += float(measured.sum())
        self.efficiency.add(self.weights, events, measured, selected)
        weight = measured * selected * self.weights.nominal(events)
        self.squared += float(np.square(weight).sum())
        self.spectrum.fill(ak.to_numpy(events[self.observable]), weight=weight)

    def summary(self) -> results.Signal:
        """What the results say of the signal.

        Raises:
            InputFileError: the dataset has no cross section to relate the selected one to.
            EmptySelectionError: no event is left beside those the tagger was trained on.
        """
        manifest = self.dataset.manifest
        if manifest.cross_section is None:
            raise InputFileError(
                f"manifest of {manifest.name!r}",
                "no cross section",
                f"set datasets.{manifest.name}.cross_section, which for a signal is 1 fb",
            )
        scale = scale_to_total(self.total, self.usable, manifest.name) / manifest.cross_section
        changing, everything, selected = self.efficiency.nominal()
        # Weights that keep the total change the selected fraction, not the number of events before the selection.
        acceptance = self.total / manifest.cross_section * float(changing / self.usable)
        scale *= changing / everything
        efficiency = float(selected * scale)
        error = np.sqrt(self.squared * max(0.0, 1 - efficiency)) * scale
        return results.Signal(
            dataset=manifest.name,
            mass=manifest.mass,
            acceptance=acceptance,
            efficiency=efficiency,
            efficiency_error=float(error),
            weights=self.efficiency.effects() if selected > 0 else {},
            moved=moved(self.spectrum, self.shifted, self.variations) if selected > 0 else {},
            spectrum=self.spectrum * (scale * manifest.cross_section),
        )


class BackgroundTally:
    """The selected part of a simulated background, with the weights of its ``friends``: does it sculpt the spectrum?

    ``simulated`` gathers that of all backgrounds.
    """

    def __init__(
        self, dataset: Dataset, observable: str, friends: Sequence[str], held_out: bool, simulated: Sculpted
    ) -> None:
        self.dataset, self.observable, self.simulated = dataset, observable, simulated
        self.weights = Weights.of(dataset, friends)
        self.columns: tuple[str, ...] = _columns(observable, self.weights, held_out)
        self.friends: tuple[str, ...] = (*friends, *(("tag",) if held_out else ()))

    def add(self, events: ak.Array, score: Scores, selected: Selected) -> None:  # noqa: ARG002
        """Count a batch."""
        weight = ak.to_numpy(events.weight) * self.weights.nominal(events)
        require_finite(weight, "weight", self.dataset.name)
        self.simulated.add(ak.to_numpy(events[self.observable]), weight * usable_events(events), selected)


Tally = DataTally | SignalTally | BackgroundTally


def _columns(observable: str, weights: Weights, held_out: bool) -> tuple[str, ...]:
    """What is read of simulation."""
    return (observable, "weight", *weights.columns, *(("tag_train",) if held_out else ()))


def usable_events(events: ak.Array) -> Selected:
    """Events that may enter an efficiency: all but those the tagger was trained on."""
    usable: Selected = np.ones(len(events), dtype=np.bool_)
    return usable & ~ak.to_numpy(events.tag_train) if "tag_train" in events.fields else usable


def scale_to_total(total: float, usable: float, name: str) -> float:
    """The factor that makes up for the weight of the events left out.

    Raises:
        EmptySelectionError: none is left.
    """
    if usable <= 0:
        raise EmptySelectionError(
            f"dataset {name!r}: the tagger was trained on all of its {'weight' if total else 'zero events'}; "
            "lower the fraction of training events in the section tag, or give the dataset more events."
        )
    return total / usable
