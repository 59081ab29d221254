"""The methods side by side: what each makes of the significance, against how much signal there was to learn from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core import config
from resonaut.core.errors import InputFileError


def benchmark(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Median and central 68 % of the experiments of each method, window, signal and amount, in the order of ``paths``.

    Raises:
        InputFileError: a file is no summary of ``resonaut select inject`` on pseudo-data.
    """
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for path in paths:
        content = config.load_json(path)
        if not isinstance(content, dict) or not content.get("improvement"):
            raise InputFileError(
                path,
                "no significance improvement of injected signal",
                "name pseudo-data in search.samples.pseudo_data, and run 'snakemake select_benchmark'",
            )
        drawn = content["injection"]
        key = (content["method"], content["window"], drawn["signal"], drawn["amount"], drawn["unit"])
        groups.setdefault(key, []).append(content)
    return [_row(contents) for contents in groups.values()]


def _row(contents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first, curves = contents[0], [content["improvement"] for content in contents]
    return {
        "method": first["method"],
        "window": first["window"],
        **{name: first["injection"][name] for name in ("signal", "amount", "unit")},
        "experiments": len(contents),
        "events_in_signal_region": _band([c["injection"]["events_in_signal_region"] for c in contents]),
        "efficiency": _band([c["signals"][0]["efficiency"] for c in contents]),
        "max_improvement": _band([curve["max"] for curve in curves]),
        "improvement_at": {cut: _band([curve["at"][cut] for curve in curves]) for cut in curves[0]["at"]},
        "sculpted": sum(content["sculpting"]["verdict"] == "sculpted" for content in contents),
    }


def _band(values: Sequence[float | None]) -> dict[str, float] | None:
    """Median and the 16 % and 84 % quantiles; None where an experiment has no value."""
    if None in values:
        return None
    low, median, high = np.quantile(np.array(values, dtype=np.float64), (0.16, 0.5, 0.84))
    return {"median": float(median), "low": float(low), "high": float(high)}
