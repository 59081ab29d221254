"""The section ``tag`` of the configuration."""

from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Annotated, Any, Literal

from resonaut.core.errors import ConfigError
from resonaut.core.record import Name, Natural, Pattern, key, record
from resonaut.tag.decays import PATTERN
from resonaut.tag.working_points.settings import PointName, WorkingPoint

# The outputs of a network that count for no class.
IGNORE = "ignore"
# What a regression estimates beside its central value: one standard deviation of a Gaussian to both sides.
QUANTILES = {"q16": 0.16, "q50": 0.5, "q84": 0.84}
Class = Annotated[str, Pattern(rf"^(?!{IGNORE}$)[A-Za-z0-9]{{1,32}}$", f"a name of letters and digits, not {IGNORE}")]
Decay = Annotated[
    str,
    Pattern(
        PATTERN,
        "qcd, or a word of up to 8 of d, u, s, c, b, q, j, e, mu, tau, l, v, g, gamma, or `b jet`, `c jet`, `tau jet`, "
        "`light jet`",
    ),
]
NetworkName = Annotated[
    str, Pattern(r"^[a-z][a-z0-9]*$", "a name of small letters and digits that begins with a letter")
]


@record
class TransformerConfig:
    """Sizes of a Particle Transformer (arXiv:2202.03772)."""

    embed_dims: list[Natural] = key(
        "Widths of the constituents' embedding; the last is the width of the blocks.", default=[32, 32], min_length=1
    )
    pair_embed_dims: list[Natural] = key("Widths of the embedding of the pairs' features.", default=[16], min_length=1)
    heads: int = key("Attention heads; they divide the last of `embed_dims`.", default=2, ge=1)
    layers: int = key("Particle attention blocks.", default=2, ge=1)
    class_layers: int = key("Class attention blocks.", default=1, ge=1)


@record
class EdgeConvConfig:
    """Sizes of a ParticleNet (arXiv:1902.08570)."""

    neighbours: int = key(
        "Nearest neighbours of each constituent in the graph; fewer than `max_constituents`.", default=7, ge=1
    )
    channels: list[list[Natural]] = key(
        "Channels of the layers of each edge-convolution block.", default=[[16, 16], [32, 32]], min_length=1
    )
    dense: list[Natural] = key("Widths of the dense layers after the pooling.", default=[32], min_length=1)


@record
class TreesConfig:
    """Boosted trees on high-level observables, until a tenth of the training jets does not gain any more."""

    learning_rate: float = key("Weight of each tree.", default=0.1, gt=0)
    max_iterations: int = key("Most trees of each class.", default=300, ge=1)
    max_leaf_nodes: int = key("Leaves of a tree.", default=16, ge=2)
    min_leaf_jets: int = key("Jets of a leaf, at least.", default=20, ge=1, unit="jets")
    patience: int = key("Trees without a gain after which the training ends.", default=10, ge=1)


@record
class DenseConfig:
    """Sizes of a dense network on high-level observables."""

    hidden: list[Natural] = key("Widths of the hidden layers.", default=[64, 64], min_length=1)


@record
class RecurrentConfig:
    """Sizes of a recurrent network."""

    hidden: int = key("Width of the LSTM's state.", default=48, ge=1)
    dense: list[Natural] = key("Widths of the dense layers after the last constituent.", default=[32])


@record
class ImageConfig:
    """Sizes of jet images and of their convolutional network."""

    pixels: int = key("Pixels in each direction.", default=32, ge=4)
    half_width: float = key("Distance of the outermost pixels to the jet axis.", default=0.8, gt=0, unit="rad")
    channels: list[Natural] = key(
        "Channels of the convolutions; each is followed by a pooling of 2 x 2 pixels.",
        default=[8, 16, 32],
        min_length=1,
    )
    dense: list[Natural] = key("Widths of the dense layers.", default=[32])


@record
class SetsConfig:
    """Sizes of a deep-sets network."""

    constituent: list[Natural] = key(
        "Widths of the layers that see one constituent each; the last is summed over.", default=[64, 64], min_length=1
    )
    dense: list[Natural] = key("Widths of the dense layers after the sum.", default=[64, 32])


