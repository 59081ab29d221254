"""What the stage ``reweight`` wants of a configuration, checked before the first job."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError
from resonaut.core.samples import drawn_from

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ("calibrate",)


def section() -> type:
    """The record of the section ``reweight``."""
    from resonaut.reweight.settings import Settings

    return Settings


def to_data(analysis: "Analysis") -> bool:
    """Whether simulated background is reweighted to data, and not ratios of simulated samples alone are learned."""
    return bool(analysis.sample("data") and analysis.sample("background") and analysis.config["reweight"]["sidebands"])


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "closure": lambda analysis: ["<results>/reweight/closure.json"] * to_data(analysis),
    # Published histograms alone are no sample to compare with.
    "ratios": lambda analysis: [
        f"<results>/reweight/{name}/closure.json" for name, sides in ratios(analysis).items() if sides["numerator"]
    ],
}


def keys(analysis: "Analysis", *names: str) -> dict[str, Any]:
    """What a job reads: the section without ratios, or the keys of the ratio of that name."""
    section: dict[str, Any] = analysis.config["reweight"]
    if names:
        own: dict[str, Any] = section["ratios"][names[0]]
        return own
    return {key: value for key, value in section.items() if key != "ratios"}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to compare, or a sample or column is missing."""
    section = analysis.config["reweight"]
    if not section["ratios"]:
        for sample in ("data", "background"):
            if not analysis.sample(sample):
                raise ConfigError(
                    "config: search.stages has 'reweight', which compares data and background; name datasets in "
                    f"search.samples.{sample}, or ratios in reweight.ratios, or take 'reweight' out."
                )
    for problem in (*_sidebands(analysis), *_conditional(section), *_validation(analysis)) if to_data(analysis) else ():
        raise ConfigError(f"config: reweight.{problem}.")
    for name, ratio in section["ratios"].items():
        for problem in _ratio(analysis, ratio):
            raise ConfigError(f"config: reweight.ratios.{name}{problem}.")
    _require_single(section["ratios"])


def _require_single(ratios: dict[str, Any]) -> None:
    """Stop at two ratios that are the same way of one uncertainty for a dataset: their weights would multiply."""
    ways = {
        name: {(ratio["source"], ratio["role"], dataset) for dataset in ratio["denominator"]["datasets"]}
        for name, ratio in ratios.items()
        if ratio["source"] is not None
    }
    for (one, first), (other, second) in combinations(ways.items(), 2):
        for source, role, dataset in first & second:
            raise ConfigError(
                f"config: reweight.ratios: {one} and {other} are both {role} of {source!r} for {dataset!r}; give one "
                "of them another role or source."
            )


def _sidebands(analysis: "Analysis") -> Iterator[str]:
    observable = analysis.config["reweight"]["observable"]
    for name in analysis.sample("data", "background"):
        columns = analysis.columns(name)
        if columns is not None and observable not in columns:
            yield (f"observable is {observable!r}, which is no column of {name!r}; take one of {', '.join(columns)}")


def _conditional(section: dict[str, Any]) -> Iterator[str]:
    """Trees, which do not interpolate, and variations of weights that have none."""
    if section["condition"] and section["classifier"]["backend"] != "network":
        yield (
            f"condition: the ratio is interpolated between the sidebands, which {section['classifier']['backend']} do "
            "not; set reweight.classifier.backend to network"
        )
    if section["bootstraps"] and not section["condition"]:
        yield "bootstraps are of weights with condition; set it to true, or bootstraps to 0"


