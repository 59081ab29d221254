"""The closure of a ratio as several figures read it."""

from dataclasses import dataclass
from pathlib import Path

from resonaut.core.errors import InputFileError
from resonaut.core.results import read
from resonaut.learn.twosample.results import TwoSample
from resonaut.physics.features import feature
from resonaut.report.observables import axis_label
from resonaut.reweight.results import RatioClosure


@dataclass(frozen=True)
class Compared:
    """A ratio with its name, and the comparisons of its weighted events with a target."""

    name: str
    content: RatioClosure
    before: TwoSample
    after: TwoSample


def opened(path: Path) -> Compared:
    """Read ``<results>/reweight/<name>/closure.json``.

    Raises:
        InputFileError: it is none, or the target is published histograms alone, of which it says nothing.
    """
    content = read(path, RatioClosure)
    if content.before is None or content.after is None:
        raise InputFileError(path, "compares no samples", "give the ratio a numerator, or leave its figures out")
    return Compared(path.parent.name, content, content.before, content.after)


def called(name: str) -> str:
    """A variable on an axis, with the unit that the vocabulary of features knows."""
    return axis_label(name, feature(name).unit)


def area(one: TwoSample) -> str:
    """The AUC of the fresh classifier and its error without a difference."""
    judged = one.classifier
    return f"{judged.auc:.3f} ± {judged.auc_error:.3f}" if judged else "unknown (too few events)"
