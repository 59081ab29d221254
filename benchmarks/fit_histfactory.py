"""Times fits of a HistFactory model and prints one JSON line: ``python benchmarks/fit_histfactory.py [--toys 1000]``.

The model: 200 bins in 4 channels, 5 samples, 100 nuisances (half normalisations, half shapes), mu, a free
normalisation, and one parameter a bin for the statistics of the simulation. Single thread, everything in one run,
times of the processor.
Ratios are peer over Resonaut. The peer is a loop over pyhf's fits with minuit, of which ``--peer-toys`` are run and the
time is scaled; cabinetry's fit stands beside it where it is installed. ``found`` says how many fits of each found a
minimum, and ``minima`` by how much -2 ln L of the peer lies above that of Resonaut, lowest and highest.
"""
# ruff: noqa: E402 (libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib.util
import json
import resource
import time
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pyhf

from resonaut.fit.histfactory import Model, fit, fit_many, reference, toys

SEED, CHANNELS, BINS, NUISANCES = 5, 4, 50, 100


def modifier(name: str, kind: str, data: Any = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "data": data}


def workspace(rng: np.random.Generator, bins: int, nuisances: int) -> dict[str, Any]:
    """A signal in a falling background of four processes; each nuisance acts on each sample with a size of its own."""
    x = np.linspace(0, 1, bins)
    shapes = {
        "signal": 150 * np.exp(-0.5 * ((x - 0.6) / 0.1) ** 2),
        "multijet": 4000 * np.exp(-3 * x),
        "top": 1500 * np.exp(-2 * x),
        "w": 800 * np.exp(-1.5 * x),
        "z": 300 * np.exp(-1.0 * x),
    }
    channels, observations = [], []
    for number in range(CHANNELS):
        samples = []
        for name, shape in shapes.items():
            contents = shape * rng.uniform(0.5, 1.5)
            modifiers = [modifier(f"mc_{number}", "staterror", (0.3 * np.sqrt(contents)).tolist())]
            modifiers += (
                [modifier({"signal": "mu", "multijet": "norm"}[name], "normfactor")]
                if name in ("signal", "multijet")
                else []
            )
            for k in range(nuisances):
                size = 0.02 * rng.normal()
                if k % 2:
                    modifiers.append(
                        modifier(f"norm_{k}", "normsys", {"hi": float(np.exp(size)), "lo": float(np.exp(-size))})
                    )
                else:
                    tilt = size * np.sin((1 + k % 5) * x + rng.uniform(0, 6))
                    modifiers.append(
                        modifier(
                            f"shape_{k}",
                            "histosys",
                            {"hi_data": (contents * (1 + tilt)).tolist(), "lo_data": (contents * (1 - tilt)).tolist()},
                        )
                    )
            samples.append({"name": name, "data": contents.tolist(), "modifiers": modifiers})
        total = np.sum([sample["data"] for sample in samples], axis=0)
        channels.append({"name": f"channel_{number}", "samples": samples})
        observations.append({"name": f"channel_{number}", "data": rng.poisson(total).tolist()})
    config = {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[-10.0, 10.0]]}]}
    return {
        "version": "1.0.0",
        "channels": channels,
        "observations": observations,
        "measurements": [{"name": "m", "config": config}],
    }


def timed(function: Any, *arguments: Any, **options: Any) -> tuple[Any, float]:
    start = time.process_time()
    found = function(*arguments, **options)
    return found, time.process_time() - start


def peak(function: Any, *arguments: Any, **options: Any) -> float:
    """Memory (MB) that the call holds at most beside what was there."""
    tracemalloc.start()
    function(*arguments, **options)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def loop(model: Model, data: np.ndarray, backend: str) -> tuple[list[float], float]:
    """-2 ln L of pyhf's fits with minuit, as they are by default; NaN where one gives up."""
    pyhf.set_backend(backend, "minuit")
    other, minima = reference.peer(model), []
    start = time.process_time()
    for one in data:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _, minimum = pyhf.infer.mle.fit(one.tolist(), other, return_fitted_val=True)
            minima.append(float(minimum))
        except (pyhf.exceptions.FailedMinimization, AttributeError):
            minima.append(float("nan"))
    return minima, time.process_time() - start


def cabinetry_fit(spec: dict[str, Any], model: Model) -> dict[str, Any] | None:
    """Time of cabinetry's fit, and how far its values and errors are from Resonaut's, in standard deviations."""
    if importlib.util.find_spec("cabinetry") is None:
        return None
    import cabinetry

    pyhf.set_backend("numpy", "minuit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other, data = cabinetry.model_utils.model_and_data(spec)
        found, seconds = timed(cabinetry.fit.fit, other, data)
    mine = fit(model)
    free = ~mine.fixed & np.isfinite(mine.errors)
    return {
        "seconds": seconds,
        "values": float(np.abs((found.bestfit - mine.values) / mine.errors)[free].max()),
        "errors": float(np.abs(found.uncertainty / mine.errors - 1)[free].max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--toys", type=int, default=1000)
    parser.add_argument("--peer-toys", type=int, default=1)
    parser.add_argument("--peer", choices=["numpy", "pytorch"], default="numpy", help="pyhf's backend")
    parser.add_argument("--bins", type=int, default=BINS, help="of each of the four channels")
    parser.add_argument("--nuisances", type=int, default=NUISANCES)
    parser.add_argument("--no-cabinetry", action="store_true")
    options = parser.parse_args()
    spec = workspace(np.random.default_rng(SEED), options.bins, options.nuisances)
    model, compiling = timed(Model.of, spec)
    fitted, once = timed(fit, model)
    some = toys(model, fitted.values, options.toys, SEED)
    many, batched = timed(fit_many, model, some, start=fitted.values)
    peer, looped = loop(model, some[: options.peer_toys], options.peer)
    above = np.array(peer) - many.minimum[: options.peer_toys]
    scaled = looped / options.peer_toys * options.toys if options.peer_toys else None
    pulls = (many.value("mu") - fitted.value("mu")) / many.errors(model)[:, model.place("mu")]
    print(
        json.dumps(
            {
                "benchmark": "fit_histfactory",
                "bins": len(model.observed),
                "parameters": len(model.parameters),
                "nuisances": options.nuisances,
                "compile_s": round(compiling, 3),
                "fit_s": round(once, 3),
                "fit_mb": round(peak(fit, model), 1),
                "toys": options.toys,
                "toys_s": round(batched, 2),
                "toys_mb": round(peak(fit_many, model, some[:100], start=fitted.values), 1),
                "found": [int(many.converged.sum()), int(np.isfinite(peer).sum())],
                "pull_mean_and_width": [round(float(pulls.mean()), 3), round(float(pulls.std()), 3)],
                "pyhf_minuit_s": round(looped, 2),
                "pyhf_minuit_toys": options.peer_toys,
                "pyhf_backend": options.peer,
                "ratio": round(scaled / batched, 1) if scaled else None,
                "minima": [float(np.nanmin(above)), float(np.nanmax(above))] if np.isfinite(above).any() else None,
                "cabinetry": None if options.no_cabinetry else cabinetry_fit(spec, model),
                "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
