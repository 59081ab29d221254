"""What a comparison says, in one sentence and in a table."""

from resonaut.learn.twosample.results import Divergence, TwoSample, Variable

# Below this two samples differ; of several variables the smallest p-value is corrected for their number.
SIGNIFICANT = 0.01
HEADER = ("variable", "Jensen-Shannon", "if alike", "Wasserstein [sd]", "TV", "chi2/ndf", "p", "p (KS)")


def separation(variable: Variable) -> float:
    """By how much its Jensen-Shannon divergence is beyond that of samples without a difference."""
    one = variable.divergences["jensen_shannon"]
    return -1.0 if one.value is None or one.alike is None else one.value - one.alike


def ordered(report: TwoSample) -> list[Variable]:
    """The variables, the most separating first."""
    return sorted(report.variables, key=separation, reverse=True)


def sentence(report: TwoSample, called: tuple[str, str]) -> str:
    """Which variable tells two samples apart, and whether all of them together do."""
    first, second = called
    number = len(report.variables)
    corrected = {one.name: 1 - (1 - one.test.p_value) ** number for one in report.variables}
    differing = [one for one in ordered(report) if corrected[one.name] < SIGNIFICANT]
    judged = report.classifier
    area = (
        f"the AUC of a classifier is {judged.auc:.3f} ± {judged.auc_error:.3f}, p = {judged.p_value:.2g}"
        if judged
        else ""
    )
    if differing:
        best = differing[0]
        found = best.divergences["jensen_shannon"]
        said = (
            f"{best.name!r} tells {first} and {second} apart most: Jensen-Shannon divergence {_measured(found)} "
            f"({found.alike:.2g} if alike), p = {best.test.p_value:.2g}"
        )
    elif judged and judged.p_value < SIGNIFICANT:
        said = f"no variable tells {first} and {second} apart alone, but all together do"
    else:
        least = min(report.variables, key=lambda one: one.test.p_value)
        said = (
            f"nothing tells {first} and {second} apart: the smallest p-value, of {least.name!r}, is "
            f"{least.test.p_value:.2g}, one of {number}"
        )
    return (said[0].upper() + said[1:] if said[0].isalpha() else said) + (f"; {area}." if area else ".")


def table(report: TwoSample) -> str:
    """A line for each variable, the most separating first, and one for the output of the classifier."""
    rows = [HEADER, *map(_row, ordered(report)), *([_row(report.classifier.output)] if report.classifier else [])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _row(one: Variable) -> tuple[str, ...]:
    found = one.divergences
    alike = found["jensen_shannon"].alike
    return (
        one.name,
        _measured(found["jensen_shannon"]),
        "-" if alike is None else f"{alike:.2g}",
        _measured(found["wasserstein"]),
        _measured(found["total_variation"]),
        f"{one.test.chi2:.4g}/{one.test.ndof}",
        f"{one.test.p_value:.2g}",
        f"{one.ks_p_value:.2g}",
    )


def _measured(one: Divergence) -> str:
    """A value and its error, to one more digit than the first of the error."""
    if one.value is None:
        return "-"
    if not one.error:
        return f"{one.value:.2g}"
    digits = max(0, 1 - int(f"{one.error:e}".partition("e")[2]))
    return f"{one.value:.{digits}f} ± {one.error:.{digits}f}"
