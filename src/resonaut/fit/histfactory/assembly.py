"""From a specification to the arrays of a model, which are padded to S samples in each of N bins."""

from collections import Counter

import numpy as np

from resonaut.fit.histfactory import interpolation
from resonaut.fit.histfactory.factors import Factors, Places, Polynomial
from resonaut.fit.histfactory.interpolation import Array, Multiplicative
from resonaut.fit.histfactory.parameters import Block
from resonaut.fit.histfactory.specification import Modifier, Specification

Starts = dict[str, int]
SCALES = ("normfactor", "lumi")
OF_BINS = ("shapefactor", "shapesys", "staterror")


def shapes(
    specification: Specification, bins: dict[str, slice], starts: Starts, shape: tuple[int, int]
) -> tuple[Places, Array, Array]:
    """Places (K,) of the parameters with a ``histosys``, and S and A (K, S, N) of ``interpolation``."""
    found: dict[int, tuple[Array, Array]] = {}
    for channel in specification.channels:
        for number, sample in enumerate(channel.samples):
            for one in sample.modifiers:
                if one.high is None or one.low is None or one.kind != "histosys":
                    continue
                half, curved = found.setdefault(starts[one.name], (np.zeros(shape), np.zeros(shape)))
                half[number, bins[channel.name]] = (one.high - one.low) / 2
                curved[number, bins[channel.name]] = (one.high + one.low - 2 * sample.contents) / 16
    places = sorted(found)
    empty = np.zeros((0, *shape))
    halves, bends = ([found[place][i] for place in places] for i in (0, 1))
    return np.array(places, np.intp), np.stack(halves) if places else empty, np.stack(bends) if places else empty


def factors(specification: Specification, starts: Starts, code: Multiplicative, samples: int) -> Factors:
    """What multiplies the samples."""
    linear: list[int] = []
    risen: list[tuple[int, Modifier]] = []
    polynomials: list[Polynomial] = []
    rows: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for c, channel in enumerate(specification.channels):
        for s, sample in enumerate(channel.samples):
            row = rows.setdefault((c, s), [])
            for one in sample.modifiers:
                if one.kind in SCALES:
                    row.append(("linear", len(linear)))
                    linear.append(starts[one.name])
                elif one.kind == "normsys":
                    row.append(("risen", len(risen)))
                    risen.append((starts[one.name], one))
                elif one.kind == "polynomial":
                    row.append(("polynomial", len(polynomials)))
                    polynomials.append(Polynomial.of([starts[name] for name in one.parameters], one.terms))
    first = {"linear": 0, "risen": len(linear), "polynomial": len(linear) + len(risen)}
    nothing = first["polynomial"] + len(polynomials)
    depth = max(1, *(len(row) for row in rows.values()))
    table = np.full((len(specification.channels), samples, depth), nothing, np.intp)
    for (c, s), row in rows.items():
        table[c, s, : len(row)] = [first[kind] + number for kind, number in row]
    high, low = (np.concatenate([np.zeros(0), *(getattr(one, side) for _, one in risen)]) for side in ("high", "low"))
    alphas = np.array([place for place, _ in risen], np.intp)
    of_polynomials = [one.places for one in polynomials]
    return Factors(
        np.array(linear, np.intp),
        alphas,
        high,
        low,
        interpolation.polynomial(high, low),
        code,
        tuple(polynomials),
        table,
        np.repeat(np.arange(len(specification.channels)), [len(one.observed) for one in specification.channels]),
        np.unique(np.concatenate([np.array(linear, np.intp), alphas, *of_polynomials])),
    )


def layers(
    specification: Specification, found: list[Block], bins: dict[str, slice], starts: Starts, shape: tuple[int, int]
) -> Places:
    """Places (R, S, N) of the parameters that multiply single bins; the number of parameters where there is none."""
    nothing = sum(block.size for block in found)
    depth = max(
        sum(one.kind in OF_BINS for one in sample.modifiers)
        for channel in specification.channels
        for sample in channel.samples
    )
    layers = np.full((max(depth, 1), *shape), nothing, np.intp)
    past: Counter[str] = Counter()
    for channel in specification.channels:
        here = Counter[str]()
        for number, sample in enumerate(channel.samples):
            some = [one for one in sample.modifiers if one.kind in OF_BINS]
            for layer, one in enumerate(some):
                size = len(sample.contents)
                # The bins of a statistical uncertainty of several channels follow each other.
                offset = past[one.name] if one.kind == "staterror" else 0
                layers[layer, number, bins[channel.name]] = starts[one.name] + offset + np.arange(size)
                if one.kind == "staterror":
                    here[one.name] = size
        past.update(here)
    return layers


def split(count: int, shifted: Places, of_factors: Places, layers: Places) -> tuple[Places, Places]:
    """The parameters that change several bins, and for each bin the one that changes it alone, or -1.

    Of several the first; the others count as parameters of several bins.
    """
    places, bin_of = layers, np.broadcast_to(np.arange(layers.shape[2]), layers.shape)
    pairs = np.unique(np.stack([places.ravel(), bin_of.ravel()], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] < count]
    alone = np.flatnonzero(np.bincount(pairs[:, 0], minlength=count) == 1)
    alone = np.setdiff1d(alone, np.concatenate([shifted, of_factors]))
    own = np.full(layers.shape[2], -1)
    for place, number in pairs[::-1]:
        if place in alone:
            own[number] = place
    return np.setdiff1d(np.arange(count), own), own
