"""What the section ``select`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resonaut.core import windows
from resonaut.core.errors import ConfigError
from resonaut.core.extensions import load
from resonaut.core.units import listed
from resonaut.select import catalogue, experiments, jobs

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

# Folders beside those of the methods in results/select and results/fit.
TAKEN = ("inject", "retrained")
# Endings of other files beside a window's result.
ENDINGS = ("_images", "_bias")


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
    """What a job of one method in one window reads."""
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
    config = analysis.config
    for problem in (*_windows(analysis), *_names(config), *_features(analysis), *_datasets(analysis)):
        raise ConfigError(f"config: select.{problem}.")
    jobs.check(analysis)
    _require_columns(analysis)


def _windows(analysis: "Analysis") -> Iterator[str]:
    """Ranges upside down, overlapping, or outside the stored spectrum."""
    config, select = analysis.config, analysis.config["select"]
    if not select["windows"]:
        yield "windows and select.window_chains are empty; give one window"
    spectrum = select["spectrum"]
    low, high, width = spectrum["low"], spectrum["high"], spectrum["width"]
    bins = (high - low) / width
    if bins < 1 or abs(bins - round(bins)) > 1e-6:
        yield f"spectrum: {low:g} to {high:g} GeV is not a multiple of its width, {width:g} GeV; change one"
    for name, window in select["windows"].items():
        windows.require_ascending(f"config: select.windows.{name}", window["signal_region"], window["sidebands"])
        first, last = window["sidebands"][0][0], window["sidebands"][1][1]
        if first < low or last > high:
            yield (
                f"windows.{name}: {first:g} to {last:g} GeV is not inside select.spectrum, {low:g} to {high:g} GeV; "
                "change one"
            )
        for dataset in analysis.sample("data", "pseudo_data", "background", "signal"):
            entry = config["datasets"][dataset]
            least = config["skim"]["regions"][entry["region"]]["m_jj_min"]
            if least is not None and least > first:
                yield (
                    f"windows.{name} begins at {first:g} GeV, below m_jj_min of skim.regions.{entry['region']} "
                    f"({least:g} GeV), where {dataset!r} has no events; change one"
                )
    edges = select["sculpting"]["bins"]
    if any(second <= first for first, second in pairwise(edges)):
        yield f"sculpting.bins: {listed(edges)} are not ascending edges; sort them"


def _names(config: dict[str, Any]) -> Iterator[str]:
    """Names that are unknown, taken, or would give two results one file."""
    select = config["select"]
    combinations, methods = select["combinations"], catalogue.methods(config["code"])
    for name in combinations:
        if name in methods:
            yield f"combinations.{name} has the name of a method; rename it"
        if name in TAKEN:
            yield f"combinations.{name}: the folder {name!r} is taken; rename it"
    known = [*methods, *combinations]
    for key, names in (
        ("methods", select["methods"]),
        ("injection.methods", select["injection"]["methods"] or []),
        ("injection.slow_methods", select["injection"]["slow_methods"]),
        *((f"combinations.{name}.methods", entry["methods"]) for name, entry in combinations.items()),
    ):
        for name in names:
            if name not in known:
                yield (
                    f"{key}: unknown method {name!r} in select.{key}; there are {', '.join(methods)}, and the keys of "
                    "select.combinations"
                )
    for name in select["windows"]:
        if name.endswith(ENDINGS):
            yield f"windows.{name}: names that end in {' or '.join(ENDINGS)} are taken; rename it"
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
    for key, names, ending in (
        ("features", select["features"], ""),
        ("jet_features", select["jet_features"], "_j1"),
        *((key, names, "") for key, names in jobs.own_features(analysis).items()),
    ):
        for name in names:
            if f"{name}{ending}" not in vocabulary:
                known = [one.removesuffix(ending) for one in vocabulary if one.endswith(ending)]
                yield f"{key}: unknown feature {name!r}; the features are {', '.join(known)}"


def _require_columns(analysis: "Analysis") -> None:
    """Features made of a column of the user's own that the region of a dataset does not keep."""
    from resonaut.physics import features

    config = analysis.config
    vocabulary = features.FEATURES.joined(config["code"])
    own = {name for path in config["code"] for name in getattr(load(path), "COLUMNS", {})}
    methods = {part for name in config["select"]["methods"] for part in jobs.parts(analysis, name)}
    used = {name for method in methods for name in jobs.features_of(analysis, method)}
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
    for name in injection["windows"] or []:
        if name not in select["windows"]:
            yield f"injection.windows: no window {name!r} in select.windows; add it or take it out"
    amounts = [f"{amount:g}" for amount in injection["amounts"]]
    if len(set(amounts)) < len(amounts):
        yield f"injection.amounts: {', '.join(amounts)} are not different in six digits; change one"
