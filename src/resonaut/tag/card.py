"""Model cards: what a published network is, where its weights are, and which jets it is of.

A card is a folder with ``card.yaml``, that file, or its content in the configuration. A folder of CMS, one ONNX file
beside ``preprocess.json``, is a card as it is: all that is not said has the values of CMS's producers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml

from resonaut.core.config import require_unique_keys
from resonaut.core.errors import InputFileError
from resonaut.core.files import digest
from resonaut.core.record import GeV, Pattern, build, key, record
from resonaut.physics.declared_inputs import load as load_inputs
from resonaut.tag.preprocess import Preprocess
from resonaut.tag.settings import EdgeConvConfig, NetworkName, TransformerConfig

# A card's folder, its file, or its content.
Source = Path | Mapping[str, Any]
CARD, PREPROCESS = "card.yaml", "preprocess.json"
Sha256 = Pattern(r"^[0-9a-f]{64}$", "64 hexadecimal digits")


@record
class Jets:
    """Which jets a network is of, and which of their candidates it sees in which order; null as CMS does."""

    collection: str = key("Collection of the file: `FatJet`, `Jet`.", default="FatJet", min_length=1)
    radius: float | None = key(
        "Vertices are within it; null for that of the name (`FatJetAK15`), and else 0.8, or 0.4 of `Jet...`.",
        default=None,
        gt=0,
    )
    links: str | None = key(
        "Collection of the file that links jets with candidates; null for `<collection>PFCands`, `<collection>PFCand`.",
        default=None,
    )
    vertices: str | None = key(
        "Collection of the jets' vertices; null for `<collection>SVs` or `<collection>SV`.", default=None
    )
    pt_min: GeV = key("Jets below have no score.", default=0, ge=0)
    eta_min: float | None = key("Jets nearer to the centre have no score; null for no limit.", default=None, ge=0)
    eta_max: float | None = key("Jets further away have no score; null for no limit.", default=None, gt=0)
    weighted: bool | None = key(
        "Candidates' momenta count times their PUPPI weights; null for yes, but no for `Jet...` and networks with "
        "variables `jet_pfcand_...`.",
        default=None,
    )
    weight_min: float | None = key(
        "Least PUPPI weight of a candidate; null for 0.01, but 0 for variables `part_...` and `jet_pfcand_...` and for "
        "`Jet...` where momenta are not weighted.",
        default=None,
        ge=0,
    )


@record
class Network:
    """The sizes of a network whose weights are a state dictionary; keys as of ``tag.networks``."""

    architecture: str = key("One of docs/tag.md.")
    max_constituents: int = key("Hardest constituents that it sees.", default=128, ge=2)
    transformer: TransformerConfig = key("Sizes of a Particle Transformer.", default={})
    edge_conv: EdgeConvConfig = key("Sizes of a ParticleNet.", default={})


@record
class Card:
    """The content of ``card.yaml``; paths are relative to it."""

    weights: str = key("File of the weights: `.onnx`, `.pt` (state dictionary), or TorchScript.")
    name: NetworkName | None = key("Name in the score columns of a skim; null for the folder's.", default=None)
    form: Literal["onnx", "state", "torchscript"] | None = key(
        "What the weights are; null for that of the suffix (`.onnx`; `.pt`, `.pth`: `state`; `.ts`: `torchscript`).",
        default=None,
    )
    preprocess: str | None = key(
        "File of the inputs, `.json` in CMS's form or `.yaml` in weaver's.", default=PREPROCESS
    )
    inputs: dict[str, Any] | None = key("The inputs in place of that file, in the same form.", default=None)
    outputs: list[str] | None = key(
        "Names of the outputs in order; null for those of the inputs' file.", default=None, unique=True
    )
    softmax: bool = key("Whether the outputs are logits, of which probabilities must be made.", default=False)
    network: Network | None = key("What the weights of a state dictionary belong to.", default=None)
    jets: Jets = key("The jets that it is of.", default={})
    sha256: dict[str, Annotated[str, Sha256]] = key("Checksums of files beside the card, by name.", default={})


@dataclass(frozen=True)
class Model:
    """A card with all that it names: ``content`` are the bytes of the weights, ``said`` is the card in messages."""

    name: str
    folder: Path
    said: str
    card: Card
    preprocess: Preprocess
    outputs: tuple[str, ...]
    content: bytes

    @property
    def weights(self) -> Path:
        """The file of the weights."""
        return self.folder / self.card.weights

    @property
    def form(self) -> str:
        """What the weights are."""
        known = {".onnx": "onnx", ".pt": "state", ".pth": "state", ".ts": "torchscript"}
        found = self.card.form or known.get(self.weights.suffix)
        if found is None:
            raise InputFileError(self.weights, "of an unknown form", f"say in the card's form: {', '.join(FORMS)}")
        return found

    @property
    def weighted(self) -> bool:
        """Whether momenta count times PUPPI weights."""
        if self.card.jets.weighted is not None:
            return self.card.jets.weighted
        return not self.small and not self._has("jet_pfcand_")

    @property
    def weight_min(self) -> float:
        """The least PUPPI weight of a candidate."""
        if self.card.jets.weight_min is not None:
            return self.card.jets.weight_min
        puppi = self.weighted or not self.small
        return 0.01 if puppi and self.bare and not self._has("jet_pfcand_") else 0.0

    @property
    def bare(self) -> bool:
        """Whether it needs momenta without weights: all but networks of JetClass, which knows no pile-up."""
        return any(self._has(prefix) for prefix in ("pfcand_", "npfcand_", "jet_pfcand_"))

    def _has(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.preprocess.bases)

    @property
    def radius(self) -> float:
        """Within which the vertices are."""
        collection = self.card.jets.collection
        named = re.search(r"AK(\d+)", collection)
        usual = int(named[1]) / 10 if named else (0.4 if self.small else 0.8)
        return self.card.jets.radius or usual

    @property
    def small(self) -> bool:
        """Whether its jets are those of radius 0.4."""
        return self.card.jets.collection.startswith("Jet")


FORMS = ("onnx", "state", "torchscript")


def folder(source: Source) -> Path:
    """The folder of a card, to which its paths are relative: that of the run for a block of a configuration."""
    if isinstance(source, Mapping):
        return Path()
    return source if source.is_dir() else source.parent


def source(given: str | Mapping[str, Any]) -> Source:
    """A card as the configuration names it: by its path, or by its content."""
    return Path(given) if isinstance(given, str) else given


def said(source: Source) -> str:
    """What a card is called in messages."""
    return "the card in the configuration" if isinstance(source, Mapping) else str(source)


def files(source: Source) -> list[Path]:
    """The card and all files that it names, which its jobs read."""
    card, where = _card(source), folder(source)
    found = [card.weights, *([card.preprocess] if card.inputs is None and card.preprocess else [])]
    own = [] if isinstance(source, Mapping) else [where / CARD if source.is_dir() else source]
    return [*(path for path in own if path.exists()), *(where / name for name in found)]


def load(source: Source, collection: str | None = None) -> Model:
    """Read a card and the files that it names.

    Args:
        source: the folder, the card, or its content.
        collection: jets of another collection than the card's.

    Raises:
        ConfigError: a key of the card or of the inputs is unknown or wrong.
        InputFileError: a file is missing, has another checksum, or does not hold what its name says.
    """
    card, where, path = _card(source), folder(source), said(source)
    if collection is not None:
        kept = {name: getattr(card.jets, name) for name in ("pt_min", "eta_min", "eta_max")}
        card = replace(card, jets=build(kept | {"collection": collection}, Jets, path))
    for name, expected in card.sha256.items():
        if not (where / name).is_file():
            raise InputFileError(where / name, "no such file, whose checksum the card has", "correct the card's sha256")
        if (found := digest(where / name)) != expected:
            raise InputFileError(
                where / name,
                f"has the checksum {found[:12]}..., not {expected[:12]}... as in its card",
                "fetch the file again, or correct sha256 in the card",
            )
    preprocess = _preprocess(card, where, path)
    outputs = tuple(card.outputs or preprocess.outputs)
    if not outputs:
        raise InputFileError(path, "names no outputs", "list the classes in the card's outputs, in their order")
    if len(set(outputs)) < len(outputs):
        raise InputFileError(path, "has two outputs of one name", "correct the names in the card's outputs")
    if odd := next((name for name in outputs if not re.fullmatch(r"\w+", name, re.ASCII)), None):
        problem = f"has an output {odd!r}, which is no name of letters, digits and _"
        raise InputFileError(path, problem, "name the outputs in the card, in their order")
    try:
        content = (where / card.weights).read_bytes()
    except OSError:
        raise InputFileError(where / card.weights, "no such file of weights", "correct weights in the card") from None
    return Model(card.name or _name(where), where, path, card, preprocess, outputs, content)


def _name(where: Path) -> str:
    """A network's name from that of its folder."""
    letters = "".join(letter for letter in where.resolve().name.lower() if letter.isascii() and letter.isalnum())
    return letters.lstrip("0123456789") or "network"


