"""What the section ``select`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resonaut.core import observables, windows
from resonaut.core.errors import ConfigError
from resonaut.core.extensions import load
from resonaut.core.samples import drawn_from
from resonaut.core.units import listed
from resonaut.select import catalogue, experiments, jobs
from resonaut.select.event_scores import plan as event_scores

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

# Folders beside those of the methods in results/select and results/fit.
TAKEN = ("inject", "retrained", jobs.EVENT_SCORES)
# Endings of other files beside a window's result.
ENDINGS = ("_images", "_bias", "_prediction")


NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ("tag", "calibrate", "reweight")


def section() -> type:
    """The record of the section ``select``."""
    from resonaut.select.settings import Section

    return Section


def parts(code: Sequence[str]) -> dict[str, type]:
    """The records of the methods' own keys, by method."""
    return catalogue.parts(code)


def keys(analysis: "Analysis", method: str, window: str) -> dict[str, Any]:
    """What a job of one method in one window reads, or, of ``event_scores``, the training of one of them."""
    return jobs.keys(analysis, method, window)


# What other stages read of this one, and what they ask of its methods.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "summaries": jobs.selections,
    "images": jobs.images,
    "bounds": jobs.bounds,
    "benchmarks": lambda _: ["<benchmarks>/select"],
    "benchmark": lambda analysis: ["<results>/select/benchmark.json"] * experiments.compared(analysis),
    "injected": experiments.fits,
    "no_signal": experiments.no_signal_fits,
}


def check(analysis: "Analysis") -> None:
    """Stop at the first key of ``select`` that contradicts another or another section.

    Raises:
        ConfigError: one sentence with the key and the way out.
    """
    problems = (*_windows(analysis), *event_scores.problems(analysis), *_names(analysis))
    for problem in (*problems, *_features(analysis), *_datasets(analysis)):
        raise ConfigError(f"config: select.{problem}.")
    jobs.check(analysis)
    for problem in _blind(analysis):
        raise ConfigError(f"config: select.{problem}.")
    _require_columns(analysis)


def _windows(analysis: "Analysis") -> Iterator[str]:
    """Ranges upside down, overlapping, or outside the stored spectrum."""
    select = analysis.config["select"]
    if not select["windows"]:
        yield "windows and select.window_chains are empty; give one window"
    for observable in dict.fromkeys(window["observable"] for window in select["windows"].values()):
        section = observables.of("select", select, observable, jobs.OWN)
        where = "" if observable == observables.DEFAULT else f"observables.{observable}."
        spectrum, edges = section["spectrum"], section["sculpting"]["bins"]
        yield from _whole_bins(f"{where}spectrum", spectrum)
        if any(second <= first for first, second in pairwise(edges)):
            yield f"{where}sculpting.bins: {listed(edges)} are not ascending edges; sort them"
    for name, window in select["windows"].items():
        windows.require_ascending(f"config: select.windows.{name}", window["signal_region"], window["sidebands"])
        yield from _inside(analysis, name, window)
        for column, bins in window["spectra"].items():
            yield from _whole_bins(f"windows.{name}.spectra.{column}", bins)
    unused = select["observables"].keys() - {window["observable"] for window in select["windows"].values()}
    for observable in sorted(unused):
        yield f"observables.{observable}: no window of select.windows is in {observable!r}; add one, or take it out"


def _whole_bins(where: str, spectrum: dict[str, float]) -> Iterator[str]:
    """Bins that do not fill the range of a spectrum."""
    low, high, width = spectrum["low"], spectrum["high"], spectrum["width"]
    bins = (high - low) / width
    if bins < 1 or abs(bins - round(bins)) > 1e-6:
        yield f"{where}: {low:g} to {high:g} GeV is not a multiple of its width, {width:g} GeV; change one"


def _inside(analysis: "Analysis", name: str, window: dict[str, Any]) -> Iterator[str]:
    """A window of a column that is not kept, or outside the stored spectrum or what the cuts leave."""
    observable, first, last = window["observable"], window["sidebands"][0][0], window["sidebands"][1][1]
    spectrum = jobs.section_of(analysis, name)["spectrum"]
    low, high = spectrum["low"], spectrum["high"]
    if first < low or last > high:
        place = "select" if observable == observables.DEFAULT else f"select.observables.{observable}"
        yield (
            f"windows.{name}: {first:g} to {last:g} GeV is not inside {place}.spectrum, {low:g} to {high:g} GeV; "
            "change one"
        )
    for dataset in analysis.sample("data", "pseudo_data", "background", "signal"):
        columns, region = analysis.columns(dataset), analysis.config["datasets"][dataset]["region"]
        if columns is None:
            continue
        for column in (observable, *window["spectra"]):
            if column not in columns:
                yield (
                    f"windows.{name} is in {column!r}, which is no column of {dataset!r}: skim.regions.{region} keeps "
                    f"{', '.join(columns)}; take one of these"
                )
        least = columns[observable][0] if observable in columns else None
        if least is not None and least > first:
            yield (
                f"windows.{name} begins at {first:g} GeV, below the {observable} that skim.regions.{region} keeps "
                f"({least:g} GeV and above), where {dataset!r} has no events; change one"
            )


