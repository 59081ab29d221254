"""The experiments with injected signal, job by job. Imports nothing heavy."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError
from resonaut.core.samples import drawn_from
from resonaut.select import jobs

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis


def methods(analysis: "Analysis") -> list[str]:
    """The methods that are trained with injected signal."""
    section = analysis.config["select"]
    given: list[str] | None = section["injection"]["methods"]
    return given or [name for name in jobs.trained(analysis) if not jobs.combined(analysis, name)]


def windows(analysis: "Analysis", signal: str) -> list[str]:
    """The windows in which a signal is injected: those given, or those whose signal region holds its mass."""
    section, mass = analysis.config["select"], analysis.catalogue[signal].mass
    found: list[str] = section["injection"]["windows"] or [
        name
        for name, window in section["windows"].items()
        if mass is not None and window["signal_region"][0] <= mass < window["signal_region"][1]
    ]
    if not found:
        raise ConfigError(
            f"config: no window of select.windows has the mass of the signal {signal!r} in its signal region; set "
            f"datasets.{signal}.mass, or give select.injection.windows."
        )
    return found


def every(analysis: "Analysis") -> list[tuple[str, str, str]]:
    """The method, window and signal of all experiments."""
    section = analysis.config["select"]["injection"]
    if not (section["signals"] and section["amounts"]):
        raise ConfigError(
            "config: select.injection has no 'signals' or no 'amounts'; give both to measure what methods find."
        )
    return [
        (method, window, signal)
        for method in methods(analysis)
        for signal in section["signals"]
        for window in windows(analysis, signal)
    ]


def summaries(analysis: "Analysis", method: str, window: str, signal: str) -> list[str]:
    """The summaries of the experiments with one signal in one window."""
    section = analysis.config["select"]["injection"]
    seeds = section["slow_seeds" if method in section["slow_methods"] else "seeds"]
    folder = f"<results>/select/inject/{method}/{window}/{signal}"
    return [f"{folder}/{amount:g}_{seed}.json" for amount in section["amounts"] for seed in range(seeds)]


def all_summaries(analysis: "Analysis") -> list[str]:
    """The summaries of all experiments."""
    return [path for names in every(analysis) for path in summaries(analysis, *names)]


def fits(analysis: "Analysis") -> list[str]:
    """The fits of all experiments."""
    return [f"<results>/fit/retrained/{'/'.join(names)}.json" for names in every(analysis)]


def instead_of_data(analysis: "Analysis") -> bool:
    """Whether the analysis has experiments alone, as there are no data."""
    return analysis.uses("select") and not analysis.sample("data")


def no_signal_fits(analysis: "Analysis") -> list[str]:
    """Fits of experiments without a signal, where the report shall judge the methods by them."""
    if not analysis.config["report"]["no_signal_check"]:
        return []
    if 0 not in analysis.config["select"]["injection"]["amounts"]:
        raise ConfigError(
            "config: report.no_signal_check needs experiments without a signal; add 0 to select.injection.amounts."
        )
    return fits(analysis)


def base(analysis: "Analysis", method: str) -> str:
    """The sample that signal is put into: pseudo-data, else simulation for the data, else the data themselves."""
    wanted = analysis.config["select"]["injection"]["base"]
    if wanted != "auto" and not analysis.sample(wanted):
        raise ConfigError(
            f"config: select.injection.base is {wanted!r}, and search.samples.{wanted} is empty; name datasets there, "
            "or give 'auto'."
        )
    for sample in ["pseudo_data", "background"] if wanted == "auto" else [wanted]:
        # What a method learns from cannot be its data as well, and without data nobody knows how much to draw.
        samples = jobs.entry(analysis, method).samples
        drawn = analysis.sample("data") and sample not in samples
        learned = set(analysis.sample(*samples)).intersection(drawn_from(analysis.config, *analysis.sample(sample)))
        if analysis.sample(sample) and not learned and (sample != "background" or drawn):
            return sample
    return "data"


def compared(analysis: "Analysis") -> bool:
    """Whether the background of every experiment is known, so that there are significance improvements."""
    return {base(analysis, name) for name in methods(analysis)} == {"pseudo_data"}


def luminosity(analysis: "Analysis", method: str) -> float | None:
    """How much an experiment draws, 1/fb: what is given, else of more pseudo-data than data as much as of the data."""
    given: float | None = analysis.config["select"]["injection"]["luminosity"]
    if given or base(analysis, method) != "pseudo_data":
        return given
    pool, wanted = (analysis.luminosity(*analysis.sample(name)) for name in ("pseudo_data", "data"))
    return wanted if pool and wanted and wanted < pool else None


def inputs(analysis: "Analysis", method: str, signal: str) -> dict[str, list[str]]:
    """The manifests and events that an experiment reads."""
    if signal not in analysis.sample("signal"):
        raise ConfigError(
            f"config: select.injection.signals names {signal!r}, which is not in search.samples.signal; add it "
            "there or take it out."
        )
    into, learned = base(analysis, method), jobs.entry(analysis, method).samples
    # Simulation that does not suffice leaves the data, of which it has to have the luminosity anyway.
    data = analysis.sample("pseudo_data" if into == "pseudo_data" else "data")
    simulation = _simulation(analysis, method)
    background, prior = (analysis.sample(name) if name in learned else [] for name in ("background", "signal"))
    evaluation = analysis.config["select"]["injection"]["evaluation"]
    read = list(dict.fromkeys([*data, *simulation, signal, *background, *prior, *evaluation]))
    verbs = jobs.stages_read(analysis, method)
    return {
        "data": analysis.manifests(*data),
        "simulation": analysis.manifests(*simulation),
        "signal": analysis.manifests(signal),
        "background": analysis.manifests(*background),
        "prior": analysis.manifests(*prior),
        "evaluation": analysis.manifests(*evaluation),
        "events": analysis.friends("skim", *read),
        "scores": [path for verb in verbs for path in analysis.friends(verb, *read)],
        "weights": jobs.weights(analysis, *simulation, signal),
    }


def _simulation(analysis: "Analysis", method: str) -> list[str]:
    """The simulated background that an experiment is drawn from."""
    return analysis.sample("background") if base(analysis, method) == "background" else []


def options(
    analysis: "Analysis", method: str, window: str, signal: str, read: Mapping[str, Sequence[str]]
) -> list[str]:
    """Options of ``resonaut select inject`` beside the experiment's own name, for the files that it has ``read``."""
    section: dict[str, Any] = analysis.config["select"]["injection"]
    amount = luminosity(analysis, method)
    return [
        f"--unit={section['unit']}",
        *([f"--luminosity={amount:g}"] if amount else []),
        *(
            f"--{name}={path}"
            for name in ("data", "simulation", "background", "prior", "evaluation")
            for path in read.get(name, [])
        ),
        *jobs.weighting(analysis, *_simulation(analysis, method), signal),
        *["--systematics"] * section["systematics"],
        *(f"--code={path}" for path in jobs.own_code(analysis, method, window)),
    ]


def actual(analysis: "Analysis", method: str, window: str) -> dict[str, list[str]]:
    """The data's own selection and manifest, for a limit; none without data, or of a method that is only compared."""
    if not analysis.sample("data") or method not in analysis.config["select"]["methods"]:
        return {}
    return {
        "selection": [f"<results>/select/{method}/{window}.json"],
        "data": analysis.manifests(*analysis.sample("data")),
    }
