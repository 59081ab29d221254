"""Keys of a record on the command line: ``--set key=value``."""

from collections.abc import Sequence
from typing import Any

import yaml

from resonaut.core.errors import ConfigError


def section(texts: Sequence[str], without: Sequence[str], example: str) -> dict[str, Any]:
    """Plain data of ``key=value`` or ``key.key=value``, whose values are YAML.

    Args:
        texts: as they were given.
        without: keys that cannot be set so.
        example: one that can, for the sentence.

    Raises:
        ConfigError: one is not of that form.
    """
    found: dict[str, Any] = {}
    for text in texts:
        path, given, value = text.partition("=")
        *parents, key = path.split(".")
        if not given or path in without:
            raise ConfigError(f"--set {text!r} is not key=value of a fit; give for example --set {example}.")
        place = found
        try:
            for parent in parents:
                place = place.setdefault(parent, {})
            place[key] = yaml.safe_load(value)
        except (yaml.YAMLError, AttributeError, TypeError):
            raise ConfigError(f"--set {text!r} cannot be read; give for example --set {example}.") from None
    return found
