"""What the commands read and write: samples by name, menus, inputs and scores as tables."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.physics.level1 import files
from resonaut.physics.level1 import menu as menus
from resonaut.trigger import emulator
from resonaut.trigger.arithmetic import Raw, values
from resonaut.trigger.inputs import integers
from resonaut.trigger.results import IntegerNetwork
from resonaut.trigger.samples import Source
from resonaut.trigger.settings import Measure


def sources(crossings: Sequence[str], seeds: Sequence[str]) -> list[Source]:
    """The samples of options ``<sample>=<file>``, in their order; of ``seeds`` those of these samples.

    Raises:
        ConfigError: an option is none, or a sample has another number of files of seeds.
    """
    found, decided = _by_name(crossings), _by_name(seeds)
    return [Source(name, paths, decided.get(name, [])) for name, paths in found.items()]


def _by_name(options: Sequence[str]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for option in options:
        name, equals, path = option.partition("=")
        if not name or not equals or not path:
            raise ConfigError(f"{option!r} is no sample and file; give <sample>=<file>.")
        found.setdefault(name, []).append(Path(path))
    return found


def menu_of(path: Path | None, settings: Measure) -> menus.Menu | None:
    """The menu of a file, as the settings say; None where there is none.

    Raises:
        ConfigError: there is a file and no setting, or the other way round.
        InputFileError: the file is no menu.
    """
    if (path is None) != (settings.menu is None):
        raise ConfigError("--menu and trigger.measure.menu belong together; give both or none.")
    if path is None or settings.menu is None:
        return None
    return menus.read(path, settings.menu.column).without(*settings.menu.without)


def run(network: Path, crossings: Path, output: Path) -> None:
    """Write the score of each crossing of a file, of objects or of inputs.

    Raises:
        ConfigError: the network does not fit together.
        InputFileError: a file is none.
    """
    found, raw = opened(network, crossings)
    scores = emulator.score(found, raw)
    with atomic(output) as partial, partial.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["integer", "score"])
        rows.writerows(zip(scores.tolist(), values(scores, emulator.score_format(found)).tolist(), strict=True))


def network_of(path: Path) -> IntegerNetwork:
    """A network in integers.

    Raises:
        ConfigError: the network does not fit together.
        InputFileError: the file is none.
    """
    found = read(path, IntegerNetwork)
    emulator.check(found)
    return found


def opened(network: Path, crossings: Path) -> tuple[IntegerNetwork, Raw]:
    """A network in integers, and its inputs in a file of objects or of inputs, (n, inputs).

    Raises:
        ConfigError: the network does not fit together.
        InputFileError: a file is none.
    """
    found = network_of(network)
    table = crossings.suffix.lower() == ".csv"
    return found, _table(crossings, found.inputs) if table else integers(files.read(crossings), found.inputs)


def _table(path: Path, inputs: Sequence[str]) -> Raw:
    """The rows of a CSV file, (n, inputs)."""
    remedy = f"give the names {', '.join(inputs[:3])} ..., and below them integers"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise InputFileError(path, "no such file", "give its right path") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputFileError(path, f"is no CSV file that can be read ({error})", remedy) from None
    if not rows or [name.strip() for name in rows[0]] != list(inputs):
        raise InputFileError(path, "its first line is not the list of the network's inputs", remedy)
    try:
        return np.array([[int(value) for value in row] for row in rows[1:]], np.int64).reshape(-1, len(inputs))
    except ValueError:
        raise InputFileError(path, "has rows that are not an integer for each input", remedy) from None
