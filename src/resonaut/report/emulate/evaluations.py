"""Evaluations of several models as the figures read them, and what observables are called."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError
from resonaut.core.results import read
from resonaut.emulate.results import Evaluation, Histogram

Floats = NDArray[np.float64]
# No beams collide.
HEADING = "Simulation"
NAMED = {
    "response": "energy of all voxels / incident energy",
    "depth": "mean layer",
    "depth_width": "width in layers",
    "r_eta": r"$R_\eta$",
    "r_phi": r"$R_\phi$",
    "w_eta_2": r"$w_{\eta 2}$ [mm]",
    "w_s_3": r"$w_{s3}$ [mm]",
    "f_side": r"$f_{\mathrm{side}}$",
    "f_1": "$f_1$",
    "f_3": "$f_3$",
    "r_had": r"$R_{\mathrm{had}}$",
}
IN_LAYER = {
    "energy": "energy [MeV]",
    "sparsity": "empty voxels",
    "centre_x": r"centre in $\eta$ [mm]",
    "centre_y": r"centre in $\phi$ [mm]",
    "centre_r": "mean radius [mm]",
    "width_x": r"width in $\eta$ [mm]",
    "width_y": r"width in $\phi$ [mm]",
    "width_r": "spread of the radius [mm]",
}


def called(name: str) -> str:
    """An observable of ``physics.showers`` on an axis."""
    layer = re.fullmatch(rf"({'|'.join(IN_LAYER)})_(\d+)", name)
    return f"{IN_LAYER[layer[1]]}, layer {layer[2]}" if layer else NAMED.get(name, name)


def opened(paths: Sequence[Path]) -> list[Evaluation]:
    """Read evaluations, the floor first; all must be of the same simulated showers.

    Raises:
        InputFileError: a file is none, or of other showers than the first.
    """
    found = [read(path, Evaluation) for path in paths]
    for path, one in zip(paths, found, strict=True):
        if _judged(one) != _judged(found[0]):
            raise InputFileError(
                path, f"is of other simulated showers than {paths[0]}", "evaluate all models with the same ones"
            )
    return sorted(found, key=lambda one: not is_floor(one))


def is_floor(one: Evaluation) -> bool:
    """Whether simulated showers stand in the place of a model's."""
    return one.overtraining is None


def of_models(found: Sequence[Evaluation]) -> list[Evaluation]:
    """Those of models; the floor where it is alone."""
    return [one for one in found if not is_floor(one)] or list(found)


def _judged(one: Evaluation) -> tuple[object, ...]:
    """By what the simulated showers of an evaluation are known."""
    return one.particle, one.threshold, [response.histogram.simulated for response in one.responses]


def energy(value: float) -> str:
    """An incident energy (MeV) in words."""
    return f"{value:.4g} MeV" if value < 1000 else f"{value / 1e3:.4g} GeV" if value < 1e6 else f"{value / 1e6:.4g} TeV"


def shares(found: Histogram, sample: str) -> tuple[Floats, Floats]:
    """Of a sample, ``simulated`` or ``emulated``, the share of the showers in each bin and its statistical error."""
    counts = np.array(getattr(found, sample), float)
    total = max(counts.sum(), 1)
    return counts / total, np.sqrt(counts) / total


def edges(found: Histogram) -> Floats:
    """The edges of the bins, (n + 1,)."""
    return np.linspace(found.low, found.high, len(found.simulated) + 1)
