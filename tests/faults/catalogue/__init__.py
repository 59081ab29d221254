"""The faults: importing a module of this folder registers its own in ``fault.CATALOGUE``."""

from importlib import import_module
from pathlib import Path

for _path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    import_module(f"{__name__}.{_path.stem}")
