"""The modifier ``polynomial`` of HistFactory, for pyhf: it multiplies a sample by a polynomial of parameters.

HistFactory has no factor that may be negative, or is a product of powers of a parameter. One more type of modifier is
enough for morphing::

    {"name": "<unique>", "type": "polynomial",
     "data": {"parameters": ["kappa_2V"], "terms": [[[0], 1.0], [[1], -1.5], [[2], 0.5]]}}

is the factor ``1 - 1.5 kappa_2V + 0.5 kappa_2V^2``. pyhf takes modifiers of one's own, and its fits and tests are then
as ever (its schema does not know them, so validation is off)::

    workspace = pyhf.Workspace(json.load(open("workspace.json")), validate=False)
    model = workspace.model("kappa_2V", modifier_set=modifier_set(), validate=False)
    data = workspace.data(model)
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyhf
from pyhf.modifiers import histfactory_set

NAME = "polynomial"
# Of a coupling, unless the measurement says otherwise.
INITIAL, BOUNDS = 1.0, (-10.0, 10.0)


def modifier_set() -> dict[str, tuple[Any, Any]]:
    """The modifiers of HistFactory and ``polynomial``, as ``pyhf.Model`` takes them."""
    return {**histfactory_set, NAME: (Builder, Combined)}


class Builder:
    """Collects, as pyhf walks through channels and samples, the polynomials and where they multiply.

    ``builder_data``: ``terms`` of each different polynomial, ``(names of parameters, once for each power,
    coefficient)``, and ``places``, by modifier and sample for each bin the number of its polynomial, or -1.
    """

    is_shared = True

    def __init__(self, config: Any) -> None:
        self.config = config
        self.builder_data: dict[str, Any] = {"terms": [], "places": {}}
        self.required_parsets: dict[str, list[dict[str, Any]]] = {}

    def append(self, key: str, channel: str, sample: str, thismod: Any, defined_samp: Any) -> None:
        """One modifier and sample in one channel; ``thismod`` is None where they have nothing to do with each other."""
        del defined_samp
        places = self.builder_data["places"].setdefault(key, {}).setdefault(sample, [])
        places.extend([len(self.builder_data["terms"]) if thismod else -1] * self.config.channel_nbins[channel])
        if thismod:
            self.builder_data["terms"].append(_terms(thismod))
            for name in thismod["data"]["parameters"]:
                self.required_parsets.setdefault(name, [_parameter()])

    def finalize(self) -> dict[str, Any]:
        """Of all channels together."""
        return self.builder_data


def _terms(modifier: dict[str, Any]) -> list[tuple[tuple[str, ...], float]]:
    """A modifier's terms.

    Raises:
        InvalidModifier: it is no polynomial.
    """
    try:
        names, given = modifier["data"]["parameters"], modifier["data"]["terms"]
        found = []
        for powers, coefficient in given:
            if len(powers) != len(names) or any(type(n) is not int or n < 0 for n in powers):
                raise ValueError(f"powers {powers} of {', '.join(names)}")
            repeated = tuple(name for name, n in zip(names, powers, strict=True) for _ in range(n))
            found.append((repeated, float(coefficient)))
    except (KeyError, TypeError, ValueError) as error:
        raise pyhf.exceptions.InvalidModifier(
            f"modifier {modifier.get('name')!r} is no polynomial ({error}); its data are 'parameters' and 'terms', "
            "each of powers of the parameters and a coefficient."
        ) from None
    return found


def _parameter() -> dict[str, Any]:
    return {
        "paramset_type": "unconstrained",
        "n_parameters": 1,
        "is_scalar": True,
        "inits": (INITIAL,),
        "bounds": (BOUNDS,),
        "fixed": False,
    }


class Combined:
    """All polynomials of a model at once, on whatever backend pyhf uses.

    A monomial is a product of parameters, each as often as its power says, so that its derivative is right at zero.
    """

    name = NAME
    op_code = "multiplication"

    def __init__(self, modifiers: Any, pdfconfig: Any, builder_data: Any, batch_size: int | None = None) -> None:
        self.batch_size, self.keys = batch_size, [f"{kind}/{name}" for name, kind in modifiers]
        if not self.keys:
            return
        # One polynomial more is 1, and one parameter more: what others do not multiply.
        terms = [*builder_data["terms"], [((), 1.0)]]
        slots = max((len(names) for polynomial in terms for names, _ in polynomial), default=0) or 1
        shape = (len(terms), max(len(polynomial) for polynomial in terms))
        self._factors: npt.NDArray[np.int64] = np.full((*shape, slots), pdfconfig.npars)
        self._coefficients = np.zeros(shape)
        for k, polynomial in enumerate(terms):
            for t, (names, coefficient) in enumerate(polynomial):
                self._coefficients[k, t] = coefficient
                for j, name in enumerate(names):
                    self._factors[k, t, j] = pdfconfig.par_slice(name).start
        places = builder_data["places"]
        self._places = np.array([[places[key][sample] for sample in pdfconfig.samples] for key in self.keys])
        self._places[self._places < 0] = len(terms) - 1
        self._precompute()
        pyhf.events.subscribe("tensorlib_changed")(self._precompute)

    def _precompute(self) -> None:
        backend, _ = pyhf.get_backend()
        self.factors = backend.astensor(self._factors.tolist(), dtype="int")
        self.coefficients = backend.astensor(self._coefficients.tolist())
        self.places = backend.astensor(self._places.tolist(), dtype="int")

    def apply(self, pars: Any) -> Any:
        """The factors (modifiers, samples, batch, bins) at parameters (P,), or (batch, P) of a batched model."""
        if not self.keys:
            return None
        backend, _ = pyhf.get_backend()
        rows = backend.reshape(pars, (self.batch_size or 1, -1))
        one = backend.ones((self.batch_size or 1, 1))
        columns = backend.einsum("ap->pa", backend.concatenate([rows, one], axis=1))
        monomials = backend.product(backend.gather(columns, self.factors), axis=2)
        polynomials = backend.einsum("kt,kta->ka", self.coefficients, monomials)
        return backend.einsum("msna->msan", backend.gather(polynomials, self.places))
