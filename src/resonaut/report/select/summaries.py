"""The summaries of the stage ``select``."""

from pathlib import Path
from typing import Any

from resonaut.core.config import load_json
from resonaut.core.errors import InputFileError

KEYS = (
    "efficiency_target",
    "counts",
    "importance",
    "method",
    "sculpting",
    "signal_region",
    "signals",
    "spectra",
    "training",
    "window",
)
SCULPTING_KEYS = (
    "sample",
    "verdict",
    "interpolation",
    "spurious_excess",
    "efficiency",
    "bins",
    "chi2",
    "ndof",
    "p_value",
    "jsd",
    "jsd_random",
    "jsd_p_value",
)


def read(path: Path) -> dict[str, Any]:
    """A summary of the stage ``select``.

    Raises:
        InputFileError: it is none.
    """
    content: dict[str, Any] = load_json(path)
    try:
        for key in KEYS:
            content[key]
        for key in SCULPTING_KEYS:
            content["sculpting"][key]
    except (KeyError, TypeError) as error:
        raise InputFileError(
            path, f"no summary of a selection ({error!r})", "run 'resonaut select train' again"
        ) from None
    return content
