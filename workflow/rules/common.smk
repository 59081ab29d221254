"""What all rules share: the checked configuration, the datasets in use, the stages' code and targets."""

import importlib.util
import json
import os
import sys
from pathlib import Path

from snakemake.logging import logger

CHECKOUT = Path(workflow.basedir).resolve()


def stop(sentence):
    """End with one sentence and exit code 2, as the command line does."""
    print(f"resonaut: {sentence}", file=sys.stderr)
    sys.exit(2)


_spec = importlib.util.find_spec("resonaut")
if (
    _spec is None
    or Path(_spec.origin).parent.resolve() != CHECKOUT / "src" / "resonaut"
):
    _state = "missing" if _spec is None else f"of another checkout ({_spec.origin})"
    stop(
        f"the installed package is {_state}; run 'pip install --no-deps -e .' in {CHECKOUT}, or 'make install' and '.venv/bin/snakemake'."
    )

from resonaut.core import analysis, provenance, record, stages
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ResonautError

from resonaut.select import catalogue

VERBS = stages.verbs()


def read_catalogue():
    """The checked configuration's datasets; those of this analysis with their files found."""
    read = [Path(path) for path in workflow.configfiles]
    config.update(analysis.complete(config, read))
    return {
        name: record.build(entry, DatasetConfig, f"config: datasets.{name}")
        for name, entry in config["datasets"].items()
    }


try:
    CATALOGUE = read_catalogue()
except ResonautError as error:
    stop(error)


def check_search():
    """Stop where the stages and datasets of the search cannot work together."""
    searched = len(datasets("data"))
    if uses("select") and (searched > 1 or not (searched or datasets("pseudo_data"))):
        stop(
            f"config: search.datasets has {searched} datasets with the role 'data'; select searches exactly one, so "
            "leave one (its 'files' may be many)."
        )
    if uses("select"):
        check_methods()
    if uses("calibrate"):
        check_calibration()
        if not uses("tag"):
            leave_out_scores()


def check_methods():
    """Stop where a method lacks the stage, the datasets or the methods that it needs."""
    methods = config["select"]["methods"]
    for name in methods:
        for verb in method_friends(name):
            if not uses(verb):
                stop(
                    f"config: select.methods has {name!r}, which needs the stage {verb!r}; take it out, or add {verb!r} "
                    "to search.stages."
                )
        for part in combined_methods(name):
            if part not in methods[: methods.index(name)]:
                stop(
                    f"config: select.combinations.{name} needs the method {part!r}; list it before {name!r} in "
                    "select.methods."
                )
        if not combined_methods(name) and catalogue.METHODS[name].candidates:
            if not with_candidates():
                stop(
                    f"config: select.methods has {name!r}, which sees the jets' candidates; take it out, or set "
                    "skim.read_constituents for files that have them."
                )
        for role in () if combined_methods(name) else catalogue.METHODS[name].roles:
            if not datasets(role):
                stop(
                    f"config: select.methods has {name!r}, which learns from a dataset with the role {role!r}; take it "
                    "out, or add one to search.datasets."
                )


def combined_methods(method):
    """The methods whose scores a combination reads; none for a method of its own."""
    return config["select"]["combinations"].get(method, {"methods": []})["methods"]


def upper_bounds():
    """The methods that know what no search knows."""
    return [
        name
        for name in config["select"]["methods"]
        if name in catalogue.METHODS and catalogue.METHODS[name].bound
    ]


def method_friends(method):
    """The stages whose columns a method reads, or the methods that it combines."""
    if combined_methods(method):
        return list(
            dict.fromkeys(
                verb
                for part in combined_methods(method)
                for verb in method_friends(part)
            )
        )
    try:
        return catalogue.entry(method).friends
    except ResonautError as error:
        stop(error)


