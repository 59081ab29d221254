"""What background to expect in the signal region of a selection: from beside it, and from simulation.

The smooth function is fitted to the bins beside the signal region and interpolated. Simulation, weighted to data by
``reweight``, is normalised to the selected data in the sidebands of the window; its uncertainties are its statistics,
those of the normalisation, and the variations of its weights. Neither knows the data in the signal region.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.results import read, write
from resonaut.core.weights import Weighted
from resonaut.fit.beside import Beside, Rows
from resonaut.fit.binning import resolution_cuts
from resonaut.fit.family import Array
from resonaut.fit.resolution import Resolution
from resonaut.fit.results.predictions import Interpolated, Prediction, PredictionBin, Reweighted
from resonaut.fit.settings import FitSettings
from resonaut.fit.simulated import Simulated, Summed, simulated
from resonaut.fit.spectrum import Spectrum, from_histogram, regular_edges
from resonaut.select.results import Selection, Trained


def predict(
    settings: FitSettings,
    selection: Path,
    data: Sequence[Path],
    background: Sequence[Path],
    weighted: Weighted,
    output: Path,
) -> None:
    """Write the prediction for one selection.

    Args:
        settings: the section ``fit``.
        selection: ``<results>/select/<method>/<window>.json``.
        data: manifests of the data.
        background: manifests of the simulated background, whose friends ``select`` wrote.
        weighted: by dataset, the folders of its friends with weights, and ``tag`` where that was trained with it.
        output: the result file.
    """
    selected, collisions = read(selection, Trained), Collisions.open(data)
    edges = regular_edges(*settings.range, settings.bin_width, selected.unit, "fit.range and fit.bin_width")
    whole = replace(
        from_histogram(selected.spectrum, str(selection)), observable=selected.observable, unit=selected.unit
    )
    spectrum = replace(whole.rebinned(edges, "fit.range and fit.bin_width"), resolution=Resolution(settings.resolution))
    name = f"{selected.method}/{selected.window}"
    luminosity = collisions.luminosity
    expected = simulated(
        collisions.simulated(background), weighted, name, selected.observable, spectrum.edges, luminosity
    )
    write(output, prediction(selected, spectrum, expected, settings))


def prediction(selected: Selection, spectrum: Spectrum, expected: Simulated, settings: FitSettings) -> Prediction:
    """Both predictions for a ``selected`` spectrum, in the bins of the fit, and ``expected`` from simulation.

    Raises:
        ConfigError: a sideband holds no whole bin of the fit.
        EmptySelectionError: no data or no simulation in the sidebands, or too few bins to fit.
        FitError: the fit does not converge.
    """
    low, high = selected.signal_region
    hidden = (spectrum.edges[1:] > low) & (spectrum.edges[:-1] < high)
    beside = _inside(spectrum, selected.sidebands)
    # What the signal region holds is not looked at from here on, but for the last lines.
    open_counts = np.where(hidden, 0.0, spectrum.counts)
    blinded = replace(spectrum, counts=open_counts)
    curve = Beside.of(blinded, hidden, settings)
    scaled = Normalised.of(expected, open_counts, beside)
    function = Interpolated(
        events=float(curve.expected[hidden].sum()),
        error=curve.error(hidden),
        family=curve.fitted.function.family,
        shape_parameters=curve.fitted.function.shape_parameters,
        chi2=curve.quality.chi2,
        ndf=curve.quality.ndf,
        p_value=curve.quality.p_value,
    )
    simulation = scaled.reweighted(expected.within(hidden))
    shown = spectrum.counts if settings.prediction == "observed" else None
    observed = None if shown is None else float(shown[hidden].sum())
    return Prediction(
        method=selected.method,
        window=selected.window,
        observable=selected.observable,
        label=selected.label,
        unit=selected.unit,
        signal_region=selected.signal_region,
        sidebands=selected.sidebands,
        range=(float(spectrum.edges[:-1][hidden][0]), float(spectrum.edges[1:][hidden][-1])),
        function=function,
        simulation=simulation,
        observed=observed,
        pull=(simulation.events - function.events) / float(np.hypot(simulation.error, function.error)),
        pull_function=_pull(observed, function.events, function.error),
        pull_simulation=_pull(observed, simulation.events, simulation.error),
        bins=list(_bins(blinded, curve, scaled, expected, shown)),
    )


def _inside(spectrum: Spectrum, ranges: Sequence[tuple[float, float]]) -> Rows:
    """The bins that lie in one of the ranges."""
    found = np.zeros(len(spectrum.counts), bool)
    for low, high in ranges:
        found |= (spectrum.edges[:-1] >= low * (1 - 1e-9)) & (spectrum.edges[1:] <= high * (1 + 1e-9))
    if not found.any():
        raise ConfigError("the sidebands of the window hold no whole bin of fit.range; widen fit.range.")
    return found


def _pull(observed: float | None, events: float, error: float) -> float | None:
    """How far an observation is from what is expected, in units of both errors."""
    return None if observed is None else (observed - events) / float(np.sqrt(max(events, 0) + error**2))


@dataclass(frozen=True)
class Normalised:
    """Simulation brought to the data in the sidebands: by the factor ``norm``, with a relative ``error``.

    ``norms`` (toys,) by source: a variation is normalised for itself.
    """

    norm: float
    error: float
    norms: dict[str, Array]

    @classmethod
    def of(cls, expected: Simulated, counts: Array, beside: Rows) -> "Normalised":
        """That in the bins ``beside``, which hold ``counts`` (N,) of the data."""
        data, sums = float(counts[beside].sum()), expected.within(beside)
        if not (data > 0 and sums.events > 0):
            raise EmptySelectionError(
                f"the sidebands have {data:g} selected events of data and {sums.events:g} of simulation, too few to "
                "normalise a prediction; loosen the selection, or set fit.prediction to none."
            )
        error = float(np.sqrt(1 / data + sums.variance / sums.events**2))
        return cls(data / sums.events, error, {name: data / toys for name, toys in sums.varied.items()})

    def reweighted(self, sums: Summed) -> Reweighted:
        """The expected events, and their errors by their sources."""
        events = sums.events * self.norm
        statistical, norm = float(np.sqrt(sums.variance)) * self.norm, events * self.error
        variations = {
            name: float(np.sqrt(np.mean((toys * self.norms[name] - events) ** 2))) for name, toys in sums.varied.items()
        }
        return Reweighted(
            events=events,
            error=float(np.sqrt(statistical**2 + norm**2 + sum(one**2 for one in variations.values()))),
            statistical=statistical,
            normalisation=self.norm,
            normalisation_error=norm,
            variations=variations,
        )


def _bins(
    spectrum: Spectrum, curve: Beside, scaled: Normalised, expected: Simulated, counts: Array | None
) -> Iterator[PredictionBin]:
    """Bins as wide as the resolution, cut at the ends of the signal region; ``counts`` (N,) where they are shown there.

    The ``spectrum`` has no events in the hidden bins.
    """
    ends = np.flatnonzero(np.diff(curve.hidden.astype(int))) + 1
    cuts = np.unique([*resolution_cuts(spectrum), *ends])
    for first, last in pairwise(cuts.tolist()):
        rows = np.zeros(len(spectrum.counts), bool)
        rows[first:last] = True
        simulation = scaled.reweighted(expected.within(rows))
        shown = spectrum.counts if counts is None else counts
        blind = counts is None and bool(curve.hidden[first])
        yield PredictionBin(
            low=float(spectrum.edges[first]),
            high=float(spectrum.edges[last]),
            observed=None if blind else float(shown[rows].sum()),
            function=float(curve.expected[rows].sum()),
            function_error=curve.error(rows),
            simulation=simulation.events,
            simulation_error=simulation.error,
        )
