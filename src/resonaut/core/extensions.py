"""Python files that add to the package: the user's own, which the configuration names, and those of other packages.

The configuration names files under ``code``. An installed package names a module under the entry-point group
``resonaut``, and its file stands there as well.
"""

import importlib
import importlib.util
import sys
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, TypeVar

import resonaut
from resonaut.core.errors import ConfigError

T = TypeVar("T")
PACKAGE = Path(resonaut.__file__).parent


def load(path: str) -> ModuleType:
    """The module of a file, executed once in a process.

    Raises:
        ConfigError: there is no such file, or it ends in an error.
    """
    place = Path(path).resolve()
    if not place.is_file() or place.suffix != ".py":
        raise ConfigError(f"config: code: no Python file {path!r}; correct the path (relative to {Path.cwd()}).")
    package, name = installed().get(str(place)), f"{place.stem}_{zlib.crc32(bytes(place)):08x}"
    try:
        if package:
            return importlib.import_module(package)
        if name not in sys.modules:
            _execute(name, place)
    except Exception as error:
        sys.modules.pop(name, None)
        raise ConfigError(f"config: code: {path}: {type(error).__name__}: {error}; mend the file.") from error
    return sys.modules[name]


def _execute(name: str, place: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, place)
    assert spec is not None
    assert spec.loader is not None
    # There before it runs, since what a record's types mean is looked up in its module.
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


@cache
def installed() -> dict[str, str]:
    """The modules that installed packages name under the entry-point group ``resonaut``, by their files.

    Raises:
        ConfigError: there is no such module.
    """
    # The command line has no time for it.
    from importlib.metadata import entry_points

    found = {}
    for point in entry_points(group="resonaut"):
        try:
            spec = importlib.util.find_spec(point.module)
        except ImportError:
            spec = None
        if spec is None or spec.origin is None:
            raise ConfigError(
                f"the installed package {point.dist and point.dist.name!r} names the module {point.module!r} for "
                "resonaut, which is not there; install the package again, or remove it."
            )
        found[str(Path(spec.origin).resolve())] = point.module
    return dict(sorted(found.items()))


def files(code: Sequence[str]) -> list[str]:
    """The files of installed packages, relative to the working folder where they lie in it, and then those of ``code``.

    Raises:
        ConfigError: an installed package names a module that is not there.
    """
    here = Path.cwd().resolve()
    places = [Path(path) for path in installed()]
    found = [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in places]
    return list(dict.fromkeys([*found, *code]))


@dataclass(frozen=True)
class Placed:
    """Code that is found by name, so that what is light can speak of it.

    ``place`` is "module.name" in the package's folder ``home``, such as ``skim/formats/nanoaod``, or a name in the
    user's own file ``home``; who finds it fills in ``home``.
    """

    place: str
    home: str = field(default="", kw_only=True)

    @property
    def places(self) -> list[str]:
        """All that it names in its file."""
        return [self.place]

    @property
    def module(self) -> str:
        """The file of the code, relative to the package's folder or absolute."""
        return self.home if self.home.endswith(".py") else f"{self.home}/{self.place.split('.')[0]}.py"

    @property
    def declaration(self) -> str:
        """The file with this entry, relative to the package's folder or absolute."""
        return self.home if self.home.endswith(".py") else f"{self.home}/__init__.py"

    def find(self) -> Any:
        """The code itself, whose module is imported now."""
        if self.home.endswith(".py"):
            return getattr(load(self.home), self.place)
        module, name = f"resonaut/{self.home}/{self.place.replace('.', '/')}".replace("/", ".").rsplit(".", 1)
        return getattr(importlib.import_module(module), name)


def declared(folder: str, kind: str) -> dict[str, Any]:
    """What the folders in ``folder`` of the package declare: ``kind`` of their ``__init__.py``, as in a user's file."""
    homes = [f"{folder}/{path.parent.name}" for path in sorted((PACKAGE / folder).glob("*/__init__.py"))]
    found = {home: getattr(importlib.import_module(f"resonaut.{home.replace('/', '.')}"), kind) for home in homes}
    return {name: replace(entry, home=home) for home, held in found.items() for name, entry in held.items()}


class Vocabulary(dict[str, T]):
    """All things of one kind by name: the package's, and those that the user's own files add.

    >>> shapes = Vocabulary("SHAPES", "shape", str, {"round": "o"})
    >>> shapes["flat"]
    Traceback (most recent call last):
    resonaut.core.errors.ConfigError: config: unknown shape 'flat'; there are round.

    Args:
        kind: name of the dictionary in a file of the user's.
        what: one of them, in words.
        of: their type.
        own: those of the package.
    """

    def __init__(self, kind: str, what: str, of: Any, own: Mapping[str, T]) -> None:
        super().__init__(own)
        self.kind, self.what, self.of = kind, what, of

    def __missing__(self, name: str) -> NoReturn:
        """Say which there are."""
        raise ConfigError(f"config: {self._unknown(name)}.")

    def require(self, where: str, names: Iterable[str]) -> None:
        """Stop with ``ConfigError``, which begins with ``where``, at the first name that there is not."""
        for name in names:
            if name not in self:
                raise ConfigError(f"{where}: {self._unknown(name)}.")

    def joined(self, code: Sequence[str]) -> "Vocabulary[T]":
        """These, and those of the user's own files.

        Raises:
            ConfigError: a file cannot be executed, what it holds is of another kind, or a name is there twice.
        """
        found = Vocabulary(self.kind, self.what, self.of, self)
        for path in code:
            for name, value in self._held(path).items():
                if found.setdefault(name, value) != value:
                    raise ConfigError(
                        f"config: code: {path}: there is already a {self.what} {name!r}; rename this one."
                    )
        return found

    def learn(self, code: Sequence[str]) -> None:
        """Add those of the user's own files in this process."""
        self.update(self.joined(code))

    def files(self, names: Iterable[str], code: Sequence[str]) -> list[str]:
        """The user's own files that hold one of the names."""
        wanted = set(names)
        return [path for path in code if wanted & self._held(path).keys()]

    def _held(self, path: str) -> dict[str, T]:
        held, where = getattr(load(path), self.kind, {}), f"config: code: {path}: {self.kind}"
        if not isinstance(held, dict):
            raise ConfigError(f'{where} is no dictionary; write {self.kind} = {{"name": ...}}.')
        return {name: self._checked(path, f"{where}[{name!r}]", name, value) for name, value in held.items()}

    def _checked(self, path: str, where: str, name: Any, value: Any) -> T:
        if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
            raise ConfigError(f"{where}: give it a name of letters, digits and _.")
        if not isinstance(value, self.of):
            raise ConfigError(f"{where} is a {type(value).__name__}, not a {self.of.__name__}; correct it.")
        if isinstance(value, Placed):
            for place in value.places:
                if not hasattr(load(path), place):
                    raise ConfigError(f"{where}: the file has no {place!r}; correct its name.")
            value = replace(value, home=str(Path(path).resolve()))
        checked: T = value
        return checked

    def _unknown(self, name: str) -> str:
        known = ", ".join(self) or f"none; give one under {self.kind} in a file of code"
        return f"unknown {self.what} {name!r}; there are {known}"