def _card(given: Source) -> Card:
    if isinstance(given, Mapping):
        return build(dict(given), Card, said(given))
    path = given
    source = path / CARD if path.is_dir() else path
    if path.is_dir() and not source.exists():
        found = sorted(path.glob("*.onnx"))
        if len(found) != 1 or not (path / PREPROCESS).is_file():
            raise InputFileError(
                path,
                f"has neither {CARD} nor one .onnx file beside {PREPROCESS}",
                f"write {CARD} (docs/published_networks.md)",
            )
        return build({"weights": found[0].name}, Card, str(path))
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except OSError:
        raise InputFileError(source, "no such card", "give the folder or the card.yaml of a network") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InputFileError(
            source, "is no card of a model", "give a folder, or a card.yaml (docs/published_networks.md)"
        ) from None
    require_unique_keys(source)
    if not isinstance(content, dict):
        raise InputFileError(
            source, "is no card of a model", "give a folder, or a card.yaml (docs/published_networks.md)"
        )
    return build(content, Card, str(source))


def _preprocess(card: Card, where: Path, path: str) -> Preprocess:
    if card.inputs is not None:
        return Preprocess.of(card.inputs, f"{path}: inputs")
    if card.preprocess is None:
        raise InputFileError(path, "names no inputs", "give preprocess or inputs in the card")
    source = where / card.preprocess
    return Preprocess.of(load_inputs(source), source)