def _validation(analysis: "Analysis") -> Iterator[str]:
    """Ranges upside down, with events that train, or with data that are not to be seen."""
    section, windows = analysis.config["reweight"], analysis.config["select"]["windows"]
    blind = [name for name in analysis.sample("data") if analysis.catalogue[name].nature == "data"]
    regions = {
        name: window["signal_region"]
        for name, window in windows.items()
        if window["observable"] == section["observable"] and blind
    }
    for low, high in section["validation"]:
        where = f"validation: {low:g} to {high:g} GeV"
        if low >= high:
            yield f"{where}: give the smaller value first"
        if any(low < last and first < high for first, last in section["sidebands"]):
            yield f"{where} overlaps reweight.sidebands, whose events train; take it out of one of them"
        for name, (first, last) in regions.items():
            if low < last and first < high:
                yield (
                    f"{where} is in the signal region of select.windows.{name}, and {blind[0]!r} are data, of which "
                    "nothing is looked at there; take other ranges, or pseudo-data"
                )


def _ratio(analysis: "Analysis", ratio: dict[str, Any]) -> Iterator[str]:
    particles, sets = [*ratio["particles"], *ratio["lists"]], ratio["classifier"]["backend"] == "sets"
    if ratio["published"]:
        yield from (f".published{problem}" for problem in _published(ratio))
    elif bool(particles) == bool(ratio["features"]) or bool(particles) != sets:
        yield ": give `particles` or `lists` with the backend sets, or `features` with another one"
    if len(set(map(len, particles))) > 1:
        where = " and ".join(name for name in ("particles", "lists") if ratio[name])
        yield f".{where}: they have different numbers of features; give each the same"
    listed = [name for names in ratio["lists"] for name in names]
    if len(set(listed)) < len(listed):
        yield ".lists names a column twice; name each once"
    if particles and not all(particles):
        yield ": an entry of particles or lists names no column; give it some"
    if ratio["clip"][0] >= ratio["clip"][1]:
        yield f".clip is {ratio['clip']}; give the smaller one first"
    histograms = ratio["published"]["histograms"] if ratio["published"] else []
    if ratio["numerator"] is None and not histograms:
        yield ": there is no target; give a numerator" + (", or published.histograms" if ratio["published"] else "")
    if ratio["numerator"] is None and not ratio["keep_sums"]:
        yield ".keep_sums is false, and there is no numerator with a sum; set it to true"
    if (ratio["role"] in ("up", "down")) != (ratio["source"] is not None):
        yield f": with the role {ratio['role']}, {'take source out' if ratio['source'] else 'name the source'}"
    if ratio["role"] == "nominal" and to_data(analysis):
        for name in set(analysis.sample("background")).intersection(ratio["denominator"]["datasets"]):
            yield f".role is nominal, and {name!r} is reweighted to data, too; empty reweight.sidebands"
    weighted = [*analysis.sample("background", "signal"), *drawn_from(analysis.config, *analysis.datasets())]
    for name in set(ratio["denominator"]["datasets"]).difference(weighted):
        if ratio["role"] != "none":
            yield (
                f".role is {ratio['role']}, and {name!r} is no background or signal of the search, nor are pseudo-data "
                "drawn from it; set it to none"
            )
    for side in _sides(ratio):
        if ratio[side]["weight"] is None and ratio[side]["place"] is not None:
            yield f".{side} has the place of no weight; name the column in weight, or take place out"
        for name in ratio[side]["datasets"]:
            if name not in analysis.datasets():
                yield f".{side} names {name!r}, which is in no sample; add it to reweight.samples.compared"
            elif analysis.catalogue[name].nature != "simulation":
                yield f".{side} names {name!r}, which is no simulation; take it out"
            else:
                yield from (f".{side}.{problem}" for problem in _weight(analysis, ratio[side], name))
                yield from (f": {problem}" for problem in _variables(analysis, ratio, name))
    if ratio["numerator"] == ratio["denominator"]:
        yield ": numerator and denominator are the same; give one of them another weight or other datasets"


def _sides(ratio: dict[str, Any]) -> list[str]:
    return [side for side in ("numerator", "denominator") if ratio[side] is not None]


