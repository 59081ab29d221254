"""A clone of the working tree with a finished run of the tiny search, made once for all workflow tests."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# The demo, and what makes it tiny.
TINY = ("config/config.yaml", "tests/workflow/tiny.yaml")


@dataclass
class Clone:
    """A checkout in a folder of its own, run with the tests' Python but its own source."""

    path: Path
    configuration = TINY

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "PYTHONPATH": str(self.path / "src"), "COLUMNS": "200"}

    def command(self, *words: str) -> list[str]:
        return ["snakemake", "--cores", "1", "--configfile", *self.configuration, *words]

    def snakemake(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(*words), cwd=self.path, env=self.environment, capture_output=True, text=True, check=False
        )

    def planned(self, *words: str) -> set[str]:
        """The rules that a run would execute now."""
        run = self.snakemake("--dry-run", *words)
        assert run.returncode == 0, run.stdout + run.stderr
        if "Nothing to be done" in run.stdout + run.stderr:
            return set()
        table = re.search(r"^-+ +-+\n(.*?)^total ", run.stdout, re.MULTILINE | re.DOTALL)
        assert table is not None, run.stdout
        return {line.split()[0] for line in table[1].splitlines()} - {"all"}

    def planned_after(self, change: Callable[[dict], None]) -> set[str]:
        """The rules that a run would execute after a ``change`` of the configuration's content, which is undone."""
        path = self.path / self.configuration[0]
        before = path.read_text()
        content = yaml.safe_load(before)
        change(content)
        path.write_text(yaml.safe_dump(content))
        try:
            return self.planned()
        finally:
            path.write_text(before)

    def stages(self, *words: str) -> set[str]:
        """The stages that a run would execute now; a stage's rules begin with its name."""
        return {rule.split("_")[0] for rule in self.planned(*words)} - {"freeze"}

    def run_and_kill(self, seconds: float, *words: str) -> bool:
        """Start the workflow, kill it and all its jobs with SIGKILL; True if it had ended before."""
        process = subprocess.Popen(
            ["workflow/run", *self.command(*words)[1:]],
            cwd=self.path,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return ended

    def results(self) -> dict[str, bytes]:
        """Content of all result JSON, CSV and Parquet files, by path."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted((self.path / "results").rglob("*"))
            if path.suffix in (".json", ".csv", ".parquet")
        }


def copy_tree(target: Path) -> Clone:
    """Copy what git would take: tracked and new files; and what numba has compiled of them, minutes in each clone."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    compiled = [str(path.relative_to(ROOT)) for path in (ROOT / "src").rglob("__pycache__/*.nb[ic]")]
    for name in (*filter(None, listing.stdout.split("\0")), *compiled):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            # With its time: what is compiled belongs to a file of that time.
            shutil.copy2(ROOT / name, target / name)
    return Clone(target)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone after an undisturbed run; tests that change it put it back."""
    clone = copy_tree(tmp_path_factory.mktemp("finished") / "clone")
    run = clone.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return clone


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone of the tests of one module, in which nothing ran."""
    return copy_tree(tmp_path_factory.mktemp("copied") / "clone")


@pytest.fixture
def fresh(tmp_path: Path) -> Clone:
    """A clone in which nothing ran."""
    return copy_tree(tmp_path / "clone")
