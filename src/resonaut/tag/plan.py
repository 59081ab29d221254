"""What the section ``tag`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonaut.core import formats
from resonaut.core.errors import ConfigError
from resonaut.core.samples import drawn_from
from resonaut.tag import decays
from resonaut.tag.architectures import networks, require_consistent, require_same_classes
from resonaut.tag.working_points import plan as working_points

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ()
# The samples of a domain that a network is adapted to.
OTHERS = {"data": ("data",), "simulation": ("other_background", "other_signal")}


def section() -> type:
    """The record of the section ``tag``."""
    from resonaut.tag.settings import TagConfig

    return TagConfig


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "networks": lambda analysis: [
        *GIVES["own"](analysis),
        *(f"<results>/tag/{name}.json" for name in measured(analysis)),
    ],
    "own": lambda analysis: [f"<results>/tag/{name}.json" for name in analysis.config["tag"]["networks"]],
    "regressed": lambda analysis: [
        f"<results>/tag/{name}.json"
        for name, entry in analysis.config["tag"]["networks"].items()
        if entry["regression"]
    ],
    "comparison": lambda analysis: ["<results>/tag/comparison.json"] if analysis.config["tag"]["comparison"] else [],
    "working_points": working_points.summaries,
}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to train on, or a network contradicts itself."""
    from resonaut.core.record import build
    from resonaut.tag.settings import JetFilesConfig, NetworkConfig

    config = analysis.config
    section = config["tag"]
    if not section["networks"] and not section["published"]:
        raise ConfigError("config: tag.networks and tag.published are both empty; name a network, or take 'tag' out.")
    _require_published(analysis)
    if section["networks"] and section["jet_files"] is None and not simulation(analysis):
        raise ConfigError(
            "config: search.stages has 'tag', which learns from simulated jets; name datasets in "
            "search.samples.background and signal (or tag.samples), or take 'tag' out."
        )
    for name in formats.without_candidates(config, _seen(analysis, *section["networks"])):
        raise ConfigError(
            f"config: search.stages has 'tag', which sees the jets' candidates, and {name!r} keeps none (format "
            f"{config['datasets'][name]['format']}); set skim.read_constituents for files that have them, or take "
            "'tag' out."
        )
    trained = any(entry["weights"] is None for entry in config["tag"]["networks"].values())
    for name in analysis.sample("data", "pseudo_data") if trained else ():
        if both := set(drawn_from(config, name)).intersection(simulation(analysis)):
            raise ConfigError(
                f"config: {name!r} is drawn from {min(both)!r}, whose jets train the networks of tag, which would know "
                "some of these pseudo-data; name other background in tag.samples, or take 'tag' out."
            )
    files = build(section["jet_files"], JetFilesConfig, "config: tag.jet_files") if section["jet_files"] else None
    if files:
        files.paths()
    known, built = networks().joined(config["code"]), {}
    decays.require_apart("classes", section["classes"])
    for name, entry in config["tag"]["networks"].items():
        decays.of([one for one in entry["outputs"] if one != "ignore"], entry["decays"])
        decays.require_apart(f"networks.{name}.decays", entry["decays"])
        built[name] = build(entry, NetworkConfig, f"config: tag.networks.{name}")
        if files:
            # Before what datasets keep: it is not from these that the network learns.
            files.require(built[name])
        _require_kept(analysis, name)
        _require_ratios(analysis, name)
        for sample, names in others(analysis, name).items():
            if not names:
                raise ConfigError(
                    f"config: tag.networks.{name}.training.domain wants jets of tag.samples.{sample}, which names no "
                    "dataset; name some, or take 'domain' out."
                )
        require_consistent(name, built[name], known)
        weights = entry["weights"]
        if weights is not None and not Path(weights).is_file():
            raise ConfigError(
                f"config: tag.networks.{name}.weights: no file {weights!r}; correct the path, which is relative to "
                f"{Path.cwd()}."
            )
    if section["comparison"]:
        require_same_classes(built)
    working_points.check(analysis)


