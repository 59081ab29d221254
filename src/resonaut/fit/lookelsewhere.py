"""The look-elsewhere effect: how likely is an excess like the largest one anywhere in the scans?

By toys of whole scans, and by Gross and Vitells (arXiv:1005.1891) from the up-crossings of a low level in them.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from resonaut.fit.background import Model, Resonance
from resonaut.fit.envelope import profile
from resonaut.fit.family import Array
from resonaut.fit.results.scans import Global
from resonaut.fit.scan import significance

# q0 at which up-crossings are counted.
LEVEL = 1.0
# p-value of 37 standard deviations; smaller ones are no numbers any more.
SMALLEST = 1e-300
# Global significance that is called a discovery.
DISCOVERY = 5.0
# Toys fitted together: bounds the memory.
BATCH = 1000


@dataclass(frozen=True)
class ScanToys:
    """Background-only toys of one scan: largest ``z_local`` of each (T,), mean number of up-crossings of ``LEVEL``."""

    z_max: Array
    up_crossings: float


def generator(seed: int, counts: Array) -> np.random.Generator:
    """Random numbers that are the same for the same spectrum: scans of one spectrum then share their toys."""
    return np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(counts).tobytes())])


def scan_toys(
    models: Sequence[Model], resonances: Sequence[Resonance], bins: int, toys: int, rng: np.random.Generator
) -> ScanToys:
    """Throw ``toys`` spectra of ``bins`` bins and scan each.

    The background of the toys at each of the ``models`` (sorted by mass) is the one fitted there, in its range and with
    its functions, without the ``resonances`` found; ranges and functions stay those of the data.
    """
    alike = groups(models)
    truths = np.zeros((len(alike), bins))
    for truth, members in zip(truths, alike, strict=True):
        truth[models[members[0]].bins] = _truth(models[members[0]], resonances)
    z = np.empty((toys, len(models)))
    for first in range(0, toys, BATCH):
        size = min(BATCH, toys - first)
        for members, counts in zip(alike, _throw(truths, size, rng), strict=True):
            z[first : first + size, members] = local_significances([models[i] for i in members], counts)
    q = np.where(z > 0, z**2, 0.0)
    crossings = ((q[:, :-1] < LEVEL) & (q[:, 1:] >= LEVEL)).sum(axis=1)
    return ScanToys(z.max(axis=1), float(crossings.mean()))


def groups(models: Sequence[Model]) -> list[list[int]]:
    """Indices of the models of one range and the same functions."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for i, model in enumerate(models):
        functions = tuple((function.family, function.shape_parameters) for function in model.functions)
        found.setdefault((model.bins.start, model.bins.stop, functions), []).append(i)
    return list(found.values())


def _truth(model: Model, resonances: Sequence[Resonance]) -> Array:
    """The smooth background (N,) of a fit in which all ``resonances`` (of the whole spectrum) float."""
    inside = [one.shares[model.bins] for one in resonances if one.shares[model.bins].any()]
    floating = np.array(inside).reshape(len(inside), len(model.expected))
    functions = [function.with_resonances(floating) for function in model.functions]
    fitted = profile(functions, model.spectrum.counts[None]).best
    return fitted.function.smooth(fitted.theta[0])


def _throw(truths: Array, toys: int, rng: np.random.Generator) -> Array:
    """Counts (G, T, N) of G expectations ``truths`` (G, N) of the same events, as alike as these are.

    In each bin the larger expectation has the events of the smaller one and more.
    """
    order = np.argsort(truths, axis=0)
    more = np.diff(np.take_along_axis(truths, order, axis=0), axis=0, prepend=0.0)
    counts = rng.poisson(more, (toys, *truths.shape)).cumsum(axis=1).swapaxes(0, 1).astype(float)
    return np.take_along_axis(counts, np.argsort(order, axis=0)[:, None], axis=0)


def local_significances(models: Sequence[Model], counts: Array) -> Array:
    """Signed ``z_local`` (T, masses) of spectra ``counts`` (T, N) of the whole range, with no resonance but one."""
    z = np.empty((len(counts), len(models)))
    for members in groups(models):
        functions = [function.with_resonances(None) for function in models[members[0]].functions]
        own = np.ascontiguousarray(counts[:, models[members[0]].bins])
        alone = profile(functions, own)
        for i in members:
            both = profile(functions, own, models[i].template.rigid, start=alone.start)
            z[:, i] = significance(alone.deviance, both)[2]
    return z


def combine(scans: Sequence[tuple[float, float, ScanToys | None]]) -> Global:
    """The global significance of scans: for each the mass (GeV) and ``z_local`` of its largest excess, and its toys.

    Toys of different spectra are independent of each other, also where their events overlap, which can only make
    the global p-value larger.
    """
    mass, z, _ = max(scans, key=lambda scan: scan[1])
    found = [toys for _, _, toys in scans if toys is not None]
    if len(found) < len(scans) or not len(found[0].z_max):
        names = ("p_toys", "p_toys_error", "p_gross_vitells", "z_global", "trials", "z_local_needed")
        nothing = dict.fromkeys(names)
        return Global(mass=mass, z_local=z, **nothing, toys=0)
    highest = np.max([toys.z_max for toys in found], axis=0)
    number = len(highest)
    p_toys = float(np.mean(highest >= z))
    error = max(float(np.sqrt(p_toys * (1 - p_toys) / number)), 1 / number)
    excess = max(z, 0.0)
    p_gross_vitells = min(1.0, sum(gross_vitells(excess, toys.up_crossings) for toys in found))
    trials = sum(gross_vitells(DISCOVERY, toys.up_crossings) for toys in found) / float(norm.sf(DISCOVERY))
    # Few toys beyond the excess say less than the extrapolation.
    best = p_toys if p_toys * number >= 10 else p_gross_vitells
    z_global = float(norm.isf(np.clip(best, SMALLEST, 1 - 0.5 / number)))
    return Global(
        mass=mass,
        z_local=z,
        p_toys=p_toys,
        p_toys_error=error,
        p_gross_vitells=p_gross_vitells,
        z_global=z_global,
        trials=trials,
        z_local_needed=needed(trials),
        toys=number,
    )


def gross_vitells(z: float, up_crossings: float) -> float:
    """Global p-value of a local significance, eq. 3 of arXiv:1005.1891: ``p_local + N(c0) exp(-(c - c0) / 2)``."""
    return float(min(1.0, norm.sf(z) + up_crossings * np.exp(-(z**2 - LEVEL) / 2)))


def needed(trials: float) -> float:
    """The local significance that so many trials make 5 sigma: p-values go as exp(-z^2 / 2), but for a factor 1/z."""
    return float(np.sqrt(DISCOVERY**2 + 2 * np.log(trials)))
