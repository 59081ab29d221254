"""All that is asked of two samples, in one record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import hist
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError, NotFiniteError, ResonautError
from resonaut.learn.ratio import Sample
from resonaut.learn.ratio.sample import Pair as Samples
from resonaut.learn.twosample import agreement, classifier, divergences
from resonaut.learn.twosample.quantiles import Bins, Floats, Sums, Values, filled
from resonaut.learn.twosample.results import Classifier, Pair, TwoSample, Variable
from resonaut.learn.twosample.settings import Settings

Numbers = NDArray[np.int64]

DEFAULT = Settings()
WHICH = ("the numerator", "the denominator")
# The output of the classifier among the variables.
OUTPUT = "classifier output"
# More than this share of a sample where the other has no event is said.
MOST_UNCOVERED = 0.001


def compare(
    numerator: Sample,
    denominator: Sample,
    names: Sequence[str],
    settings: Settings = DEFAULT,
    *,
    inputs: Sequence[str] | None = None,
    folds: tuple[Numbers, Numbers] | None = None,
    called: tuple[str, str] = WHICH,
) -> TwoSample:
    """Compare the shapes of two samples of independent events, whatever their sums of weights.

    Weights may be negative. A classifier learns from ones that are made positive, and is judged with those given.

    Args:
        numerator: features (n, m); in a reweighting the target.
        denominator: features (k, m).
        names: of the m variables.
        settings: numbers of bins and replicas, and the classifier.
        inputs: the names that the classifier sees; all by default, and without any there is no classifier.
        folds: the fold of each event of both, where the weights of a fold come from models that have not seen it. Then
            a fold is compared with the same fold only.
        called: what sentences call the samples.

    Raises:
        ResonautError: a sample, or a fold of it, has no events or weights that do not sum to more than 0; a variable
            has one value only.
        NotFiniteError: a value or a weight is NaN or infinite.
    """
    inputs = list(names) if inputs is None else list(inputs)
    fold = folds or (np.zeros(len(numerator.keys), np.int64), np.zeros(len(denominator.keys), np.int64))
    whole = _Two((numerator, denominator), fold, settings)
    for which, sample, own in zip(called, whole.samples, fold, strict=True):
        _require_usable(which, sample, names)
        _require_folds(which, sample, own, whole.folds)
    placed = [
        whole.placed(name, (numerator.features[:, i], denominator.features[:, i])) for i, name in enumerate(names)
    ]
    variables = [
        whole.variable(one, replicas, one.name in inputs)
        for one, replicas in zip(placed, whole.replicas(placed), strict=True)
    ]
    chosen = [list(names).index(name) for name in inputs]
    judged = _classified((numerator, denominator), chosen, fold, settings) if chosen else None
    few = ["there are too few events to train a classifier"] if chosen and not judged else []
    return TwoSample(
        events=(len(numerator.keys), len(denominator.keys)),
        effective=(whole.effective[0], whole.effective[1]),
        variables=variables,
        pairs=whole.pairs(placed),
        classifier=judged,
        warnings=[
            *_uncovered([*variables, *([judged.output] if judged else [])], called),
            *_together(whole.samples, called),
            *few,
        ],
    )


@dataclass(frozen=True)
class _Placed:
    """One variable: its values in both samples, its bins, and the narrow bin of each event."""

    name: str
    values: tuple[Values, Values]
    bins: Bins
    number: tuple[Numbers, Numbers]

    @property
    def narrow(self) -> int:
        """How many narrow bins there are."""
        return len(self.bins.edges) - 1


@dataclass(frozen=True)
class _Few:
    """A variable in the few bins of a pair, and the bin of each event."""

    axis: hist.axis.Variable
    number: tuple[Numbers, Numbers]


@dataclass(frozen=True)
class _Two:
    """Two samples, the folds of their events, and what is the same for all of their variables."""

    samples: Samples
    fold: tuple[Numbers, Numbers]
    settings: Settings

    @property
    def folds(self) -> int:
        return int(max(f.max(initial=0) for f in self.fold)) + 1

    @property
    def effective(self) -> list[float]:
        """(sum w)^2 / sum w^2 of each sample."""
        return [float(s.weights.sum() ** 2 / np.square(s.weights).sum()) for s in self.samples]

    def placed(self, name: str, values: tuple[Values, Values]) -> _Placed:
        """One variable in bins.

        Raises:
            ResonautError: it has one value only.
        """
        if min(v.min() for v in values) == max(v.max() for v in values):
            raise ResonautError(f"{name!r} is {values[0][0]:g} in all events of both samples; leave it out.")
        weighted = [(v, s.weights) for v, s in zip(values, self.samples, strict=True)]
        bins = Bins.of(weighted, self.settings.bins, min(self.effective) / self.folds)
        return _Placed(name, values, bins, (bins.number(values[0]), bins.number(values[1])))

    def sums(self, number: tuple[Numbers, Numbers], bins: int) -> tuple[Sums, Sums]:
        """Both samples in bins of which each event has the number."""
        first, second = (
            Sums.of(here, sample.weights, fold, (self.folds, bins))
            for here, sample, fold in zip(number, self.samples, self.fold, strict=True)
        )
        return first, second

    def replicas(self, placed: Sequence[_Placed]) -> list[tuple[Floats, Floats]]:
        """Bootstrap replicas of the sums of each variable, (replicas, folds, N): one has the same events in all."""
        found = [tuple(np.empty((self.settings.replicas, self.folds, one.narrow)) for _ in WHICH) for one in placed]
        for which, (sample, fold) in enumerate(zip(self.samples, self.fold, strict=True)):
            for replica in range(self.settings.replicas):
                seed = identifier.derived_seed(self.settings.seed, which, replica)
                weights = sample.weights * identifier.poisson(sample.keys, seed)
                for one, sums in zip(placed, found, strict=True):
                    sums[which][replica] = filled(one.number[which], weights, fold, (self.folds, one.narrow))
        return [(sums[0], sums[1]) for sums in found]

    def variable(self, one: _Placed, replicas: tuple[Floats, Floats], is_input: bool) -> Variable:
        """Everything on one variable."""
        bins, sums = one.bins, self.sums(one.number, one.narrow)
        numerator, denominator = (Sums(bins.wide(s.weights), bins.wide(s.squares)) for s in sums)
        alike = divergences.alike(bins, sums, self.settings.alike, np.random.default_rng(self.settings.seed))
        weights = self.samples[0].weights, self.samples[1].weights
        distance, p_value = agreement.ks(one.values, weights, self.fold, self.folds)
        axis = hist.axis.Variable(bins.wide_edges, name=one.name, label=one.name)
        return Variable(
            name=one.name,
            input=is_input,
            numerator=_histogram([axis], numerator),
            denominator=_histogram([axis], denominator),
            pulls=agreement.pulls(numerator, denominator).tolist(),
            test=agreement.chi2(numerator, denominator),
            ks=distance,
            ks_p_value=p_value,
            uncovered=agreement.uncovered(*sums),
            divergences=divergences.table(bins, sums, replicas, alike, self.settings.renyi_order),
        )

    def pairs(self, placed: Sequence[_Placed]) -> list[Pair]:
        """Every two variables, in fewer bins; the histograms of those that differ most."""
        fewer = [_fewer(one, self.settings.pair_bins) for one in placed]
        found = [self._pair(*two) for two in combinations(fewer, 2)]
        found.sort(key=lambda pair: (pair.test.p_value, -pair.test.chi2))
        shown = self.settings.pair_histograms
        return [*found[:shown], *(replace(pair, numerator=None, denominator=None) for pair in found[shown:])]

    def _pair(self, first: _Few, second: _Few) -> Pair:
        axes, (rows, columns) = [first.axis, second.axis], (len(first.axis), len(second.axis))
        numerator, denominator = self.sums(
            (first.number[0] * columns + second.number[0], first.number[1] * columns + second.number[1]),
            rows * columns,
        )
        return Pair(
            names=(first.axis.name, second.axis.name),
            test=agreement.chi2(numerator, denominator),
            largest_pull=float(np.abs(agreement.pulls(numerator, denominator)).max()),
            numerator=_histogram(axes, numerator),
            denominator=_histogram(axes, denominator),
        )


def _fewer(one: _Placed, number: int) -> _Few:
    """Bins that are made of wide ones."""
    wide = np.unique(np.linspace(0, len(one.bins.starts), number + 1).astype(int))
    first = one.bins.starts[wide[:-1]]
    places = [np.searchsorted(first, numbers, side="right") - 1 for numbers in one.number]
    axis = hist.axis.Variable(one.bins.wide_edges[wide], name=one.name, label=one.name)
    return _Few(axis, (places[0], places[1]))


def _histogram(axes: list[hist.axis.Variable], sums: Sums) -> hist.Hist:
    """The shares of a sample in its bins, averaged over folds."""
    found = hist.Hist(*axes, storage=hist.storage.Weight())
    folds = len(sums.weights)
    shape = found.view().shape
    found.view().value = sums.weights.mean(axis=0).reshape(shape)
    found.view().variance = (sums.squares.sum(axis=0) / folds**2).reshape(shape)
    return found


def _classified(
    samples: Samples,
    chosen: list[int],
    fold: tuple[Numbers, Numbers],
    settings: Settings,
) -> Classifier | None:
    """What a fresh classifier finds; None where there are too few events."""
    seen = tuple(replace(sample, features=sample.features[:, chosen]) for sample in samples)
    folds = int(max(f.max() for f in fold)) + 1
    own = settings.classifier
    if folds > 1:
        # Folds may be dealt with the same seed, and halves that follow from them would be empty.
        own = replace(own, seed=own.seed + classifier.FRESH_SEED)
    judged = classifier.held_out((seen[0], seen[1]), fold, folds, own)
    if judged is None:
        return None
    outputs = [np.concatenate([one.output[which] for one in judged]) for which in (0, 1)]
    if np.ptp(np.concatenate(outputs)) == 0:
        # Nothing could be learned from so few.
        return None
    area, error = classifier.mean_auc(judged)
    kept = [Sample.concatenate([one.samples[which] for one in judged]) for which in (0, 1)]
    number = [np.repeat(np.arange(folds), [len(one.output[which]) for one in judged]) for which in (0, 1)]
    two = _Two((kept[0], kept[1]), (number[0], number[1]), settings)
    output = two.placed(OUTPUT, (outputs[0], outputs[1]))
    return Classifier(
        auc=area,
        auc_error=error,
        p_value=float(norm.sf((area - 0.5) / error)),
        calibration=classifier.calibration(output.values, (kept[0].weights, kept[1].weights)),
        output=two.variable(output, two.replicas([output])[0], False),
    )


def _uncovered(variables: Sequence[Variable], called: tuple[str, str]) -> list[str]:
    """A sentence for each sample that lies partly where the other has no events."""
    return [
        f"{100 * share:.2g} % of {one} are where {other} has no events ({variable.name})"
        for variable in variables
        for share, one, other in zip(variable.uncovered, called, called[::-1], strict=True)
        if share > MOST_UNCOVERED
    ]


def _together(samples: Samples, called: tuple[str, str]) -> list[str]:
    """A sentence for each sample with several rows of one identifier, such as jets."""
    more = [len(one.keys) - len(np.unique(one.keys)) for one in samples]
    return [
        f"{number} of {len(one.keys)} rows of {name} have the identifier of another one; if they are of the same "
        "events, chi2 and KS, which take rows as independent, have too small p-values"
        for number, one, name in zip(more, samples, called, strict=True)
        if number
    ]


def _require_usable(which: str, sample: Sample, names: Sequence[str]) -> None:
    """Stop where a sample cannot be compared."""
    if not len(sample.keys):
        raise EmptySelectionError(f"{which} has no events; give it some.")
    columns = {"the weights": sample.weights, **dict(zip(map(repr, names), sample.features.T, strict=True))}
    for name, values in columns.items():
        if bad := np.count_nonzero(~np.isfinite(values)):
            raise NotFiniteError(f"{name} of {which}: {bad} of {len(values)} are NaN or infinite; cut those events.")


def _require_folds(which: str, sample: Sample, fold: Numbers, folds: int) -> None:
    """Stop where a fold of a sample has no shares."""
    for number, total in enumerate(np.bincount(fold, sample.weights, folds)):
        if not total > 0:
            where = which if folds == 1 else f"fold {number + 1} of {which}"
            raise ResonautError(f"the weights of {where} sum to {total:g}, and shares need more than 0.")
