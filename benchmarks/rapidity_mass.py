"""Rapidity-mass matrices against the same cells by vector and awkward: ``python benchmarks/rapidity_mass.py``.

One JSON line: events per second of both on one core, events of a leptonic trigger with some ten objects, the ratio, and
the largest difference between the cells of both, which are of order one.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt
import vector

from resonaut.physics.rapidity_mass import KINDS, SCALE, Layout, matrices

FloatArray = npt.NDArray[np.float64]
# Mean numbers of objects in an event: tt with a lepton has about these.
MEAN = {"jet": 4.0, "b_jet": 1.5, "electron": 0.6, "muon": 0.6, "photon": 0.3}
LAYOUT = Layout(13000.0)


def sample(events: int) -> tuple[dict[str, dict[str, FloatArray]], dict[str, FloatArray]]:
    """Objects by falling pT, as ``skim`` stores them, and the missing momentum."""
    rng = np.random.default_rng(1)
    objects = {}
    for kind, most in KINDS.items():
        shape = (events, most)
        there = np.arange(most) < rng.poisson(MEAN[kind], (events, 1))
        pt = -np.sort(-(30 + rng.exponential(60, shape)) * there, axis=1)
        of = {"pt": pt, "eta": rng.uniform(-2.4, 2.4, shape), "phi": rng.uniform(-np.pi, np.pi, shape)}
        objects[kind] = of | {"mass": (0.1 if kind in ("jet", "b_jet") else 0.0) * pt}
    return objects, {"pt": rng.exponential(50, events), "phi": rng.uniform(-np.pi, np.pi, events)}


def by_vector(objects: dict[str, Any], met: ak.Array) -> FloatArray:
    """The matrix from lists of momenta, kind by kind and pair of kinds by pair of kinds, with vector's properties."""
    rows, found = LAYOUT.rows, np.zeros((len(met), LAYOUT.size, LAYOUT.size))
    found[:, 0, 0] = met.pt / LAYOUT.sqrt_s

    def padded(values: ak.Array, shape: tuple[int, ...]) -> FloatArray:
        for axis, number in enumerate(shape, 1):
            values = ak.pad_none(values, number, axis=axis, clip=True)
        filled: FloatArray = ak.to_numpy(ak.fill_none(ak.fill_none(values, 0.0), [0.0] * shape[-1], axis=1))
        return filled

    for kind, at in rows.items():
        of, number = objects[kind], (LAYOUT.kinds[kind],)
        both = of.to_2D() + met
        squared = (of.Et + met.pt) ** 2 - both.pt**2
        found[:, 0, at] = padded(np.sqrt(np.maximum(squared, 0)), number) / LAYOUT.sqrt_s
        found[:, at, 0] = padded(SCALE * (np.cosh(of.rapidity) - 1), number)
        before, after = of.Et[:, :-1], of.Et[:, 1:]
        steps = ak.concatenate([of.Et[:, :1] / LAYOUT.sqrt_s, (before - after) / (before + after)], axis=1)
        diagonal = np.arange(at.start, at.stop)
        found[:, diagonal, diagonal] = padded(steps, number)
    for one, at in rows.items():
        for two, other in rows.items():
            if other.start < at.start:
                continue
            first, second = ak.unzip(ak.cartesian([objects[one], objects[two]], nested=True))
            shape = LAYOUT.kinds[one], LAYOUT.kinds[two]
            masses = padded((first + second).mass, shape) / LAYOUT.sqrt_s
            h = padded(SCALE * (np.cosh((first.rapidity - second.rapidity) / 2) - 1), shape)
            if one == two:
                found[:, at, at] += np.triu(masses, 1) + np.tril(h, -1)
            else:
                found[:, at, other], found[:, other, at] = masses, np.swapaxes(h, 1, 2)
    return found


def timed(made: Callable[[], FloatArray], repetitions: int) -> tuple[float, FloatArray]:
    """The shortest time of several, in seconds of the processor."""
    found, seconds = made(), []
    for _ in range(repetitions):
        began = time.process_time()
        made()
        seconds.append(time.process_time() - began)
    return min(seconds), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10000)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    vector.register_awkward()
    objects, met = sample(options.events)
    lists = {}
    for kind, of in objects.items():
        there = ak.from_regular(ak.Array(of["pt"] > 0), axis=1)
        fields = {name: ak.from_regular(ak.Array(values), axis=1)[there] for name, values in of.items()}
        lists[kind] = ak.zip(fields, with_name="Momentum4D")
    missing = ak.zip(dict(met), with_name="Momentum2D")
    for kind, of in lists.items():
        lists[kind] = of[ak.argsort(of.Et, axis=1, ascending=False)]
    own, cells = timed(lambda: matrices(objects, met, LAYOUT), options.repetitions)
    peer, others = timed(lambda: by_vector(lists, missing), options.repetitions)
    number = sum(int((of["pt"] > 0).sum()) for of in objects.values())
    print(
        json.dumps(
            {
                "events": options.events,
                "objects_per_event": round(number / options.events, 2),
                "events_per_second": round(options.events / own),
                "events_per_second_vector": round(options.events / peer),
                "ratio": round(peer / own, 1),
                "largest_difference": float(np.abs(cells - others).max()),
            }
        )
    )


if __name__ == "__main__":
    main()
