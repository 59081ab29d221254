"""The trainings with one amount of signal as one: what a limit takes from the experiments that were trained again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import hist
import numpy as np

from resonaut.core.weights import Effect
from resonaut.fit.turnon import FEWEST, TurnOn
from resonaut.select.results import Experiment, Moved, Signal

# The uncertainty of one more training, among those of the weights.
DRAW = ("draw", "training")
# Of trainings that share a larger part of their events nobody knows how much independent ones differ.
MOST_SHARED = 0.9


def means(groups: Mapping[float, Sequence[Experiment]], confidence_level: float) -> dict[float, Signal]:
    """By amount the signal with the fitted efficiency, its uncertainty in one more training among the others.

    From the amount on at which every training found some of the signal, as below nothing is learned. The uncertainty is
    left out where the trainings do not tell it.
    """
    efficiencies = {a: [one.signals[0].efficiency for one in group] for a, group in groups.items()}
    blind = [amount for amount, found in efficiencies.items() if min(found) <= 0]
    used = [amount for amount in groups if amount > max(blind, default=-1.0)]
    shared = max((one.injection.shared for amount in used for one in groups[amount]), default=0.0)
    if not used or min(len(groups[amount]) for amount in used) < FEWEST or shared > MOST_SHARED:
        return {a: _mean(groups[a], float(np.mean(efficiencies[a])), None) for a in used}
    fitted = TurnOn.fit([efficiencies[amount] for amount in used], confidence_level, shared)
    return {
        amount: _mean(groups[amount], float(efficiency), float(uncertainty))
        for amount, efficiency, uncertainty in zip(used, fitted.efficiency, fitted.uncertainty, strict=True)
    }


def _mean(experiments: Sequence[Experiment], efficiency: float, uncertainty: float | None) -> Signal:
    """The experiments' mean spectrum and uncertainties of the signal, with the given efficiency.

    The trainings are measured with the same simulated events, so that their mean has the statistical error of one.
    Variations of the weights that were trained again take the place of those that were only evaluated.
    """
    signals = [one.signals[0] for one in experiments]
    relative = np.mean([s.efficiency_error / s.efficiency for s in signals])
    weights = {}
    for group, effect in signals[0].weights.items():
        shifts = {s: np.mean([_shifts(one, group, s) for one in experiments], axis=0) for s in effect.uncertainties}
        weights[group] = replace(effect, uncertainties={s: (float(u), float(d)) for s, (u, d) in shifts.items()})
    if uncertainty is not None:
        group, source = DRAW
        sides = float(np.expm1(uncertainty)), float(np.expm1(-uncertainty))
        weights[group] = Effect(scale_factor=1.0, uncertainties={source: sides})
    return replace(
        signals[0],
        efficiency=efficiency,
        efficiency_error=float(relative) * efficiency,
        weights=weights,
        moved={name: _mean_moved([s.moved[name] for s in signals if name in s.moved]) for name in signals[0].moved},
        spectrum=_mean_spectrum([s.spectrum for s in signals]),
    )


def _shifts(experiment: Experiment, group: str, source: str) -> list[float]:
    """Relative changes, up and down, of an experiment's efficiency by a source of the weights."""
    again = [experiment.injection.retrained.get(f"{group}_{source}_{side}") for side in ("up", "down")]
    evaluated = experiment.signals[0].weights[group].uncertainties[source]
    return [old if new is None else new for old, new in zip(evaluated, again, strict=True)]


def _mean_moved(found: Sequence[Moved]) -> Moved:
    def mean(sides: Sequence[tuple[float, float]]) -> tuple[float, float]:
        up, down = np.mean(sides, axis=0)
        return float(up), float(down)

    return Moved(position=mean([one.position for one in found]), width=mean([one.width for one in found]))


def _mean_spectrum(spectra: Sequence[hist.Hist]) -> hist.Hist:
    mean = hist.Hist(*spectra[0].axes, storage=hist.storage.Weight())
    view: Any = mean.view(flow=True)
    view.value = np.mean([one.values(flow=True) for one in spectra], axis=0)
    view.variance = np.mean([one.variances(flow=True) for one in spectra], axis=0)
    return mean
