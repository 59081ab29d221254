"""The models of showers: each folder is one, and its ``__init__.py`` says what is known of it.

It says so in ``EMULATORS``, as a file of the user's does. Imports nothing heavy.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

from resonaut.core.extensions import Placed, Vocabulary, declared

if TYPE_CHECKING:
    from torch import Tensor

    from resonaut.learn.progress import History
    from resonaut.physics.showers.files import Showers


class Model(Protocol):
    """What a model is beside a torch module of ``(geometry, threshold, settings)``: it learns, and makes showers.

    All that a trained one knows is in its ``state_dict``. ``noise``: so many normal numbers make a shower.
    """

    noise: int

    def learn(self, showers: "Showers", held_out: "Showers", seed: int) -> "History":
        """Train on ``showers``; ``held_out`` says which state is kept."""

    def forward(self, noise: "Tensor", energies: "Tensor") -> "Tensor":
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,), from noise (n, noise).

        A graph of torch operations alone, which can be exported.
        """


@dataclass(frozen=True)
class Architecture(Placed):
    """A kind of model; ``place`` is its class, ``settings`` the record of its keys.

    ``title`` and ``year`` of its publication are what figures call it.
    """

    settings: type
    title: str = ""
    year: int | None = None


@cache
def architectures() -> Vocabulary[Architecture]:
    """The architectures of the package by name, and those that this process has learned."""
    return Vocabulary("EMULATORS", "architecture of showers", Architecture, declared("emulate/models", "EMULATORS"))
