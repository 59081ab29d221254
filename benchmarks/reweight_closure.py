"""Learned against true ratios of simulated samples: ``python benchmarks/reweight_closure.py``, one JSON line each.

The true ratio of every event is known. ``isr_2`` and ``fsr_2`` are Pythia's own weights for twice the renormalisation
scale of its showers, of QCD dijets above 200 GeV before hadronisation, learned from eight numbers by networks. ``top``
is an analytic change of the kinematics of top pairs, like that from NLO to NNLO (CMS, arXiv:2411.03023), learned from
(pT, y, phi, m) of the pair, the top quark and the antiquark as a set of three particles by deep sets. In ``top_apart``
the numerator are other events, which fluctuate by themselves. ``signed`` is a known density with 20 % negative weights,
whose mean is 0.3667, beside the same from events without signs. ``closure`` is the largest deviation of ten parts of
equal numbers of events, by the learned weight and by every input, and ``error`` the largest statistical error of one.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import awkward as ak
import numpy as np
import pythia8mc
import torch
from numpy.typing import NDArray
from scipy.stats import norm

from resonaut.core import identifier
from resonaut.core.record import build
from resonaut.learn.ratio import CrossFit, Sample
from resonaut.learn.ratio import Settings as Ratio
from resonaut.reweight.known import by_parts, closure
from resonaut.reweight.ratios import Events, Transfer, inputs
from resonaut.reweight.settings import RatioSettings

Array = NDArray[np.float64]

COMMON = ["Print:quiet = on", "Beams:eCM = 13000", "PartonLevel:MPI = off", "HadronLevel:all = off"]
DIJETS = ["HardQCD:all = on", "PhaseSpace:pTHatMin = 200", "UncertaintyBands:doVariations = on"]
# Below 2.2 GeV no scale is varied: without hadrons a shower down to there is a third of the time.
DIJETS += ["UncertaintyBands:FSRpTmin2Fac = 20", "UncertaintyBands:overSampleFSR = 2", "TimeShower:pTmin = 2"]
DIJETS += ["UncertaintyBands:List = {isr_2 isr:muRfac=2.0, fsr_2 fsr:muRfac=2.0}"]
TOPS = ["Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "PartonLevel:FSR = off"]
SHOWER = ["n_near_1", "n_near_2", "m_1", "m_2", "pt_1", "pt_2", "n_away", "pt_away"]
PARTICLES = [[f"{who}_{what}" for what in ("pt", "y", "phi", "m")] for who in ("tt", "t", "tbar")]


def generated(settings: Sequence[str], events: int, seed: int) -> Iterator[tuple[ak.Array, ak.Array, list[str]]]:
    """Batches of Pythia's particles and weights, and the names of the weights."""
    pythia = pythia8mc.Pythia("", False)
    for line in [*COMMON, *settings, "Random:setSeed = on", f"Random:seed = {seed}"]:
        assert pythia.readString(line), line
    assert pythia.init()
    while events > 0:
        batch = pythia.nextBatch(min(events, 2000))
        events -= len(batch)
        yield batch.prt, batch.info.weights, list(pythia.infoPython().weightNameVector())


def kinematics(p: ak.Array) -> tuple[Array, Array, Array, Array]:
    """The pT, rapidity, azimuth and mass of four-vectors, one an event."""
    px, py, pz, e = (ak.to_numpy(p[name]).astype(float) for name in ("px", "py", "pz", "e"))
    mass = np.sqrt(np.maximum(e**2 - px**2 - py**2 - pz**2, 0))
    return np.hypot(px, py), np.arctanh(pz / np.maximum(e, 1e-9)), np.arctan2(py, px), mass


