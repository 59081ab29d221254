"""What a network reads of a crossing: hardware integers by name, in the order of its inputs."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from resonaut.core.errors import ConfigError
from resonaut.physics.level1.crossings import Crossings
from resonaut.physics.level1.scales import COLLECTIONS

# An object's place in its collection, by falling energy, stands in brackets.
PLACED = re.compile(r"(\w+)\[(\d+)\]")
# The missing momentum has no pseudorapidity.
NOTHING = "zero"
MISSING, MISSING_DIRECTION = "MET_Et", "MET_phi"


def names(numbers: dict[str, int]) -> list[str]:
    """Inputs (E_T, eta, phi) of the missing momentum and of so many objects of each collection.

    >>> names({"egammas": 1})
    ['MET_Et', 'zero', 'MET_phi', 'egammas_egIEt[0]', 'egammas_egIEta[0]', 'egammas_egIPhi[0]']
    """
    found = [MISSING, NOTHING, MISSING_DIRECTION]
    for collection, number in numbers.items():
        scale = COLLECTIONS[collection]
        for place in range(number):
            found += [f"{collection}_{field}[{place}]" for field in (scale.et, scale.eta, scale.phi)]
    return found


def integers(crossings: Crossings, inputs: Sequence[str]) -> npt.NDArray[np.int64]:
    """The inputs in hardware integers, (n, inputs); 0 of objects that are not there.

    Raises:
        ConfigError: an input is none of a crossing.
    """
    found = np.zeros((len(crossings), len(inputs)), np.int64)
    for column, name in enumerate(inputs):
        if name != NOTHING:
            found[:, column] = _values(crossings, name)
    return found


def _values(crossings: Crossings, name: str) -> npt.NDArray[np.int16]:
    if name in crossings.sums:
        return crossings.sums[name]
    if match := PLACED.fullmatch(name):
        for collection, scale in COLLECTIONS.items():
            objects = crossings.objects[collection]
            fields = {
                scale.et: objects.et,
                scale.eta: objects.eta,
                scale.phi: objects.phi,
                scale.quality: objects.quality,
            }
            values = fields.get(match[1].removeprefix(f"{collection}_"))
            if values is not None and match[1].startswith(collection) and int(match[2]) < scale.capacity:
                found: npt.NDArray[np.int16] = values[:, int(match[2])]
                return found
    raise ConfigError(f"an integer network has the input {name!r}; take columns as jets_jetIEt[0] or MET_Et, or zero.")