def method_inputs(wildcards):
    """The friends that a method reads: scores of the tagger, or of the methods that it combines."""
    folders = [
        *method_friends(wildcards.method),
        *(
            f"select/{part}/{wildcards.window}"
            for part in combined_methods(wildcards.method)
        ),
    ]
    return [
        path
        for folder in folders
        for path in friends(folder, *datasets("data", "background", "signal"))
    ]


def injected_methods():
    """The methods that are trained with injected signal."""
    section = config["select"]
    return section["injection"]["methods"] or [
        name for name in section["methods"] if not combined_methods(name)
    ]


def injected_windows(signal):
    """The windows in which a signal is injected: those given, or those whose signal region holds its mass."""
    section, mass = config["select"], CATALOGUE[signal].mass
    found = section["injection"]["windows"] or [
        name
        for name, window in section["windows"].items()
        if mass is not None
        and window["signal_region"][0] <= mass < window["signal_region"][1]
    ]
    if not found:
        stop(
            f"config: no window of select.windows has the mass of the signal {signal!r} in its signal region; set "
            f"datasets.{signal}.mass, or give select.injection.windows."
        )
    return found


def injected():
    """The method, window and signal of all experiments."""
    section = config["select"]["injection"]
    if not (section["signals"] and section["amounts"]):
        stop(
            "config: select.injection has no 'signals' or no 'amounts'; give both to measure what methods find."
        )
    return [
        (method, window, signal)
        for method in injected_methods()
        for signal in section["signals"]
        for window in injected_windows(signal)
    ]


def injections(method, window, signal):
    """The summaries of the experiments with one signal in one window."""
    section = config["select"]["injection"]
    seeds = section["slow_seeds" if method in section["slow_methods"] else "seeds"]
    return [
        f"<results>/select/inject/{method}/{window}/{signal}/{amount:g}_{seed}.json"
        for amount in section["amounts"]
        for seed in range(seeds)
    ]


def injected_fits(wildcards=None):
    """The fits of all experiments."""
    return [
        f"<results>/fit/retrained/{method}/{window}/{signal}.json"
        for method, window, signal in injected()
    ]


def no_signal_fits(wildcards):
    """Fits of experiments without a signal, where the report shall judge the methods by them."""
    if not config["report"]["no_signal_check"]:
        return []
    if 0 not in config["select"]["injection"]["amounts"]:
        stop(
            "config: report.no_signal_check needs experiments without a signal; add 0 to select.injection.amounts."
        )
    return injected_fits()


def with_candidates():
    """Whether the events keep the candidates of their jets."""
    return config["skim"]["read_constituents"] and all(
        CATALOGUE[name].format != "lhco_features"
        for name in datasets("data", "pseudo_data")
    )


def with_images():
    """Whether there are jet images; the inclusive selection sees none."""
    return uses("select") and with_candidates() and bool(imaged_methods())


def imaged_methods():
    """The methods of which there are jet images: all that select by what they see."""
    return [name for name in config["select"]["methods"] if name != "inclusive"]


def injected_base(method):
    """What signal is put into, by role: pseudo-data, else simulation for the data, else data that may hold a signal."""
    wanted = config["select"]["injection"]["base"]
    roles = ["pseudo_data", "background"] if wanted == "auto" else [wanted]
    if wanted != "auto" and not datasets(wanted):
        stop(
            f"config: select.injection.base is {wanted!r}, and search.datasets has none with that role; add one, or give "
            "'auto'."
        )
    for role in roles:
        # What a method learns from cannot be its data as well, and without data nobody knows how much to draw.
        drawn = datasets("data") and role not in catalogue.entry(method).roles
        if datasets(role) and (role != "background" or drawn):
            return role
    return "data"


def injected_luminosity(method):
    """How much an experiment draws, 1/fb: what is given, else of more pseudo-data than data as much as of the data."""
    given = config["select"]["injection"]["luminosity"]
    if given or injected_base(method) != "pseudo_data":
        return given
    pool = CATALOGUE[datasets("pseudo_data")[0]].luminosity or 0
    wanted = [CATALOGUE[name].luminosity or pool for name in datasets("data")]
    return next((amount for amount in wanted if amount < pool), None)


