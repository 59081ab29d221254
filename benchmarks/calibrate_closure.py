"""Closure of the Lund-plane calibration: ``python benchmarks/calibrate_closure.py RESULTS``.

RESULTS is the folder of a run of config/variants/closure.yaml. Prints, in Markdown, the efficiency of cuts on jets of
the simulation before and after the calibration against that of the "collisions'" shower, and chi2 of distributions.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import numpy.typing as npt

from resonaut.calibrate.columns import GROUP, JETS
from resonaut.calibrate.summary import observable, observable_columns
from resonaut.core.events import Dataset
from resonaut.core.weights import Efficiency, Weights

FloatArray = npt.NDArray[np.float64]

SIGNALS = {"tt": "3prong", "yy": "2prong", "4q": "4prong"}
CUTS = {"tau21": (0.3, 0.4, 0.5), "tau32": (0.4, 0.5, 0.6), "tau43": (0.5, 0.6, 0.7)}
# A cut on the tagger keeps these fractions of the simulated jets.
TAGGED = (0.7, 0.5, 0.3)
BINS = 20


@dataclass(frozen=True)
class Jets:
    """Both jets of all events on which the taggers were not trained."""

    values: dict[str, FloatArray]
    parts: list[tuple[Weights, ak.Array]]

    @property
    def nominal(self) -> FloatArray:
        """The nominal weight of each jet."""
        return np.concatenate([weights.nominal(events) for weights, events in self.parts])


@dataclass(frozen=True)
class Row:
    """One cut: efficiencies and their relative statistical errors, and the relative uncertainty of the calibration."""

    dataset: str
    cut: str
    before: float
    after: float
    truth: float
    statistics: float
    calibration: float

    @property
    def residual(self) -> float:
        """Relative difference of the calibrated efficiency to the true one."""
        return self.after / self.truth - 1

    @property
    def pull(self) -> float:
        """The residual in units of the total uncertainty."""
        return self.residual / np.hypot(self.statistics, self.calibration)


def read(manifest: Path, names: list[str], calibrated: bool) -> Jets:
    """The observables of all jets, with their Lund weights where ``calibrated``."""
    dataset = Dataset.open(manifest)
    friends = ("calibrate",) if calibrated else ()
    both = Weights.of(dataset, friends)
    values: dict[str, list[FloatArray]] = {name: [] for name in names}
    parts: list[tuple[Weights, ak.Array]] = []
    for jet in JETS:
        weights = both.part(f"_{jet}")
        columns = [*observable_columns(names, jet), *weights.columns, "tag_train"]
        for events in dataset.iterate(columns, ("tag", *friends)):
            held_out = events[~events.tag_train]
            for name in names:
                values[name].append(observable(held_out, jet, name))
            parts.append((weights, held_out))
    return Jets({name: np.concatenate(found) for name, found in values.items()}, parts)


def row(dataset: str, cut: str, simulation: Jets, passed: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> Row:
    """Compare the efficiencies of one cut."""
    efficiency, start = Efficiency(), 0
    for weights, events in simulation.parts:
        efficiency.add(weights, events, np.ones(len(events)), passed[start : start + len(events)])
        start += len(events)
    scale, nominal = efficiency.effects()[GROUP], simulation.nominal
    before, true = passed.mean(), truth.mean()
    after = before * scale.scale_factor
    spread = np.sqrt(np.sum((nominal * (passed - after)) ** 2)) / nominal.sum() / after
    statistics = np.hypot(spread, np.sqrt((1 - true) / true / len(truth)))
    return Row(dataset, cut, float(before), float(after), float(true), float(statistics), scale.total)


def chi2(simulation: FloatArray, weight: FloatArray, truth: FloatArray) -> tuple[float, int]:
    """Chi2 between two distributions normalised to 1, and its degrees of freedom."""
    low, high = np.quantile(truth, [0.005, 0.995])
    edges = np.linspace(low, high, BINS + 1)
    n, w, w2 = (
        np.histogram(np.clip(values, low, high), edges, weights=weights)[0]
        for values, weights in ((truth, np.ones(len(truth))), (simulation, weight), (simulation, weight**2))
    )
    used = (n >= 10) & (w2 > 0)
    difference = n / n.sum() - w / w.sum()
    error2 = n / n.sum() ** 2 + w2 / w.sum() ** 2
    return float(np.sum(difference[used] ** 2 / error2[used])), int(used.sum()) - 1


def study(results: Path, name: str, score: str) -> tuple[list[Row], list[str]]:
    """All cuts of one signal, and lines of the table of chi2."""
    tagger = f"part_{score}"
    names = [*CUTS, tagger, "softdrop_mass", "n_constituents"]
    simulation = read(results / "skim" / f"c_{name}.json", names, calibrated=True)
    truth = read(results / "skim" / f"t_{name}.json", names, calibrated=False)
    rows = []
    for observed, thresholds in CUTS.items():
        for threshold in thresholds:
            passed, true = (jets.values[observed] < threshold for jets in (simulation, truth))
            rows.append(row(name, f"{observed} < {threshold}", simulation, passed, true))
    for fraction in TAGGED:
        threshold = np.quantile(simulation.values[tagger], 1 - fraction)
        passed, true = (jets.values[tagger] > threshold for jets in (simulation, truth))
        rows.append(row(name, f"{tagger} > {threshold:.3f}", simulation, passed, true))
    weight = simulation.nominal
    lines = []
    for observed in names:
        pair = (simulation.values[observed], truth.values[observed])
        before, ndof = chi2(pair[0], np.ones(len(pair[0])), pair[1])
        after, _ = chi2(pair[0], weight, pair[1])
        lines.append(f"| {name} | {observed} | {before:.0f} | {after:.0f} | {ndof} |")
    return rows, lines


def main() -> None:
    """Print both tables and what they add up to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    results = parser.parse_args().results
    studies = [study(results, name, score) for name, score in SIGNALS.items()]
    rows = [row for found, _ in studies for row in found]
    print(
        "| jets | cut | before | after | truth | before/truth - 1 | after/truth - 1 | statistics | calibration | pull |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(
            f"| {r.dataset} | {r.cut} | {r.before:.4f} | {r.after:.4f} | {r.truth:.4f} | {r.before / r.truth - 1:+.1%} "
            f"| {r.residual:+.1%} | {r.statistics:.1%} | {r.calibration:.1%} | {r.pull:+.2f} |"
        )
    print("\n| jets | distribution | chi2 before | after | ndof |\n|---|---|---|---|---|")
    print("\n".join(line for _, lines in studies for line in lines))
    precise = [r for r in rows if r.statistics < 0.02]
    within = sum(abs(r.pull) < 1 for r in rows)
    print(f"\nWithin the quoted uncertainty: {within} of {len(rows)}.")
    for label, chosen in (("all cuts", rows), ("statistics better than 2 %", precise)):
        before, after = (
            np.array([abs(getattr(r, when) / r.truth - 1) for r in chosen]) for when in ("before", "after")
        )
        print(
            f"{label} ({len(chosen)}): mean difference {before.mean():.1%} before, {after.mean():.1%} after; "
            f"within 2 %: {np.mean(before < 0.02):.0%} before, {np.mean(after < 0.02):.0%} after"
        )


if __name__ == "__main__":
    main()