@record
class TracksConfig:
    """Sizes of a flavour tagger of small jets."""

    width: int = key("Width of the constituents' features.", default=32, ge=1)
    heads: int = key("Attention heads; they divide the width.", default=4, ge=1)
    layers: int = key("Layers of attention between the constituents.", default=2, ge=1)
    dense: list[Natural] = key("Widths of the dense layers after the pooling.", default=[32])


@record
class DecorrelationConfig:
    """What keeps the scores of QCD jets independent of their soft-drop mass."""

    method: Literal["disco", "mode0", "mode1", "mode2", "adversary"] = key(
        "`disco` (distance correlation, arXiv:2001.05310), `mode0`, `mode1` or `mode2` (moment decomposition, "
        "arXiv:2010.09745, which leaves no, a linear or a quadratic dependence) or `adversary` (arXiv:1611.01046)."
    )
    strength: float = key("Factor of the penalty in the loss.", ge=0)
    mass_bins: int = key("Bins of soft-drop mass of moment decomposition, with equal numbers of jets.", default=8, ge=4)


@record
class RobustConfig:
    """Inputs that are shifted against the network now and then (R-NGM)."""

    size: float = key("Length of the shift, in units of the inputs' spread.", default=0.1, gt=0)
    every: int = key("One batch of so many is shifted.", default=3, ge=1)


@record
class DomainConfig:
    """A second domain in which the network is to work, by gradient reversal (arXiv:1409.7495)."""

    other: Literal["data", "simulation"] = key(
        "`data`: the jets of `tag.samples.data`, unlabelled, as if all were QCD; `simulation`: those of "
        "`other_background` and `other_signal`, of whose labels the training knows no more than the shares of the "
        "classes."
    )
    strength: float = key(
        "Factor of the reversed gradient at the end of the training; 0 only measures how the network does there.",
        default=1,
        ge=0,
    )


@record
class NetworkTraining:
    """What is special about the training of one network; by default nothing."""

    max_jets: int | None = key(
        "Most training jets of each class; null for `tag.training.max_jets`.", default=None, ge=10, unit="jets"
    )
    mass_bins: int = key(
        "Bins of soft-drop mass in which, as in those of pT, the classes get equal weight; 1 leaves the mass alone.",
        default=1,
        ge=1,
    )
    decorrelation: DecorrelationConfig | None = key(
        "Penalty on scores of QCD jets that follow the soft-drop mass; null for none.", default=None
    )
    robust: RobustConfig | None = key(
        "Batches whose inputs are shifted against the network, which makes it robust; null for none.", default=None
    )
    domain: DomainConfig | None = key("Adaptation to jets of another domain; null for none.", default=None)


@record
class RegressionConfig:
    """A ratio of two quantities of a jet, such as generated and reconstructed mass, that a network estimates."""

    target: str = key("Column of `skim` with the numerator, without the jet's name.", min_length=1)
    over: str = key("Column with the denominator.", min_length=1)
    limits: list[float] = key(
        "Jets whose ratio lies outside train nothing, and are not counted in the closure; neither are those whose "
        "numerator or denominator is not positive.",
        default=[0.2, 5],
        min_length=2,
        max_length=2,
    )
    width: float = key(
        "Unit of deviations in the loss; it grows with their square below this and linearly above.", default=0.1, gt=0
    )
    weight: float = key("Factor in the loss.", default=1, gt=0)

    def __post_init__(self) -> None:
        """Check the order of the limits."""
        if not 0 < self.limits[0] < self.limits[1]:
            raise ConfigError(f"config: tag.networks.<name>.regression: limits {self.limits} do not grow from above 0.")


