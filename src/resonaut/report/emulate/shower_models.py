"""Models of showers side by side: what classifiers find, distances, and published numbers beside."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.files import atomic
from resonaut.core.style import COLOURS, figure, headline
from resonaut.emulate.results import Area, Evaluation
from resonaut.report import pages
from resonaut.report.emulate.evaluations import HEADING, is_floor, opened
from resonaut.report.emulate.published import PUBLISHED, SOURCE
from resonaut.report.figure import EVALUATIONS, Figure, Output
from resonaut.report.pages import BAD, Cell

FIGURE = Figure(
    category="Showers",
    reads={"evaluations": EVALUATIONS},
    writes={
        "plot": Output("showers/models.png", labels={"shown": "classifiers"}),
        "page": Output("showers/models.html", labels={"shown": "all numbers"}),
        "table": Output("showers/models.csv", labels={"shown": "all numbers (CSV)"}),
    },
)

# Response and shapes agree where chi2 over degrees of freedom is at most this.
AGREES = 2.0


def draw(output: Path, evaluations: Sequence[Path]) -> None:
    """Draw the areas under the ROC curves, and write the tables.

    Raises:
        InputFileError: a file is no evaluation, or one of other simulated showers than the first.
    """
    found = opened(evaluations)
    with figure(output / "showers/models.png", figsize=(2.4 + 0.85 * (len(found) + len(PUBLISHED)), 4.4)) as (fig, ax):
        _areas(ax, found)
        headline(fig, HEADING)
    with atomic(output / "showers/models.csv") as partial, partial.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(_csv(found))
    pages.write(
        output / "showers/models.html", "Models of showers", HEADING, [_table(found), *_notes(found), _published()]
    )


def _areas(ax: Axes, found: Sequence[Evaluation]) -> None:
    """The area of each model on voxels and on features, beside the published ones on voxels."""
    for name, shift, marker, colour in (("low_level", -0.1, "o", COLOURS[0]), ("high_level", 0.1, "s", COLOURS[1])):
        areas: list[Area] = [getattr(one, name) for one in found]
        style: dict[str, Any] = {"fmt": marker, "color": colour, "ms": 6, "label": f"{name.replace('_', '-')} features"}
        ax.errorbar(
            np.arange(len(areas)) + shift,
            [one.auc for one in areas],
            [max(one.error, one.spread) for one in areas],
            **style,
        )
    others = [one for one in PUBLISHED if one.low_level is not None]
    places = np.arange(len(found), len(found) + len(others))
    ax.plot(
        places,
        np.array([one.low_level for one in others], float),
        "D",
        mfc="none",
        color="0.4",
        ms=6,
        label="published, low-level features",
    )
    ax.axvline(len(found) - 0.5, color="0.7", lw=0.8)
    ax.axhline(0.5, color="0.4", lw=0.8, ls="--")
    names = [one.name for one in found] + [one.name for one in others]
    ax.set_xticks(range(len(names)), names, rotation=30, ha="right")
    ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    lowest = min(area.auc - max(area.error, area.spread) for one in found for area in (one.low_level, one.high_level))
    ylim = (min(0.45, lowest - 0.02), 1.05)
    ax.set(ylabel="area under the ROC curve", ylim=ylim, xlim=(-0.5, len(names) - 0.5))
    ax.legend(fontsize=9, loc="upper left")


def _ratios(one: Evaluation, name: str | None = None) -> list[float]:
    """chi2 over degrees of freedom of an observable, or of all, at every energy."""
    return [
        test.chi2 / test.ndof for own in one.observables if name in (None, own.name) for test in own.tests if test.ndof
    ]


def _csv(found: Sequence[Evaluation]) -> Iterator[list[Any]]:
    yield [
        "model", "showers", "auc_low", "auc_low_spread", "auc_high", "auc_high_spread", "jsd_low", "jsd_high",
        "auc_error", "frechet", "frechet_error", "kernel", "kernel_error", "separation_largest",
        "response_chi2_largest", "chi2_at_most_2", "nearer_to_training", "nearer_error", "distance_ratio",
    ]  # fmt: skip
    for one in found:
        low, high, seen = one.low_level, one.high_level, one.overtraining
        ratios = _ratios(one)
        numbers = [
            low.auc, low.spread, high.auc, high.spread, low.jsd, high.jsd, low.error, one.frechet.value,
            one.frechet.error, one.kernel.value, one.kernel.error, max(own.separation for own in one.observables),
            max(_ratios(one, "response"), default=0), float(np.mean(np.array(ratios) <= AGREES)),
            *((seen.share, seen.error, seen.distance_ratio) if seen else ("", "", "")),
        ]  # fmt: skip
        yield [one.name, one.showers, *(f"{number:.6g}" if number != "" else "" for number in numbers)]


def _table(found: Sequence[Evaluation]) -> str:
    headings = [
        "model", "AUC,\nvoxels", "AUC,\nfeatures", "JSD,\nvoxels", "JSD,\nfeatures", "Fréchet\ndistance × 10³",
        "kernel\ndistance × 10³", "largest\nseparation × 10³", "χ²/ndf ≤ 2", "worst χ²/ndf\nof the response",
        "nearer to\ntraining showers",
    ]  # fmt: skip
    rows = []
    for one in found:
        ratios, response = np.array(_ratios(one)), max(_ratios(one, "response"), default=0.0)
        seen = one.overtraining
        rows.append(
            [
                one.name,
                *(f"{own.auc:.3f} ± {max(own.spread, own.error):.3f}" for own in (one.low_level, one.high_level)),
                *(f"{own.jsd:.3f}" for own in (one.low_level, one.high_level)),
                *(f"{1e3 * own.value:.2f} ± {1e3 * own.error:.2f}" for own in (one.frechet, one.kernel)),
                f"{1e3 * max(own.separation for own in one.observables):.1f}",
                f"{100 * np.mean(ratios <= AGREES):.0f} %",
                Cell(f"{response:.1f}", BAD if response > AGREES else ""),
                Cell(f"{100 * seen.share:.1f} ± {100 * seen.error:.1f} %", BAD if seen.memorised else "")
                if seen
                else "–",
            ]
        )
    caption = f"{found[0].showers:,} showers of each sample; ±: the larger one of statistical error and spread of seeds"
    return pages.table(caption, headings, rows)


def _notes(found: Sequence[Evaluation]) -> Iterator[str]:
    for one in filter(is_floor, found):
        yield pages.paragraph(
            f"In '{one.name}' simulated showers, those that trained the models, stand in the place of a model's: the "
            "best that can be expected."
        )
    for one in found:
        if one.overtraining is not None and one.overtraining.memorised:
            yield pages.paragraph(
                f"Showers of '{one.name}' are nearer to those that trained it than to as many others: it has memorised "
                "some of them."
            )


def _published() -> str:
    rows = [
        [
            one.name,
            "–" if one.low_level is None else f"{one.low_level:.3f}",
            "–" if one.frechet is None else f"{1e3 * one.frechet:g}",
        ]
        for one in PUBLISHED
    ]
    return pages.table(f"Published: {SOURCE}", ["model", "AUC,\nvoxels", "Fréchet\ndistance × 10³"], rows)
