import errno
import os
import pickle
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from resonaut.core.errors import input_files
from resonaut.core.stages import verbs


def resonaut(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "resonaut", *words], capture_output=True, text=True, check=False)


def processor_time(*words: str) -> float:
    """Seconds of processor time of a Python command."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], capture_output=True, check=True)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


def test_help_names_every_stage() -> None:
    assert all(verb in resonaut("--help").stdout for verb in verbs())


def test_help_is_quick() -> None:
    ours, library = zip(
        *((processor_time("-m", "resonaut", "--help"), processor_time("-c", "import typer.testing")) for _ in range(5)),
        strict=True,
    )
    # Others may share the machine: what the library of the command line takes there, 0.1 s elsewhere, is the measure.
    assert min(ours) < max(0.3, 3 * min(library))


def test_a_command_loads_its_own_stage_alone() -> None:
    code = (
        "import sys; sys.argv = ['resonaut', 'fit', 'scan', '--help']\n"
        "import resonaut.cli as cli\n"
        "try: cli.main()\n"
        "except SystemExit: print([m for m in sys.modules if m.endswith(('.plan', '.settings', '.cli'))])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "['resonaut.cli', 'resonaut.fit.cli']"


def test_help_loads_no_numerical_library() -> None:
    heavy = ("numpy", "torch", "awkward", "coffea", "snakemake")
    code = f"import sys, resonaut.cli; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", verbs())
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
    assert "no such.json: no such file; make it with 'resonaut report summary'" in run.stderr
    first, *rest = log.read_text().splitlines()
    assert first == f"resonaut --log {log} report show --summary '{tmp_path}/no such.json'"
    assert "no such file" in rest[-1]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "out.json"), "out.json: No space left on device; free some"),
        (OSError(errno.EROFS, "Read-only file system"), "given.csv: Read-only file system; name a place that can be"),
        (MemoryError(), "given.csv: not enough memory; give the job more"),
        (KeyError("scan"), "given.csv: cannot be processed (KeyError: 'scan'); check what it holds"),
        (zlib.error("Error -3\nwhile decompressing"), "given.csv: cannot be processed (error: Error -3); check"),
        (RecursionError(), "given.csv: cannot be processed (RecursionError); check what it holds"),
    ],
)
@pytest.mark.parametrize("logged", [True, False])
def test_any_error_is_one_sentence_with_its_traceback_in_the_log(tmp_path, error, sentence, logged) -> None:
    """A command that fails as no stage foresaw, in a process of its own: ``main`` ends it."""
    (tmp_path / "given.csv").write_text("1")
    (tmp_path / "error.pickle").write_bytes(pickle.dumps(error))
    code = (
        "import pickle, sys, resonaut.cli as cli\n"
        "error = pickle.load(open('error.pickle', 'rb'))\n"
        "def fail(file: str) -> None: raise error\n"
        "cli.app.command('fail')(fail)\n"
        "cli.main()"
    )
    words = [*(["--log", "x.log"] if logged else []), "fail", "given.csv"]
    run = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2, run.stderr
    assert run.stderr.startswith(f"resonaut: {sentence}")
    assert run.stderr.count("\n") == 1
    assert "Traceback" not in run.stderr + run.stdout
    assert ("Traceback" in (tmp_path / "x.log").read_text()) if logged else "resonaut --log FILE" in run.stderr


def test_a_log_in_place_of_a_file_that_is_none_is_refused(tmp_path) -> None:
    given, log = tmp_path / "spectrum.csv", tmp_path / "x.log"
    given.write_text("m_low,m_high,counts\n")
    run = resonaut("--log", str(given), "report", "show", "--summary", str(given))
    assert run.returncode == 2
    assert "spectrum.csv: this file is no log of resonaut; give another name" in run.stderr
    assert given.read_text() == "m_low,m_high,counts\n"
    for summary in ("first.json", "second.json"):
        assert f"{summary}: no such file" in resonaut("--log", str(log), "report", "show", "--summary", summary).stderr
    assert log.read_text().startswith(f"resonaut --log {log} report show --summary second.json\n")


def test_a_log_in_a_place_that_cannot_be_written_is_one_sentence(tmp_path) -> None:
    (tmp_path / "file").touch()
    run = resonaut("--log", str(tmp_path / "file" / "x.log"), "report", "show", "--summary", "none.json")
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1
    assert f"{tmp_path}/file: File exists; move what is there away" in run.stderr


def test_caches_leave_a_home_that_cannot_be_written(tmp_path) -> None:
    """A file stands in the way of HOME, which stops even root."""
    (tmp_path / "home").touch()
    code = (
        "import os, resonaut.cli as cli\n"
        "@cli.app.command('where')\n"
        "def where() -> None: print(os.environ['NUMBA_CACHE_DIR'], os.environ['ORT_DISABLE_TELEMETRY'])\n"
        "cli.main()"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")}
    run = subprocess.run(
        [sys.executable, "-c", code, "where"],
        env=environment | {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    folder, telemetry = run.stdout.split()
    assert Path(folder).parent == tmp_path
    assert telemetry == "1"
    assert not Path(folder).exists()


def test_words_that_can_be_no_file_are_none() -> None:
    assert input_files(["fit", "scan", "a" * 5000, "x\0y"]) == "resonaut fit scan"
