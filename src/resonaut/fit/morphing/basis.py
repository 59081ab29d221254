"""The polynomial that a cross section is of its couplings, and what its samples count at any point of them.

An amplitude that is linear in products of couplings, ``A = sum_i g_i A_i``, makes a cross section that is quadratic in
these, ``sigma = sum_ij g_i g_j sigma_ij``, in each bin of each distribution alike. So is the sum of samples at as many
points as there are different products ``g_i g_j``, each with a weight that depends on the couplings alone (ATLAS,
ATL-PHYS-PUB-2015-047, section 2). A weight is 1 at its own sample's point and 0 at those of the others: the inputs
are reproduced exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np
import numpy.typing as npt

from resonaut.core.errors import ConfigError

FloatArray = npt.NDArray[np.float64]
# A product of couplings: their powers by name; an empty one is 1.
Product = Mapping[str, int]

# Of the monomials at the points, each scaled to length one: statistical errors grow as much where the points lie worst.
LARGEST_CONDITION = 1e4
# Part of the largest component above which a monomial counts to what the points do not fix.
INVOLVED = 0.2


@dataclass(frozen=True)
class Basis:
    """The monomials of a cross section: ``powers`` (T, C) of the C ``couplings`` in each of T."""

    couplings: tuple[str, ...]
    powers: npt.NDArray[np.int64]

    @classmethod
    def of(cls, amplitude: Sequence[Product]) -> "Basis":
        """All products of two terms of an amplitude, each once.

        >>> basis = Basis.of([{}, {"kappa": 1}])
        >>> basis.names
        ['1', 'kappa', 'kappa^2']
        >>> Basis.of([{"kappa_t": 2}, {"kappa_t": 1, "kappa_lambda": 1}]).names
        ['kappa_t^4', 'kappa_t^3 kappa_lambda', 'kappa_t^2 kappa_lambda^2']
        """
        couplings = tuple(dict.fromkeys(name for term in amplitude for name in term))
        terms = [np.array([term.get(name, 0) for name in couplings], np.int64) for term in amplitude]
        pairs = [tuple(first + second) for first, second in combinations_with_replacement(terms, 2)]
        return cls(couplings, np.array(list(dict.fromkeys(pairs)), np.int64).reshape(-1, len(couplings)))

    @cached_property
    def names(self) -> list[str]:
        """The monomials in words."""
        return [self._name(powers) for powers in self.powers]

    def _name(self, powers: npt.NDArray[np.int64]) -> str:
        parts = [name if n == 1 else f"{name}^{n}" for name, n in zip(self.couplings, powers, strict=True) if n]
        return " ".join(parts) or "1"

    def monomials(self, points: npt.ArrayLike) -> FloatArray:
        """The monomials (..., T) at points (..., C) of the couplings."""
        found: FloatArray = np.prod(np.asarray(points, float)[..., None, :] ** self.powers, axis=-1)
        return found


@dataclass(frozen=True)
class Morphing:
    """Samples at S points of the couplings, and how much each counts elsewhere.

    ``coefficients`` (S, T): the weight of a sample is the sum over monomials of its coefficient times the monomial.
    ``condition``: of the linear system, without a unit; large where the points lie close to each other, or on a line.
    """

    basis: Basis
    samples: tuple[str, ...]
    points: FloatArray
    coefficients: FloatArray
    condition: float

    @classmethod
    def of(
        cls,
        amplitude: Sequence[Product],
        points: Mapping[str, Mapping[str, float]],
        errors: npt.ArrayLike | None = None,
    ) -> "Morphing":
        """Solve for the weights.

        Args:
            amplitude: its terms, each a product of couplings.
            points: by sample the value of each coupling.
            errors: relative errors (S,) of the samples, for more samples than monomials, of which each monomial is then
                the least-squares fit; equal ones by default. With as many as monomials they change nothing.

        Raises:
            ConfigError: a sample lacks a coupling or has another, there are too few samples, or their points do not fix
                the polynomial.
        """
        basis = Basis.of(amplitude)
        if not basis.couplings:
            raise ConfigError("the amplitude has no coupling; give its terms products of couplings.")
        for name, point in points.items():
            if set(point) != set(basis.couplings):
                wanted = ", ".join(basis.couplings)
                raise ConfigError(f"the sample {name!r} has values of {', '.join(point) or 'nothing'}; give {wanted}.")
        at = np.array([[point[name] for name in basis.couplings] for point in points.values()])
        at = at.reshape(len(points), len(basis.couplings))
        if len(at) < len(basis.names):
            raise ConfigError(
                f"{len(at)} samples for {len(basis.names)} products of couplings ({', '.join(basis.names)}); give as "
                "many, or leave couplings that do not change out of the amplitude."
            )
        matrix = basis.monomials(at)
        condition = _require_fixed(matrix, basis, list(points))
        inverse_errors = np.ones(len(at)) / (1.0 if errors is None else np.asarray(errors, float))
        # Of as many samples as monomials the inverse, whatever the errors.
        solution = np.linalg.pinv(matrix * inverse_errors[:, None]) * inverse_errors
        return cls(basis, tuple(points), at, np.asarray(solution.T, np.float64), condition)

    def weights(self, couplings: npt.ArrayLike) -> FloatArray:
        """The samples' weights (..., S) at points (..., C) of the couplings, in the order of ``basis.couplings``."""
        found: FloatArray = self.basis.monomials(couplings) @ self.coefficients.T
        return found

    def contents(self, contents: npt.ArrayLike, couplings: npt.ArrayLike) -> FloatArray:
        """What samples of ``contents`` (S, N) make of N bins at points (..., C) of the couplings, (..., N)."""
        found: FloatArray = self.weights(couplings) @ np.asarray(contents, float)
        return found

    def variances(self, variances: npt.ArrayLike, couplings: npt.ArrayLike) -> FloatArray:
        """Its variances (..., N), of independent samples with ``variances`` (S, N)."""
        found: FloatArray = self.weights(couplings) ** 2 @ np.asarray(variances, float)
        return found

    def polynomials(self, contents: npt.ArrayLike) -> FloatArray:
        """The coefficients (T, N) of the monomials in each bin."""
        found: FloatArray = self.coefficients.T @ np.asarray(contents, float)
        return found


def _require_fixed(matrix: FloatArray, basis: Basis, samples: Sequence[str]) -> float:
    """The condition number of the monomials (S, T) at the points of ``samples``, each scaled to length one.

    Raises:
        ConfigError: it is so large that the polynomial does not follow from the samples.
    """
    length = np.linalg.norm(matrix, axis=0)
    scaled = matrix / np.where(length > 0, length, 1.0)
    _, sizes, directions = np.linalg.svd(scaled, full_matrices=False)
    if sizes[-1] * LARGEST_CONDITION < sizes[0]:
        open_ = np.abs(directions[-1])
        involved = [name for name, part in zip(basis.names, open_, strict=True) if part > INVOLVED * open_.max()]
        raise ConfigError(
            f"the points of {', '.join(samples)} do not fix {', '.join(involved)}; move one, or add a sample in which "
            "other couplings differ."
        )
    return float(sizes[0] / sizes[-1])