def dijets(events: int, seed: int) -> tuple[Array, dict[str, Array]]:
    """``SHOWER``, (n, 8), and the true ratios: partons nearer than 0.8 to the two hard ones, and those away."""
    values, ratios = [], []
    for particles, weights, names in generated(DIJETS, events, seed):
        hard = particles[particles.status == -23]
        final = particles[particles.status > 0]
        eta = np.arcsinh(final.p.pz / np.maximum(np.hypot(final.p.px, final.p.py), 1e-9))
        phi, pt = np.arctan2(final.p.py, final.p.px), np.hypot(final.p.px, final.p.py)
        seen = np.abs(eta) < 5
        distance = []
        for number in (0, 1):
            p = hard.p[:, number]
            turn = np.abs(phi - np.arctan2(p.py, p.px))
            apart = eta - np.arcsinh(p.pz / np.hypot(p.px, p.py))
            distance.append(np.hypot(apart, ak.where(turn > np.pi, 2 * np.pi - turn, turn)))
        near = [(distance[i] < 0.8) & (distance[i] <= distance[1 - i]) for i in (0, 1)]
        jets = []
        for mask in near:
            p = final.p[mask]
            total = ak.zip({name: ak.sum(p[name], axis=1) for name in ("px", "py", "pz", "e")})
            jet_pt, _, _, mass = kinematics(total)
            jets.append([ak.to_numpy(ak.sum(mask, axis=1)).astype(float), mass, jet_pt])
        away = seen & ~near[0] & ~near[1]
        outside = [ak.to_numpy(ak.sum(away, axis=1)).astype(float), ak.to_numpy(ak.sum(pt[away], axis=1))]
        paired = [column for pair in zip(*jets, strict=True) for column in pair]
        values.append(np.column_stack([*paired, *outside]))
        table = ak.to_numpy(weights)
        ratios.append(table[:, [names.index(label) for label in ("isr_2", "fsr_2")]] / table[:, :1])
    every = np.concatenate(ratios)
    return np.concatenate(values), {"isr_2": every[:, 0], "fsr_2": every[:, 1]}


def tops(events: int, seed: int) -> Array:
    """``PARTICLES`` of top pairs before they decay, (n, 12)."""
    values = []
    for particles, _, _ in generated(TOPS, events, seed):
        last = [particles[particles.id == kind].p[:, -1] for kind in (6, -6)]
        pair = ak.zip({name: last[0][name] + last[1][name] for name in ("px", "py", "pz", "e")})
        values.append(np.column_stack([column for p in (pair, *last) for column in kinematics(p)]))
    return np.concatenate(values)


def higher_order(values: Array) -> Array:
    """An analytic ratio with softer top quarks, a harder and more central pair, and fewer pairs of small pT."""
    pt_tt, y_tt, _, m_tt, pt_t, _, _, _, pt_tbar = values.T[:9]
    logarithm = -0.0006 * (pt_t + pt_tbar - 200) + 0.15 * np.tanh((m_tt - 500) / 150)
    return np.exp(logarithm - 0.08 * (y_tt**2 - 0.6) - 0.12 * np.exp(-pt_tt / 20))


def events(values: Array, weights: Array, seed: int, settings: RatioSettings) -> Events:
    """One side of a ratio."""
    single, n = values.astype(np.float32), np.uint64(seed << 40)
    keys = identifier.mix(np.arange(len(values), dtype=np.uint64) + n)
    return Events(Sample(inputs(single, settings), weights, keys), np.zeros(len(values), int), single)


def settings(**given: object) -> RatioSettings:
    """Those of a ratio of one dataset with two weights."""
    sides = {"numerator": {"datasets": ["a"], "weight": "w"}, "denominator": {"datasets": ["a"]}}
    return build({**sides, **given}, RatioSettings, "study")


def report(name: str, given: RatioSettings, values: Array, ratio: Array, other: Array | None = None) -> None:
    """Learn the ratio of events, and say how near the learned one is; ``other`` events are the numerator, if given."""
    start, start_cpu = time.perf_counter(), time.process_time()
    denominator = events(values, np.ones(len(values)), 1, given)
    numerator = events(values, ratio, 1, given) if other is None else events(other, higher_order(other), 2, given)
    transfer = Transfer.train(name, numerator, denominator, given)
    learned = transfer.factors(denominator)[""][:, 0]
    exact = ratio / ratio.mean()
    variables = [("weight", learned), ("true weight", exact), *zip(given.variables, values.T, strict=True)]
    parts = {what: by_parts(what, v, denominator.sample.weights, learned, exact) for what, v in variables}
    # By the true weight only where it is a function of what is learned from.
    shown = {what: part for what, part in parts.items() if what != "true weight" or name.startswith("top")}
    found = {
        "study": name,
        "events": len(values),
        "closure": max(np.abs(part.closure).max() for part in shown.values()),
        "error": max(np.max(part.error) for part in shown.values()),
        "by_weight": np.round(parts["weight"].closure, 4).tolist(),
        "by_true_weight": np.round(parts["true weight"].closure, 4).tolist(),
        "rms_of_learned_over_true": np.std(learned / exact),
        "rms_of_true": np.std(exact),
    }
    if other is None:
        test = closure(numerator, denominator, transfer)
        before, after = test.before.classifier, test.after.classifier
        assert before is not None
        assert after is not None
        found |= {"auc_before": before.auc, "auc": after.auc, "auc_error": after.auc_error}
        found |= {"effective": test.learned.effective, "largest": test.learned.largest}
        assert test.exact is not None
        found |= {"effective_exact": test.exact.effective, "largest_exact": test.exact.largest}
        found |= {"clipped": test.clipping.below + test.clipping.above}
        (kept,) = test.sums
        found |= {"sum_before_scaling": kept.learned / kept.expected}
        found |= {"smallest_p_value": min(one.test.p_value for one in test.after.variables)}
    found |= {"wall_s": round(time.perf_counter() - start), "cpu_s": round(time.process_time() - start_cpu)}
    print(json.dumps({k: round(float(v), 5) if isinstance(v, float) else v for k, v in found.items()}), flush=True)


