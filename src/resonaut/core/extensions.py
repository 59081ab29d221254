"""Python files of the user's own, which the configuration names under ``code``; what they hold joins what is here."""

import importlib.util
import sys
import zlib
from pathlib import Path
from types import ModuleType

from resonaut.core.errors import ConfigError


def load(path: str) -> ModuleType:
    """The module of a file, executed once in a process.

    Raises:
        ConfigError: there is no such file, or it ends in an error.
    """
    place = Path(path).resolve()
    if not place.is_file() or place.suffix != ".py":
        raise ConfigError(f"config: code: no Python file {path!r}; correct the path (relative to {Path.cwd()}).")
    name = f"{place.stem}_{zlib.crc32(bytes(place)):08x}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, place)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise ConfigError(f"config: code: {path}: {type(error).__name__}: {error}; mend the file.") from error
        sys.modules[name] = module
    return sys.modules[name]