def _published(ratio: dict[str, Any]) -> Iterator[str]:
    if ratio["particles"] or ratio["lists"] or ratio["features"] or ratio["bootstraps"]:
        yield (
            ": its inputs are its own, and it is not trained; take `features`, `particles`, `lists` and `bootstraps` "
            "out"
        )
    published = ratio["published"]
    for name, rows in published["inputs"].items():
        if len(set(map(len, rows))) != 1 or not rows[0]:
            yield f".inputs.{name}: the lists have different numbers of inputs, or none; give each the same"
    given = [one for rows in published["inputs"].values() for row in rows for one in row]
    if any((one["column"] is None) == (one["value"] is None) for one in given):
        yield ".inputs: give of each input either its column or its value"
    if any(one["alternatives"] and one["value"] is None for one in given):
        yield ".inputs: alternatives are those of a value; take them from the columns"
    if len({len(one["alternatives"]) for one in given} - {0}) > 1:
        yield ".inputs: there are different numbers of alternatives; give each value as many, or none"
    for one in published["histograms"]:
        edges, bins = one["edges"], len(one["values"])
        if sorted(set(edges)) != edges or not bins == len(one["errors"]) == len(edges) - 1 or not sum(one["values"]):
            yield (
                f".histograms: {one['variable']!r} has {len(edges)} edges, {bins} values and {len(one['errors'])} "
                "errors; give rising edges, and a value and an error for each bin between, not all values 0"
            )


def _variables(analysis: "Analysis", ratio: dict[str, Any], dataset: str) -> Iterator[str]:
    from resonaut.core.record import build
    from resonaut.physics import features
    from resonaut.reweight.settings import RatioSettings

    columns, settings = analysis.columns(dataset), build(ratio, RatioSettings, "config: reweight.ratios")
    for name in settings.listed:
        if columns is not None and name in columns:
            yield f"lists has {name!r}, which is one number an event of {dataset!r}; name it in particles"
    for name in settings.variables:
        for column in features.stored([name]):
            if columns is not None and column not in columns:
                yield f"{name!r} needs the column {column!r}, which {dataset!r} has not; keep it in its region"


def _weight(analysis: "Analysis", side: dict[str, Any], dataset: str) -> Iterator[str]:
    known, weight = analysis.weight_columns(dataset), side["weight"]
    if known is None or weight is None:
        return
    if weight not in known:
        yield (
            f"weight is {weight!r}, which is no column of {dataset!r}; keep it in its region, `shower_weight` and "
            "`scale_weight` with variations: true"
        )
    elif known[weight] and side["place"] is None:
        yield f"weight is {weight!r}, a list in {dataset!r}; give the place of the weight in it, counted from 0"
    elif not known[weight] and side["place"] is not None:
        yield f"place: {weight!r} of {dataset!r} is one number an event; take place out"


def weighted(analysis: "Analysis") -> dict[str, list[str]]:
    """The datasets whose events get weights that later stages use, by the folder of these."""
    found = {"reweight": analysis.sample("background") if to_data(analysis) else []}
    for name, ratio in analysis.config["reweight"]["ratios"].items():
        if ratio["role"] != "none":
            found[f"reweight/{name}"] = ratio["denominator"]["datasets"]
    return found


def ratios(analysis: "Analysis") -> dict[str, dict[str, list[str]]]:
    """By the name of a ratio the datasets of its numerator and of its denominator, and the files of a network."""
    return {
        name: {side: ratio[side]["datasets"] if ratio[side] else [] for side in ("numerator", "denominator")}
        | {"published": ratio["published"]["files"] if ratio["published"] else []}
        for name, ratio in analysis.config["reweight"]["ratios"].items()
    }


def made(analysis: "Analysis") -> list[str]:
    """Everything that the stage makes."""
    found = [*GIVES["closure"](analysis), *analysis.friends("reweight", *weighted(analysis)["reweight"])]
    for name, sides in ratios(analysis).items():
        found += [f"<results>/reweight/{name}/closure.json"]
        found += analysis.friends(f"reweight/{name}", *sides["denominator"])
    return found
