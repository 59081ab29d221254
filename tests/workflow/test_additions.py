"""How many files an addition touches: each is carried out in a copy of the tree, and works there.

A recipe writes an addition, says which files it must edit for that, and tests that the addition works; the files are
found by comparing the trees. What ``make docs`` then writes anew is counted apart. To count another kind of addition,
add its recipe to ``RECIPES``.
"""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml


def digests(root: Path) -> dict[str, str]:
    """The content of each file of a tree that git would take."""
    parts = ("src", "workflow", "config", "docs", "tests", "Snakefile", "pyproject.toml")
    files = [path for part in parts for path in (root / part, *(root / part).rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if "__pycache__" not in path.parts
    }


def touched(before: dict[str, str], after: dict[str, str]) -> tuple[set[str], set[str]]:
    """The files that were edited, and the new ones."""
    assert before.keys() <= after.keys()
    return {name for name in before if before[name] != after[name]}, after.keys() - before.keys()


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def snakemake(clone, overlay: dict, *words: str) -> subprocess.CompletedProcess:
    """A run of the demo with changes."""
    (clone.path / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    return clone.snakemake("--configfile", "config/config.yaml", "overlay.yaml", *words)


def add_key(root: Path) -> None:
    settings = root / "src/resonaut/reweight/settings.py"
    settings.write_text(
        settings.read_text() + '    strength: float = key("Power of the ratio.", default=1, ge=0, le=1)\n'
    )


def shows_key(clone) -> None:
    assert snakemake(clone, {"reweight": {"strength": 0.5}}, "--dry-run").returncode == 0
    wrong = snakemake(clone, {"reweight": {"strength": 2}}, "--dry-run")
    assert wrong.returncode == 2
    assert "config: key 'reweight.strength': 2 should be less than or equal to 1" in wrong.stderr
    assert "| `strength` | number |  | `1` | Power of the ratio. |" in (clone.path / "docs/reweight.md").read_text()


def add_dataset(root: Path) -> None:
    """Another signal, which differs from one of the demo's by its name, mass and seed."""
    path = root / "config/config.yaml"
    text = path.read_text()
    _, head, rest = text.partition("  signal_4500:\n")
    block = head + rest.partition("\n  signal_tt:")[0] + "\n"
    other = block.replace("4500", "5000").replace("seed: 15", "seed: 95")
    text = text.replace(block, block + other).replace("signal_4500,", "signal_4500, signal_5000,")
    path.write_text(text)


def shows_dataset(clone) -> None:
    run = snakemake(clone, {}, "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "results/simulate/signal_5000/000.root" in run.stdout
    assert "results/fit/" in run.stdout


STAGE = {
    "src/resonaut/morph/__init__.py": '"""A stage."""\n',
    "src/resonaut/morph/plan.py": '''"""What the stage wants."""

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ("reweight",)


def section() -> type:
    """The record of the section."""
    from resonaut.morph.settings import Settings

    return Settings


def check(analysis) -> None:
    """Nothing contradicts it."""
''',
    "src/resonaut/morph/settings.py": '''"""The section of the stage."""

from resonaut.core.record import key, record


@record
class Settings:
    """Morphing."""

    iterations: int = key("Iterations.", default=5, ge=1)
''',
    "src/resonaut/morph/cli.py": '''"""The commands of the stage."""

from pathlib import Path

import typer

app = typer.Typer(help="Morph.", no_args_is_help=True)


@app.command()
def train(config: Path, output: Path) -> None:
    """Morph."""
    from resonaut.core import config as configuration
    from resonaut.core.files import write_json
    from resonaut.morph.settings import Settings

    write_json(output, {"iterations": configuration.read(config, Settings).iterations})


@app.command()
def show() -> None:
    """Show."""
''',
    "workflow/rules/morph.smk": '''"""morph."""


rule morph:
    """Morph."""
    input:
        weights="<results>/morph/weights.json",
    localrule: True


rule morph_train:
    """Morph the data."""
    input:
        config=config_of("morph"),
        code=code_of("morph", "train"),
    output:
        weights="<results>/morph/weights.json",
    shell:
        "resonaut morph train {input.config:q} {output.weights:q}"
''',
    "docs/morph.md": "# Morphing\n\n<!-- config -->\n<!-- end config -->\n",
    "tests/unit/morph/test_morph.py": "def test_it():\n    pass\n",
}


def add_stage(root: Path) -> None:
    write(root, STAGE)


def shows_stage(clone) -> None:
    python = [sys.executable, "-m", "resonaut", "--help"]
    answer = subprocess.run(python, env=clone.environment, capture_output=True, text=True, check=True)
    assert "morph" in answer.stdout
    stages = yaml.safe_load((clone.path / "config/config.yaml").read_text())["search"]["stages"]
    overlay = {"search": {"stages": [*stages, "morph"]}, "morph": {"iterations": 3}}
    run = snakemake(clone, overlay, "--dry-run")
    assert run.returncode == 0, run.stderr
    assert "morph_train" in run.stdout
    run = snakemake(clone, overlay, "--cores", "1", "morph")
    assert run.returncode == 0, run.stderr
    assert '"iterations": 3' in (clone.path / "results/morph/weights.json").read_text()
    assert "| `iterations` | integer |  | `5` | Iterations. |" in (clone.path / "docs/morph.md").read_text()


METHOD = {
    "src/resonaut/select/methods/random/__init__.py": '''"""A score that knows nothing."""

from resonaut.core.record import key, record
from resonaut.select.catalogue import Entry


@record
class RandomSettings:
    """The method `random`."""

    seed: int = key("Seed of the scores.", default=1, ge=0)


METHODS = {"random": Entry("method.Random", settings=RandomSettings)}
''',
    "src/resonaut/select/methods/random/method.py": '''"""A score that knows nothing."""

import numpy as np

from resonaut.core import identifier
from resonaut.select.methods.random import RandomSettings
from resonaut.select.quantile import Raw


class Random:
    """Random numbers."""

    columns = ()
    friends = ()

    def __init__(self, settings):
        self.background_efficiency = settings.background_efficiency
        self.seed = settings.own(RandomSettings).seed

    def fit(self, training):
        """Nothing to learn."""
        return {}

    def raw(self, events, source):
        """They are those of the identifier."""
        keys = identifier.keys(events)
        return Raw.alone(identifier.uniform(keys, self.seed), np.zeros(len(keys), int), keys)
''',
    "tests/unit/select/methods/test_select_random.py": "def test_it():\n    pass\n",
}


def add_method(root: Path) -> None:
    write(root, METHOD)


def shows_method(clone) -> None:
    section = {"methods": ["inclusive", "random"], "random": {"seed": 2}}
    run = snakemake(clone, {"select": section}, "--dry-run", "--printshellcmds", "results/select/random/w3500.json")
    assert run.returncode == 0, run.stderr
    assert '"random": {"seed": 2}' in run.stdout
    assert "--method random --window w3500" in run.stdout
    wrong = snakemake(clone, {"select": {"random": {"sed": 2}}}, "--dry-run")
    assert wrong.returncode == 2
    assert "unknown key 'select.random.sed'; did you mean 'seed'?" in wrong.stderr
    assert "| `random.seed` | integer |  | `1` | Seed of the scores. |" in (clone.path / "docs/select.md").read_text()


FORMAT = {
    "src/resonaut/skim/formats/words/__init__.py": '''"""Events as words."""

from resonaut.core.formats import Format

FORMATS = {"words": Format("reader.opened", candidates=False)}
''',
    "src/resonaut/skim/formats/words/reader.py": '''"""Reads events that are words."""

from collections.abc import Iterator
from contextlib import contextmanager

from resonaut.core.errors import InputFileError
from resonaut.skim.pieces import FileResult
from resonaut.skim.reading import Job, Reader


@contextmanager
def opened(job: Job) -> Iterator[Reader]:
    """Reads nothing."""

    def read(path: str, number: int) -> FileResult:
        raise InputFileError(path, "holds words", "give numbers")

    yield read, {}
''',
    "tests/unit/skim/formats/test_words.py": "def test_it():\n    pass\n",
}


def add_format(root: Path) -> None:
    write(root, FORMAT)


def shows_format(clone) -> None:
    (clone.path / "more.txt").write_text("words")
    more = yaml.safe_load((clone.path / "config/config.yaml").read_text())["datasets"]["signal_4500"] | {
        "format": "words",
        "files": ["more.txt"],
    }
    del more["generator"]
    run = snakemake(clone, {"datasets": {"more": more}}, "--cores", "1", "results/skim/more/000.parquet")
    assert run.returncode == 1
    assert "more.txt: holds words; give numbers." in run.stderr


PLOT = {
    "src/resonaut/report/skim/eras.py": '''"""The datasets of each era."""

from collections.abc import Sequence
from pathlib import Path

from resonaut.report.figure import MANIFESTS, Figure, Output

FIGURE = Figure(category="Selection", reads={"manifests": MANIFESTS}, writes={"table": Output("eras.csv")})


def draw(output: Path, manifests: Sequence[Path]) -> None:
    """Write a table."""
    (output / "eras.csv").write_text("\\n".join(path.stem for path in manifests))
''',
    "src/resonaut/report/skim/eras.rst": "The datasets of each era.\n",
    "tests/unit/report/skim/test_eras.py": "def test_it():\n    pass\n",
}


def add_plot(root: Path) -> None:
    write(root, PLOT)


def shows_plot(clone) -> None:
    run = snakemake(clone, {}, "--dry-run", "--printshellcmds", "results/report/eras.csv")
    assert run.returncode == 0, run.stderr
    assert "report_eras" in run.stdout
    manifest = clone.path / "results/skim/data.json"
    write(clone.path, {"results/skim/data.json": "{}", "results/report/none": ""})
    command = [sys.executable, "-m", "resonaut", "report", "eras", str(manifest), "--output", "results/report"]
    subprocess.run(command, cwd=clone.path, env=clone.environment, check=True)
    assert (clone.path / "results/report/eras.csv").read_text() == "data"


class Recipe(NamedTuple):
    """How to add something, what must be edited for it, and how it then shows itself."""

    add: Callable[[Path], None]
    edited: set[str]
    shows: Callable


RECIPES = {
    "key": Recipe(add_key, {"src/resonaut/reweight/settings.py"}, shows_key),
    "dataset": Recipe(add_dataset, {"config/config.yaml"}, shows_dataset),
    "method": Recipe(add_method, set(), shows_method),
    "format": Recipe(add_format, set(), shows_format),
    "plot": Recipe(add_plot, set(), shows_plot),
    "stage": Recipe(add_stage, set(), shows_stage),
}


def make_docs(clone) -> None:
    command = [sys.executable, "-m", "resonaut.core.documentation", "."]
    subprocess.run(command, cwd=clone.path, env=clone.environment, check=True)


@pytest.mark.parametrize("kind", RECIPES)
def test_an_addition_edits_nothing_else(kind, fresh, record_property) -> None:
    recipe = RECIPES[kind]
    make_docs(fresh)
    before = digests(fresh.path)
    recipe.add(fresh.path)
    added = digests(fresh.path)
    edited, new = touched(before, added)
    assert edited == recipe.edited
    make_docs(fresh)
    documented, by_itself = touched(added, digests(fresh.path))
    assert not by_itself
    recipe.shows(fresh)
    counts = f"{len(edited)} edited, {len(new)} new; {len(documented)} by make docs"
    record_property("touched", f"files touched to add a {kind}: {counts}")
