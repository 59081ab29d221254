"""Times Lund-plane weights and prints one JSON line: ``python benchmarks/calibrate.py [--jets 1000000]``.

Single thread, everything in one run, on four-prong jets of X -> YY -> 8q from Pythia, copied with random rotations.
Ratios are peer over Resonaut, for declustering, matching and nominal weights of the same jets; subjets, splittings and
weights must agree to 1e-6. Peers: ``loop``, FastJet's objects one jet at a time, as published tools do, and
``awkward``, FastJet's vectorised interface and numpy.
"""
# ruff: noqa: E402 (libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib.metadata
import json
import math
import time
import warnings
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import fastjet
import numpy as np
import numpy.typing as npt

from resonaut.calibrate.correction import NOMINAL, Factors, LundCorrection
from resonaut.calibrate.factors import Tables, only, products, table_alone
from resonaut.calibrate.jets import MOMENTUM, Jets, jets_of
from resonaut.calibrate.matching import MATCHING_RADIUS, match
from resonaut.calibrate.settings import Settings
from resonaut.calibrate.weights import Calibration, weigh
from resonaut.core.datasets import Component
from resonaut.physics import jets as antikt
from resonaut.simulate import detector
from resonaut.simulate.generator import Pythia
from resonaut.simulate.settings import Simulate
from resonaut.skim.truth import truth_columns

PRONGS, MASS = 4, 3500.0
TWO_PI = 2 * np.pi
Array = npt.NDArray[np.float64]


class Result(NamedTuple):
    """Flat: p_T, eta, phi of subjets (each jet's by falling p_T), splittings of each, their Delta and k_t; weights."""

    pt: Array
    eta: Array
    phi: Array
    splittings: npt.NDArray[np.int64]
    delta: Array
    kt: Array
    weight: Array


def generated(events: int, seed: int) -> ak.Array:
    """Four-prong jets among the two leading jets of generated events, as columns of ``skim`` for ``j1``."""
    settings: Simulate = Simulate()
    rng = np.random.default_rng(seed)
    found = []
    for batch in Pythia(
        settings, Component(process="x_to_4q", mass=MASS, cross_section=None, events=None), "simulation", seed
    ).batches(events, settings.batch):
        candidates = detector.reconstruct(batch.visible, settings.detector, rng)
        # Calorimeter cells lie on a grid: which of two equal distances is the smaller would be a matter of rounding.
        shift = ak.unflatten(rng.normal(0, 1e-4, ak.count(candidates.eta)), ak.num(candidates))
        candidates = ak.with_field(candidates, candidates.eta + shift, "eta")
        jets, constituents = antikt.cluster(candidates, settings.jets.radius, settings.jets.pt_min)
        kept = ak.num(jets) >= 2
        jets, constituents, hard = jets[kept], constituents[kept], batch.hard[kept]
        truth = truth_columns(jets, ak.with_field(hard, hard.genPartIdxMother, "mother"), 2)
        for j in range(2):
            columns = {f"j1_pf_{name}": constituents[:, j][name] for name in MOMENTUM}
            columns |= {f"j1_{name}": jets[:, j][name] for name in ("pt", "eta", "phi")}
            columns |= {f"j1_{key[3:]}": values for key, values in truth.items() if key.startswith(f"j{j + 1}")}
            found.append(ak.zip(columns, depth_limit=1))
    jets = ak.concatenate(found)
    return ak.to_packed(jets[jets.j1_prongs == PRONGS])


def copies(jets: ak.Array, number: int, rng: np.random.Generator) -> Jets:
    """``number`` jets drawn from ``jets``, each turned about the beam by another angle."""
    chosen = jets[rng.integers(0, len(jets), number)]
    angle = rng.uniform(-np.pi, np.pi, number)
    for field in ("j1_pf_phi", "j1_quark_phi", "j1_phi"):
        turned = (chosen[field] + angle + np.pi) % TWO_PI - np.pi
        chosen = ak.with_field(chosen, turned, field)
    return jets_of(ak.to_packed(chosen), "j1")


