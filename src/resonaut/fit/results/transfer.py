"""How the orders of transfer polynomials were found, and how far the fits with them can be trusted."""

from resonaut.core.record import record


@record
class OrderStep:
    """One step of the F-test of the background's ``polynomial``: orders ``lower`` against ``higher``, in each variable.

    ``deviance_...``: -2 ln L over that of the saturated model, of the data; ``f``: the statistic of the data;
    ``p_value``: of toys of the lower order; ``taken``: whether the higher order is.
    """

    background: str
    polynomial: str
    lower: list[int]
    higher: list[int]
    deviance_lower: float
    deviance_higher: float
    f: float
    p_value: float
    toys: int
    taken: bool


@record
class TransferRegion:
    """Where a background passes: the channel that ``passes`` and the one that ``fails``, with the polynomial's orders.

    ``coefficients``: by sample of the channel that passes, one for each basis function, the parameter it is multiplied
    by.
    """

    background: str
    polynomial: str
    passes: str
    fails: str
    orders: list[int]
    coefficients: dict[str, str]


@record
class TransferTest:
    """Fits to toys of another transfer polynomial, with the parameter of interest at ``injected``.

    ``pull_...``: of the root of -2 Delta ln L between fitted and injected value, with the sign of their difference,
    which is (fitted - injected) / error for many events: its mean, the mean's error and the width; ``coverage_68`` and
    ``_95``: the share of toys with injected values inside the intervals of -2 Delta ln L, with errors; ``failed``: toys
    left out, as a fit did not converge.
    """

    injected: float
    mean: float
    pull_mean: float
    pull_mean_error: float
    pull_width: float
    coverage_68: float
    coverage_68_error: float
    coverage_95: float
    coverage_95_error: float
    toys: int
    failed: int
