"""What must fit together in the datasets and the section ``skim``, seen before the first job."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from resonaut.core import formats, samples
from resonaut.core.errors import ConfigError
from resonaut.skim import kept
from resonaut.skim.own import COLUMNS, OwnColumns

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ("simulate",)


def section() -> type:
    """The record of the section ``skim``."""
    from resonaut.skim.settings import Skim

    return Skim


def keys(analysis: "Analysis", command: str, dataset: str) -> dict[str, Any]:
    """What a job of a dataset reads: its entry, and of the section its region.

    What a chunk holds does not depend on the dataset's normalisation, nor on how many files there are beside it, unless
    the format numbers the events by file.
    """
    from resonaut.core.datasets import BLIND
    from resonaut.skim.era import of_nature

    section, entry = analysis.config["skim"], analysis.config["datasets"][dataset]
    region = section["regions"][entry["region"]]
    if entry["nature"] in BLIND:
        region = region | {"particle_level": None}
    read = section | {"regions": {entry["region"]: region}}
    read["eras"] = {name: of_nature(block, entry["nature"]) for name, block in _block(analysis, dataset).items()}
    if command == "merge":
        bare = {name: block | {"corrections": {}} for name, block in read["eras"].items()}
        return {"dataset": entry | {"generator": None}, "skim": read | {"eras": bare}}
    names = ["nature", "format", "region", "trigger", "labelled", "certified", "expected"]
    if read["eras"]:
        names.append("era")
    if not formats.entry(entry["format"], analysis.config["code"]).sections:
        names.append("files")
    return {"dataset": {name: entry[name] for name in names}, "skim": {k: read[k] for k in read if k != "duplicates"}}


def _block(analysis: "Analysis", dataset: str) -> dict[str, Any]:
    """The block of a dataset's era under its name; none where there is none."""
    eras, era = analysis.config["skim"]["eras"], analysis.config["datasets"][dataset]["era"]
    return {era: eras[era]} if era in eras else {}


def tables(analysis: "Analysis", dataset: str) -> list[str]:
    """The files that a chunk reads beside events: lists of sections and of what is known of files, corrections."""
    from resonaut.skim.era import files

    entry = analysis.config["datasets"][dataset]
    region = analysis.config["skim"]["regions"][entry["region"]]
    networks = [*region["networks"], *(path for cuts in region["objects"].values() for path in cuts["networks"])]
    found = [entry["certified"], entry["expected"], *networks]
    for block in _block(analysis, dataset).values():
        own = {"certified": None} if entry["certified"] is not None else {}
        found += files({**block, **own}, entry["nature"])
    return list(dict.fromkeys(filter(None, found)))


def before(analysis: "Analysis", dataset: str) -> list[str]:
    """The datasets whose events must not count in this one again: recorded data of its era and samples, before it."""
    if dataset not in analysis.datasets() or not _recorded(analysis, dataset):
        return []
    groups = [
        names
        for verb in ("search", *analysis.config["search"]["stages"])
        for names in samples.of(analysis.config, verb).values()
        if dataset in names
    ]
    earlier = analysis.datasets()[: analysis.datasets().index(dataset)]
    era = analysis.catalogue[dataset].era
    return [
        name
        for name in earlier
        if any(name in names for names in groups) and analysis.catalogue[name].era == era and _recorded(analysis, name)
    ]


def _recorded(analysis: "Analysis", dataset: str) -> bool:
    """Whether a dataset is of files whose events have numbers of their own; what ``simulate`` makes repeats them."""
    entry = analysis.catalogue[dataset]
    return entry.nature == "data" and entry.generator is None and format_of(analysis, dataset).sections


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "manifests": lambda analysis: analysis.manifests(*analysis.wanted()),
    # Those whose cuts are not those of others: a combined dataset is the sum of its parts, and a drawn one of events.
    "cutflows": lambda analysis: analysis.manifests(
        *(
            name
            for name in analysis.wanted()
            if not analysis.catalogue[name].combine and analysis.catalogue[name].drawn is None
        )
    ),
    "data": lambda analysis: analysis.manifests(*analysis.sample("data")),
}


def _observables() -> str:
    """The Markdown table of the vocabulary of observables."""
    from resonaut.physics.observables import OBSERVABLES

    rows = ["| observable | unit | symbol | objects |", "|---|---|---|---|"]
    for name, one in OBSERVABLES.items():
        needs = [f"`{other}`" + (f" × {need.number}" if need.number > 1 else "") for other, need in one.objects.items()]
        rows.append(f"| `{name}` | {one.unit if one.unit != '1' else ''} | {one.label} | {', '.join(needs)} |")
    return "\n".join(rows)