@record
class AuxiliaryConfig:
    """A further task in training, which makes the network's features better and gives no output."""

    target: str = key(
        "Column of `skim` with the target, without the jet's name: a number of each jet, or a list that belongs to its "
        "constituents, `pf_...`.",
        min_length=1,
    )
    classes: int | None = key(
        "The target is one of so many classes, from 0 on, and others (such as -1) are none; null for a number.",
        default=None,
        ge=2,
    )
    pairs: bool = key(
        "The task is to tell which pairs of constituents have the same target, such as tracks of one vertex; negative "
        "ones are none.",
        default=False,
    )
    weight: float = key("Factor in the loss.", default=1, gt=0)

    def __post_init__(self) -> None:
        """Check that pairs are of constituents."""
        if self.pairs and (self.classes is not None or not self.of_constituents):
            raise ConfigError(
                "config: tag.networks.<name>.auxiliary: pairs are of a list that belongs to constituents (pf_...), and "
                "have no classes; correct target and classes."
            )

    @property
    def of_constituents(self) -> bool:
        """Whether each constituent has a target."""
        return self.target.startswith("pf_")


@record
class NetworkConfig:
    """One network: its architecture, inputs and outputs, and where its weights come from.

    ``outputs`` names the class of each output in order; published networks have several outputs for
    one class (their scores are added) and some for none (``"ignore"``).
    """

    architecture: str = key(
        "`particle_transformer` (arXiv:2202.03772) or `particle_net` (arXiv:1902.08570), from weaver-core, "
        "`boosted_trees`, `dense_network`, `recurrent`, `jet_image`, `deep_sets`, `graph_attention`, "
        "`track_transformer`, or one of your own."
    )
    max_constituents: int = key("Hardest constituents of a jet that the network sees.", default=30, ge=2)
    inputs: Literal["kinematic", "full", "flavour"] = key(
        "What the network sees of a constituent: seven kinematic features; JetClass's `full` set, which has charge, "
        "kind, impact parameters and their errors, too; or for `flavour` also the signed significances of the impact "
        "parameters. The last two want `tracks` of the region.",
        default="kinematic",
    )
    dropout: float = key(
        "Dropout of the transformer's blocks, or of the other networks' dense layers.", default=0, ge=0, lt=1
    )
    transformer: TransformerConfig = key("Sizes of a Particle Transformer.", default={})
    edge_conv: EdgeConvConfig = key("Sizes of a ParticleNet.", default={})
    boosted_trees: TreesConfig = key("Boosted trees on high-level observables.", default={})
    dense_network: DenseConfig = key("Sizes of a dense network on high-level observables.", default={})
    recurrent: RecurrentConfig = key("Sizes of a recurrent network.", default={})
    jet_image: ImageConfig = key("Sizes of jet images and of their convolutional network.", default={})
    deep_sets: SetsConfig = key("Sizes of a deep-sets network.", default={})
    tracks: TracksConfig = key("Sizes of `graph_attention` and `track_transformer`.", default={})
    outputs: list[str] = key(
        "Class of each output of the network, in order; published networks may repeat a class (their scores"
        " add up) or `ignore` an output. Empty for all of `tag.classes`, the background first, then by name.",
        default=[],
    )
    background: Class = key("The class from which the others are told, as in s / (s + background).", default="qcd")
    decays: dict[Class, list[Decay]] = key("What its classes hold; empty for what `tag.classes` says.", default={})
    regression: dict[Class, RegressionConfig] = key(
        "What the network estimates of a jet beside its class, by name; columns `<jet>_<network>_<name>` and "
        "`<jet>_<network>_<name>_q16`, `_q50`, `_q84`, `_resolution`.",
        default={},
    )
    auxiliary: dict[Class, AuxiliaryConfig] = key("Further tasks of the training, by name.", default={})
    weights: str | None = key(
        "Published weights to use instead of training, a weaver state dictionary (`.pt`) or a weaver ONNX "
        "export (`.onnx`).",
        default=None,
    )
    training: NetworkTraining = key("What is special about the training of this network.", default={})

    @property
    def classes(self) -> list[Class]:
        """The classes that have a score, in the order of the columns."""
        return [one for one in dict.fromkeys(self.outputs) if one != IGNORE]

    @property
    def estimates(self) -> list[str]:
        """The numbers of the regressions, as the end of their columns' names, in the order of a network's outputs."""
        return [f"{name}{end}" for name in sorted(self.regression) for end in ("", *(f"_{q}" for q in QUANTILES))]


