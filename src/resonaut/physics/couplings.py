"""Couplings of pairs of Higgs bosons, and the products of them in the amplitudes; nothing heavy is imported.

``kappa_V`` is that of H to two vector bosons, ``kappa_2V`` of two H to two, ``kappa_lambda`` of three H, and
``kappa_t`` of H to top quarks, each relative to the standard model.
"""

from collections.abc import Mapping
from typing import Literal

Kind = Literal["vector_fusion", "gluon_fusion"]

# Powers of the couplings in each term of the amplitude.
TERMS: dict[Kind, tuple[Mapping[str, int], ...]] = {
    "vector_fusion": ({"kappa_V": 2}, {"kappa_2V": 1}, {"kappa_V": 1, "kappa_lambda": 1}),
    "gluon_fusion": ({"kappa_t": 2}, {"kappa_t": 1, "kappa_lambda": 1}),
}


def names(kind: Kind) -> tuple[str, ...]:
    """The couplings, each once.

    >>> names("gluon_fusion")
    ('kappa_t', 'kappa_lambda')
    """
    return tuple(dict.fromkeys(name for term in TERMS[kind] for name in term))
