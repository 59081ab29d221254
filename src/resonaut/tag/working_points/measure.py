"""Learn the thresholds of a working point from simulated QCD jets, and measure what passes them."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import chi2

from resonaut.core import results
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import Dataset
from resonaut.learn.quantile import conditional_quantile
from resonaut.tag.results import Cell, Flatness, WorkingPointSummary
from resonaut.tag.working_points import thresholds
from resonaut.tag.working_points.jets import Jets
from resonaut.tag.working_points.settings import PointJob

log = logging.getLogger(__name__)

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]
# Bins of equally many jets in which the efficiency is measured.
PT_BINS, MASS_BINS = 3, 10
# Fewer jets than this beyond the thresholds of a fold say nothing of them.
MIN_PASSING = 10
# Scores nearer to 0 or 1 are one in single precision.
NEAREST = 1e-7
# The map ends at these quantiles of rho and pT.
TAIL = 0.001


def measure(job: PointJob, background: Sequence[Path], signal: Sequence[Path], output: Path, summary: Path) -> None:
    """Write the map of thresholds and the efficiencies of the jets that did not teach them.

    Raises:
        EmptySelectionError: too few QCD jets would pass.
        ConfigError: QCD jets have negative weights, of which there are no quantiles.
    """
    qcd = Jets.read(job, [Dataset.open(path) for path in background], told=False)
    _require_enough(qcd, job)
    rho, pt, tables = learn(qcd, job)
    about = f"{' + '.join(job.wanted)} against {job.background} of {job.point.network}"
    thresholds.write(output, rho, pt, tables, f"{about}, of which {job.point.efficiency:g} pass")
    table = thresholds.read(output)

    def passes(jets: Jets) -> Bools:
        found: Bools = jets.score > table.evaluate(jets.fold, jets.rho, jets.pt)
        return found

    above = passes(qcd)
    efficiency, error = _fraction(above, qcd.weight)
    single = _quantile(qcd.score, qcd.weight, 1 - efficiency)
    cells = _cells(qcd, above, qcd.score > single, PT_BINS)
    held = Jets.read(job, [Dataset.open(path) for path in signal], told=True)
    classes = {}
    for place, name in enumerate(job.decays):
        jets = held[held.label == place]
        classes[name] = _cells(jets, passes(jets), jets.score > single, 1)
    found = WorkingPointSummary(
        name=job.name,
        network=job.point.network,
        wanted=job.wanted,
        background=job.background,
        method=job.point.method,
        target=job.point.efficiency,
        jets=len(qcd),
        efficiency=efficiency,
        error=error,
        qcd=cells,
        flatness=flatness([one.efficiency for one in cells], [one.error for one in cells], efficiency),
        single=flatness([one.single for one in cells], [one.error for one in cells], efficiency),
        classes=classes,
    )
    results.write(summary, found)
    flat = found.flatness
    log.info("%s: %.4f of the QCD jets pass, chi2/ndf %.1f/%d", job.name, efficiency, flat.chi2, flat.ndf)


def learn(qcd: Jets, job: PointJob) -> tuple[Floats, Floats, Floats]:
    """Edges of the map in rho and pT, and the thresholds of each fold, (folds, bins of rho, bins of pT)."""
    point, variables = job.point, np.stack([qcd.rho, np.log(qcd.pt)], axis=1)
    low, high = np.quantile(variables, [TAIL, 1 - TAIL], axis=0)
    # Beyond, the map's outermost thresholds hold, which jets without a mass must not bend.
    variables = np.clip(variables, low, high)
    rho = np.linspace(low[0], high[0], point.rho_bins + 1)
    log_pt = np.linspace(low[1], high[1], point.pt_bins + 1)
    centres = np.meshgrid((rho[1:] + rho[:-1]) / 2, (log_pt[1:] + log_pt[:-1]) / 2, indexing="ij")
    points = np.stack([values.ravel() for values in centres], axis=1)
    # A quantile is one of the logit, too, which scores near 0 and 1 need.
    spread = logit(np.clip(qcd.score, NEAREST, 1 - NEAREST))
    tables = np.empty((point.folds, point.rho_bins, point.pt_bins))
    for fold in range(point.folds):
        rows = qcd.fold != fold
        found = conditional_quantile(
            points,
            variables[rows],
            spread[rows],
            1 - point.efficiency,
            method=point.method,
            events=point.jets,
            weights=qcd.weight[rows],
        )
        tables[fold] = found.reshape(tables.shape[1:])
    # Of few jets the quantile follows their fluctuations, and too many others pass: one number for all corrects it.
    place = [np.digitize(values, edges[1:-1]) for values, edges in zip(variables.T, (rho, log_pt), strict=True)]
    tables += _quantile(spread - tables[qcd.fold, *place], qcd.weight, 1 - point.efficiency)
    return rho, np.exp(log_pt), expit(tables)


def flatness(efficiency: Sequence[float], error: Sequence[float], target: float) -> Flatness:
    """How much efficiencies of cells differ from ``target``, that of all together."""
    values, errors = np.asarray(efficiency), np.asarray(error)
    total, ndf = float((((values - target) / errors) ** 2).sum()), len(values) - 1
    beyond = np.mean((values - target) ** 2 - errors**2)
    excess = float(np.sqrt(max(beyond, 0.0)) / target)
    return Flatness(chi2=total, ndf=ndf, p_value=float(chi2.sf(total, ndf)), excess=excess)


def _require_enough(qcd: Jets, job: PointJob) -> None:
    where = f"tag.working_points.{job.name}"
    if (passing := job.point.efficiency * len(qcd) * (1 - 1 / job.point.folds)) < MIN_PASSING:
        raise EmptySelectionError(
            f"{where}: of {len(qcd)} QCD jets the thresholds of a fold would be learned from {passing:.1f} that pass, "
            f"fewer than {MIN_PASSING}; add simulated events, or raise efficiency."
        )
    if (qcd.weight < 0).any():
        raise ConfigError(f"{where}: QCD jets have negative weights, of which there are no quantiles; name others.")


def _cells(jets: Jets, passed: Bools, single: Bools, pt_bins: int) -> list[Cell]:
    """The efficiencies in bins of pT, and in each of these in bins of soft-drop mass; empty ones are left out."""
    found = []
    for in_pt in _slices(jets.pt, np.ones(len(jets), bool), pt_bins):
        for rows in _slices(jets.mass, in_pt, MASS_BINS):
            efficiency, error = _fraction(passed[rows], jets.weight[rows])
            found.append(
                Cell(
                    pt_low=float(jets.pt[in_pt].min()),
                    pt_high=float(jets.pt[in_pt].max()),
                    mass_low=float(jets.mass[rows].min()),
                    mass_high=float(jets.mass[rows].max()),
                    jets=int(rows.sum()),
                    efficiency=efficiency,
                    error=error,
                    single=_fraction(single[rows], jets.weight[rows])[0],
                )
            )
    return found


def _slices(values: Floats, among: Bools, bins: int) -> list[Bools]:
    """The rows of so many bins that have equally many of those ``among``."""
    if not among.any():
        return []
    place = np.digitize(values, np.quantile(values[among], np.linspace(0, 1, bins + 1)[1:-1]))
    rows = [among & (place == i) for i in range(bins)]
    return [one for one in rows if one.any()]


def _fraction(passed: Bools, weight: Floats) -> tuple[float, float]:
    """The weighted fraction that passes, and its error: binomial, with half a jet more on both sides."""
    total, squares = weight.sum(), (weight**2).sum()
    effective = total**2 / squares
    value = float((weight * passed).sum() / total)
    smoothed = (value * effective + 0.5) / (effective + 1)
    return value, float(np.sqrt(smoothed * (1 - smoothed) / effective))


def _quantile(values: Floats, weight: Floats, level: float) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, level * total[-1])])
