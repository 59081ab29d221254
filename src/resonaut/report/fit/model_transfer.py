"""The ratio of what passes to what fails in models with transfer factors: the data's, and the polynomial as fitted."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, Array, above, figure, legend_below
from resonaut.fit.results.histfactory import ChannelYields, ModelResult
from resonaut.fit.results.models import ModelChannel, ModelDescription
from resonaut.fit.results.transfer import TransferRegion
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.intervals import poisson_interval
from resonaut.report.observables import axis_label
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Models",
    reads={
        "fitted": Input("fit", "transferred", "<results>/fit/models/<model>/result.json of models with `transfer`."),
        "descriptions": Input("fit", "descriptions", "<results>/fit/models/<model>/model.json of all models."),
        "config": CONFIG,
    },
    writes={
        "transfer": Output(
            "models/{model}_transfer.png",
            each=("fitted", "{model}/result.json"),
            labels={"model": "{model}", "shown": "ratio of what passes to what fails"},
        )
    },
)

IN_A_ROW = 3


def draw(output: Path, fitted: Sequence[Path], descriptions: Sequence[Path], config: Path | None) -> None:
    """Draw each model: a panel for each channel that passes.

    Raises:
        InputFileError: a file is no fit, or no description of a model.
    """
    described = {path.parent.name: read(path, ModelDescription) for path in descriptions}
    for path in fitted:
        name, found = path.parent.name, read(path, ModelResult)
        regions = described[name].transferred
        columns = min(IN_A_ROW, len(regions))
        rows = -(-len(regions) // columns)
        size = (4 * columns, 1 + 3.2 * rows)
        with figure(output / "models" / f"{name}_transfer.png", rows, columns, figsize=size, squeeze=False) as (
            fig,
            axes,
        ):
            for ax in axes.flat[len(regions) :]:
                ax.set_axis_off()
            for ax, region in zip(axes.flat, regions, strict=False):
                _panel(ax, region, found, described[name].channels[region.passes])
            above(fig, of_data(config, luminosity=described[name].luminosity))
            legend_below(fig, 3)


def _panel(ax: Axes, region: TransferRegion, found: ModelResult, axis: ModelChannel) -> None:
    """The polynomial in the middle of each bin with its uncertainty, and the data's ratio with that of their counts."""
    edges = np.array(axis.edges)
    ratio, error = polynomial(region, found)
    ax.stairs(ratio, edges, color=COLOURS[2], label="polynomial as fitted", baseline=None)
    band: dict[str, Any] = {"fill": True, "color": COLOURS[2], "alpha": 0.25, "lw": 0}
    ax.stairs(ratio + error, edges, baseline=ratio - error, label="uncertainty of its coefficients", **band)
    values, low, high = data(found.yields[region.passes], found.yields[region.fails], region)
    centres = (edges[1:] + edges[:-1]) / 2
    ax.errorbar(centres, values, (values - low, high - values), fmt="k.", ms=4, lw=1, label="data less other samples")
    top = float(np.nanmax(np.append(ratio + error, values)))
    ax.set(xlim=(edges[0], edges[-1]), ylim=(min(0.0, 1.1 * float(np.nanmin(np.append(ratio, values)))), 1.5 * top))
    ax.set(xlabel=axis_label(axis.label, axis.unit), ylabel="pass / fail")
    ax.ticklabel_format(axis="y", scilimits=(-2, 3), useMathText=True)
    orders = ", ".join(map(str, region.orders))
    words = f"order {orders}" if found.converged else "no fit: it did not converge"
    ax.set_title(f"{region.passes} / {region.fails}, {words}", fontsize=10)


def polynomial(region: TransferRegion, found: ModelResult) -> tuple[Array, Array]:
    """The ratio (N,) of the background that passes to that which fails as fitted, and its error.

    The basis functions are the ratios before the fit, where all coefficients are one. The errors are those of the
    coefficients with their correlations; one without an error, such as zero, has none.
    """
    fitted = {one.name: one for one in found.parameters}
    coefficients = [fitted[name] for name in region.coefficients.values()]
    fails = np.array(found.yields[region.fails].samples[region.background].before)
    passes = found.yields[region.passes].samples
    basis = np.array([passes[sample].before for sample in region.coefficients]) / fails  # (K, N)
    changes = np.array([one.error or 0.0 for one in coefficients])[:, None] * basis
    correlations = _correlations(found, region.coefficients.values())
    variance = np.einsum("kn,kl,ln->n", changes, correlations, changes)
    return np.array([one.value for one in coefficients]) @ basis, np.sqrt(np.maximum(variance, 0.0))


def _correlations(found: ModelResult, names: Iterable[str]) -> Array:
    """Those of some parameters (K, K); 1 with itself and 0 with others for one that has no error."""
    places = {name: place for place, name in enumerate(found.correlations.names)}
    matrix = found.correlations.matrix
    return np.array(
        [[matrix[places[a]][places[b]] if {a, b} <= places.keys() else float(a == b) for b in names] for a in names]
    )


def data(passes: ChannelYields, fails: ChannelYields, region: TransferRegion) -> tuple[Array, Array, Array]:
    """The data's ratio (N,) with the ends of its errors, without other samples as fitted; NaN where nothing fails.

    Errors: the Poisson interval of the counts that pass, and in quadrature that of those that fail.
    """
    counts = np.array(passes.observed)
    other, failing_other = _others(passes, {*region.coefficients}), _others(fails, {region.background})
    rest = np.array(fails.observed) - failing_other
    rest = np.where(rest > 0, rest, np.nan)
    ratio = (counts - other) / rest
    fraction = np.sqrt(np.array(fails.observed)) / rest
    low, high = poisson_interval(counts)
    return (
        ratio,
        ratio - np.hypot((counts - low) / rest, ratio * fraction),
        ratio + np.hypot((high - counts) / rest, ratio * fraction),
    )


def _others(channel: ChannelYields, background: set[str]) -> Array:
    """Contents (N,) as fitted of all samples but those of the background."""
    contents = [one.after for name, one in channel.samples.items() if name not in background]
    return np.sum(contents, axis=0) if contents else np.zeros(len(channel.observed))
