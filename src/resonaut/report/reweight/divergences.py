"""The numbers of a learned ratio: divergences beside those of samples alike, sums, clipping, effective sample size."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from resonaut.core.files import atomic
from resonaut.learn.ratio.weights import Calibrated
from resonaut.learn.twosample.results import Divergence, TwoSample, Variable
from resonaut.report import pages, settings
from resonaut.report.figure import CONFIG, RATIOS, Figure, Output
from resonaut.report.pages import BAD, Cell
from resonaut.report.reweight.closures import Compared, area, opened

FIGURE = Figure(
    category="Reweighting",
    subcategory="Ratios",
    reads={"closures": RATIOS, "config": CONFIG},
    writes={
        "pages": Output(
            "ratios/{name}/divergences.html",
            each=("closures", "{name}/closure.json"),
            labels={"ratio": "{name}", "shown": "divergences and weights"},
        ),
        "tables": Output(
            "ratios/{name}/divergences.csv",
            each=("closures", "{name}/closure.json"),
            labels={"ratio": "{name}", "shown": "divergences (CSV)"},
        ),
    },
)

# Below this p-value a number stands out.
SIGNIFICANT = 0.01
# More than this between the sum of the learned weights and what it should be: the ratio is not well learned.
SUMS = 0.005
PAIRS = 6


def draw(output: Path, closures: Sequence[Path], config: Path | None) -> None:
    """Write a page and a table for each ratio.

    Raises:
        InputFileError: one of ``closures`` is no ``closure.json`` of a ratio, or there is no sample to compare with.
    """
    for one in map(opened, closures):
        table(one, output / f"ratios/{one.name}/divergences.csv")
        parts = [_weights(one), _sums(one), *(_divergences(*found) for found in _comparisons(one)), _pairs(one.after)]
        notes = [
            *(f"Before: {text}." for text in one.before.warnings),
            *(f"After: {text}." for text in one.after.warnings),
        ]
        parts += [pages.paragraph(note) for note in notes]
        pages.write(
            output / f"ratios/{one.name}/divergences.html",
            f"The ratio {one.name}",
            settings.of_simulation(config),
            parts,
        )


def _comparisons(one: Compared) -> Iterator[tuple[str, TwoSample]]:
    yield "before", one.before
    yield "after", one.after


def _variables(sample: TwoSample) -> list[Variable]:
    """The variables, and the output of the fresh classifier as one more."""
    return [*sample.variables, *([sample.classifier.output] if sample.classifier else [])]


def table(one: Compared, path: Path) -> None:
    """Write every divergence of every variable, before and after the weights, as CSV; empty where it is infinite."""
    columns = ["when", "variable", "divergence", "value", "error", "alike", "alike_spread", "p_value"]
    with atomic(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for when, sample in _comparisons(one):
            for variable in _variables(sample):
                for name, found in variable.divergences.items():
                    numbers = [getattr(found, column) for column in columns[3:]]
                    plain = ["" if number is None else f"{number:.6g}" for number in numbers]
                    writer.writerow([when, variable.name, name, *plain])


def _weights(one: Compared) -> str:
    """How unequal the weights are, what was clipped and what their uncertainties are."""
    content, clipped = one.content, one.content.clipping
    exact = content.exact
    rows = [
        ["events of target and weighted sample", f"{content.numerator_events:,}, {content.denominator_events:,}"],
        ["effective share of the weighted events", f"{100 * content.learned.effective:.2f} %"],
        *([["the same of the true weights", f"{100 * exact.effective:.2f} %"]] if exact else []),
        ["largest weight over the mean", f"{content.learned.largest:.3g}"],
        *([["the same of the true weights", f"{exact.largest:.3g}"]] if exact else []),
        [
            "ratios clipped below, above",
            f"{clipped.below:,}, {clipped.above:,} of {clipped.events:,} ({100 * clipped.share:.2g} % of the weights)",
        ],
        ["negative weights of target and weighted sample", _percents(content.negative)],
        ["of which the mean sign was estimated below 0", _percents(content.signs_clipped)],
        *([f"spread of the variation {name}", f"{100 * value:.2g} %"] for name, value in content.spread.items()),
        *_calibration(content.calibration),
        *([f"AUC of a fresh classifier {when}", area(sample)] for when, sample in _comparisons(one)),
    ]
    return pages.table("Weights", [Cell("", words=True), ""], rows)


def _calibration(found: Calibrated | None) -> list[list[str]]:
    if found is None:
        return []
    return [
        ["slope of the logit of the ratio's outputs, 1 if calibrated", f"{found.slope:.3f} ± {found.slope_error:.3f}"],
        [
            "their calibration error, and that of calibrated ones",
            f"{100 * found.difference:.2f} %, {100 * found.if_calibrated:.2f} %",
        ],
    ]


def _percents(shares: tuple[float, float]) -> str:
    return ", ".join(f"{100 * share:.2g} %" for share in shares)


def _sums(one: Compared) -> str:
    rows: list[list[str | Cell]] = []
    for kept in one.content.sums:
        off = kept.learned / kept.expected - 1
        numbers = [f"{value:.5g}" for value in (kept.before, kept.learned, kept.expected)]
        rows.append([kept.dataset, *numbers, Cell(f"{100 * off:+.2f} %", BAD if abs(off) > SUMS else "")])
    headings = ["dataset", "before", "learned", "after", "learned / after - 1"]
    return pages.table("Sums of the weights [fb]; bold: more than 0.5 % off", headings, rows)


def _divergences(when: str, sample: TwoSample) -> str:
    variables = _variables(sample)
    names = list(variables[0].divergences)
    headings: list[str | Cell] = ["variable", "χ²/ndf", "p", "p (KS)", *(name.replace("_", " ") for name in names)]
    rows: list[list[str | Cell]] = [
        [
            one.name,
            f"{one.test.chi2:.4g}/{one.test.ndof}",
            _tested(one.test.p_value, f"{one.test.p_value:.2g}"),
            _tested(one.ks_p_value, f"{one.ks_p_value:.2g}"),
            *(_tested(found.p_value, _measured(found)) for found in (one.divergences[name] for name in names)),
        ]
        for one in variables
    ]
    caption = f"Divergences {when} the weights: value ± error (of samples alike); bold: p < {SIGNIFICANT:g}"
    return pages.table(caption, headings, rows)


def _tested(p_value: float | None, text: str) -> Cell:
    return Cell(text, BAD if p_value is not None and p_value < SIGNIFICANT else "")


def _measured(one: Divergence) -> str:
    if one.value is None:
        return "–"
    error = "" if one.error is None else f" ± {one.error:.1g}"
    return f"{one.value:.2g}{error}" + ("" if one.alike is None else f" ({one.alike:.2g})")


def _pairs(sample: TwoSample) -> str:
    """The pairs of variables that differ most after the weights."""
    rows: list[list[str | Cell]] = [
        [
            " × ".join(pair.names),
            f"{pair.test.chi2:.4g}/{pair.test.ndof}",
            _tested(pair.test.p_value, f"{pair.test.p_value:.2g}"),
            f"{pair.largest_pull:.1f}",
        ]
        for pair in sample.pairs[:PAIRS]
    ]
    headings = ["pair", "χ²/ndf", "p", "largest pull"]
    return pages.table("Pairs of variables that differ most after the weights", headings, rows) if rows else ""
