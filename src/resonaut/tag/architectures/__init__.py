"""The architectures of taggers: each folder is one, and its ``__init__.py`` says what is known of it.

It says so in ``NETWORKS``, as a file of the user's does. Imports nothing heavy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from resonaut.core.errors import ConfigError
from resonaut.core.extensions import Placed, Vocabulary, declared

if TYPE_CHECKING:
    from resonaut.tag.settings import NetworkConfig


def _none(settings: "NetworkConfig") -> None:
    del settings


def _one(settings: "NetworkConfig") -> int:
    del settings
    return 1


def _little(settings: "NetworkConfig", places: int) -> int:
    del settings
    return places


@dataclass(frozen=True)
class Network(Placed):
    """An architecture; ``place`` makes a torch module of a ``NetworkConfig``.

    The module maps features (n, f, p), four-vectors (n, 4, p) and mask (n, 1, p) of constituents to logits
    (n, outputs); f is 7, or with other inputs 17 or 19. Regressions and further tasks are linear layers on what its
    last linear layer of so many outputs sees, and on the features of the constituents that its ``constituents``
    keeps (``tag.heads``). ``problem`` says what is wrong with sizes; ``shortest`` is the fewest places p.

    ``graph`` is the place of a function that makes of the module's arrays by name and a ``NetworkConfig`` an ONNX file
    from ``features``, ``vectors`` and ``mask``, or some of them, to probabilities (n, outputs) and, of a network that
    has any, ``estimates`` (n, estimates) (``tag.ends``). With it jets are scored without torch; it may also see
    ``observables``, what the function at ``observes`` makes of ``Inputs``. ``widest`` says how many numbers its largest
    layer makes of a jet with p places.

    A ``learner`` is no module: ``place`` is a function that learns by itself (``tag.learning``) and gives the arrays
    that the graph is made of. ``title`` and ``year`` of its publication are what figures call it.
    """

    graph: str | None = None
    observes: str | None = None
    learner: bool = False
    title: str = ""
    year: int | None = None
    widest: Callable[["NetworkConfig", int], int] = _little
    problem: Callable[["NetworkConfig"], str | None] = _none
    shortest: Callable[["NetworkConfig"], int] = _one

    def __post_init__(self) -> None:
        """Nothing but its graph could score the jets of a learner."""
        if self.learner and self.graph is None:
            raise ValueError("a learner needs a graph")

    @property
    def places(self) -> list[str]:
        """The module, the graph, and what makes its observables."""
        return [self.place, *filter(None, [self.graph, self.observes])]

    @property
    def maker(self) -> Placed | None:
        """The function ``graph``, to be found."""
        return None if self.graph is None else Placed(self.graph, home=self.home)

    @property
    def observer(self) -> Placed | None:
        """The function ``observes``, to be found."""
        return None if self.observes is None else Placed(self.observes, home=self.home)


@cache
def networks() -> Vocabulary[Network]:
    """The architectures of the package by name, and those that this process has learned."""
    return Vocabulary("NETWORKS", "architecture", Network, declared("tag/architectures", "NETWORKS"))


def require_consistent(name: str, network: "NetworkConfig", known: Vocabulary[Network] | None = None) -> None:
    """Stop with ``ConfigError`` where ``tag.networks.<name>`` contradicts itself, or its architecture is not known."""
    from resonaut.tag.settings import NetworkTraining

    known = networks() if known is None else known
    known.require(f"config: tag.networks.{name}.architecture", [network.architecture])
    once = network.weights is not None or network.outputs == network.classes
    if network.background not in network.outputs or len(network.classes) < 2 or not once:
        raise ConfigError(
            f"config: tag.networks.{name}.outputs: {', '.join(network.outputs)}: must hold {network.background} (the "
            "network's background) and another class, and without published weights each class once."
        )
    if network.weights is not None and network.training != NetworkTraining():
        raise ConfigError(
            f"config: tag.networks.{name}: weights are given, and nothing is trained; take out training, or weights."
        )
    learner, special = known[network.architecture].learner, replace(network.training, mass_bins=1, max_jets=None)
    tasks = network.regression or network.auxiliary
    if learner and (network.weights is not None or tasks or special != NetworkTraining()):
        raise ConfigError(
            f"config: tag.networks.{name}: {network.architecture} learns by itself: it takes no weights, no regression "
            "and no auxiliary, and of training max_jets and mass_bins alone; take the others out."
        )
    if network.weights is not None and tasks:
        raise ConfigError(
            f"config: tag.networks.{name}: weights are given, and regression and auxiliary need training."
        )
    names = [*network.classes, *network.regression, *network.auxiliary]
    if twice := next((one for one in names if names.count(one) > 1), None):
        raise ConfigError(
            f"config: tag.networks.{name}: {twice!r} is two of classes, regression and auxiliary; rename it."
        )
    if problem := known[network.architecture].problem(network):
        raise ConfigError(f"config: tag.networks.{name}.{problem}.")


def require_same_classes(entries: Mapping[str, "NetworkConfig"]) -> None:
    """Stop with ``ConfigError`` where there is no network to compare, or one tells other classes apart."""
    if not entries:
        raise ConfigError("config: tag.comparison: tag.networks is empty; name networks to compare, or take it out.")
    first, reference = next(iter(entries.items()))
    for name, one in entries.items():
        if (one.classes, one.background, one.decays) != (reference.classes, reference.background, reference.decays):
            raise ConfigError(
                f"config: tag.comparison: tag.networks.{name} tells other classes apart than {first}; compare networks "
                "of the same outputs, background and decays."
            )
