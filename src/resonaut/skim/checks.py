"""What must fit together in the datasets and the section ``skim``, seen before the first job."""

from pathlib import Path
from typing import Any

from resonaut.dataset import require_certifiable
from resonaut.errors import ConfigError


def check(config: dict[str, Any]) -> None:
    """Stop with ``ConfigError`` where a dataset asks for what its files cannot have, or names a missing list."""
    for name in config["search"]["datasets"]:
        entry = config["datasets"][name]
        if entry["certified"] is not None:
            require_certifiable(name, entry["role"], entry["format"])
        for key in ("certified", "expected"):
            if entry[key] is not None and not Path(entry[key]).is_file():
                raise ConfigError(
                    f"config: datasets.{name}.{key}: no file {entry[key]!r}; correct the path (relative to "
                    f"{Path.cwd()})."
                )
