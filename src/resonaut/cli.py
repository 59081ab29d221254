"""The command ``resonaut <verb> …``: one sub-command per stage, plus logging and threads for all."""

import logging
import os
import shlex
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from resonaut.errors import ResonautError

VERBS = ("simulate", "skim", "tag", "calibrate", "reweight", "select", "fit", "report")

app = typer.Typer(
    help="From collision events to p-values and limits: one sub-command per stage of the workflow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _verb in VERBS:
    # The stages' command modules import nothing heavy, so that --help answers at once.
    app.add_typer(import_module(f"resonaut.{_verb}.cli").app, name=_verb)


@app.callback()
def prepare(
    log: Annotated[Path | None, typer.Option(help="Write the log here; it begins with this very command.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads for numerical libraries.")] = 1,
) -> None:
    """Set the threads before any numerical library loads, and send the output to the log."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        file = log.open("w", buffering=1)
        file.write(shlex.join(["resonaut", *sys.argv[1:]]) + "\n")
        # Pythia and FastJet print from C++, so the file descriptor itself moves; progress stays on stderr.
        sys.stdout.flush()
        os.dup2(file.fileno(), sys.stdout.fileno())
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(name)s: %(message)s")
    logging.captureWarnings(True)


def main() -> None:
    """Run the command line; a user's mistake ends as one sentence and exit code 2."""
    try:
        app()
    except ResonautError as error:
        logging.getLogger("resonaut").error("%s", error)
        print(f"resonaut: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception:
        if "--log" in sys.argv:
            logging.getLogger("resonaut").exception("unexpected error")
        raise