def injected_inputs(wildcards):
    """The manifests and events that an experiment reads."""
    signals = datasets("signal")
    if wildcards.dataset not in signals:
        stop(
            f"config: select.injection.signals names {wildcards.dataset!r}, which is no signal of search.datasets; add "
            "it there or take it out."
        )
    base, evaluation = (
        injected_base(wildcards.method),
        config["select"]["injection"]["evaluation"],
    )
    # Simulation that does not suffice leaves the data, of which it has to have the luminosity anyway.
    data = datasets("pseudo_data" if base == "pseudo_data" else "data")[0]
    simulation = datasets("background") if base == "background" else []
    roles = catalogue.entry(wildcards.method).roles
    background, prior = (
        datasets(role) if role in roles else [] for role in ("background", "signal")
    )
    read = list(
        dict.fromkeys(
            [data, *simulation, wildcards.dataset, *background, *prior, *evaluation]
        )
    )
    return {
        "data": manifest(data),
        "simulation": [manifest(name) for name in simulation],
        "signal": manifest(wildcards.dataset),
        "background": [manifest(name) for name in background],
        "prior": [manifest(name) for name in prior],
        "evaluation": [manifest(name) for name in evaluation],
        "events": friends("skim", *read),
        "scores": [
            path
            for verb in method_friends(wildcards.method)
            for path in friends(verb, *read)
        ],
        "reweight": friends("reweight", *simulation) if uses("reweight") else [],
        "lund": (friends("calibrate", wildcards.dataset) if uses("calibrate") else []),
    }


def injected_data(wildcards):
    """The data's own selection and manifest, for a limit; none without data, or of a method that is only compared."""
    if not datasets("data") or wildcards.method not in config["select"]["methods"]:
        return {}
    return {
        "selection": [f"<results>/select/{wildcards.method}/{wildcards.window}.json"],
        "data": [manifest(name) for name in datasets("data")],
    }


def injection_options(wildcards, input):
    """Options of ``resonaut select inject`` beside the experiment's own name."""
    section = config["select"]["injection"]
    options = [f"--unit={section['unit']}"]
    luminosity = injected_luminosity(wildcards.method)
    if luminosity:
        options.append(f"--luminosity={luminosity:g}")
    for name in ("simulation", "background", "prior", "evaluation"):
        options += [f"--{name}={path}" for path in input.get(name, [])]
    options += ["--reweight"] * bool(input.get("reweight"))
    options += ["--lund"] * uses("calibrate") + ["--systematics"] * section[
        "systematics"
    ]
    return options


def check_calibration():
    """Stop where the calibration names a file or dataset that is not there."""
    given = config["calibrate"]["correction"]
    if given and not all(
        Path(path).exists() for path in lund_correction(None).values()
    ):
        stop(
            f"config: calibrate.correction: no file {given!r}, or no metadata beside it; make both with "
            "'resonaut calibrate measure' or 'resonaut calibrate import'."
        )
    for name in config["calibrate"]["b_quark_datasets"]:
        if name not in datasets("signal"):
            stop(
                f"config: calibrate.b_quark_datasets names {name!r}, which is no signal of search.datasets; add it "
                "there or take it out."
            )


def leave_out_scores():
    """Without the stage `tag` there are no scores that the calibration could show or cut on."""
    scores = tuple(f"{network}_" for network in config["tag"]["networks"])
    section = config["calibrate"]
    section["histograms"] = {
        name: axis
        for name, axis in section["histograms"].items()
        if not name.startswith(scores)
    }
    section["selections"] = {
        name: cuts
        for name, cuts in section["selections"].items()
        if not any(observable.startswith(scores) for observable in cuts)
    }


def uses(verb):
    """Whether the analysis has the stage ``verb``."""
    return verb in config["search"]["stages"]


