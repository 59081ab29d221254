import subprocess
import sys
import time

import pytest

from resonaut.schema import VERBS


def resonaut(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "resonaut", *words], capture_output=True, text=True, check=False)


def test_help_is_quick_and_names_every_stage() -> None:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        run = resonaut("--help")
        times.append(time.perf_counter() - start)
        assert all(verb in run.stdout for verb in VERBS)
    assert min(times) < 0.3  # the quickest: the others may share the machine


def test_help_loads_no_numerical_library() -> None:
    heavy = ("numpy", "torch", "awkward", "coffea", "snakemake")
    code = f"import sys, resonaut.cli; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_each_stage_documents_its_commands(verb) -> None:
    run = resonaut(verb, "--help")
    assert run.returncode == 0
    assert "Commands:" in run.stdout


def test_log_begins_with_the_command_and_the_error_is_one_sentence(tmp_path) -> None:
    log = tmp_path / "logs" / "x.log"
    words = ["--log", str(log), "report", "show", "--summary", str(tmp_path / "no such.json")]
    run = resonaut(*words)
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert "no such.json: no such file; run the stage" in run.stderr
    first, *rest = log.read_text().splitlines()
    assert first == f"resonaut --log {log} report show --summary '{tmp_path}/no such.json'"
    assert "no such file" in rest[-1]
