"""Histograms in JSON through UHI, the form in which spectra pass from stage to stage."""

import json
from typing import Any

import hist
import uhi.io.json


def to_json(histogram: hist.Hist) -> dict[str, Any]:
    """The UHI form of a histogram, with flow bins, as plain JSON data."""
    data: dict[str, Any] = json.loads(json.dumps(histogram, default=uhi.io.json.default))
    # The writer's version would change the bytes of equal results.
    data.pop("writer_info", None)
    return data


def from_json(data: dict[str, Any]) -> hist.Hist:
    """The histogram that ``to_json`` wrote."""
    return hist.Hist(json.loads(json.dumps(data), object_hook=uhi.io.json.object_hook))