@record
class PublishedConfig:
    """A published network as it is, by its card."""

    card: str | dict[str, Any] = key(
        "Folder or `card.yaml` of the network, or the content of that file, with paths relative to the run's folder.",
        min_length=1,
    )
    classes: dict[Class, list[str]] = key(
        "Outputs that count for each class, `{qcd: [probQCDbb, probQCDcc], 2prong: [probHbb]}`: they are added, the "
        "others are left out, and the sums normalised to one; empty for the outputs alone.",
        default={},
    )
    jets: Name | None = key(
        "Objects of the events' region whose kept jets it scores, such as `small_jet`: columns "
        "`<jets>1_<network>_<output>`; null for the two large-radius jets.",
        default=None,
    )
    background: Class = key("The class from which the others are told.", default="qcd")
    trust: bool = key("Run a TorchScript file, which is a program of whoever published it.", default=False)


@record
class TrainingConfig:
    """How much to train on, and how."""

    max_jets: int = key("Most training jets of each class.", default=2000, ge=10, unit="jets")
    held_out_jets: int = key("Most jets of each class that measure the performance.", default=1000, ge=10, unit="jets")
    pt_bins: int = key(
        "Bins of jet pT in which the classes get equal weight; 1 balances their sums alone.", default=5, ge=1
    )
    epochs: int = key("Passes over the training jets.", default=8, ge=1)
    batch_size: int = key("Jets of one batch.", default=64, ge=2, unit="jets")
    learning_rate: float = key("Highest learning rate.", default=0.005, gt=0)
    weight_decay: float = key("Weight decay of AdamW.", default=0.01, ge=0)
    schedule: Literal["one_cycle", "cosine"] = key(
        "`one_cycle` (arXiv:1708.07120), in which the momentum changes, too, or `cosine` (arXiv:1608.03983): the "
        "learning rate rises evenly and falls to 0 as a cosine does.",
        default="one_cycle",
    )
    warm_up: float = key("Part of all steps in which the learning rate rises.", default=0.3, ge=0, lt=1)
    accumulate: int = key("Batches whose gradients are added up to one step.", default=1, ge=1)
    precision: Literal["float32", "bfloat16"] = key(
        "Of the products of matrices in the training; weights, and all scores, stay in single precision.",
        default="float32",
    )
    patience: int | None = key(
        "Epochs without a smaller loss after which the training ends; the network is then as it was where that loss "
        "was smallest. The loss is that of a tenth of the training events, which then do not train. Null: all epochs, "
        "and the last state.",
        default=None,
        ge=1,
    )
    jets_in_memory: int = key(
        "Most training jets that are held at once; more of them are read anew in every epoch.",
        default=100000,
        ge=10,
        unit="jets",
    )


@record
class ComparisonConfig:
    """All networks side by side on the same held-out jets."""

    timed_jets: int = key("Jets that are scored to measure the speed.", default=1000, ge=1, unit="jets")


@record
class Samples:
    """What the networks learn from, where it is not the search's simulation."""

    background: list[str] | None = key(
        "Datasets of QCD jets; null for `search.samples.background`.", default=None, unique=True
    )
    signal: list[str] | None = key(
        "Datasets whose jets are told apart by their decays; null for `search.samples.signal`.",
        default=None,
        unique=True,
    )
    data: list[str] | None = key(
        "Data to which a network is adapted (`networks.<name>.training.domain`); null for `search.samples.data`.",
        default=None,
        unique=True,
    )
    other_background: list[str] = key(
        "QCD jets of another simulation, to which a network is adapted.", default=[], unique=True
    )
    other_signal: list[str] = key("As `signal`, of that other simulation.", default=[], unique=True)


