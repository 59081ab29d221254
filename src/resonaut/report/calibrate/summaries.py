"""The summaries of the stage ``calibrate``."""

from pathlib import Path
from typing import Any

from resonaut.core.config import load_json
from resonaut.core.errors import InputFileError

KEYS = ("dataset", "selections", "histograms", "prongs")


def read(path: Path) -> dict[str, Any]:
    """A summary of the calibration of a dataset.

    Raises:
        InputFileError: it is none.
    """
    content: dict[str, Any] = load_json(path)
    try:
        for key in KEYS:
            content[key]
    except (KeyError, TypeError) as error:
        raise InputFileError(
            path, f"no summary of a calibration ({error!r})", "run 'resonaut calibrate summarise' again"
        ) from None
    return content