def _names(analysis: "Analysis") -> Iterator[str]:
    """Names that are unknown, taken, or would give two results one file."""
    select, regions = analysis.config["select"], jobs.regions(analysis)
    combinations, methods = select["combinations"], catalogue.methods(analysis.config["code"])
    for name in combinations:
        if name in methods:
            yield f"combinations.{name} has the name of a method; rename it"
    known = [*methods, *combinations]
    for name in set(TAKEN).intersection(known):
        yield f"methods: {name!r}: the folder {name!r} is taken; rename it where it is declared"
    for key, names in (
        ("methods", select["methods"]),
        ("injection.methods", select["injection"]["methods"] or []),
        ("injection.slow_methods", select["injection"]["slow_methods"]),
        *((f"combinations.{name}.methods", entry["methods"]) for name, entry in combinations.items()),
    ):
        for name in names:
            if name not in known and not (key == "methods" and name in regions):
                yield (
                    f"{key}: unknown method {name!r} in select.{key}; there are {', '.join(methods)}, and the keys of "
                    "select.combinations" + (" and of regions of select.event_scores" if key == "methods" else "")
                )
    for name in select["windows"]:
        if name.endswith(ENDINGS):
            yield f"windows.{name}: names that end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} are taken; rename it"
    joined: dict[str, str] = {}
    for method in select["methods"]:
        for window in select["windows"]:
            other = joined.setdefault(f"{method}_{window}", method)
            if other != method:
                yield f"methods {other!r} and {method!r} would share the figure {method}_{window}.png; rename a window"


def _features(analysis: "Analysis") -> Iterator[str]:
    """Features that are not in the vocabulary."""
    from resonaut.physics import features

    select, vocabulary = analysis.config["select"], features.FEATURES.joined(analysis.config["code"])
    sections = {"": select} | {f"observables.{name}.": one for name, one in select["observables"].items()}
    for key, names, ending in (
        *((f"{place}features", one.get("features", []), "") for place, one in sections.items()),
        *((f"{place}jet_features", one.get("jet_features", []), "_j1") for place, one in sections.items()),
        *((key, names, "") for key, names in jobs.own_features(analysis).items()),
    ):
        for name in names:
            if f"{name}{ending}" not in vocabulary:
                known = [one.removesuffix(ending) for one in vocabulary if one.endswith(ending)]
                yield f"{key}: unknown feature {name!r}; the features are {', '.join(known)}"


def _blind(analysis: "Analysis") -> Iterator[str]:
    """Methods that see the observable of their window, and would carve a peak into its spectrum."""
    from resonaut.physics import features

    vocabulary = features.FEATURES.joined(analysis.config["code"])
    for name, window in analysis.config["select"]["windows"].items():
        observable = window["observable"]
        for method, feature in _seen(analysis, name):
            if vocabulary[feature].columns == (observable,):
                yield (
                    f"windows.{name} is in {observable!r}, and the method {method!r} sees it as the feature "
                    f"{feature!r}; give features and jet_features without it in select.observables.{observable}"
                )


def _seen(analysis: "Analysis", window: str) -> Iterator[tuple[str, str]]:
    """The methods of a window with the features that they see, those behind a combination too."""
    for method in analysis.config["select"]["methods"]:
        for part in jobs.parts(analysis, method):
            for feature in jobs.features_of(analysis, part, window):
                yield part, feature


def _require_columns(analysis: "Analysis") -> None:
    """Features made of a column of the user's own that the region of a dataset does not keep."""
    from resonaut.physics import features

    config = analysis.config
    vocabulary = features.FEATURES.joined(config["code"])
    own = {name for path in config["code"] for name in getattr(load(path), "COLUMNS", {})}
    used = {feature for window in config["select"]["windows"] for _, feature in _seen(analysis, window)}
    for dataset in analysis.sample("data", "pseudo_data", "background", "signal"):
        region = config["datasets"][dataset]["region"]
        kept = config["skim"]["regions"][region]["columns"]
        for feature in sorted(used):
            if missing := sorted(own.intersection(vocabulary[feature].columns).difference(kept)):
                raise ConfigError(
                    f"config: the feature {feature!r} needs the column {missing[0]!r} of {dataset!r}; add it to "
                    f"skim.regions.{region}.columns."
                )


def _datasets(analysis: "Analysis") -> Iterator[str]:
    """Datasets that are not in the samples of the search that they must be in."""
    select = analysis.config["select"]
    injection = select["injection"]
    for key, names, samples in (
        ("injection.signals", injection["signals"], ("signal",)),
        ("injection.evaluation", injection["evaluation"], ("background", "pseudo_data")),
    ):
        for name in names:
            if name not in analysis.sample(*samples):
                yield f"{key} names {name!r}, not in search.samples.{' or '.join(samples)}; add it there or take it out"
    for name in drawn_from(analysis.config, *analysis.sample("pseudo_data")):
        if name in injection["evaluation"]:
            yield (
                f"injection.evaluation names {name!r}, of which pseudo-data are drawn, and its events would count "
                "twice; take it out"
            )
    for name in injection["windows"] or []:
        if name not in select["windows"]:
            yield f"injection.windows: no window {name!r} in select.windows; add it or take it out"
    for name in analysis.sample("data"):
        era = analysis.config["datasets"][name]["era"]
        if analysis.config["skim"]["eras"].get(era, {}).get("prescales"):
            yield (
                f"methods: events of {name!r} count without weights, and skim.eras.{era} has prescales; set these to "
                "null and search with triggers that are not prescaled"
            )
    amounts = [f"{amount:g}" for amount in injection["amounts"]]
    if len(set(amounts)) < len(amounts):
        yield f"injection.amounts: {', '.join(amounts)} are not different in six digits; change one"
