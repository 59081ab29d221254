"""Run a command as a user would, in a session of its own, with its output and its time limited."""

import atexit
import io
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from fault import Try
from outcome import Ran

# Bytes of address space; torch and numba map a few GB without using them.
MEMORY = 16 * 2**30


def execute(command: list[str], prepared: Try, root: Path) -> Ran:
    """Run one command in the current folder, in a session of its own that ends with it or at the time limit."""
    streams = [io.FileIO(root / f".{name}", "w") for name in ("stdout", "stderr")]
    environment = {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp"), "COLUMNS": "400"} | dict(
        prepared.environment
    )
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _become(command, prepared.real, environment, [stream.fileno() for stream in streams])
    code = _wait(child, began + prepared.limit)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    texts = [(root / f".{name}").read_text(errors="replace") for name in ("stdout", "stderr")]
    for name in ("stdout", "stderr"):
        (root / f".{name}").unlink()
    return Ran(command, code, texts[1], texts[0], time.monotonic() - began)


def _become(command: list[str], real: bool, environment: dict[str, str], streams: list[int]) -> None:
    """In the child: turn into the command. Does not return."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate([nothing, *streams]):
        os.dup2(stream, number)
    os.environ.update(environment)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    tempfile.tempdir = None
    code = 1
    try:
        if real or command[0] not in ("resonaut", "snakemake"):
            os.execvp(command[0], command)
        sys.stdout, sys.stderr = (open(n, "w", buffering=1, closefd=False) for n in (1, 2))  # noqa: SIM115
        sys.argv = command
        if command[0] == "snakemake":
            # The folder's own copy of the package, as a checkout's Snakefile wants it.
            for name in [n for n in sys.modules if n.partition(".")[0] == "resonaut"]:
                del sys.modules[name]
            sys.path.insert(0, str(Path("src").resolve()))
            os.environ["PYTHONPATH"] = str(Path("src").resolve())
            from snakemake.cli import main as command_main
        else:
            from resonaut.cli import main as command_main
        command_main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)


def _wait(child: int, deadline: float) -> int | None:
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None
