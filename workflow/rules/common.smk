"""What all rules share: the analysis, the code and the keys of a job, and how much a job needs."""

import gc
import importlib.util
import json
import os
import sys
from functools import cache, partial
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

from resonaut.core import provenance, stages
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ResonautError

try:
    ANALYSIS = Analysis.of(config, [Path(path) for path in workflow.configfiles])
except ResonautError as error:
    stop(error)

VERBS = stages.verbs()

# What is loaded by now stays; looking for garbage among it took a quarter of the time of a plan.
gc.freeze()
gc.set_threshold(50_000)


def of(function, *names):
    """What a plan's ``function`` of the analysis and of wildcards says; its sentence where it cannot."""

    def say(wildcards=None):
        try:
            return function(ANALYSIS, *(getattr(wildcards, name) for name in names))
        except ResonautError as error:
            stop(error)

    return say


def config_of(*names):
    """The frozen configuration of a job: of a stage, or of the names that the stage's plan knows."""
    return f"<results>/config/{'/'.join(names)}.json"


def frozen_text(wildcards):
    """What the file of a job holds."""
    return json.dumps(ANALYSIS.keys(wildcards.job), sort_keys=True)


def nothing_but_stale_is_remade(wildcards):
    """No input; a file with other keys is made again even if Snakemake has no record of it, as of copied results."""
    path = f"{workflow.pathvars.apply('<results>')}/config/{wildcards.job}.json"
    if Path(path).exists() and Path(path).read_text() != frozen_text(wildcards) + "\n":
        workflow.dag.forcefiles.add(path)
    return []


@cache
def relative(path):
    """A path of the package as seen from this folder; many jobs run the same files."""
    return os.path.relpath(CHECKOUT / "src" / "resonaut" / path)


def code_of(verb, command, modules=lambda analysis: (), *names):
    """What a command runs, with the ``modules`` it finds by name; relative, so that a moved clone reruns nothing."""

    def paths(wildcards=None):
        found = modules(ANALYSIS, *(getattr(wildcards, name) for name in names))
        # A path of the user's own is relative to this folder, others to the package.
        found = [
            str(Path(path).resolve()) if path in ANALYSIS.config["code"] else path
            for path in found
        ]
        return [
            relative(path) for path in provenance.command_code(verb, command, *found)
        ]

    # As a function even without names: it is called for the rules that have jobs alone.
    return paths


def options(name, values):
    """A command's repeatable option, once for each value."""
    return [f"--{name}={value}" for value in values]


def samples(*names):
    """The options of a job's samples, whose manifests are inputs of these names, as far as it has them."""
    return lambda wildcards, input: sum(
        (options(name.replace("_", "-"), input.get(name, [])) for name in names), []
    )


def memory(mb):
    """A job's memory in MB, more at each attempt."""
    return lambda wildcards, attempt: mb * attempt


def announce():
    """Say where and on how much the workflow runs: a profile that was not found is otherwise silent."""
    cores, jobs = workflow.resource_settings.cores, workflow.resource_settings.nodes
    logger.info(
        f"Executor {workflow.executor_plugin.name}, at most {f'{cores} cores' if cores else f'{jobs} jobs'}; "
        f"stages: {' '.join(ANALYSIS.config['search']['stages'])}."
    )