def _variables() -> str:
    """The Markdown table of the variables of published networks."""
    from resonaut.physics import pfnano
    from resonaut.physics.tagger_variables import VARIABLES

    places = {field: f"`PFCands_{branch}`" for field, branch in pfnano.CANDIDATE.items()}
    places |= {field: f"`FatJetPFCands_{branch}`" for field, branch in pfnano.LINK.items()}
    places |= {field: f"`FatJetSVs_{branch}`" for field, branch in pfnano.VERTEX.items()}
    rows = ["| variable | of a | unit | from, beside the momenta |", "|---|---|---|---|"]
    for name, one in VARIABLES.items():
        unit = "" if one.unit == "1" else one.unit
        sources = dict.fromkeys(places[field] for field in one.fields if field in places)
        rows.append(f"| `{name}` | {one.kind} | {unit} | {', '.join(sources)} |")
    return "\n".join(rows)


TABLES: dict[str, dict[str, Callable[[], str]]] = {"published_networks": {"variables": _variables}}


def _require_kept(analysis: "Analysis", network: str) -> None:
    """Stop with ``ConfigError`` where a dataset's region does not keep what a network sees or learns of its jets."""
    config, entry = analysis.config, analysis.config["tag"]["networks"][network]
    wanted = {"tracks: true": _seen(analysis, network) if entry["inputs"] != "kinematic" else []}
    if entry["weights"] is None and decays.FLAVOUR in decays.columns(entry["decays"].values()):
        # Jets of files have labels of their own.
        told = [] if jet_files(analysis) else analysis.sample("signal", of="tag")
        wanted["flavours: [jets]"] = [*told, *others(analysis, network).get("other_signal", [])]
    if {task["target"] for task in entry["auxiliary"].values()} & {"pf_origin", "pf_vertex"}:
        wanted["flavours: [tracks]"] = simulation(analysis)
    for key, names in wanted.items():
        for name in names:
            one, (word, what) = config["datasets"][name], key.split(": ")
            # Of those that another analysis has skimmed the files tell.
            kept = config["skim"]["regions"][one["region"]][word]
            if one["skimmed"] is None and not (kept is True or (kept and what.strip("[]") in kept)):
                raise ConfigError(
                    f"config: tag.networks.{network} needs more of the jets of {name!r} than is kept; set {key} in "
                    f"skim.regions.{one['region']}."
                )


def _seen(analysis: "Analysis", *networks: str) -> list[str]:
    """The datasets whose jets some networks see: those with scores, and those that they are adapted to."""
    adapted = [name for network in networks for names in others(analysis, network).values() for name in names]
    return list(dict.fromkeys([*scored(analysis), *adapted]))


def _require_ratios(analysis: "Analysis", network: str) -> None:
    """Stop with ``ConfigError`` where the datasets that train a network do not keep what it is to estimate."""
    skim = analysis.config["skim"]
    truth = {"j1_decay_pt", "j1_decay_mass"} if skim["truth"] else set()
    truth |= {"j1_genjet_pt", "j1_genjet_mass"} if skim["generated_jets"] else set()
    for name, entry in analysis.config["tag"]["networks"][network]["regression"].items():
        for dataset in simulation(analysis):
            kept = analysis.columns(dataset)
            for key in ("target", "over"):
                if kept is not None and f"j1_{entry[key]}" not in truth.union(kept):
                    raise ConfigError(
                        f"config: tag.networks.{network}.regression.{name}.{key}: {dataset!r} keeps no column "
                        f"'j1_{entry[key]}'; correct it, or have skim keep it."
                    )


