"""Trained models as ONNX graphs: normal noise and incident energies in, voxels out, checked against torch."""

import json
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from resonaut.core.errors import ResonautError
from resonaut.core.files import atomic
from resonaut.emulate.emulator import Emulator
from resonaut.learn.onnx import described, session
from resonaut.learn.tracing import traced

# Showers that graph and torch must make alike, and how much of the incident energy they may put elsewhere. In single
# precision a voxel at the threshold may be empty in one of them.
CHECKED, TOLERANCE = 200, 0.01


@torch.no_grad()
def export(emulator: Emulator, path: Path) -> None:
    """Write the graph with the inputs ``noise`` (n, k) and ``energies`` (n,) in MeV, and the output ``voxels`` in MeV.

    The file's metadata have the ``particle``, the ``layers`` of voxels (number, edges of the rings in mm, sectors) and
    the smallest and largest of the ``energies`` of the training.

    Raises:
        ResonautError: the graph makes other showers than the model.
    """
    lowest, highest = emulator.energies
    noise = torch.randn(CHECKED, emulator.model.noise, generator=torch.Generator().manual_seed(1))
    energies = torch.logspace(np.log10(lowest), np.log10(highest), CHECKED)
    content = traced(cast(nn.Module, emulator.model), {"noise": noise[:2], "energies": energies[:2]}, "voxels")
    (found,) = session(content).run(None, {"noise": noise.numpy(), "energies": energies.numpy()})
    expected = emulator.model.forward(noise, energies).numpy()
    elsewhere = np.abs(found - expected).sum(axis=1) / energies.numpy()
    if not (elsewhere < TOLERANCE).all():
        raise ResonautError(
            f"{path}: the graph makes other showers than the model {emulator.training.model.architecture!r} in torch "
            f"(up to {elsewhere.max():.2g} of the incident energy is elsewhere); its architecture cannot be exported."
        )
    facts = {
        "particle": emulator.geometry.particle,
        "layers": json.dumps(emulator.geometry.table()),
        "energies": json.dumps(emulator.energies),
    }
    with atomic(path) as partial:
        partial.write_bytes(described(content, facts))
