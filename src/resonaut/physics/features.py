"""The vocabulary of jet features that classifiers may use: a name, its columns, its formula.

None of them contains m_jj or a transverse momentum: a classifier that knows m_jj would carve a peak
into a smooth spectrum. Masses in GeV; j1 is the heavier of the two jets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resonaut.core.extensions import Vocabulary

if TYPE_CHECKING:
    import awkward as ak

Columns = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Feature:
    """A number per event: the stored ``columns`` it needs, its ``unit``, and how it follows from them."""

    columns: tuple[str, ...]
    unit: str
    formula: Callable[[Columns], NDArray[np.float64]]


def _column(name: str, unit: str) -> Feature:
    return Feature((name,), unit, lambda c: c[name])


def _tau_ratio(jet: str, n: int) -> Feature:
    """tau_n / tau_(n-1) (Thaler, Van Tilburg, arXiv:1011.2268); 0 for a jet with too few constituents."""
    upper, lower = f"{jet}_tau{n}", f"{jet}_tau{n - 1}"
    return Feature(
        (upper, lower), "1", lambda c: np.divide(c[upper], c[lower], out=np.zeros_like(c[upper]), where=c[lower] > 0)
    )


FEATURES = Vocabulary(
    "FEATURES",
    "feature",
    Feature,
    {
        "m_j1": _column("j1_softdrop_mass", "GeV"),
        "m_j2": _column("j2_softdrop_mass", "GeV"),
        "delta_m": Feature(
            ("j1_softdrop_mass", "j2_softdrop_mass"), "GeV", lambda c: c["j1_softdrop_mass"] - c["j2_softdrop_mass"]
        ),
        **{f"tau{n}{n - 1}_{jet}": _tau_ratio(jet, n) for jet in ("j1", "j2") for n in (2, 3, 4)},
        **{f"b_tag_{jet}": _column(f"{jet}_b_tag", "1") for jet in ("j1", "j2")},
        **{f"n_constituents_{jet}": _column(f"{jet}_n_constituents", "1") for jet in ("j1", "j2")},
    },
)


def columns(names: Sequence[str]) -> tuple[str, ...]:
    """The stored columns that the named features need.

    Raises:
        ConfigError: a name is not in the vocabulary.
    """
    return tuple(dict.fromkeys(column for name in names for column in FEATURES[name].columns))


def compute(events: "ak.Array", names: Sequence[str], source: Path | str) -> NDArray[np.float32]:
    """The features of each event, shape (events, features), in the order of ``names``.

    Raises:
        ConfigError: a name is not in the vocabulary.
        NotFiniteError: a feature is NaN or infinite; ``source`` names where the events come from.
    """
    columns(names)
    return evaluate(events, names, source)


def feature(name: str) -> Feature:
    """The feature of the vocabulary, or else the stored column of that name."""
    return FEATURES[name] if name in FEATURES else _column(name, "1")


def stored(names: Sequence[str]) -> tuple[str, ...]:
    """The stored columns that the named features or columns need."""
    return tuple(dict.fromkeys(column for name in names for column in feature(name).columns))


def evaluate(events: "ak.Array", names: Sequence[str], source: Path | str) -> NDArray[np.float32]:
    """Like ``compute``, for names of features or of stored columns.

    Raises:
        NotFiniteError: one is NaN or infinite; ``source`` names where the events come from.
    """
    # The vocabulary alone is looked up before the first job.
    import awkward as ak

    from resonaut.core.events import require_finite

    table = {name: ak.to_numpy(events[name]).astype(np.float64) for name in stored(names)}
    result = np.empty((len(events), len(names)), dtype=np.float32)
    for i, name in enumerate(names):
        result[:, i] = feature(name).formula(table)
        require_finite(result[:, i], name, source)
    return result
