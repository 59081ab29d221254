"""The HistFactory model of histograms, as pyhf's specification has it: what is trained for, in the fit itself."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from resonaut.learn.inference.likelihood import Templates, with_few_events
from resonaut.learn.inference.measurement import Measurement, Nuisance, slope

# A ``histosys`` has a constraint. One that is free gets templates so many times as far away.
FREE = 30.0
CHANNEL = "classifier"


def workspace(
    measurement: Measurement, templates: Templates, shapes: Sequence[str], statistics: bool = True
) -> dict[str, Any]:
    """One channel with Asimov data; bins where nothing is expected are left out.

    Constraints are of width 1 there: the parameter of a nuisance of another ``width`` is in units of it. A free one is
    a ``normfactor`` if it is a yield's alone, and 30 times as wide as its templates are far else.

    Args:
        measurement: what is measured.
        templates: the histograms.
        shapes: the nuisances with templates, in their order.
        statistics: add the simulation's statistics (``staterror``, Barlow-Beeston-lite).
    """
    filled = templates.nominal.sum(dim=0) > 0
    variance = with_few_events(templates.nominal, templates.variance, measurement.background)
    kept = Templates(*(one[..., filled] for one in templates._replace(variance=variance)))
    samples = []
    for number, sample in enumerate(measurement.samples):
        modifiers: list[dict[str, Any]] = [
            {"name": name, "type": "normfactor", "data": None}
            for name, scaled in measurement.signals.items()
            if sample in scaled
        ]
        if statistics:
            errors = kept.variance[number].sqrt().tolist()
            modifiers.append({"name": f"staterror_{CHANNEL}", "type": "staterror", "data": errors})
        for name, nuisance in measurement.nuisances.items():
            width = FREE if nuisance.width is None else nuisance.width
            if sample in nuisance.factors:
                modifiers.append(_yield(name, nuisance, sample, name in shapes))
            if name in shapes:
                place, nominal = list(shapes).index(name), kept.nominal[number]
                ends = {
                    f"{side}_data": _further(nominal, varied[place, number], width)
                    for side, varied in (("lo", kept.down), ("hi", kept.up))
                }
                modifiers.append({"name": name, "type": "histosys", "data": ends})
        samples.append({"name": sample, "data": kept.nominal[number].tolist(), "modifiers": modifiers})
    data = kept.nominal.sum(dim=0).tolist()
    # Bounds that are near change the errors of minuit.
    bounds = [{"name": name, "bounds": [[-100, 100]]} for name in measurement.signals]
    return {
        "version": "1.0.0",
        "channels": [{"name": CHANNEL, "samples": samples}],
        "observations": [{"name": CHANNEL, "data": data}],
        "measurements": [
            {"name": "expected", "config": {"poi": next(iter(measurement.signals)), "parameters": bounds}},
        ],
    }


def _further(nominal: Tensor, varied: Tensor, width: float) -> list[float]:
    further: list[float] = (nominal + width * (varied - nominal)).tolist()
    return further


def _yield(name: str, nuisance: Nuisance, sample: str, has_shape: bool) -> dict[str, Any]:
    """What scales the yield of a sample."""
    factors, width = nuisance.factors[sample], nuisance.width
    if width is None and not has_shape and len(set(nuisance.factors.values())) == 1:
        return {"name": name, "type": "normfactor", "data": None}
    if width != 1:
        change = (width or FREE) * slope(*factors)
        factors = math.exp(-change), math.exp(change)
    return {"name": name, "type": "normsys", "data": {"lo": factors[0], "hi": factors[1]}}
