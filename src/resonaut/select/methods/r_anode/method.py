"""R-ANODE: a signal's density, learned in the signal region beside the background's (arXiv:2312.11629).

ANODE learns all data of the signal region as one density, in which a weak signal is a detail. Here the data are
w p_S(x, m) + (1 - w) p_B(x | m) p_B(m). p_B is learned beside the signal region, interpolated, and stays as it is: the
flow p_S and the share w are what is left to learn.
"""

import awkward as ak
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.density.residual import Known, LogDensity, Residual
from resonaut.select import template
from resonaut.select.inputs import Inputs
from resonaut.select.methods.r_anode import RAnodeSettings
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings, Window
from resonaut.select.training_data import TrainingData

# Tells the seeds of the signal's flows from those of other methods' networks.
PURPOSE = 60
# Places at which an exponential is summed up in each range of masses.
POINTS = 200


class RAnode:
    """Odds of signal against background, each flow held out by folds; their sum over the fold's signal flows.

    All events are taken at one mass of their fold, the signal region's median, as in ``anode``: the score does not know
    the mass.
    """

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        own = settings.own(RAnodeSettings)
        self.inputs = Inputs.of(settings, "event")
        self.columns: tuple[str, ...] = self.inputs.columns
        self.classifier, self.density = settings.classifier, settings.density
        self.share, self.members = own.share, own.members
        self.background_efficiency = settings.background_efficiency
        self.masses: list[float] = []
        self.residuals: list[list[Residual]] = []

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train the flows; returns the mean share of the signal's flows, and the mean validation losses."""
        (values,) = self.inputs.compute(training.events, training.source)
        data = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        mass, beside, inside = training.mass, training.regions.beside, training.regions.signal
        fold = identifier.folds(data.keys, self.classifier.folds, self.classifier.seed)
        flows = template.densities(data[beside], mass[beside], self.classifier, self.density)
        for number, flow in enumerate(flows):
            seen = fold != number
            log_spectrum = falling(mass[seen & training.regions.sideband], training.window)
            known, rows = Known(flow, log_spectrum, *training.window.signal_region), seen & inside
            seeds = [identifier.derived_seed(self.classifier.seed, PURPOSE + i, number) for i in range(self.members)]
            arguments = values[rows], mass[rows], known, self.share, data.keys[rows], self.density
            self.residuals.append([Residual.fit(*arguments, seed) for seed in seeds])
            self.masses.append(float(np.median(mass[rows])))
        every = [residual for members in self.residuals for residual in members]
        return {
            "signal_share": float(np.mean([residual.share for residual in every])),
            "residual_loss": float(np.mean([residual.loss for residual in every])),
            "density_loss_beside": float(np.mean([flow.loss for flow in flows])),
        }

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The log-odds by the flows that have not seen the event's fold."""
        assert self.residuals, "fit first"
        keys = identifier.keys(events)
        fold = identifier.folds(keys, self.classifier.folds, self.classifier.seed)
        (values,) = self.inputs.compute(events, source)
        value = np.empty(len(keys))
        for number, (members, mass) in enumerate(zip(self.residuals, self.masses, strict=True)):
            rows = fold == number
            at = np.full(int(np.sum(rows)), mass)
            value[rows] = logsumexp([one.log_odds(values[rows], at) for one in members], axis=0)
        return Raw.alone(value, fold, keys)


def falling(mass: NDArray[np.floating], window: Window) -> LogDensity:
    """Logarithm of the background's p(m) in the signal region: the likeliest exponential through both sidebands.

    Args:
        mass: of the events in the sidebands, shape (n,).
        window: the ranges.
    """
    low, high = window.signal_region
    center, width = (low + high) / 2, high - low
    # Sorted: the order of the events changes nothing.
    mean = float(np.mean((np.sort(mass.astype(np.float64)) - center) / width))

    def log_integral(slope: float, *ranges: tuple[float, float]) -> float:
        """Logarithm of the integral of exp(slope (m - center) / width) over all ranges, by the midpoint rule."""
        steps = [np.full(POINTS, (b - a) / POINTS) for a, b in ranges]
        middles = [a + (b - a) * (np.arange(POINTS) + 0.5) / POINTS for a, b in ranges]
        exponents = slope * (np.concatenate(middles) - center) / width
        return float(logsumexp(exponents, b=np.concatenate(steps)))

    slope = float(minimize_scalar(lambda slope: log_integral(slope, *window.sidebands) - slope * mean).x)
    norm = log_integral(slope, (low, high))
    return lambda masses: slope * (np.asarray(masses, dtype=np.float64) - center) / width - norm
