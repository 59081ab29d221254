"""The fit of one selected spectrum: reads what ``select`` wrote, and the data's luminosity."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core import manifest
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import folder
from resonaut.core.observables import said
from resonaut.core.results import read, write
from resonaut.fit import analysis
from resonaut.fit.resolution import Resolution
from resonaut.fit.results.bias import SelectionBias
from resonaut.fit.results.points import Size
from resonaut.fit.results.scans import SelectionScan
from resonaut.fit.search import Efficiency, Search, interpolated
from resonaut.fit.settings import FitSettings, two_of_one_mass
from resonaut.fit.shapes import Gaussian, Shape, from_simulation
from resonaut.fit.sides import largest
from resonaut.fit.sources import Source, named
from resonaut.fit.spectrum import Spectrum, from_histogram, regular_edges
from resonaut.select.results import Selection, Signal, Trained

# Sources of uncertainty that are not the signal's.
OWN = {"scale", "resolution", "normalisation", "luminosity", "efficiency", "efficiency_statistics"}


def fit_selection(settings: FitSettings, selection: Path, data: Sequence[Path], output: Path, workspaces: Path) -> None:
    """Fit the masses inside a selection's signal region; write the result and one workspace per mass.

    Args:
        settings: the section ``fit``.
        selection: ``<results>/select/<method>/<window>.json``.
        data: manifests of the data, for the luminosity.
        output: the result file.
        workspaces: folder of the HistFactory files.
    """
    selected, search = opened(settings, selection, data)
    with folder(workspaces, "workspaces") as partial:
        result = analysis.run(search, partial)
    write(output, SelectionScan(**_names(selected), **vars(result)))


def bias_selection(settings: FitSettings, selection: Path, data: Sequence[Path], output: Path) -> None:
    """The bias test of one selection's fits; the arguments are those of ``fit_selection``."""
    selected, search = opened(settings, selection, data)
    write(output, SelectionBias(**_names(selected), **vars(analysis.run_bias(search))))


def _names(selected: Selection) -> dict[str, Any]:
    """What a result says of its selection."""
    return {
        name: getattr(selected, name) for name in ("method", "window", "observable", "label", "unit", "signal_region")
    }


def opened(settings: FitSettings, selection: Path, data: Sequence[Path]) -> tuple[Selection, Search]:
    """A selection, and the search in its spectrum.

    Raises:
        InputFileError: a file holds no selection, or no manifest.
        ConfigError: ``fit.signals`` or the bins do not fit the selection.
    """
    selected = read(selection, Trained)
    return selected, search_of(settings, selected, manifest.total_luminosity(manifest.read(data)), selection)


def search_of(settings: FitSettings, selected: Selection, luminosity: float | None, selection: Path) -> Search:
    """The search in the spectrum of ``selected``, of the file ``selection``, for ``luminosity`` in 1/fb."""
    edges = regular_edges(*settings.range, settings.bin_width, selected.unit, "fit.range and fit.bin_width")
    low, high = selected.signal_region
    whole = replace(
        from_histogram(selected.spectrum, str(selection)), observable=selected.observable, unit=selected.unit
    )
    signals = _signals(settings, {signal.dataset: signal for signal in selected.signals}, selected.unit, selection)
    masses = [mass for mass in settings.masses if low <= mass < high]
    efficiencies = dict.fromkeys(masses, Efficiency(None, {}, measured=False))
    shape: Shape = Gaussian(settings.signal_width)
    if signals:
        samples = {m: _spectrum(signal, selection) for m, signal in signals.items()}
        # The data reach down to the threshold of the selection; a rare event of the signal may be lower still.
        threshold = min(one.threshold for one in (whole, *(sample for sample, _ in samples.values())))
        shape = from_simulation(samples, threshold, settings.signal_width)
        efficiencies = {m: _efficiency(m, signals, settings) for m in masses}
    resolution = Resolution(settings.resolution)
    spectrum = replace(whole.rebinned(edges, "fit.range and fit.bin_width"), resolution=resolution)
    groups: dict[str, list[str]] = {}
    for group, name in dict.fromkeys(one for signal in signals.values() for one in signal.sources):
        groups.setdefault(group, []).append(name)
    moved = {name for signal in signals.values() for name in signal.moved}
    shifted = tuple(group for group, names in groups.items() if moved.intersection(names))
    return Search(spectrum, shape, luminosity, efficiencies, settings, groups, shifted)


def _signals(settings: FitSettings, known: dict[str, Signal], unit: str, selection: Path) -> dict[float, Signal]:
    """The signals that the limits refer to, by mass, sorted."""
    chosen: dict[float, Signal] = {}
    for name in settings.signals:
        if name not in known:
            raise ConfigError(
                f"fit.signals names {name!r}, which {selection} does not have (it has {', '.join(known) or 'none'}); "
                "add it to search.samples.signal or take it out."
            )
        mass = known[name].mass
        if mass is None:
            raise ConfigError(f"the signal {name!r} of fit.signals has no mass; set datasets.{name}.mass.")
        if mass in chosen:
            raise ConfigError(f"{two_of_one_mass(chosen[mass].dataset, name, said(mass, unit))}.")
        chosen[mass] = known[name]
    return dict(sorted(chosen.items()))


def _spectrum(signal: Signal, selection: Path) -> tuple[Spectrum, float]:
    """A signal's selected spectrum, and how many unweighted events would carry its statistical power.

    Generator weights may be negative, and with few events the sum of those in a bin.
    """
    (axis,), counts, variances = signal.spectrum.axes, signal.spectrum.values(), signal.spectrum.variances()
    if variances is None:
        raise InputFileError(
            f"{selection}, signal {signal.dataset}", "no weighted spectrum", "run the stage select again"
        )
    total, variance = max(float(counts.sum()), 0.0), float(variances.sum())
    return Spectrum(np.asarray(axis.edges, dtype=float), counts), total**2 / variance if variance > 0 else 0.0


def _efficiency(mass: float, signals: dict[float, Signal], settings: FitSettings) -> Efficiency:
    found = []
    for signal in signals.values():
        value = signal.efficiency
        statistics = signal.efficiency_error / value if value > 0 else 1.0
        if own := signal.uncertainties.keys() & OWN:
            raise ConfigError(
                f"the signal {signal.dataset!r} has a source of uncertainty {min(own)!r}, the name of one that fit "
                "adds; rename it in skim.eras or reweight.ratios."
            )
        uncertainties: dict[str, Size] = {
            "efficiency_statistics": statistics,
            **signal.uncertainties,
            "efficiency": settings.uncertainties.efficiency,
            "luminosity": settings.uncertainties.luminosity,
        }
        measured = statistics <= settings.max_efficiency_error
        found.append(Efficiency(value, uncertainties, measured, peak=_peak(signal, settings)))
    return interpolated(mass, np.array(list(signals)), found)


def _peak(signal: Signal, settings: FitSettings) -> dict[str, Source]:
    """What each source does to the peak's position and width: the larger of its sides, as it goes up.

    Without shifts of the energy scale (group ``jes``) or resolution (``jer``), such as those of the soft-drop mass
    alone, what the configuration says of it counts, too.
    """
    groups = {name.partition("_")[0] for name in signal.moved}
    given = [name for name, group in (("scale", "jes"), ("resolution", "jer")) if group not in groups]
    return named({name: getattr(settings.uncertainties, name) for name in given}) | {
        name: Source(position=_upward(one.position), width=_upward(one.width)) for name, one in signal.moved.items()
    }


def _upward(sides: tuple[float, float]) -> float:
    up, down = sides
    return math.copysign(largest(sides), up - down)
