"""The statistical studies of docs/fit.md in full size, as one JSON line: ``make study-fit``.

Spectra of the demo's slope, which no dijet function matches exactly, in bins of 20 GeV from 2.5 to 7 TeV.
"""

import argparse
import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scipy import stats

from resonaut.fit import background, bias, limits, lookelsewhere, scan, toylimits, workspace
from resonaut.fit.background import Model
from resonaut.fit.bare import Options, search_of, settings_of
from resonaut.fit.envelope import profile
from resonaut.fit.family import Array
from resonaut.fit.settings import BackgroundSettings
from resonaut.fit.shapes import Gaussian
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SQRT_S, MASS = 13000.0, 3500.0
EDGES = np.arange(2500.0, 7001.0, 20.0)
FIXED = [
    f"background.{key}" for key in ("shape_parameters=[2,2]", "shrink.min_p_background=0", "shrink.min_p_smooth=0")
]
SOURCES = named({"scale": 0.01, "resolution": 0.035, "normalisation": 0.1})
FAMILIES = "background.families=[dijet,exponential_power,modified_exponential]"


def truth(events: float) -> Array:
    m = (EDGES[:-1] + EDGES[1:]) / 2
    shape = np.exp(-m / 560 - 0.1 * (m / 3000) ** 2)
    return np.asarray(events * shape / shape.sum())


def settings(*overrides: str) -> BackgroundSettings:
    return settings_of(list(overrides), SQRT_S, []).background


def model(counts: Array, mass: float, chosen: BackgroundSettings, sizes: dict[str, float]) -> Model:
    return background.model(Spectrum(EDGES, counts), Gaussian(0.04), mass, SQRT_S, chosen, sizes)


def poisson(events: float, size: int, seed: int) -> Array:
    return np.random.default_rng(seed).poisson(truth(events), (size, len(EDGES) - 1)).astype(float)


def uniformity(toys: int) -> Iterator[dict[str, float]]:
    """Local significance without a signal: one fixed function, and the whole procedure in each toy."""
    for events in (350.0, 5000.0):
        one = model(truth(events), MASS, settings(*FIXED), {})
        counts = poisson(events, toys, 1)
        alone = profile(one.functions, counts)
        z = scan.significance(alone.deviance, profile(one.functions, counts, one.template))[2]
        yield {"events": events, "procedure": "fixed", **_normal(z)}
        few = counts[: toys // 10]
        z = np.array([scan.search(model(row, MASS, settings(), SOURCES)).z_local for row in few])
        yield {"events": events, "procedure": "F-test and range in each toy", **_normal(z)}


def _normal(z: Array) -> dict[str, float]:
    ks = float(stats.kstest(z, "norm").pvalue)
    return {"toys": len(z), "mean": z.mean(), "width": z.std(), "above_2_sigma": np.mean(z > 2), "ks_p": ks}


def biases(toys: int) -> Iterator[dict[str, float]]:
    """Pulls, spurious signal and coverage with toys of another family."""
    chosen = settings_of([f"bias.toys={toys}"], SQRT_S, []).bias
    for events in (350.0, 5000.0):
        one = model(truth(events), MASS, settings(*FIXED), {})

        def again(toy: Spectrum) -> Model:
            return model(toy.counts, MASS, settings(*FIXED), {})

        for point in bias.bias(one, again, bias.truth_fit(one, chosen), chosen, 0.95, np.random.default_rng(2)):
            yield {"events": events} | vars(point)


def published_biases(file: Path, toys: int) -> Iterator[dict[str, float]]:
    """The same for the spectrum of a collaboration, with one family and with the envelope of three."""
    for families in ("background.families=[dijet]", FAMILIES):
        search = search_of(
            Options(str(file), f"{SQRT_S:g}", "2500:5500:1000", "137.5", settings=(families, f"bias.toys={toys}"))
        )
        for mass in search.efficiencies:
            one, chosen = search.model(mass), search.settings.bias
            again = partial(search.model, mass, ())
            for point in bias.bias(one, again, bias.truth_fit(one, chosen), chosen, 0.95, np.random.default_rng(2)):
                yield {"families": len(one.functions)} | vars(point)


def look_elsewhere(toys: int) -> Iterator[dict[str, float]]:
    """Global p-values by toys and by Gross and Vitells for two distances of the masses, 20,000 events."""
    for step in (40.0, 100.0):
        spectrum = np.round(truth(20000))
        models = [model(spectrum, mass, settings(*FIXED), {}) for mass in np.arange(2700.0, 5601.0, step)]
        found = lookelsewhere.scan_toys(models, [], len(spectrum), toys, np.random.default_rng(1))
        for z in (2.0, 2.5, 3.0, 3.5):
            p = float(np.mean(found.z_max >= z))
            error = float(np.sqrt(p * (1 - p) / toys))
            by_crossings = lookelsewhere.gross_vitells(z, found.up_crossings)
            yield {"step": step, "z": z, "p_toys": p, "error": error, "p_gross_vitells": by_crossings}


def limit_methods(toys: int) -> Iterator[dict[str, float]]:
    """Limits by toys and by pyhf over the asymptotic ones of the direct likelihood."""
    for events in (40.0, 100.0, 350.0, 1000.0, 5000.0, 100000.0):
        for mass in (3500.0, 4500.0):
            one = model(poisson(events, 1, 3)[0], mass, settings(*FIXED), SOURCES)
            near = limits.upper_limits(one, 0.95)
            by_toys = toylimits.toy_limits(one, near, 0.95, toys, np.random.default_rng(1))
            unit = float(near.expected[2])
            exported = workspace.build(one, unit, SOURCES, near.observed)
            by_pyhf = workspace.upper_limits(exported, near.scaled(1 / unit), 0.95).scaled(unit)
            shares = one.template.shares
            under = float(one.background.background[0] @ shares / (shares @ shares))
            row = {"events": events, "mass": mass, "background_under_peak": under, "expected": near.expected[2]}
            for name, other in (("toys", by_toys), ("pyhf", by_pyhf)):
                row[f"{name}_observed"] = None if other is None else other.observed / near.observed
                row[f"{name}_expected"] = None if other is None else other.expected[2] / near.expected[2]
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectrum", type=Path, help="CMS's dijet spectrum (CSV), for its bias test")
    parser.add_argument("--toys", type=int, default=10_000)
    options = parser.parse_args()
    begin = time.perf_counter()
    result = {
        "uniformity": list(uniformity(options.toys)),
        "bias": list(biases(options.toys // 2)),
        "published_bias": list(published_biases(options.spectrum, options.toys // 4)) if options.spectrum else None,
        "look_elsewhere": list(look_elsewhere(2 * options.toys)),
        "limits": list(limit_methods(options.toys // 5)),
    }
    text = json.dumps({"benchmark": "fit_toys", **result, "seconds": time.perf_counter() - begin}, default=float)
    print(json.dumps(json.loads(text, parse_float=lambda number: float(f"{float(number):.4g}"))))


if __name__ == "__main__":
    main()
