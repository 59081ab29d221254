"""Does a ratio of two simulated samples close? Against the other sample, and the true ratio where it is known."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resonaut.learn.ratio import Sample
from resonaut.learn.ratio.calibration import measured
from resonaut.learn.ratio.weights import Calibrated, Spread
from resonaut.learn.twosample.comparison import compare
from resonaut.learn.twosample.results import TwoSample
from resonaut.reweight.ratios import Events, FloatArray, Transfer, expected, halves, labelled, truth
from resonaut.reweight.results import Kept, RatioClosure, Tried, Truth
from resonaut.reweight.settings import RatioSettings

# Parts of equal numbers of events in which learned and true weights are compared.
PARTS = 10


def closure(
    numerator: Events | None, denominator: Events, transfer: Transfer, tried: Sequence[Tried] = ()
) -> RatioClosure:
    """How well the weighted denominator is the numerator.

    Samples of the same events would agree by the fluctuations that they share: one half of them is compared with the
    other then.
    """
    models = transfer.weigher.nominal
    factors = transfer.factors(denominator)
    learned = denominator.sample.weights * factors[""][:, 0]
    exact = truth(numerator, denominator, transfer.settings)
    before, after = (None, None) if numerator is None else _looks(numerator, denominator, transfer)
    return RatioClosure(
        numerator_events=0 if numerator is None else len(numerator.values),
        denominator_events=len(denominator.values),
        negative=(models.signed[0].negative, models.signed[1].negative),
        signs_clipped=(models.signed[0].clipped, models.signed[1].clipped),
        clipping=transfer.weigher.clipping(denominator.sample),
        sums=list(_kept(numerator, denominator, transfer)),
        learned=Spread.of(learned),
        exact=None if exact is None else Spread.of(denominator.sample.weights * exact),
        spread={name: _spread(values, factors[""]) for name, values in factors.items() if name},
        calibration=None if numerator is None else _calibration(numerator, denominator, exact, transfer),
        truth=[] if exact is None else list(_truth(denominator, factors[""][:, 0], exact, transfer.settings.compared)),
        before=before,
        after=after,
        published=list(tried),
    )


def _calibration(numerator: Events, denominator: Events, exact: FloatArray | None, transfer: Transfer) -> Calibrated:
    """That of the outputs for the events that trained the models of other folds."""
    events = labelled(numerator, denominator, exact, transfer.settings)
    return measured(events, transfer.weigher.nominal.probability(events.values(), events.keys))


def _looks(numerator: Events, denominator: Events, transfer: Transfer) -> tuple[TwoSample, TwoSample]:
    """The denominator beside the numerator, without and with its weights."""
    settings, models = transfer.settings, transfer.weigher.nominal
    one, other = halves(numerator, denominator, settings)
    folds = models.folds(one.sample.keys), models.folds(other.sample.keys)
    target, before = (events.named(events.sample.weights) for events in (one, other))
    after = replace(before, weights=before.weights * transfer.factors(other)[""][:, 0])
    names, kept = settings.compared, _varying(target, before, settings)
    target, before, after = (replace(sample, features=sample.features[:, kept]) for sample in (target, before, after))
    first, second = (
        compare(target, sample, [names[i] for i in kept], settings.comparison, folds=folds)
        for sample in (before, after)
    )
    return first, second


def _varying(target: Sample, sample: Sample, settings: RatioSettings) -> list[int]:
    """The places of what is compared, without what lists add and is the same in all events, such as their length."""
    both = (target.features, sample.features)
    low, high = np.min([one.min(axis=0) for one in both], axis=0), np.max([one.max(axis=0) for one in both], axis=0)
    return [i for i in range(len(low)) if i < len(settings.variables) or low[i] < high[i]]


def _kept(numerator: Events | None, denominator: Events, transfer: Transfer) -> Iterator[Kept]:
    names = transfer.settings.denominator.datasets
    totals = expected(numerator, denominator, transfer.settings)
    before = denominator.sums(len(names))
    for name, low, total, scale in zip(names, before, totals, transfer.scales, strict=True):
        yield Kept(dataset=name, before=float(low), learned=float(total / scale[""][0]), expected=float(total))


def _spread(values: FloatArray, nominal: FloatArray) -> float:
    """The root mean square of the relative differences of toys from the nominal factors, over all events."""
    return float(np.sqrt(np.mean((values / nominal - 1) ** 2)))


def _truth(events: Events, learned: FloatArray, exact: FloatArray, variables: list[str]) -> Iterator[Truth]:
    """By the learned factor and by each variable."""
    yield by_parts("weight", learned, events.sample.weights, learned, exact)
    for i, name in enumerate(variables):
        yield by_parts(name, events.values[:, i], events.sample.weights, learned, exact)


def by_parts(
    variable: str, values: NDArray[np.floating], weights: FloatArray, learned: FloatArray, exact: FloatArray
) -> Truth:
    """Learned against true factors in parts of equal numbers of events by ``values``, all arrays (n,)."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, PARTS + 1)[:-1]))
    part = np.searchsorted(edges, values, side="right") - 1
    true = weights * exact
    reached, wanted = (np.bincount(part, w, len(edges)) for w in (weights * learned, true))
    closure = reached / wanted
    # Event by event the two are compared with the same weight and at the same place.
    difference = weights * learned - closure[part] * true
    error = np.sqrt(np.bincount(part, difference**2, len(edges))) / np.abs(wanted)
    return Truth(variable=variable, low=edges.tolist(), closure=(closure - 1).tolist(), error=error.tolist())
