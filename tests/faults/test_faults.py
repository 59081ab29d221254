"""The fast part of the faults: every one ends right or in a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import catalogue  # noqa: E402, F401
import fault  # noqa: E402
import outcome  # noqa: E402

FAST = [f"{one.kind}/{one.name}" for one in fault.CATALOGUE if one.fast]


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory):
    """The outcome of every fast fault, from one run of the script."""
    found = tmp_path_factory.mktemp("faults") / "outcomes.jsonl"
    command = [sys.executable, HERE / "run.py", "--fast", "--workers", "1", "--list", found]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.exists(), run.stderr
    results = map(json.loads, found.read_text().splitlines())
    return {f"{one['kind']}/{one['name']}": one for one in results}


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("name", FAST)
def test_fault(name, outcomes) -> None:
    found = outcomes[name]
    assert found["word"] in outcome.GOOD, f"{found['word']}: {found['why']}\n" + "\n".join(found["commands"])


def test_names_are_unique() -> None:
    names = [(one.kind, one.name) for one in fault.CATALOGUE]
    assert len(names) == len(set(names))
