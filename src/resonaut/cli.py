"""The command ``resonaut <verb> …``: one sub-command per stage, plus logging and threads for all."""

import atexit
import logging
import os
import shlex
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from resonaut.core import stages
from resonaut.core.errors import ConfigError, ResonautError, unexpected

# Each log begins with its command.
FIRST = "resonaut "


class Stages(TyperGroup):
    """The stages' groups of commands, each made when it is asked for: a job needs its own alone."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        """Name the stages in the order of the chain."""
        return list(dict.fromkeys([*stages.verbs(), *self.commands]))

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Give the group of a stage, None where there is none of this name."""
        if stages.is_verb(cmd_name) and cmd_name not in self.commands:
            one = typer.Typer(add_completion=False, rich_markup_mode=None)
            one.add_typer(import_module(f"resonaut.{cmd_name}.cli").app, name=cmd_name)
            self.commands |= get_command(one).commands  # type: ignore[attr-defined]
        return super().get_command(ctx, cmd_name)


app = typer.Typer(
    cls=Stages,
    help="From collision events to p-values and limits: one sub-command per stage of the workflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def prepare(
    log: Annotated[Path | None, typer.Option(help="Write the log here; it begins with this very command.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads for numerical libraries.")] = 1,
) -> None:
    """Set the threads before any numerical library loads, and send the output to the log."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    # ONNX Runtime would write into HOME, to tell its maker of its use.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    _find_caches()
    if log is not None:
        _require_log(log)
        log.parent.mkdir(parents=True, exist_ok=True)
        # File names need not be valid UTF-8.
        file = log.open("w", buffering=1, encoding="utf-8", errors="backslashreplace")
        file.write(FIRST + shlex.join(sys.argv[1:]) + "\n")
        # Pythia and FastJet print from C++, so the file descriptor itself moves; progress stays on stderr.
        sys.stdout.flush()
        os.dup2(file.fileno(), sys.stdout.fileno())
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(name)s: %(message)s")
    logging.captureWarnings(True)


def _require_log(path: Path) -> None:
    """Stop where ``path`` is a file that no earlier command wrote as its log, such as an input."""
    if path.is_file():
        with path.open("rb") as file:
            begin = file.read(len(FIRST))
        if begin not in (b"", FIRST.encode()):
            raise ConfigError(f"--log {path}: this file is no log of resonaut; give another name.")


def _find_caches() -> None:
    """Where HOME is absent or read-only, as on cluster nodes, give the libraries' caches a folder of this process."""
    # Path.expanduser would raise for a user without a home.
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")).absolute()  # noqa: PTH111
    base = next(folder for folder in (home, *home.parents) if folder.exists())
    if base.is_dir() and os.access(base, os.W_OK):
        return
    # A folder that another user could have made is no place for numba's cache, which holds code.
    folder = tempfile.mkdtemp(prefix="resonaut-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        os.environ.setdefault(name, folder)


def main() -> None:
    """Run the command line; every error ends as one sentence and exit code 2, its traceback in the log."""
    # pydantic would look for plugins in the descriptions of all packages that are installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        app()
    except Exception as error:
        foreseen = isinstance(error, ResonautError)
        text = str(error) if foreseen else unexpected(error, sys.argv[1:], _log())
        sentence = " ".join(text.splitlines())
        # Without a log there is no place for a traceback.
        if logging.getLogger().handlers:
            logging.getLogger("resonaut").error("%s", sentence, exc_info=not foreseen and _log() is not None)
        print(f"resonaut: {sentence}", file=sys.stderr)
        sys.exit(2)


def _log() -> str | None:
    """The log that the command names."""
    words = sys.argv[1:]
    named = [word.removeprefix("--log=") for word in words if word.startswith("--log=")]
    return named[0] if named else words[words.index("--log") + 1] if "--log" in words else None
