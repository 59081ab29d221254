"""What is measured: samples, parameters of interest and nuisances, as a HistFactory model has them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resonaut.core.errors import ConfigError


@dataclass(frozen=True)
class Nuisance:
    """A parameter α that is 0 where nothing varies, and -1 and +1 where the variations down and up are.

    What it does to shapes is in the events (``Events.variations``, under its name).

    Args:
        width: of its Gaussian constraint; None for a parameter that the data alone determine.
        factors: of the yields of samples at α = -1 and +1, both positive.
    """

    width: float | None = 1.0
    factors: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """Samples, whose sum is the expectation.

    Args:
        samples: their names.
        signals: of each parameter of interest, a factor with the expected value 1, the samples that it scales.
        nuisances: by their names.

    Raises:
        ConfigError: an unknown sample, a parameter twice, a factor or a width that is not positive.
    """

    samples: Sequence[str]
    signals: Mapping[str, Sequence[str]]
    nuisances: Mapping[str, Nuisance] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.signals or not all(self.signals.values()):
            raise ConfigError("a measurement needs a parameter of interest that scales a sample; name its samples.")
        for name in self.signals.keys() & self.nuisances.keys():
            raise ConfigError(f"{name} is a parameter of interest and a nuisance; rename one of them.")
        scaled = {name: list(names) for name, names in self.signals.items()}
        scaled |= {name: list(one.factors) for name, one in self.nuisances.items()}
        for name, names in scaled.items():
            for unknown in set(names) - set(self.samples):
                raise ConfigError(f"{name}: there is no sample {unknown!r}; there are {', '.join(self.samples)}.")
        for name, one in self.nuisances.items():
            if one.width is not None and not (one.width > 0 and math.isfinite(one.width)):
                raise ConfigError(f"{name}: the width {one.width} of its constraint is not positive; None is no width.")
            for sample, factors in one.factors.items():
                if not all(value > 0 and math.isfinite(value) for value in factors):
                    raise ConfigError(f"{name}: the factors {factors} of {sample} are not positive; mend them.")

    @property
    def parameters(self) -> list[str]:
        """Parameters of interest, then nuisances."""
        return [*self.signals, *self.nuisances]

    @property
    def background(self) -> list[bool]:
        """Of each sample, whether no parameter of interest scales it."""
        scaled = {sample for names in self.signals.values() for sample in names}
        return [sample not in scaled for sample in self.samples]


def slope(down: float, up: float) -> float:
    """The derivative at α = 0 of a yield with the factors ``down`` at -1 and ``up`` at +1, as HistFactory has it.

    Between -1 and 1 it is a polynomial of sixth order, whose value and two derivatives at the ends are those of
    up^α and down^-α (``normsys``, interpolation code 4 of pyhf, K. Cranmer et al., CERN-OPEN-2012-016).

    >>> slope(0.9, 1.1)
    0.10000000000000...
    """
    value = (up - down) / 2
    first = (up * math.log(up) - down * math.log(down)) / 2
    second = (up * math.log(up) ** 2 - down * math.log(down) ** 2) / 2
    return (15 * value - 7 * first + second) / 8
