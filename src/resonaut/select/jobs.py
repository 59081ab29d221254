"""The jobs of ``select``: what each reads, which keys and which code. Imports nothing heavy."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonaut.core import formats, observables
from resonaut.core.errors import ConfigError
from resonaut.select import catalogue

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

# Keys that an observable other than the default has to give.
OWN = ("spectrum", "sculpting.bins")
# Keys of the section that the engine reads for every method.
# The folder of the scores of whole events, in place of a method's.
EVENT_SCORES = "event_scores"
ENGINE = ("background_efficiency", "min_events", "spectrum", "spectra_efficiencies", "categories", "sculpting")


def entry(analysis: "Analysis", method: str) -> catalogue.Entry:
    """A method's entry, of the package or of the user's own files."""
    return catalogue.methods(analysis.config["code"])[method]


def combined(analysis: "Analysis", method: str) -> list[str]:
    """The methods whose scores a combination reads; none for a method of its own."""
    found: list[str] = analysis.config["select"]["combinations"].get(method, {"methods": []})["methods"]
    return found


def regions(analysis: "Analysis") -> dict[str, str]:
    """The regions of anomalous events that stand for methods, each with the name of its score."""
    scores = analysis.config["select"]["event_scores"]
    return {region: name for name, entry in scores.items() for region in entry["regions"]}


def trained(analysis: "Analysis") -> list[str]:
    """The methods that are trained in each window: all but regions."""
    return [name for name in analysis.config["select"]["methods"] if name not in regions(analysis)]


def parts(analysis: "Analysis", method: str) -> list[str]:
    """The methods of their own that are behind a method: itself, or those that it combines; none behind a region."""
    if method in regions(analysis):
        return []
    names = combined(analysis, method)
    return [own for name in names for own in parts(analysis, name)] if names else [method]


def nested(analysis: "Analysis", method: str) -> list[str]:
    """A combination, and those that it combines, to whatever depth; none for a method of its own."""
    names = combined(analysis, method)
    return [method, *(found for name in names for found in nested(analysis, name))] if names else []


def section_of(analysis: "Analysis", window: str) -> dict[str, Any]:
    """The section as it holds in a window: for its observable."""
    section = analysis.config["select"]
    return observables.of("select", section, section["windows"][window]["observable"], OWN)


def keys(analysis: "Analysis", method: str, window: str) -> dict[str, Any]:
    """What a job of one method in one window reads of the section, and nothing of others.

    Or, of ``EVENT_SCORES``, what the training of one of these reads, by its name in place of the window's.
    """
    if method == EVENT_SCORES:
        entry = analysis.config["select"][EVENT_SCORES][window]
        return {name: value for name, value in entry.items() if name != "regions"}
    section = section_of(analysis, window)
    if score := regions(analysis).get(method):
        cut = {"score": score, "rate": section[EVENT_SCORES][score]["regions"][method]}
        return {name: section[name] for name in ENGINE} | {"windows": {window: section["windows"][window]}} | cut
    wanted = ("combinations",) if combined(analysis, method) else catalogue.keys(method, analysis.config["code"])
    found = {name: section[name] for name in (*ENGINE, *wanted)}
    if "combinations" in found:
        found["combinations"] = {name: section["combinations"][name] for name in nested(analysis, method)}
    return found | {"windows": {window: section["windows"][window]}}


def modules(analysis: "Analysis", method: str, window: str) -> list[str]:
    """The module of a method, which the engine finds by its name, and the user's own files."""
    own = [] if combined(analysis, method) else [entry(analysis, method).module]
    return [*own, *(str(Path(path).resolve()) for path in own_code(analysis, method, window))]


def own_code(analysis: "Analysis", method: str, window: str) -> list[str]:
    """The user's own files that a method, or one that it combines, is in, and those of the features that it sees."""
    from resonaut.physics.features import FEATURES

    code, names = analysis.config["code"], parts(analysis, method)
    seen = {name for own in names for name in features_of(analysis, own, window)}
    files = [*catalogue.methods(code).files(names, code), *FEATURES.files(seen, code)]
    return [path for path in code if path in files]


def own_features(analysis: "Analysis") -> dict[str, list[str]]:
    """The features that methods' own keys list, by the key, such as ``cathode.b_features``."""
    section, methods = analysis.config["select"], catalogue.methods(analysis.config["code"])
    return {f"{name}.{key}": section[name][key] for name, found in methods.items() for key in found.features}


def features_of(analysis: "Analysis", method: str, window: str) -> list[str]:
    """The features that a method of its own may see in a window."""
    section, read = section_of(analysis, window), catalogue.keys(method, analysis.config["code"])
    lists = {
        "features": section["features"],
        "jet_features": [f"{name}_{jet}" for name in section["jet_features"] for jet in ("j1", "j2")],
        **own_features(analysis),
    }
    return [name for key, names in lists.items() if key.split(".")[0] in read for name in names]


