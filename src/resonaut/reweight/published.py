"""A network that others have published: its outputs as a ratio, in the direction that brings events to a target.

What such a file lacks is which of its two outputs belongs to which sample, what its inputs are and in which form. These
are declared; and the weighted events must look like the target, or they are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.learn import ratio
from resonaut.learn.ratio import CrossFit
from resonaut.learn.ratio.weights import Weigher
from resonaut.learn.twosample import agreement
from resonaut.learn.twosample.comparison import compare
from resonaut.learn.twosample.quantiles import Sums
from resonaut.learn.twosample.results import Chi2
from resonaut.reweight.network import KEY, Graph, Network
from resonaut.reweight.ratios import Events, halves
from resonaut.reweight.results import Tried
from resonaut.reweight.settings import DIRECTIONS, RatioSettings, Target

# Weights close where no distribution has a smaller p-value, all of them taken together. Where none do, as a network and
# its target differ a bit and events are many, those do that take this part of the sum of all chi2 - ndof away: three
# quarters are one half of the differences.
LEAST_P_VALUE, MENDED = 1e-3, 0.75

# By the names of variables, and of pairs of them.
Looks = Mapping[str, Chi2]


@dataclass(frozen=True)
class Check:
    """What the weighted denominator must look like: a sample, and distributions of a publication."""

    sample: ratio.Sample | None
    events: ratio.Sample
    inputs: NDArray[np.float32]
    settings: RatioSettings
    histograms: list[Target]

    @classmethod
    def of(cls, numerator: Events | None, denominator: Events, settings: RatioSettings) -> "Check":
        """Of samples; where both sides are the same events, one half of them looks like the other half."""
        one, other = (None, denominator) if numerator is None else halves(numerator, denominator, settings)
        target = None if one is None else one.named(one.sample.weights)
        assert settings.published is not None
        return cls(target, other.named(other.sample.weights), other.values, settings, settings.published.histograms)

    def looks(self, weigher: Weigher | None) -> Looks:
        """chi2 of the events and the target in each variable, pair and histogram, with the weights or without."""
        events = self.events
        if weigher is not None:
            factors = weigher.nominal.ratio(self.inputs).clip(*weigher.clip)
            events = replace(events, weights=events.weights * factors)
        found: dict[str, Chi2] = {}
        if self.sample is not None:
            # Neither errors of divergences nor a classifier are asked for.
            few = replace(self.settings.comparison, replicas=2, alike=2, pair_histograms=0)
            report = compare(self.sample, events, self.settings.variables, few, inputs=())
            found |= {one.name: one.test for one in report.variables}
            found |= {" and ".join(pair.names): pair.test for pair in report.pairs}
        return found | {f"{one.variable} (histogram)": self._histogram(one, events) for one in self.histograms}

    def _histogram(self, target: Target, events: ratio.Sample) -> Chi2:
        values = events.features[:, self.settings.variables.index(target.variable)].astype(np.float64)
        filled = [
            np.histogram(values, target.edges, weights=weights)[0]
            for weights in (events.weights, np.square(events.weights))
        ]
        if not filled[0].sum() > 0:
            raise EmptySelectionError(f"config: {KEY}.histograms: no event is in the bins of {target.variable!r}.")
        wanted = np.array(target.values), np.square(target.errors)
        one, other = (
            Sums((sums / sums.sum())[None], (squares / sums.sum() ** 2)[None]) for sums, squares in (wanted, filled)
        )
        return agreement.chi2(one, other)


def weigher(numerator: Events | None, denominator: Events, settings: RatioSettings) -> tuple[Weigher, list[Tried]]:
    """The ratio of the network's outputs that closes, and all that was tried.

    That is the one of the declared direction, or of that which closes where none is declared, with the declared
    constants.

    Raises:
        ConfigError: the weighted denominator is not like the target, or is so in both directions and none is declared.
        InputFileError: a file is no network of these inputs.
    """
    published = settings.published
    assert published is not None
    graphs = tuple(Graph.open(Path(file), published) for file in published.files)
    check = Check.of(numerator, denominator, settings)
    before = check.looks(None)
    networks = [
        Network(graphs, published, tuple(settings.variables), direction, alternative)
        for alternative in range(1 + published.alternatives)
        for direction in DIRECTIONS
    ]
    made = [Weigher(CrossFit([one], settings.classifier.seed), (), settings.clip) for one in networks]
    after = [check.looks(one) for one in made]
    closes = _alike(after) if any(_alike(after)) else [_excess(one) < (1 - MENDED) * _excess(before) for one in after]
    tried = [_tried(*found, before) for found in zip(networks, closes, after, strict=True)]
    declared = [one for one in tried if not one.alternative and published.direction in (None, one.direction)]
    good = [one for one in declared if one.closes]
    if len(good) != 1:
        raise ConfigError(
            f"config: {KEY}: with {published.files[0]} the events look like the target {_said(tried, declared)}."
        )
    return made[tried.index(good[0])], tried


def _said(tried: Sequence[Tried], declared: Sequence[Tried]) -> str:
    """In which direction they do, if not in one of those that are declared, and what to do."""
    closing = [one for one in tried if one.closes]
    if not closing:
        return (
            f"in neither direction ({'; '.join(map(_found, tried))}); correct inputs (their order, logarithms, scales, "
            "codes, and which copy of a particle they are), or the datasets"
        )
    if not any(one.closes for one in declared):
        named, found = " and as ".join(map(_named, closing)), "; ".join(map(_found, declared))
        return f"as {named}, not as declared ({found}); correct that"
    return "in both directions; set the direction that its authors name, or take a target that differs"


def _alike(looks: Sequence[Looks]) -> list[bool]:
    """Whether events and target may be of one distribution, given that of so many p-values one is small by chance."""
    return [1 - (1 - min(test.p_value for test in one.values())) ** len(one) > LEAST_P_VALUE for one in looks]


def _tried(network: Network, closes: bool, after: Looks, before: Looks) -> Tried:
    worst = min(after, key=lambda name: (after[name].p_value, -after[name].chi2))
    return Tried(
        direction=network.direction,
        alternative=network.alternative,
        closes=closes,
        excess=(_excess(before), _excess(after)),
        worst=worst,
        worst_before=before[worst],
        worst_after=after[worst],
    )


def _excess(looks: Looks) -> float:
    return sum(max(one.chi2 - one.ndof, 0.0) for one in looks.values())


def _named(one: Tried) -> str:
    values = f" with alternative {one.alternative} of the values" if one.alternative else ""
    return f"{one.direction}{values}"


def _found(one: Tried) -> str:
    before, after = one.worst_before, one.worst_after
    return (
        f"as {_named(one)} chi2/ndf of {one.worst} goes from {before.chi2:.4g}/{before.ndof} to "
        f"{after.chi2:.4g}/{after.ndof}"
    )