def datasets(*roles, generated=None):
    """Names of the datasets of this analysis with one of the roles (all without), in the order of the config."""
    return [
        name
        for name in config["search"]["datasets"]
        if (not roles or CATALOGUE[name].role in roles)
        and (generated is None or generated == (CATALOGUE[name].generator is not None))
    ]


def wanted(*roles, generated=None):
    """The datasets but pseudo-data beside data, which are only made for the experiments that draw from them."""
    spared = datasets("pseudo_data") if datasets("data") else []
    return [
        name for name in datasets(*roles, generated=generated) if name not in spared
    ]


def chunks(dataset):
    """The chunk names of a dataset: ``000``, ``001``, …, known from the configuration alone."""
    return [f"{number:03d}" for number in range(CATALOGUE[dataset].n_chunks())]


def chunk_files(wildcards):
    """The files with the events of one chunk: made by ``simulate`` or given in the configuration."""
    dataset = CATALOGUE[wildcards.dataset]
    if dataset.generator is not None:
        return f"<results>/simulate/{wildcards.dataset}/{wildcards.chunk}.root"
    first = int(wildcards.chunk) * dataset.files_per_chunk
    return dataset.files[first : first + dataset.files_per_chunk]


def friends(folder, *names):
    """The chunk files of whole datasets in one folder of the results."""
    return [
        f"<results>/{folder}/{name}/{chunk}.parquet"
        for name in names
        for chunk in chunks(name)
    ]


def manifest(dataset):
    """The manifest that ``skim`` writes of a dataset."""
    return f"<results>/skim/{dataset}.json"


def frozen(verb):
    """A stage's section as its jobs read it: what only chooses the jobs is left out, so that a new job reruns no other."""
    jobs = {
        "select": ("methods", "window_chains", "injection"),
        "report": ("no_signal_check",),
    }.get(verb, ())
    section = {key: value for key, value in config[verb].items() if key not in jobs}
    return section | shown() if verb == "report" else section


def shown():
    """What the figures are of: the data, given or by where they come from, and the energy."""
    generated = all(CATALOGUE[name].generator is not None for name in datasets("data"))
    label = "Simulated collisions" if generated else "Data"
    return {
        "label": config["report"]["label"] or label,
        "sqrt_s": config["fit"]["sqrt_s"],
    }


def config_of(verb):
    """The frozen configuration of a stage."""
    return f"<results>/config/{verb}.json"


def dataset_config(dataset):
    """The frozen configuration of a dataset."""
    return f"<results>/config/datasets/{dataset}.json"


def stage_code(verb):
    """The source files of a stage, relative to the working folder, so that a moved clone reruns nothing."""
    source = os.path.relpath(CHECKOUT / "src" / "resonaut")
    return [f"{source}/{path}" for path in provenance.stage_code(verb)]


def published_weights(wildcards):
    """The published weights of a network, so that new ones rerun it; a missing file is the command's to name."""
    path = config["tag"]["networks"][wildcards.network]["weights"]
    return [path] if path and Path(path).exists() else []


def lund_correction(wildcards):
    """The Lund-plane correction and its metadata: measured here, or given in the configuration."""
    given = config["calibrate"]["correction"]
    path = given or "<results>/calibrate/correction.json"
    return {
        "correction": path,
        "metadata": f"{path.removesuffix('.json')}.metadata.json",
    }


def options(name, values):
    """A command's repeatable option, once for each value."""
    return [f"--{name}={value}" for value in values]


def memory(mb):
    """A job's memory in MB, more at each attempt."""
    return lambda wildcards, attempt: mb * attempt


def announce():
    """Say where and on how much the workflow runs: a profile that was not found is otherwise silent."""
    cores, jobs = workflow.resource_settings.cores, workflow.resource_settings.nodes
    logger.info(
        f"Executor {workflow.executor_plugin.name}, at most {f'{cores} cores' if cores else f'{jobs} jobs'}; "
        f"stages: {' '.join(config['search']['stages'])}."
    )


check_search()
