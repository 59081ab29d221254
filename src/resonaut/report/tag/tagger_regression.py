"""Response, resolution and coverage of what the taggers estimate beside the classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError
from resonaut.core.results import read
from resonaut.core.style import COLOURS, figure, headline, legend_below
from resonaut.report import settings
from resonaut.report.figure import CONFIG, REGRESSED, Figure, Output
from resonaut.tag.results import Closure, Network, Regression

FIGURE = Figure(
    category="Taggers",
    reads={"summaries": REGRESSED, "config": CONFIG},
    writes={
        "plots": Output(
            "taggers/{network}_regression.png",
            each=("summaries", "{network}.json"),
            labels={"shown": "regressions of {network}"},
        )
    },
)

Floats = NDArray[np.float64]


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw a figure for each network: by regression a column of panels by class and one by jet pT.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``, or of a network without a regression.
    """
    (output / "taggers").mkdir(parents=True, exist_ok=True)
    for path in summaries:
        found = read(path, Network).regression
        if not found:
            raise InputFileError(path, "the network has no regression", "name networks that have one")
        columns = 2 * len(found)
        keywords = {"squeeze": False, "sharex": "col", "sharey": "row", "figsize": (0.6 + 3.4 * columns, 7.2)}
        with figure(output / f"taggers/{path.stem}_regression.png", 3, columns, **keywords) as (fig, axes):
            for (name, one), left, right in zip(found.items(), axes.T[::2], axes.T[1::2], strict=True):
                _by_class(left, name, one)
                _by_pt(right, name, one)
            axes[1][0].set_ylim(0, 1.05 * axes[1][0].get_ylim()[1])
            for ax, text in zip(axes[:, 0], ("response", "resolution / response", "share in q16-q84"), strict=True):
                ax.set_ylabel(text)
            headline(fig, f"{path.stem}, {settings.of_simulation(config)}")
            legend_below(fig, 3)


def _by_class(axes: Sequence[Axes], name: str, found: Regression) -> None:
    kinds = ({"all": found.all} if found.all else {}) | found.classes
    places = np.arange(len(kinds), dtype=float)
    _panels(axes, places, None, list(kinds.values()))
    axes[0].set_title(name)
    axes[-1].set_xticks(places, list(kinds), rotation=90 if sum(map(len, kinds)) > 20 else 0)
    axes[-1].set_xlim(-0.6, max(len(kinds), 1) - 0.4)
    for ax in axes:
        ax.tick_params(axis="x", which="minor", bottom=False, top=False)


def _by_pt(axes: Sequence[Axes], name: str, found: Regression) -> None:
    ends = [(one.pt_low, one.pt_median, one.pt_high) for one in found.by_pt]
    low, middle, high = np.array(ends).reshape(-1, 3).T
    _panels(axes, middle, np.array([middle - low, high - middle]), [one.closure for one in found.by_pt])
    axes[0].set_title(f"{name}, all jets")
    axes[-1].set(xlabel="jet $p_T$ [GeV]", xscale="log" if ends else "linear")
    axes[-1].xaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5, 7)) if ends else NullLocator())
    axes[-1].xaxis.set_major_formatter("{x:g}")
    axes[-1].xaxis.set_minor_formatter("")


def _panels(axes: Sequence[Axes], x: Floats, width: Floats | None, found: Sequence[Closure]) -> None:
    """Response, resolution over response and coverage of closures at ``x``; bins reach ``width`` to either side."""

    def of(name: str) -> Floats:
        return np.array([getattr(one, name) for one in found], dtype=float)

    marks: dict[str, Any] = {"fmt": "o", "ms": 4, "color": COLOURS[0], "label": "regression"}
    before: dict[str, Any] = {"fmt": "s", "ms": 5, "mfc": "none", "color": COLOURS[1], "label": "as reconstructed"}
    expected: dict[str, Any] = {"color": "0.6", "lw": 1, "ls": "--", "zorder": 0, "label": "expected"}
    response, without = of("response"), of("response_without")
    axes[0].axhline(1, **expected)
    axes[0].errorbar(x, without, xerr=width, **before)
    axes[0].errorbar(x, response, of("response_error"), width, **marks)
    axes[1].errorbar(x, of("resolution_without") / without, xerr=width, **before)
    axes[1].errorbar(x, of("resolution") / response, of("resolution_error") / response, width, **marks)
    axes[2].axhline(0.68, **expected)
    axes[2].errorbar(x, of("covered"), of("covered_error"), width, **marks)
    if not found:
        axes[0].text(0.5, 0.5, "too few held-out jets", ha="center", va="center", transform=axes[0].transAxes)