def signed(n: int) -> None:
    """The ratio of a density with 20 % negative weights to a normal one, beside what events without signs give."""

    def density(x: Array) -> Array:
        return (0.8 * norm.pdf(x, 0.2, 1) - 0.2 * norm.pdf(x, -0.3, 0.8)) / 0.6

    def sample(x: Array, weights: Array, seed: int) -> Sample:
        keys = identifier.mix(np.arange(len(x), dtype=np.uint64) + np.uint64(seed << 40))
        return Sample.of(x[:, None], weights, keys)

    rng = np.random.default_rng(1)
    down = rng.random(n) < 0.2
    given = sample(np.where(down, rng.normal(-0.3, 0.8, n), rng.normal(0.2, 1, n)), np.where(down, -1.0, 1.0), 1)
    x = rng.normal(0.2, 1, 3 * n)
    x = x[rng.random(3 * n) * norm.pdf(x, 0.2, 1) * 0.8 / 0.6 < density(x)][:n]
    flat = sample(rng.normal(size=n), np.ones(n), 3)
    kinds = {
        "signed": given,
        "without_signs_in_the_events": sample(x, np.ones(n), 2),
        "signs_ignored": replace(given, weights=np.abs(given.weights)),
        "negative_events_dropped": given[given.weights > 0],
    }
    place = flat.features[:, 0].astype(float)
    true = density(place) / norm.pdf(place)
    trees = {"validation_parts": 2, "learning_rate": 0.2, "max_iterations": 80, "max_leaf_nodes": 8}
    network = {"validation_parts": 1, "annealing": True, "restarts": 2, "epochs": 10, "learning_rate": 0.003}
    for backend in ("network", "trees"):
        chosen = build({"backend": backend, "folds": 2, "network": network, "trees": trees}, Ratio, "study")
        found: dict[str, object] = {"study": f"signed_{backend}", "events": n}
        for name, one in kinds.items():
            models = CrossFit.fit(one, flat, chosen)
            learned = models.ratio(flat.features, flat.keys)
            part = by_parts("true", true, flat.weights, learned / learned.mean(), true / true.mean())
            found[name] = {
                "rms": round(float(np.std(learned / learned.mean() * true.mean() / true)), 4),
                "closure": round(float(np.abs(part.closure).max()), 4),
                "mean": round(float(np.average(place, weights=learned)), 4),
                "signs_clipped": round(models.signed[0].clipped, 4),
            }
        print(json.dumps(found), flush=True)


def main() -> None:
    """Run the studies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dijets", type=int, default=80_000, help="events of the shower weights")
    parser.add_argument("--tops", type=int, default=100_000, help="events of the top pairs")
    parser.add_argument("--apart", type=int, default=200_000, help="events of each sample of other top pairs")
    parser.add_argument("--signed", type=int, default=30_000, help="events of each sample of the signed weights")
    given = parser.parse_args()
    torch.set_num_threads(2)
    # All events train, with a step that falls to nothing: the smoothest ratio for its time.
    network = {"validation_parts": 1, "annealing": True, "batch_size": 512}
    if given.signed:
        signed(given.signed)
    if given.dijets:
        values, ratios = dijets(given.dijets, 1)
        own = network | {"epochs": 10, "restarts": 2, "learning_rate": 0.002}
        single = settings(features=SHOWER, classifier={"backend": "network", "folds": 2, "network": own})
        for label, ratio in ratios.items():
            report(label, single, values, ratio)
    own = network | {"epochs": 40, "restarts": 1, "learning_rate": 0.003}
    classifier = {"backend": "sets", "folds": 2, "sets": own}
    several = settings(particles=PARTICLES, classifier=classifier)
    if given.tops:
        values = tops(given.tops, 1)
        report("top", several, values, higher_order(values))
    if given.apart:
        # Labels of single events are noise, which many passes would learn.
        own |= {"epochs": 10, "validation_parts": 2, "learning_rate": 0.002}
        several = settings(particles=PARTICLES, classifier=classifier, numerator={"datasets": ["b"]})
        values = tops(given.apart, 1)
        report("top_apart", several, values, higher_order(values), tops(given.apart, 2))


if __name__ == "__main__":
    main()