def made_up(settings: Settings, seed: int) -> LundCorrection:
    """Factors about 1 in bins as CMS's; a polynomial in 1/p_T beyond the direct range."""
    rng = np.random.default_rng(seed)
    bins = settings.bins

    def factors() -> Factors:
        scale = np.array([0.2, 10.0, 0.0]).reshape(3, 1, 1)
        coefficients = np.array([1.0, 0.0, 0.0]).reshape(3, 1, 1) + scale * rng.normal(size=(3, *bins.shape[1:]))
        return Factors(rng.lognormal(0, 0.3, bins.shape), coefficients)

    variance = np.array([0.01, 25.0, 0.0]).reshape(3, 1, 1) * np.ones(bins.shape[1:])
    return LundCorrection(
        declustering=settings.declustering,
        minimum_delta=settings.minimum_delta,
        minimum_kt=settings.minimum_kt,
        bins=bins,
        direct_pt_range=settings.direct_pt_range,
        factor_range=settings.factor_range,
        nominal=factors(),
        error=np.full(bins.shape, 0.1),
        covariance=np.einsum("ij,iab->ijab", np.eye(3), variance),
        systematics={"background": (factors(), factors())},
        b_light=rng.lognormal(0, 0.1, bins.shape),
        density=np.ones(bins.shape),
    )


def by_resonaut(jets: Jets, nominal: Tables, settings: Settings) -> Result:
    """Planes, matching and nominal weights with the package's own functions."""
    planes = jets.planes(settings)
    weight = products(planes, match(planes, jets.quarks).quarks > 0, nominal)[:, 0]
    return Result(
        planes.pt, planes.eta, planes.phi, planes.splittings, planes.delta, planes.kt,
        np.clip(weight, *settings.weight_range),
    )  # fmt: skip


class Scalars(NamedTuple):
    """How a loop treats single numbers: rows of particles, logarithm, bin number, clipping, angle modulo 2 pi."""

    rows: Callable[[Array], Any]
    log: Callable[[float], float]
    bin_of: Callable[[float, Any], int]
    clip: Callable[[float, float, float], float]
    turn: Callable[[float], float]


def with_numpy() -> Scalars:
    """Numpy's functions on single numbers, as in published tools."""
    return Scalars(
        rows=lambda momenta: momenta,
        log=np.log,
        bin_of=lambda value, edges: int(np.clip(np.digitize(value, edges) - 1, 0, len(edges) - 2)),
        clip=np.clip,
        turn=lambda angle: (angle + np.pi) % TWO_PI - np.pi,
    )


def lean() -> Scalars:
    """Python's own numbers and bisection: as fast as a loop over FastJet's objects can be."""
    return Scalars(
        rows=lambda momenta: momenta.tolist(),
        log=math.log,
        bin_of=lambda value, edges: min(max(bisect_right(edges, value) - 1, 0), len(edges) - 2),
        clip=lambda value, low, high: min(max(value, low), high),
        turn=lambda angle: math.remainder(angle, TWO_PI),
    )


def by_loop(jets: Jets, correction: LundCorrection, settings: Settings, scalars: Scalars) -> Result:
    """Each jet, subjet and splitting in a Python loop over FastJet's objects."""
    kt_definition = fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0)
    ca_definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    pt_edges, x_edges, y_edges = map(list, correction.bins.edges)
    table, polynomial = correction.nominal.table, np.moveaxis(correction.nominal.polynomial, 0, -1)
    pt_low, pt_high = correction.direct_pt_range
    momenta = antikt.four_momenta(jets.constituents)
    flat = np.stack([ak.to_numpy(ak.flatten(momenta[name])) for name in ("px", "py", "pz", "E")], axis=1)
    ends = np.cumsum(ak.num(momenta))[:-1]
    subjets, sizes, splittings, weights = [], [], [], []
    for particles, quarks in zip(np.split(flat, ends), jets.quark_lists.to_list(), strict=True):
        pseudojets = [fastjet.PseudoJet(*row) for row in scalars.rows(particles)]
        sequence = fastjet.ClusterSequence(pseudojets, kt_definition)
        exclusive = sorted(sequence.exclusive_jets(PRONGS), key=lambda subjet: -subjet.pt())
        axes = [(subjet.pt(), subjet.eta(), subjet.phi_std()) for subjet in exclusive]
        used = set()
        for quark in quarks:
            distances = [math.hypot(quark["eta"] - eta, scalars.turn(quark["phi"] - phi)) for _, eta, phi in axes]
            if min(distances) < MATCHING_RADIUS:
                used.add(distances.index(min(distances)))
        weight = 1.0
        for i, subjet in enumerate(exclusive):
            tree = fastjet.ClusterSequence(list(subjet.constituents()), ca_definition)
            (branch,) = tree.exclusive_jets(1)
            subjet_pt, found = axes[i][0], 0
            one, two = fastjet.PseudoJet(), fastjet.PseudoJet()
            while branch.has_parents(one, two):
                hard, soft = (one, two) if one.pt() > two.pt() else (two, one)
                delta = hard.delta_R(soft)
                kt = soft.pt() * delta
                if delta > settings.minimum_delta and kt > settings.minimum_kt:
                    found += 1
                    splittings.append((delta, kt))
                    if i in used:
                        j = scalars.bin_of(scalars.log(0.8 / delta), x_edges)
                        k = scalars.bin_of(scalars.log(kt), y_edges)
                        if pt_low <= subjet_pt < pt_high:
                            factor = table[scalars.bin_of(subjet_pt, pt_edges), j, k]
                        else:
                            p0, p1, p2 = polynomial[j, k]
                            factor = p0 + p1 / subjet_pt + p2 / subjet_pt**2
                        weight *= scalars.clip(factor, *correction.factor_range)
                branch = fastjet.PseudoJet(hard)
            sizes.append(found)
        subjets += axes
        weights.append(weight)
    pt, eta, phi = np.array(subjets).T
    delta, kt = np.array(splittings).T
    return Result(pt, eta, phi, np.array(sizes), delta, kt, np.clip(weights, *settings.weight_range))


