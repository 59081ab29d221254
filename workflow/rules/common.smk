"""What all rules share: the checked configuration, the datasets in use, the stages' code and targets."""

import importlib.util
import json
import sys
from glob import glob
from pathlib import Path

from snakemake.logging import logger

CHECKOUT = Path(workflow.basedir)


def stop(sentence):
    """End with one sentence and exit code 2, as the command line does."""
    print(f"resonaut: {sentence}", file=sys.stderr)
    sys.exit(2)


_spec = importlib.util.find_spec("resonaut")
if _spec is None or Path(_spec.origin).parent != CHECKOUT / "src" / "resonaut":
    _state = "missing" if _spec is None else f"of another checkout ({_spec.origin})"
    stop(
        f"the installed package is {_state}; run 'pip install --no-deps -e .' in {CHECKOUT}, or 'make install' and '.venv/bin/snakemake'."
    )

from resonaut import config as resonaut_config
from resonaut import provenance, schema
from resonaut.dataset import DatasetConfig
from resonaut.errors import ResonautError

VERBS = schema.VERBS


def expand_files(name, patterns):
    """The files that a dataset's patterns match, sorted within each pattern."""
    found = []
    for pattern in patterns:
        matches = sorted(glob(pattern))
        if not matches:
            stop(
                f"config: datasets.{name}.files: no file {pattern!r}; correct the path (relative to {Path.cwd()})."
            )
        found += matches
    return found


def read_catalogue():
    """The checked configuration's datasets; those of this analysis with their files found."""
    config.update(
        schema.validate(config, schema.load(CHECKOUT / "workflow" / "schemas"))
    )
    for name in config["search"]["datasets"]:
        if name not in config["datasets"]:
            stop(
                f"config: search.datasets names {name!r}, which is not in 'datasets'; add it there."
            )
        entry = config["datasets"][name]
        if not entry["files"] and entry["generator"] is None:
            stop(
                f"config: datasets.{name} has neither 'files' nor a 'generator'; give it one."
            )
        entry["files"] = expand_files(name, entry["files"])
    return {
        name: resonaut_config.build(entry, DatasetConfig, f"config: datasets.{name}")
        for name, entry in config["datasets"].items()
    }


try:
    CATALOGUE = read_catalogue()
except ResonautError as error:
    stop(error)


def check_search():
    """Stop where the stages and datasets of the search cannot work together."""
    if uses("select") and len(datasets("data")) != 1:
        stop(
            f"config: search.datasets has {len(datasets('data'))} datasets with the role 'data'; select searches "
            "exactly one, so leave one (its 'files' may be many)."
        )
    if uses("select") and "tagger" in config["select"]["methods"] and not uses("tag"):
        stop(
            "config: select.methods has 'tagger', which needs the stage 'tag'; take it out, or add 'tag' to "
            "search.stages."
        )
    if uses("calibrate"):
        check_calibration()
        if not uses("tag"):
            leave_out_scores()
    for name in datasets() if uses("skim") else []:
        if CATALOGUE[name].region not in config["skim"]["regions"]:
            stop(
                f"config: datasets.{name}.region {CATALOGUE[name].region!r} is not in skim.regions; define it there."
            )


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


def config_of(verb):
    """The frozen configuration of a stage."""
    return f"<results>/config/{verb}.json"


def dataset_config(dataset):
    """The frozen configuration of a dataset."""
    return f"<results>/config/datasets/{dataset}.json"


def stage_code(verb):
    """The source files of a stage, relative to the workflow's folder, so that a moved clone reruns nothing."""
    return [f"src/resonaut/{path}" for path in provenance.stage_code(verb)]


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