def _require_published(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where a card has no file, or a published network the name of one that is trained."""
    section = analysis.config["tag"]
    for name, entry in section["published"].items():
        where = f"config: tag.published.{name}"
        if name in section["networks"]:
            raise ConfigError(f"{where}: tag.networks has a network of that name; rename one.")
        if isinstance(entry["card"], str) and not Path(entry["card"]).exists():
            raise ConfigError(
                f"{where}.card: nothing at {entry['card']!r}; correct the path (relative to {Path.cwd()})."
            )
        if (jets := entry["jets"]) is not None:
            for dataset in scored(analysis):
                region = analysis.config["datasets"][dataset]["region"]
                kept = analysis.config["skim"]["regions"][region]["objects"].get(jets)
                if kept is None or not kept["networks"]:
                    raise ConfigError(
                        f"{where}.jets: datasets.{dataset} keeps no candidates of {jets!r}; name the network's inputs "
                        f"in skim.regions.{region}.objects.{jets}.networks."
                    )
        classes, outputs = entry["classes"], [one for several in entry["classes"].values() for one in several]
        if classes and (background := entry["background"]) not in classes:
            raise ConfigError(f"{where}.classes: has no {background}, which others are told from; add its outputs.")
        if twice := next((one for one in outputs if outputs.count(one) > 1), None):
            raise ConfigError(f"{where}.classes: {twice!r} counts twice; leave it in one class.")
    for path in cards(analysis):
        if not Path(path).is_file():
            raise ConfigError(f"config: tag.published: no file {path!r}, which a card names; correct the card.")


def cards(analysis: "Analysis") -> list[str]:
    """The files of all published networks, so that new ones rerun the scores."""
    entries = analysis.config["tag"]["published"].values()
    if not entries:
        return []
    from resonaut.tag import card

    return list(dict.fromkeys(str(path) for entry in entries for path in card.files(card.source(entry["card"]))))


def keys(analysis: "Analysis", command: str, *network: str) -> dict[str, Any]:
    """What a job reads: a training or measurement its own network, the others all, and nothing of the training.

    Of the training a comparison has the number of held-out jets, and a measurement the bins of pT, too.
    """
    if command == "working_points":
        return working_points.keys(analysis, *network)
    section = _without(analysis.config["tag"], "working_points")
    if command == "compare":
        held_out = {"training": {"held_out_jets": section["training"]["held_out_jets"]}}
        networks = {name: _without(entry, "training") for name, entry in section["networks"].items()}
        return _without(section, "classes", "published") | held_out | {"networks": networks}
    section = _without(section, "comparison")
    if command == "train":
        own = {name: section["networks"][name] for name in network}
        return _without(section, "classes", "published") | {"networks": own}
    if command == "measure":
        training = {name: section["training"][name] for name in ("held_out_jets", "pt_bins")}
        published = {name: section["published"][name] for name in network}
        found = _without(section, "device", "score_batch_size", "jet_files")
        return found | {"training": training, "networks": {}, "published": published}
    networks = {name: _without(entry, "training") for name, entry in section["networks"].items()}
    return _without(section, "training", "classes", "jet_files") | {"networks": networks}


def _without(section: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key not in keys}


def simulation(analysis: "Analysis") -> list[str]:
    """The datasets whose jets train the networks; none where jets of ``tag.jet_files`` do."""
    return [] if jet_files(analysis) else analysis.sample("background", "signal", of="tag")


def manifests(analysis: "Analysis", sample: str) -> list[str]:
    """The manifests of those of the sample ``background`` or ``signal``."""
    return [] if jet_files(analysis) else analysis.manifests(*analysis.sample(sample, of="tag"))


def jet_files(analysis: "Analysis") -> list[str]:
    """The ROOT files whose jets train the networks, in place of datasets; so new ones rerun them."""
    from resonaut.core.record import build
    from resonaut.tag.settings import JetFilesConfig

    entry = analysis.config["tag"]["jet_files"]
    return [str(path) for path in build(entry, JetFilesConfig, "config: tag.jet_files").paths()] if entry else []


def training_memory(analysis: "Analysis", network: str) -> int:
    """What a training needs, in MB: of each jet in memory there are at times four copies, of 4 bytes a number."""
    from resonaut.tag.inputs import names

    section = analysis.config["tag"]
    entry, training = section["networks"][network], section["training"]
    # Of a constituent the features and a four-vector.
    numbers, classes = entry["max_constituents"] * (len(names(entry["inputs"])) + 4), len(entry["outputs"])
    most = (entry["training"]["max_jets"] or training["max_jets"]) * classes
    learner = networks().joined(analysis.config["code"])[entry["architecture"]].learner
    # A learner has all jets at once.
    jets = (most if learner else min(training["jets_in_memory"], most)) + training["held_out_jets"] * classes
    return 1500 + int(4 * 4 * numbers * jets / 1e6)


def others(analysis: "Analysis", network: str) -> dict[str, list[str]]:
    """The datasets of the domain that a network is adapted to, by sample; none for most."""
    domain = analysis.config["tag"]["networks"][network]["training"]["domain"]
    return {sample: analysis.sample(sample, of="tag") for sample in OTHERS[domain["other"]]} if domain else {}


def other_manifests(analysis: "Analysis", network: str) -> dict[str, list[str]]:
    """Their manifests, by sample."""
    found, names = others(analysis, network), [name for samples in OTHERS.values() for name in samples]
    return {sample: analysis.manifests(*found.get(sample, [])) for sample in names}


def read(analysis: "Analysis", network: str) -> list[str]:
    """The datasets whose jets a training reads."""
    adapted = [name for names in others(analysis, network).values() for name in names]
    return list(dict.fromkeys([*simulation(analysis), *adapted]))


def trained(analysis: "Analysis") -> list[str]:
    """The simulated datasets of which a part trains networks."""
    found = [others(analysis, network) for network in analysis.config["tag"]["networks"]]
    adapted = [name for samples in found for sample in OTHERS["simulation"] for name in samples.get(sample, [])]
    return list(dict.fromkeys([*simulation(analysis), *adapted]))


def measured(analysis: "Analysis") -> list[str]:
    """The published networks that are measured: of large-radius jets, with classes that the simulation tells apart."""
    found = {name: one["classes"] for name, one in analysis.config["tag"]["published"].items() if one["jets"] is None}
    return [name for name, classes in found.items() if classes and _told(analysis, classes)]


def measuring(analysis: "Analysis") -> list[str]:
    """The datasets whose jets measure published networks, also where jets of ``tag.jet_files`` train our own."""
    return analysis.sample("background", "signal", of="tag") if measured(analysis) else []


def _told(analysis: "Analysis", names: Iterable[str]) -> bool:
    """Whether simulated jets of the classes with these names are there, and skim keeps what tells them apart."""
    config, known = analysis.config, analysis.config["tag"]["classes"]
    background, signal = (analysis.sample(name, of="tag") for name in ("background", "signal"))
    if not (background and signal and config["skim"]["truth"] and set(names) <= known.keys()):
        return False
    flavoured = decays.FLAVOUR in decays.columns([known[name] for name in names])
    datasets = [config["datasets"][name] for name in signal]
    kept = [not flavoured or "jets" in config["skim"]["regions"][one["region"]]["flavours"] for one in datasets]
    return all(kept) and all(one["format"] == "nanoaod" for one in datasets)


def scored(analysis: "Analysis") -> list[str]:
    """The datasets whose jets get scores: those of the search, and those that train or measure networks."""
    names = analysis.sample("data", "background", "signal", "pseudo_data")
    names = [*names, *simulation(analysis), *measuring(analysis), *working_points.learned_from(analysis)]
    wanted = analysis.wanted()
    return [name for name in dict.fromkeys(names) if name in wanted]


def published_weights(analysis: "Analysis", network: str) -> list[str]:
    """The published weights of a network, so that new ones rerun it; none for one that is trained here."""
    path: str | None = analysis.config["tag"]["networks"][network]["weights"]
    return [path] if path else []


def _architectures(analysis: "Analysis", network: str | None) -> list[str]:
    """The architecture of a network, or those of all."""
    section = analysis.config["tag"]["networks"]
    return list(dict.fromkeys(section[name]["architecture"] for name in ([network] if network else section)))


def own_code(analysis: "Analysis", network: str | None = None) -> list[str]:
    """The user's own files with the architecture of a network, or with those of all."""
    return networks().files(_architectures(analysis, network), analysis.config["code"])


def modules(analysis: "Analysis", network: str | None = None) -> list[str]:
    """What makes a network, or all of them, found by the name of the architecture; and the user's own files."""
    known, own = networks().joined(analysis.config["code"]), own_code(analysis, network)
    entries = [known[name] for name in _architectures(analysis, network)]
    graphs = [one.module for entry in entries for one in (entry.maker, entry.observer) if one]
    return [*(path for entry in entries for path in (entry.declaration, entry.module)), *graphs, *own]