def by_awkward(jets: Jets, correction: LundCorrection, settings: Settings) -> Result:
    """FastJet's vectorised interface for all jets at once, then numpy."""
    bins = correction.bins
    sequence = fastjet.ClusterSequence(
        antikt.four_momenta(jets.constituents), fastjet.JetDefinition(fastjet.kt_algorithm, 1000.0)
    )
    with warnings.catch_warnings():
        # FastJet's bindings doubt exclusive jets of every algorithm, kT included.
        warnings.filterwarnings("ignore", message="dcut and exclusive jets")
        axes = sequence.exclusive_jets(n_jets=PRONGS)
    found = sequence.exclusive_jets_lund_declusterings(PRONGS)
    px, py, pz = (ak.to_numpy(axes[name]) for name in ("px", "py", "pz"))
    subjet_pt = np.hypot(px, py)
    order = np.argsort(-subjet_pt, axis=1)
    eta, phi = np.arcsinh(pz / subjet_pt), np.arctan2(py, px)
    subjet_pt, eta, phi = (np.take_along_axis(values, order, axis=1) for values in (subjet_pt, eta, phi))
    found = found[ak.from_regular(ak.Array(order))]
    found = found[(found.Delta > settings.minimum_delta) & (found.kt > settings.minimum_kt)]
    sizes = ak.to_numpy(ak.flatten(ak.num(found, axis=2)))
    delta, kt = (ak.to_numpy(ak.flatten(found[name], axis=None)) for name in ("Delta", "kt"))

    jet = np.repeat(np.arange(len(order)), jets.quarks.number)
    delta_phi = (jets.quarks.phi[:, None] - phi[jet] + np.pi) % TWO_PI - np.pi
    distance = np.hypot(jets.quarks.eta[:, None] - eta[jet], delta_phi)
    nearest = distance.argmin(axis=1)
    near = distance[np.arange(len(jet)), nearest] < MATCHING_RADIUS
    used = np.zeros(order.shape, bool)
    used[jet[near], nearest[near]] = True

    def bin_of(values: Array, edges: tuple[float, ...]) -> npt.NDArray[np.int64]:
        return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)

    owner = np.repeat(np.arange(order.size), sizes)
    j, k = bin_of(np.log(0.8 / delta), bins.ln_radius_over_delta), bin_of(np.log(kt), bins.ln_kt)
    pt = subjet_pt.ravel()[owner]
    direct = correction.nominal.table[bin_of(subjet_pt.ravel(), bins.subjet_pt)[owner], j, k]
    p0, p1, p2 = correction.nominal.polynomial[:, j, k]
    low, high = correction.direct_pt_range
    factor = np.where((pt >= low) & (pt < high), direct, p0 + p1 / pt + p2 / pt**2)
    logs = np.where(used.ravel()[owner], np.log(np.clip(factor, *correction.factor_range)), 0.0)
    weight = np.exp(np.bincount(owner // PRONGS, logs, len(order)))
    return Result(
        subjet_pt.ravel(), eta.ravel(), phi.ravel(), sizes, delta, kt, np.clip(weight, *settings.weight_range)
    )


def require_equal(ours: Result, theirs: Result) -> None:
    """The same subjets, splittings and weights to 1e-6, angles between directions included."""
    assert np.array_equal(ours.splittings, theirs.splittings)
    for name in ("pt", "delta", "kt", "weight"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(ours.eta, theirs.eta, atol=1e-6)
    assert np.abs((ours.phi - theirs.phi + np.pi) % TWO_PI - np.pi).max() < 1e-6


def best_of(repeats: int, run: Callable[[], object]) -> float:
    """Shortest wall time of a run, seconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


def resident_mb() -> float:
    """Memory that the process holds now, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory(jets: ak.Array, total: int, batch: int, run: Callable[[Jets], object], seed: int) -> dict[str, float]:
    """Largest memory held after any batch, in the first tenth of ``total`` jets and in all of them."""
    rng = np.random.default_rng(seed)
    held = []
    for _ in range(0, total, batch):
        run(copies(jets, batch, rng))
        held.append(resident_mb())
    first = max(held[: max(len(held) // 10, 1)])
    return {"memory_mb": first, "memory_growth_mb": max(held) - first}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jets", type=int, default=1_000_000, help="through which memory is watched")
    parser.add_argument("--batch", type=int, default=10_000, help="jets at a time, also in the timings")
    parser.add_argument("--loop-jets", type=int, default=300)
    parser.add_argument("--events", type=int, default=300, help="to generate")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    settings: Settings = Settings()
    correction = made_up(settings, options.seed)
    calibration = Calibration.of(correction, settings)
    nominal = only(calibration.tables, NOMINAL)
    distortion = table_alone(correction.bins, correction.b_light, correction.factor_range, "distortion")

    base = generated(options.events, options.seed)
    rng = np.random.default_rng(options.seed)
    jets, few = copies(base, options.batch, rng), copies(base, options.loop_jets, rng)
    ours = by_resonaut(jets, nominal, settings)  # after this, numba has compiled
    weigh(few, calibration, distortion)
    # Before the peers, whose memory could hide a leak.
    watched = memory(
        base, options.jets, options.batch, lambda batch: weigh(batch, calibration, distortion), options.seed
    )
    require_equal(ours, by_awkward(jets, correction, settings))
    for scalars in (with_numpy(), lean()):
        require_equal(by_resonaut(few, nominal, settings), by_loop(few, correction, settings, scalars))

    # One after the other in each round, so that a busy machine slows all alike.
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "nominal": (options.batch, lambda: by_resonaut(jets, nominal, settings)),
        "all_variations": (options.batch, lambda: weigh(jets, calibration, distortion)),
        "declustering": (options.batch, lambda: jets.planes(settings)),
        "loop": (options.loop_jets, lambda: by_loop(few, correction, settings, with_numpy())),
        "lean_loop": (options.loop_jets, lambda: by_loop(few, correction, settings, lean())),
        "awkward": (options.batch, lambda: by_awkward(jets, correction, settings)),
    }
    seconds = dict.fromkeys(runs, math.inf)
    for _ in range(options.repeats):
        for name, (_, run) in runs.items():
            seconds[name] = min(seconds[name], best_of(1, run))
    rates = {name: number / seconds[name] for name, (number, _) in runs.items()}
    result = {
        "benchmark": "calibrate",
        "batch": options.batch,
        "candidates_per_jet": float(ak.mean(ak.num(jets.constituents))),
        "splittings_per_jet": len(ours.delta) / options.batch,
        "toys": 2 * settings.toys,
        "jets_per_s": rates["nominal"],
        "target_jets_per_s": 10_000,
        "ratio_loop": rates["nominal"] / rates["loop"],
        "target_ratio_loop": 50,
        "ratio_lean_loop": rates["nominal"] / rates["lean_loop"],
        "ratio_awkward": rates["nominal"] / rates["awkward"],
        "target_ratio_awkward": 2,
        "declustering_jets_per_s": rates["declustering"],
        "all_variations_jets_per_s": rates["all_variations"],
        "loop_jets_per_s": rates["loop"],
        "lean_loop_jets_per_s": rates["lean_loop"],
        "awkward_jets_per_s": rates["awkward"],
        "memory_jets": options.jets,
        **watched,
        **{name: importlib.metadata.version(name) for name in ("numpy", "numba", "fastjet", "awkward")},
        "seed": options.seed,
    }
    print(json.dumps({k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in result.items()}))


if __name__ == "__main__":
    main()
