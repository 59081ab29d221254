"""Results of selections that learn from the data: trained again for every injected signal (``resonaut select inject``).

A limit that takes its efficiency from a training in which another amount of signal was present is wrong. Here the
cross section that the data exclude is a function of the injected one, and the limit is

    min over sigma_injected of max(sigma_injected, sigma_excluded(sigma_injected)):

a larger signal than the injected one would have been learned at least as well (CMS EXO-22-026).
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq

from resonaut import config
from resonaut.errors import ConfigError, InputFileError
from resonaut.fit import limits, scan
from resonaut.fit.background import Model
from resonaut.fit.selection import search_of
from resonaut.fit.settings import FitSettings

FIVE_SIGMA = 5.0


def retrained(settings: FitSettings, selection: Path | None, experiments: Sequence[Path]) -> dict[str, Any]:
    """p-values of the experiments of one method, window and signal, and the limit from the actual selection.

    Args:
        settings: the section ``fit``.
        selection: ``<results>/select/<method>/<window>.json`` of the data themselves; None without.
        experiments: ``<results>/select/inject/<method>/<window>/<signal>/*.json``.

    Raises:
        InputFileError: a file is no summary of an experiment, or they are not of one method, window and signal.
        ConfigError: the signal has no mass, or was injected as a number of events.
    """
    contents = [_load(path) for path in experiments]
    first = contents[0]
    for path, content in zip(experiments, contents, strict=True):
        if _name(content) != _name(first):
            raise InputFileError(path, f"is of {_name(content)}, not of {_name(first)}", "give files of one kind")
    method, window, signal = _name(first)
    mass = first["signals"][0]["mass"]
    if mass is None:
        raise ConfigError(f"the signal {signal!r} has no mass; set datasets.{signal}.mass.")
    own = replace(settings, masses=[mass], signals=[signal])
    rows = [_experiment(own, content, path) for content, path in zip(contents, experiments, strict=True)]
    amounts = []
    for amount in sorted({row["amount"] for row in rows}):
        drawn = [(r, c) for r, c in zip(rows, contents, strict=True) if r["amount"] == amount]
        amounts.append(_amount(own, amount, selection, *map(list, zip(*drawn, strict=True))))
    unit = first["injection"]["unit"]
    return {
        "method": method,
        "window": window,
        "signal": signal,
        "mass": mass,
        "unit": unit,
        "confidence_level": settings.confidence_level,
        "experiments": rows,
        "amounts": amounts,
        "limit": best(amounts, "excluded") if selection and unit == "fb" else None,
        "limit_expected": best(amounts, "excluded_expected") if selection and unit == "fb" else None,
        "five_sigma": _crossing(amounts) if unit == "fb" else None,
        "five_sigma_expected": best(amounts, "five_sigma_expected") if unit == "fb" else None,
    }


def best(amounts: Sequence[dict[str, Any]], key: str) -> float | None:
    """The least over injections of max(injected, ``key``); None where no training finds the signal."""
    found = [max(row["amount"], row[key]) for row in amounts if row[key] is not None]
    return min(found, default=None)


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = config.load_json(path)
    if not isinstance(content, dict) or "injection" not in content:
        raise InputFileError(path, "no experiment with injected signal", "make it with 'resonaut select inject'")
    return content


def _name(content: dict[str, Any]) -> tuple[str, str, str]:
    return content["method"], content["window"], content["injection"]["signal"]


def _model(settings: FitSettings, content: dict[str, Any], path: Path) -> tuple[Model, float | None]:
    """The model at the signal's mass, and the selected events of 1 fb where the efficiency is known well enough."""
    (mass,) = settings.masses
    low, high = content["signal_region"]
    if not low <= mass < high:
        raise InputFileError(path, f"the mass {mass:g} GeV is outside its signal region", "choose another window")
    _, search = search_of(settings, content, content["luminosity"], path)
    return search.model(mass), search.events_per_fb(mass)


def _experiment(settings: FitSettings, content: dict[str, Any], path: Path) -> dict[str, Any]:
    """The excess in data with injected signal."""
    model, _ = _model(settings, content, path)
    excess = scan.search(model)
    signal, injection = content["signals"][0], content["injection"]
    return {
        "amount": injection["amount"],
        "seed": injection["seed"],
        "events": injection["events"],
        "efficiency": signal["efficiency"],
        "efficiency_error": signal["efficiency_error"],
        "z_local": excess.z_local,
        "p_local": excess.p_local,
        "signal_yield": excess.signal_yield.value,
        "sculpting": content["sculpting"]["verdict"],
    }


def _amount(
    settings: FitSettings,
    amount: float,
    selection: Path | None,
    rows: list[dict[str, Any]],
    contents: list[dict[str, Any]],
) -> dict[str, Any]:
    """All experiments with one injected cross section, and what the data exclude with the efficiency found in them."""
    efficiencies = [row["efficiency"] for row in rows]
    z = [row["z_local"] for row in rows]
    result: dict[str, Any] = {
        "amount": amount,
        "experiments": len(rows),
        "efficiency": float(np.mean(efficiencies)),
        "efficiency_spread": _spread(efficiencies),
        "z_local": float(np.median(z)),
        "z_local_range": [min(z), max(z)],
        "five_sigma_expected": None,
        "excluded": None,
        "excluded_expected": None,
    }
    trained = _mean(contents)
    # The background of an experiment without a signal is what the significance is expected over.
    model, events_per_fb = _model(settings, trained, Path("experiments"))
    if events_per_fb is None:
        return result
    result["five_sigma_expected"] = _five_sigma(model, events_per_fb)
    if selection is None:
        return result
    actual = config.load_json(selection)
    names = ("spectrum", "signal_region", "method", "window")
    model, events_per_fb = _model(settings, trained | {name: actual[name] for name in names}, selection)
    if events_per_fb is None:
        return result
    found = limits.upper_limits(model, settings.confidence_level).scaled(1 / events_per_fb)
    return result | {"excluded": found.observed, "excluded_expected": float(found.expected[2])}


def _mean(contents: list[dict[str, Any]]) -> dict[str, Any]:
    """An experiment whose efficiency is the mean over draws, with their spread as one more uncertainty.

    Variations that were trained again take the place of those that were only evaluated.
    """
    first = contents[0]
    efficiencies = [content["signals"][0]["efficiency"] for content in contents]
    mean = float(np.mean(efficiencies))
    uncertainties: dict[str, list[float]] = dict(first["signals"][0]["lund_uncertainties"])
    for source, pair in uncertainties.items():
        again = [first["injection"]["retrained"].get(f"{source}_{side}") for side in ("up", "down")]
        uncertainties[source] = [old if new is None else new for old, new in zip(pair, again, strict=True)]
    if mean > 0 and len(contents) > 1:
        draw = _spread(efficiencies) / mean
        uncertainties["draw"] = [draw, -draw]
    signal = first["signals"][0] | {"efficiency": mean, "lund_uncertainties": uncertainties}
    return first | {"signals": [signal]}


def _spread(values: Sequence[float]) -> float:
    """Standard deviation of single draws; 0 for one."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _five_sigma(model: Model, events_per_fb: float) -> float:
    """Cross section in fb whose expected significance is 5."""

    def distance(events: float) -> float:
        return scan.expected_significance(model, events) - FIVE_SIGMA

    # In steps: a signal far larger than the background is no fit's business.
    high = 1.0
    while distance(high) < 0:
        high *= 2
    return float(brentq(distance, high / 2, high, rtol=1e-4)) / events_per_fb


def _crossing(amounts: Sequence[dict[str, Any]]) -> float | None:
    """The injected cross section at which the median significance first reaches 5, linearly between two; else None."""
    for low, high in pairwise(amounts):
        if low["z_local"] < FIVE_SIGMA <= high["z_local"]:
            share = (FIVE_SIGMA - low["z_local"]) / (high["z_local"] - low["z_local"])
            return float(low["amount"] + share * (high["amount"] - low["amount"]))
    return None