TABLES: dict[str, dict[str, Callable[[], str]]] = {"skim": {"observables": _observables}}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where a dataset asks for what its files cannot have, or names a missing list."""
    from resonaut.core.datasets import require_certifiable

    config = analysis.config
    known = formats.formats().joined(config["code"])
    ready = analysis.ready()
    for name in (dataset for dataset in analysis.datasets() if dataset not in ready):
        entry = config["datasets"][name]
        known.require(f"config: datasets.{name}.format", [entry["format"]])
        _require_era(analysis, name, known[entry["format"]])
        _require_labels(name, entry, known[entry["format"]])
        _require_columns(analysis, name, known[entry["format"]])
        _require_networks(analysis, name)
        if entry["certified"] is not None:
            require_certifiable(name, entry["nature"], entry["format"], config["code"])
        for key in ("certified", "expected"):
            if entry[key] is not None and not Path(entry[key]).is_file():
                raise ConfigError(
                    f"config: datasets.{name}.{key}: no file {entry[key]!r}; correct the path (relative to "
                    f"{Path.cwd()})."
                )


def _require_era(analysis: "Analysis", name: str, layout: formats.Format) -> None:
    """A region or a block of an era that the dataset cannot have, or an era without one beside those of others."""
    from resonaut.core.datasets import DatasetConfig
    from resonaut.core.record import build
    from resonaut.skim import era, region
    from resonaut.skim.settings import Skim

    dataset = build(analysis.config["datasets"][name], DatasetConfig, f"config: datasets.{name}")
    eras = analysis.config["skim"]["eras"]
    if eras and dataset.era is not None and dataset.era not in eras:
        raise ConfigError(
            f"config: datasets.{name}.era is {dataset.era!r}; skim.eras has only {', '.join(eras)}; correct it, or add "
            "it there."
        )
    where, read = f"config: skim.eras.{dataset.era}", keys(analysis, "chunk", name)["skim"]
    found = era.Era.of(build(read, Skim, "config: skim"), dataset, name)
    region.require(dataset.region, found.region, layout, dataset.format, analysis.config["code"])
    era.require(found, where, name, dataset.format, layout.flags)
    for block in _block(analysis, name).values():
        era.require_files(where, era.files(block, dataset.nature))
        era.require_tables(found.corrections)
    _require_owners(analysis, name, found.others)


def _require_owners(analysis: "Analysis", name: str, others: Sequence[str]) -> None:
    """Data of all triggers whose events a dataset leaves to others: they would be lost without."""
    entries = [analysis.config["datasets"][one] for one in analysis.datasets()]
    era = analysis.config["datasets"][name]["era"]
    owned = [entry["trigger"] or [] for entry in entries if entry["nature"] == "data" and entry["era"] == era]
    for trigger in others:
        if not any(trigger in triggers for triggers in owned):
            raise ConfigError(
                f"config: datasets.{name}.trigger leaves events of {trigger!r} to another dataset of the era {era!r}, "
                f"and no data in the samples have it among their trigger; add such a dataset, or take {trigger!r} out "
                f"of skim.eras.{era}.trigger."
            )


class Source(NamedTuple):
    """What makes a dataset of events that are skimmed already: the command, and what it reads."""

    command: Literal["adopt", "combine", "draw"]
    manifests: list[str]
    events: list[str]
    data: list[str]
    options: list[str]


def source(analysis: "Analysis", dataset: str) -> Source:
    """Where a dataset of ``analysis.ready`` comes from: another analysis, or its parts and the luminosities of data."""
    entry, data = analysis.catalogue[dataset], analysis.manifests(*analysis.sample("data"))
    if parts := entry.combine:
        return Source("combine", analysis.manifests(*parts), analysis.friends("skim", *parts), data, [])
    if entry.drawn is not None:
        parts = entry.drawn.datasets
        weights = [(part, folder) for part in parts for folder in analysis.weights(part)]
        events = [
            *analysis.friends("skim", *parts),
            *(f for part, verb in weights for f in analysis.friends(verb, part)),
        ]
        options = [f"--luminosity={entry.luminosity}", f"--seed={entry.drawn.seed}"]
        options += [f"--weights={part}={folder}" for part, folder in weights]
        eras = [] if dataset in analysis.sample("data") else data
        return Source("draw", analysis.manifests(*parts), events, eras, options)
    path = Path(entry.skimmed or "")
    chunks = [str(path.with_suffix("") / f"{chunk}.parquet") for chunk in analysis.chunks(dataset)]
    return Source("adopt", [str(path)], chunks, [], [])


def _require_columns(analysis: "Analysis", name: str, layout: formats.Format) -> None:
    """Columns of the user's own that are nowhere, have the name of another, or show what only simulation knows."""
    own, where = (
        own_columns(analysis, name),
        f"config: skim.regions.{analysis.config['datasets'][name]['region']}.columns",
    )
    COLUMNS.joined(own.code).require(where, own.names)
    for column, entry in own.find().items():
        from resonaut.skim.columns import TAKEN
        from resonaut.skim.region import Objects

        if column in TAKEN or column in Objects(kept.region_of(analysis, name), own.code).columns():
            raise ConfigError(f"{where}: {column!r} has the name of another column; rename it.")
        if "__" in column:
            raise ConfigError(f"{where}: {column!r} reads as the shift of another column; use single underscores.")
        for branch in entry.branches:
            if branch.startswith(layout.truth):
                raise ConfigError(
                    f"{where}: {column!r} reads {branch!r} of datasets.{name}, which only simulation has; take it out."
                )