@record
class JetFilesConfig:
    """ROOT files with JetClass's layout whose jets train the networks, in place of the simulated datasets."""

    files: list[str] = key(
        "Files, or patterns such as `jetclass/train_100M/*.root`, relative to the working folder.", min_length=1
    )
    labels: dict[Class, list[str]] = key(
        "Branches that mark the jets of each class, `{qcd: [label_QCD], 3prong: [label_Tbqq]}`; jets with none of them "
        "are of no class.",
        min_length=1,
    )

    def require(self, network: NetworkConfig) -> None:
        """Stop with ``ConfigError`` where one of its classes has no label, or it has tasks that need skimmed events."""
        for name in network.classes:
            if not self.labels.get(name):
                raise ConfigError(
                    f"config: tag.jet_files.labels: none for the class {name!r}; name its branches, or take it out of "
                    "tag.networks.<name>.outputs."
                )
        if tasks := [*network.regression, *network.auxiliary]:
            raise ConfigError(
                f"config: tag.jet_files: files of JetClass have no targets for {tasks[0]!r}; take the task out of "
                "tag.networks.<name>, or train on skimmed datasets."
            )

    def paths(self) -> list[Path]:
        """The files, by name.

        Raises:
            ConfigError: one of the names or patterns fits none.
        """
        found = {one: sorted(glob(one)) for one in self.files}  # noqa: PTH207 - Path.glob takes no absolute pattern
        for pattern, files in found.items():
            if not files:
                raise ConfigError(
                    f"config: tag.jet_files.files: no file {pattern!r}; correct it (relative to {Path.cwd()})."
                )
        return [Path(path) for path in dict.fromkeys(path for files in found.values() for path in files)]


@record
class TagConfig:
    """Jet taggers, trained on the simulated jets or published, and the scores of both jets of every event."""

    samples: Samples = key("What the networks learn from.", default={})
    seed: int = key("Seed of the choice of training events and of the training.", default=1, ge=0)
    device: Literal["cpu", "cuda", "auto"] = key(
        "Where the networks run; `auto` takes a GPU where there is one, and then results differ between machines.",
        default="cpu",
    )
    train_fraction: float = key(
        "Fraction of the simulated events (by a hash of the identifier) that may be trained on and are "
        "marked `tag_train`.",
        default=0.5,
        gt=0,
        lt=1,
    )
    score_batch_size: int = key(
        "Most jets that a network scores at once; on a CPU fewer where its layers would not fit into a core's cache.",
        default=64,
        ge=1,
        unit="jets",
    )
    training: TrainingConfig = key("How much to train on, and how.", default={})
    jet_files: JetFilesConfig | None = key(
        "ROOT files with JetClass's layout to train on, in place of the simulated datasets; null for none.",
        default=None,
    )
    classes: dict[Class, list[Decay]] = key(
        "The classes of jets by name, and the decays that each of them holds (`bb`, `bqq`, `lvqq`, see below); `qcd` "
        "are all jets of `samples.background`. A jet of `samples.signal` with another decay is of no class.",
        default={"qcd": ["qcd"], "2prong": ["jj*"], "3prong": ["jjj*"], "4prong": ["jjjj*"]},
        min_length=2,
    )
    networks: dict[NetworkName, NetworkConfig] = key(
        "The networks by name; the name stands in the score columns `<jet>_<network>_<class>`; none where all are "
        "`published`.",
        default={"part": {"architecture": "particle_transformer"}, "particlenet": {"architecture": "particle_net"}},
    )
    published: dict[NetworkName, PublishedConfig] = key(
        "Published networks with inputs of their own, by name; columns `<jet>_<network>_<output>` and, of `classes`, "
        "`<jet>_<network>_<class>`.",
        default={},
    )
    working_points: dict[PointName, WorkingPoint] = key(
        "Cuts on scores by name, which as many QCD jets pass at all masses and transverse momenta; columns "
        "`<jet>_pass_<name>`.",
        default={},
    )
    comparison: ComparisonConfig | None = key(
        "Compare all networks of `networks` on the same held-out jets: discrimination, size and speed; null for no "
        "comparison.",
        default=None,
    )

    def __post_init__(self) -> None:
        """Give networks the classes that they do not have of their own."""
        for name, network in self.networks.items():
            known = network.decays or self.classes
            named = [network.background, *sorted(known.keys() - {network.background})]
            made = replace(network, outputs=network.outputs or [one for one in named if one in known])
            self.networks[name] = replace(made, decays={one: known[one] for one in made.classes if one in known})
