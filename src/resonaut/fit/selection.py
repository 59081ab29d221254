"""The fit of one selected spectrum: reads what ``select`` wrote, and the data's luminosity."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core import config
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import folder, write_json
from resonaut.core.histograms import from_json
from resonaut.core.manifest import read, total_luminosity
from resonaut.fit import analysis
from resonaut.fit.resolution import Resolution
from resonaut.fit.search import Efficiency, Search, interpolated
from resonaut.fit.settings import FitSettings, two_of_one_mass
from resonaut.fit.sides import Size
from resonaut.fit.signal import Gaussian, Shape, from_simulation
from resonaut.fit.spectrum import Spectrum, from_uhi, regular_edges


def fit_selection(settings: FitSettings, selection: Path, data: Sequence[Path], output: Path, workspaces: Path) -> None:
    """Fit the masses inside a selection's signal region; write the result and one workspace per mass.

    Args:
        settings: the section ``fit``.
        selection: ``<results>/select/<method>/<window>.json``.
        data: manifests of the data, for the luminosity.
        output: the result file.
        workspaces: folder of the HistFactory files.
    """
    names, search = opened(settings, selection, data)
    with folder(workspaces, "workspaces") as partial:
        result = analysis.run(search, partial)
    write_json(output, names | result)


def bias_selection(settings: FitSettings, selection: Path, data: Sequence[Path], output: Path) -> None:
    """The bias test of one selection's fits; the arguments are those of ``fit_selection``."""
    names, search = opened(settings, selection, data)
    write_json(output, names | analysis.run_bias(search))


def opened(settings: FitSettings, selection: Path, data: Sequence[Path]) -> tuple[dict[str, Any], Search]:
    """Method, window and signal region of a selection, and the search in its spectrum.

    Raises:
        InputFileError: a file holds no selection, or no manifest.
        ConfigError: ``fit.signals`` or the bins do not fit the selection.
    """
    return search_of(settings, config.load_json(selection), total_luminosity(read(data)), selection)


def search_of(
    settings: FitSettings, selected: Any, luminosity: float | None, selection: Path
) -> tuple[dict[str, Any], Search]:
    """The same of the content ``selected`` of a selection's file, for ``luminosity`` in 1/fb."""
    edges = regular_edges(*settings.range, settings.bin_width, "fit.range and fit.bin_width")
    try:
        low, high = selected["signal_region"]
        whole = from_uhi(selected["spectrum"], str(selection))
        entries = {entry["dataset"]: entry for entry in selected["signals"]}
        if any("lund_uncertainties" not in entry for entry in entries.values()):
            raise KeyError("lund_uncertainties")
        names = {"method": selected["method"], "window": selected["window"], "signal_region": [low, high]}
    except (KeyError, TypeError, ValueError) as error:
        raise InputFileError(selection, f"no selection result ({error!r})", "run the stage select again") from None
    signals = _signals(settings, entries, selection)
    masses = [mass for mass in settings.masses if low <= mass < high]
    efficiencies = dict.fromkeys(masses, Efficiency(None, {}, measured=False))
    shape: Shape = Gaussian(settings.signal_width)
    if signals:
        samples = {m: _spectrum(entry, selection) for m, entry in signals.items()}
        # The data reach down to the threshold of the selection; a rare event of the signal may be lower still.
        threshold = min(one.threshold for one in (whole, *(sample for sample, _ in samples.values())))
        shape = from_simulation(samples, threshold, settings.signal_width)
        efficiencies = {m: _efficiency(m, signals, settings) for m in masses}
    resolution = Resolution(settings.resolution)
    spectrum = replace(whole.rebinned(edges, "fit.range and fit.bin_width"), resolution=resolution)
    return names, Search(spectrum, shape, luminosity, efficiencies, settings)


def _signals(settings: FitSettings, entries: dict[str, Any], selection: Path) -> dict[float, Any]:
    """The signals that the limits refer to, by mass, sorted."""
    for name in settings.signals:
        if name not in entries:
            raise ConfigError(
                f"fit.signals names {name!r}, which {selection} does not have (it has {', '.join(entries) or 'none'}); "
                "add it to search.samples.signal or take it out."
            )
        if entries[name]["mass"] is None:
            raise ConfigError(f"the signal {name!r} of fit.signals has no mass; set datasets.{name}.mass.")
    chosen: dict[float, Any] = {}
    for name in settings.signals:
        mass = float(entries[name]["mass"])
        if mass in chosen:
            raise ConfigError(f"{two_of_one_mass(chosen[mass]['dataset'], name, mass)}.")
        chosen[mass] = entries[name]
    return dict(sorted(chosen.items()))


def _spectrum(entry: dict[str, Any], selection: Path) -> tuple[Spectrum, float]:
    """A signal's selected spectrum, and how many unweighted events would carry its statistical power.

    Generator weights may be negative, and with few events the sum of those in a bin.
    """
    source = f"{selection}, signal {entry['dataset']}"
    try:
        opened = from_json(entry["spectrum"])
        (axis,), counts, variance = opened.axes, opened.values(), float(opened.variances().sum())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputFileError(source, f"no weighted spectrum ({error})", "run the stage select again") from None
    if not (np.isfinite(counts).all() and np.isfinite(variance)):
        raise InputFileError(source, "a bin is NaN or infinite", "look at the weights of the signal")
    total = max(float(counts.sum()), 0.0)
    return Spectrum(np.asarray(axis.edges, dtype=float), counts), total**2 / variance if variance > 0 else 0.0


def _efficiency(mass: float, signals: dict[float, Any], settings: FitSettings) -> Efficiency:
    found = []
    for entry in signals.values():
        value = float(entry["efficiency"])
        statistics = float(entry["efficiency_error"]) / value if value > 0 else 1.0
        uncertainties: dict[str, Size] = {
            "efficiency_statistics": statistics,
            **{f"lund_{name}": (float(up), float(down)) for name, (up, down) in entry["lund_uncertainties"].items()},
            "efficiency": settings.uncertainties.efficiency,
            "luminosity": settings.uncertainties.luminosity,
        }
        found.append(Efficiency(value, uncertainties, measured=statistics <= settings.max_efficiency_error))
    return interpolated(mass, np.array(list(signals)), found)