def stages_read(analysis: "Analysis", method: str) -> list[str]:
    """The stages whose columns a method reads, or the methods that it combines."""
    found = [verb for own in parts(analysis, method) for verb in entry(analysis, own).friends]
    return list(dict.fromkeys(found))


def selections(analysis: "Analysis") -> list[str]:
    """The summaries of each method in each window of the data; none without data."""
    section = analysis.config["select"]
    pairs = [(method, window) for method in section["methods"] for window in section["windows"]]
    return [f"<results>/select/{'/'.join(pair)}.json" for pair in pairs if analysis.sample("data")]


def weights(analysis: "Analysis", *datasets: str) -> list[str]:
    """The friends with weights of datasets."""
    return [path for name in datasets for verb in analysis.weights(name) for path in analysis.friends(verb, name)]


def weighting(analysis: "Analysis", *datasets: str) -> list[str]:
    """The options of the commands that say which friends of which dataset hold weights."""
    return [f"--weights={name}={verb}" for name in datasets for verb in analysis.weights(name)]


def scores(analysis: "Analysis", method: str, window: str) -> list[str]:
    """The friends that a method reads: scores of the tagger, or of the methods that it combines."""
    names = analysis.sample("data", "background", "signal")
    folders = [*stages_read(analysis, method), *(f"select/{part}/{window}" for part in combined(analysis, method))]
    return [path for folder in folders for path in analysis.friends(folder, *names)]


def events_read(analysis: "Analysis", method: str) -> list[str]:
    """The scores of whole events that a region reads."""
    names = analysis.sample("data", "background", "signal")
    return analysis.friends(f"select/{EVENT_SCORES}/{regions(analysis)[method]}", *names)


def bounds(analysis: "Analysis") -> list[str]:
    """The methods that know what no search knows."""
    own = [name for name in trained(analysis) if not combined(analysis, name)]
    return [name for name in own if entry(analysis, name).bound]


def with_candidates(analysis: "Analysis") -> bool:
    """Whether the events keep the candidates of their jets."""
    return not formats.without_candidates(analysis.config, analysis.sample("data", "pseudo_data"))


def imaged(analysis: "Analysis") -> list[str]:
    """The methods of which there are jet images: all that select by what they see, where the jets have candidates."""
    methods = trained(analysis) if analysis.uses("select") and with_candidates(analysis) else []
    return [name for name in methods if name != "inclusive"]


def images(analysis: "Analysis") -> list[str]:
    """The mean jet images of each of these methods in each window."""
    windows = analysis.config["select"]["windows"]
    return [f"<results>/select/{method}/{window}_images.json" for method in imaged(analysis) for window in windows]


def check(analysis: "Analysis") -> None:
    """Stop where the search has no data, or a method lacks the stage, the datasets or the methods that it needs.

    Raises:
        ConfigError: one sentence with the key and the way out.
    """
    injection = analysis.config["select"]["injection"]
    if not analysis.sample("data") and not (
        analysis.sample("pseudo_data") and injection["signals"] and injection["amounts"]
    ):
        raise ConfigError(
            "config: search.stages has 'select', and search.samples.data names no data to search in; name them, or "
            "pseudo-data and select.injection.signals and amounts to put into them."
        )
    methods = analysis.config["select"]["methods"]
    for name in methods:
        for part in combined(analysis, name):
            if part not in methods[: methods.index(name)]:
                raise ConfigError(
                    f"config: select.combinations.{name} needs the method {part!r}; list it before {name!r} in "
                    "select.methods."
                )
    run = [*methods, *(injection["methods"] or [])]
    keys = dict.fromkeys(methods, "methods")
    if injection["signals"] and injection["amounts"]:
        keys = dict.fromkeys(injection["methods"] or [], "injection.methods") | keys
    for name, key in keys.items():
        for verb in stages_read(analysis, name):
            if not analysis.uses(verb):
                raise ConfigError(
                    f"config: select.{key} has {name!r}, which needs the stage {verb!r}; take it out, or add "
                    f"{verb!r} to search.stages."
                )
        if parts(analysis, name) == [name]:
            _require_inputs(analysis, name, key)
    for part in dict.fromkeys(own for name in run for own in parts(analysis, name)):
        if found := entry(analysis, part).check:
            found(analysis)


def _require_inputs(analysis: "Analysis", method: str, key: str) -> None:
    wanted = entry(analysis, method)
    if wanted.candidates and not with_candidates(analysis):
        raise ConfigError(
            f"config: select.{key} has {method!r}, which sees the jets' candidates; take it out, or set "
            "skim.read_constituents for files that have them."
        )
    for sample in wanted.samples:
        if not analysis.sample(sample):
            raise ConfigError(
                f"config: select.{key} has {method!r}, which learns from simulated {sample}; take it out, or name "
                f"datasets in search.samples.{sample}."
            )