def _require_networks(analysis: "Analysis", name: str) -> None:
    """Inputs of networks that the files of the dataset cannot have, or a missing or wrong list of published ones."""
    entry = analysis.config["datasets"][name]
    region, place = analysis.config["skim"]["regions"][entry["region"]], f"config: skim.regions.{entry['region']}"
    for key in ("tracks", "flavours"):
        if region[key]:
            _require_pfnano(analysis, name, f"{place}.{key}")
    wanted = {f"{place}.networks": region["networks"]}
    wanted |= {f"{place}.objects.{one}.networks": cuts["networks"] for one, cuts in region["objects"].items()}
    for where, networks in wanted.items():
        if networks:
            _require_inputs(analysis, name, where, networks)


def _require_pfnano(analysis: "Analysis", name: str, where: str) -> None:
    entry = analysis.config["datasets"][name]
    if entry["format"] != "nanoaod" or not analysis.config["skim"]["read_constituents"]:
        raise ConfigError(
            f"{where}: tracks and vertices are in files of PFNano, and read with skim.read_constituents; datasets."
            f"{name} has the format {entry['format']}; give it another region."
        )


def _require_inputs(analysis: "Analysis", name: str, where: str, networks: list[str]) -> None:
    _require_pfnano(analysis, name, where)
    for path in networks:
        if not Path(path).is_file():
            raise ConfigError(f"{where}: no file {path!r}; correct the path (relative to {Path.cwd()}).")
    from resonaut.skim.network_inputs import NetworkInputs

    section, longest = analysis.config["skim"], NetworkInputs.of(networks).longest
    if section["branches"]["puppi_weight"] == "":
        raise ConfigError(
            f"{where}: the networks need PUPPI weights; set skim.branches.puppi_weight to null or a name."
        )
    if longest > section["max_constituents"]:
        raise ConfigError(
            f"{where}: a network sees {longest} candidates of a jet; set skim.max_constituents to at least as many."
        )


def own_columns(analysis: "Analysis", dataset: str) -> OwnColumns:
    """The columns of the user's own that are kept of a dataset."""
    region = analysis.config["skim"]["regions"][analysis.config["datasets"][dataset]["region"]]
    return OwnColumns(tuple(region["columns"]), tuple(analysis.config["code"]))


def format_of(analysis: "Analysis", dataset: str) -> formats.Format:
    """The format of a dataset's files."""
    return formats.entry(analysis.catalogue[dataset].format, analysis.config["code"])


def own_code(analysis: "Analysis", dataset: str) -> list[str]:
    """The user's own files that the chunks of a dataset use: those of its format, of columns and of observables."""
    from resonaut.physics.observables import OBSERVABLES

    region = analysis.config["skim"]["regions"][analysis.config["datasets"][dataset]["region"]]
    used = {
        *kept.format_code(analysis, dataset),
        *COLUMNS.files(region["columns"], analysis.config["code"]),
        *OBSERVABLES.files([*region["observables"], *region["cuts"]], analysis.config["code"]),
    }
    return [path for path in analysis.config["code"] if path in used]


def declared(analysis: "Analysis", dataset: str) -> list[str]:
    """What says what is known of a dataset's format, which is found by its name."""
    return [format_of(analysis, dataset).declaration]


def modules(analysis: "Analysis", dataset: str) -> list[str]:
    """What reads the files of a dataset, and the user's own files: found by their names."""
    return [*declared(analysis, dataset), format_of(analysis, dataset).module, *own_code(analysis, dataset)]


def _require_labels(name: str, entry: dict[str, Any], layout: formats.Format) -> None:
    """Parts of labelled files upside down, or in files without labels."""
    from resonaut.core.datasets import require_part

    labelled, where = entry["labelled"], f"config: datasets.{name}.labelled"
    if labelled is None:
        return
    if not layout.labels:
        raise ConfigError(
            f"{where} chooses events by a label, which files of the format {entry['format']} lack; set it to null."
        )
    for kind in ("background", "signal"):
        require_part(f"{where}.{kind}", *labelled[kind])
