"""Showers that are as probable as each other: turned about their axis by whole sectors, or mirrored.

The slabs of a calorimeter are plane, and particles enter at right angles.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resonaut.physics.showers.geometry import Geometry

Places = NDArray[np.int64]


def sectors(geometry: Geometry) -> int:
    """By so many parts of a full turn all layers come to themselves; 1 if no layer has sectors."""
    return math.gcd(*(layer.n_alpha for layer in geometry.layers if layer.n_alpha > 1)) or 1


def images(geometry: Geometry) -> Places:
    """Where the voxels of all turned and mirrored showers come from, (2 sectors, voxels); of the first from its own."""
    number = sectors(geometry)
    found = []
    for mirrored in (False, True):
        for turn in range(number):
            places = []
            for layer, part in zip(geometry.layers, geometry.slices, strict=True):
                own = np.arange(part.start, part.stop).reshape(layer.n_alpha, layer.n_r)
                own = own[::-1] if mirrored else own
                places.append(np.roll(own, turn * layer.n_alpha // number, axis=0).ravel())
            found.append(np.concatenate(places))
    return np.stack(found)


def turned(voxels: Tensor, images: Tensor, generator: torch.Generator) -> Tensor:
    """One of the ``images`` of each shower (n, voxels), drawn at random."""
    drawn = torch.randint(len(images), (len(voxels),), generator=generator)
    return voxels.gather(1, images[drawn])


def divided(geometry: Geometry) -> tuple[Places, Places]:
    """The voxels of each sector, (sectors, voxels in one), and those of layers that have none."""
    number = sectors(geometry)
    inside: list[Places] = []
    whole: list[Places] = []
    for layer, part in zip(geometry.layers, geometry.slices, strict=True):
        own = np.arange(part.start, part.stop)
        (whole if layer.n_alpha == 1 < number else inside).append(own.reshape(min(number, layer.n_alpha), -1))
    return np.concatenate(inside, axis=1), np.concatenate([np.zeros(0, np.int64), *(own.ravel() for own in whole)])
