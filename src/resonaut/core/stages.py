"""The stages: every package of resonaut that has a plan, in the order of the chain.

A plan (``resonaut/<verb>/plan.py``) imports nothing heavy and holds

- ``NEEDS``: stages without which this one has nothing to read;
- ``AFTER``: stages that come before it where an analysis has them;
- ``section()``: the record of the stage's section of the configuration;
- ``parts(code)``, where what it finds by name has keys of its own: their records by key, those of the user's files
  ``code`` among them;
- ``check(analysis)``: stops where the section contradicts itself or the rest of the configuration;
- ``GIVES``, where other stages read it: what they ask for by name, as functions of the analysis that give the files;
- ``TABLES``, where the documentation has tables beside that of its keys: what writes them, by page and name;
- ``columns(analysis, dataset)``, of ``skim``: the columns that it keeps of a dataset, and the ranges that cuts leave;
- ``weighted(analysis)``, where it writes weights: by the folder of these friends the datasets whose events get them;
- ``keys(analysis, *names)``, where its jobs do not read the section as it is: what the job of these names reads.
"""

from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from types import ModuleType

import resonaut

FOLDER = Path(resonaut.__file__).parent


@cache
def plans() -> dict[str, ModuleType]:
    """The plans of all stages by verb."""
    found = {path.parent.name: import_module(f"resonaut.{path.parent.name}.plan") for path in FOLDER.glob("*/plan.py")}
    before = {verb: sorted((*found[verb].NEEDS, *found[verb].AFTER)) for verb in sorted(found)}
    return {verb: found[verb] for verb in TopologicalSorter(before).static_order()}


def verbs() -> list[str]:
    """The names of all stages."""
    return list(plans())


def is_verb(name: str) -> bool:
    """Whether there is such a stage, without the import of any plan."""
    return name.isidentifier() and (FOLDER / name / "plan.py").is_file()
