"""The files of the bias tests."""

from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.fit.results.scans import named


@record
class BiasPoint:
    """Toys with one injected signal at one mass; yields in events.

    ``pull`` is the root of the likelihood ratio between fitted and injected yield with the sign of their difference:
    (fitted - injected) / error for many events, and free of error estimates where a yield ends at an empty bin.
    ``spurious`` is the mean fitted minus injected yield, ``spurious_relative`` the same in units of the yield's error
    without a signal; ``coverage`` the share of toys whose limit is above the injected yield; ``above_2_sigma`` the
    share with ``z_local`` > 2.
    """

    mass: float
    injected_sigma: float
    injected: float
    mean_yield: float
    pull_mean: float
    pull_mean_error: float
    pull_width: float
    spurious: float
    spurious_error: float
    spurious_relative: float
    spurious_relative_error: float
    z_mean: float
    above_2_sigma: float
    coverage: float
    coverage_error: float
    toys: int


@record
class Bias:
    """The bias test of the fits to one spectrum, with toys of the function ``truth``."""

    truth: str
    truth_shape_parameters: int
    families: list[str]
    confidence_level: float
    points: list[BiasPoint]


@result("bias test", "fit selection-bias")
class SelectionBias(Bias):
    """``<results>/fit/<method>/<window>_bias.json``; masses are values of the ``observable``, in its ``unit``."""

    method: str
    window: str
    observable: str
    label: str
    unit: str
    signal_region: tuple[float, float]

    @property
    def selection(self) -> str:
        """As of the fits that are tested."""
        return named(self.method, self.observable)


@result("bias test", "fit bias")
class SpectrumBias(Bias):
    """``bias.json`` of a bare spectrum."""

    spectrum_file: str
