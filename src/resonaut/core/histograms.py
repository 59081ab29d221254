"""Histograms in JSON through UHI, the form in which spectra pass from stage to stage."""

import json
from typing import Annotated, Any

import hist
import numpy as np
import uhi.io.json
from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

# The version of UHI's form that is read.
SCHEMA = 1


def to_json(histogram: hist.Hist) -> dict[str, Any]:
    """The UHI form of a histogram, with flow bins, as plain JSON data."""
    data: dict[str, Any] = json.loads(json.dumps(histogram, default=uhi.io.json.default))
    # The writer's version would change the bytes of equal results.
    data.pop("writer_info", None)
    return data


def from_json(data: dict[str, Any]) -> hist.Hist:
    """The histogram that ``to_json`` wrote.

    Raises:
        ValueError: it is of another version of UHI's form; the libraries raise anything on what is no histogram.
    """
    if data.get("uhi_schema", SCHEMA) != SCHEMA:
        raise ValueError(f"its uhi_schema is {data['uhi_schema']}, and {SCHEMA} is known")
    return hist.Hist(json.loads(json.dumps(data), object_hook=uhi.io.json.object_hook))


class _Uhi:
    """Marks a histogram that a record holds, and its file in the form of UHI."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _opened, serialization=core_schema.plain_serializer_function_ser_schema(to_json)
        )


def _opened(content: Any) -> hist.Hist:
    if isinstance(content, hist.Hist):
        return content
    try:
        opened = from_json(content)
    except Exception as error:
        # Whatever the libraries raise on JSON that is no histogram.
        raise ValueError(f"no histogram ({' '.join(str(error).split())[:200]})") from None
    contents = [opened.values(flow=True), opened.variances(flow=True)]
    if not all(np.isfinite(one).all() for one in contents if one is not None):
        raise ValueError("a bin is NaN or infinite")
    return opened


Histogram = Annotated[hist.Hist, _Uhi()]
