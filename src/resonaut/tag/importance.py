"""Which inputs matter: how much the AUC falls where one of them comes from another jet.

What a network sees of a constituent are functions of the same few quantities: log pT, log pT / pT(jet), log E,
log E / E(jet) and the four-vector all hold its momentum. To shuffle one of them alone would leave what it says in the
others, and show the network jets that cannot be. Here a physical quantity is taken from another jet, and all inputs
that follow from it are made anew. The other jet has as many constituents, so their number is not exchanged.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resonaut.tag.inputs import FEATURES, LIMIT, SCALE, Inputs
from resonaut.tag.results import Lost

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
LOGARITHMS = ("log_pt", "log_e", "log_pt_rel", "log_e_rel")
DIRECTIONS = ("delta_r", "delta_eta", "delta_phi")


def importance(inputs: Inputs, exchanged: Callable[[Inputs], dict[str, Lost]], seed: int) -> dict[str, dict[str, Lost]]:
    """The loss of AUC of each signal class for each of ``GROUPS``, and for what stands beside the kinematics.

    Args:
        inputs: of jets that have trained nothing.
        exchanged: what is lost by signal class when the jets have other inputs.
        seed: of the exchange.
    """
    givers = partners(inputs.counts, np.random.default_rng([seed, 3]))
    wide = inputs.features.shape[1] > len(FEATURES)
    groups = GROUPS | ({"kinds and tracks": kinds} if wide else {})
    found = {group: exchanged(exchange(inputs, givers)) for group, exchange in groups.items()}
    signals = dict.fromkeys(name for one in found.values() for name in one)
    return {name: {group: one[name] for group, one in found.items()} for name in signals}


def partners(counts: Integers, rng: np.random.Generator) -> Integers:
    """For each jet (n,) one with as many constituents, each jet once."""
    givers = np.arange(len(counts))
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        givers[alike] = rng.permutation(alike)
    return givers


def fractions(inputs: Inputs, givers: Integers) -> Inputs:
    """The constituents' shares of the jet's pT from other jets; directions, masses over pT and jet stay."""
    ratio = _momentum(inputs, "log_pt_rel", givers)
    return _scaled(inputs, ratio, LOGARITHMS)


def scale(inputs: Inputs, givers: Integers) -> Inputs:
    """The jets' pT from other jets; what is relative to it stays."""
    # Of the hardest constituent, whose logarithms are never clipped.
    whole = _momentum(inputs, "log_pt", givers)[:, :1] - _momentum(inputs, "log_pt_rel", givers)[:, :1]
    return _scaled(inputs, np.broadcast_to(whole, inputs.features[:, 0].shape), LOGARITHMS[:2])


def directions(inputs: Inputs, givers: Integers) -> Inputs:
    """The constituents' directions about the jet's axis from other jets; the axis and all pT stay."""
    features, vectors = inputs.features.astype(np.float64), inputs.vectors.astype(np.float64)
    rows = [FEATURES.index(name) for name in DIRECTIONS]
    features[:, rows] = features[givers][:, rows]
    moved = {
        name: ((features[:, row] - inputs.features[:, row]) / SCALE[row])
        for name, row in zip(DIRECTIONS, rows, strict=True)
    }
    px, py, pz, energy = vectors.swapaxes(0, 1)
    pt, phi = np.hypot(px, py), np.arctan2(py, px) + moved["delta_phi"]
    eta = np.arcsinh(pz / pt) + _mirror(inputs, np.arcsinh(pz / pt)) * moved["delta_eta"]
    mass2 = np.maximum(np.square(energy) - np.square(pt) - np.square(pz), 0.0)
    changed = np.sqrt(mass2 + np.square(pt * np.cosh(eta)))
    for name in ("log_e", "log_e_rel"):
        row = FEATURES.index(name)
        features[:, row] += SCALE[row] * np.log(changed / energy)
    vectors = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), changed], axis=1)
    return _made(inputs, features, vectors)


def kinds(inputs: Inputs, givers: Integers) -> Inputs:
    """Features beside the kinematic ones from other jets, all together: what is neutral has no track."""
    kinematic, further = np.split(inputs.features, [len(FEATURES)], axis=1)
    return replace(inputs, features=np.concatenate([kinematic, further[givers]], axis=1))


# By the quantity that is exchanged.
GROUPS: dict[str, Callable[[Inputs, Integers], Inputs]] = {
    "momentum fractions": fractions,
    "directions": directions,
    "jet momentum": scale,
}


def _momentum(inputs: Inputs, name: str, givers: Integers) -> Floats:
    """The differences (n, p) of a logarithm in other jets from that in the jets."""
    row = FEATURES.index(name)
    values = inputs.features[:, row].astype(np.float64) / SCALE[row]
    found: Floats = values[givers] - values
    return found


def _scaled(inputs: Inputs, logarithm: Floats, names: tuple[str, ...]) -> Inputs:
    """Constituents with so many times the momentum, (n, p) by its logarithm, and the features that change with it."""
    features = inputs.features.astype(np.float64)
    for row in map(FEATURES.index, names):
        features[:, row] += SCALE[row] * logarithm
    return _made(inputs, features, inputs.vectors * np.exp(logarithm)[:, None])


def _made(inputs: Inputs, features: Floats, vectors: Floats) -> Inputs:
    return replace(inputs, features=features.clip(-LIMIT, LIMIT).astype(np.float32), vectors=vectors.astype(np.float32))


def _mirror(inputs: Inputs, eta: Floats) -> Floats:
    """-1 for jets whose delta_eta is mirrored, else 1, shape (n, 1), as the pseudorapidities (n, p) show."""
    seen = inputs.features[:, FEATURES.index("delta_eta")].astype(np.float64)
    alike = np.sum((seen - seen[:, :1]) * (eta - eta[:, :1]), axis=1, keepdims=True)
    return np.where(alike < 0, -1.0, 1.0)
