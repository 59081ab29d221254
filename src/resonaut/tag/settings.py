"""The configuration section ``tag``, as ``results/config/tag.json`` holds it."""

from dataclasses import dataclass
from typing import Literal

from resonaut.core.errors import ConfigError

Class = Literal["qcd", "2prong", "3prong", "4prong"]

# The classes in the order of the score columns; a signal jet's class is its number of quarks.
CLASSES: tuple[Class, ...] = ("qcd", "2prong", "3prong", "4prong")


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of a Particle Transformer (arXiv:2202.03772)."""

    embed_dims: list[int]
    pair_embed_dims: list[int]
    heads: int
    layers: int
    class_layers: int


@dataclass(frozen=True)
class EdgeConvConfig:
    """Sizes of a ParticleNet (arXiv:1902.08570)."""

    neighbours: int
    channels: list[list[int]]
    dense: list[int]


@dataclass(frozen=True)
class NetworkConfig:
    """One network: its architecture, inputs and outputs, and where its weights come from.

    ``outputs`` names the class of each output in order; published networks have several outputs for
    one class (their scores are added) and some for none (``"ignore"``).
    """

    architecture: Literal["particle_transformer", "particle_net"]
    max_constituents: int
    dropout: float
    transformer: TransformerConfig
    edge_conv: EdgeConvConfig
    outputs: list[Literal["qcd", "2prong", "3prong", "4prong", "ignore"]]
    weights: str | None

    @property
    def classes(self) -> list[Class]:
        """The classes that have a score, in the order of the columns."""
        return [c for c in CLASSES if c in self.outputs]


def require_consistent(name: str, network: NetworkConfig) -> None:
    """Stop with ``ConfigError`` where sizes or outputs of ``tag.networks.<name>`` contradict each other."""
    if "qcd" not in network.outputs or (network.weights is None and network.outputs != network.classes):
        raise ConfigError(
            f"config: tag.networks.{name}.outputs: {', '.join(network.outputs)}: must hold qcd, and without published "
            f"weights each class once, in the order {', '.join(CLASSES)}."
        )
    neighbours = network.edge_conv.neighbours
    if network.architecture == "particle_net" and neighbours >= network.max_constituents:
        raise ConfigError(
            f"config: tag.networks.{name}.edge_conv.neighbours is {neighbours}, not below max_constituents, "
            f"{network.max_constituents}; lower it."
        )
    width, heads = network.transformer.embed_dims[-1], network.transformer.heads
    if network.architecture == "particle_transformer" and width % heads:
        raise ConfigError(
            f"config: tag.networks.{name}.transformer: {heads} heads do not divide the last of embed_dims, {width}; "
            "change one."
        )


@dataclass(frozen=True)
class TrainingConfig:
    """How much to train on, and how."""

    max_jets: int
    held_out_jets: int
    pt_bins: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class TagConfig:
    """The whole section."""

    seed: int
    device: Literal["cpu", "cuda", "auto"]
    train_fraction: float
    score_batch_size: int
    training: TrainingConfig
    networks: dict[str, NetworkConfig]
