"""A smooth function fitted to the bins beside those that are hidden, and what it expects in them.

The likelihood of the other bins alone is maximised by filling the hidden ones with what the fit expects of them, again
and again (A. Dempster, N. Laird, D. Rubin, J. R. Stat. Soc. B 39 (1977) 1).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from resonaut.core.errors import EmptySelectionError, FitError
from resonaut.fit.background import f_test
from resonaut.fit.binning import Quality, quality
from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import Fit, deviance, fit
from resonaut.fit.settings import FitSettings
from resonaut.fit.spectrum import Spectrum

Rows = NDArray[np.bool_]

# Rounds of filling, at most, and the relative change of what is filled in at which they end.
ROUNDS, SETTLED = 500, 1e-7


@dataclass(frozen=True)
class Beside:
    """What a function expects in all bins that was ``fitted`` to those that are not ``hidden`` (N,).

    ``quality``: in the bins that are not.
    """

    fitted: Fit
    hidden: Rows
    quality: Quality

    @classmethod
    def of(cls, spectrum: Spectrum, hidden: Rows, settings: FitSettings) -> "Beside":
        """The function that describes the bins beside best, of the order that the F-test wants.

        Args:
            spectrum: whatever it has in the hidden bins plays no role.
            hidden: which bins are, (N,), neither the first nor the last.
            settings: the section ``fit``.

        Raises:
            EmptySelectionError: fewer populated bins than parameters.
            FitError: the fit with the fewest parameters does not converge.
        """
        found = [_ordered(family, spectrum, hidden, settings) for family in settings.background.families]
        return min(found, key=lambda one: float(deviance(spectrum.counts[~hidden], one.expected[~hidden])))

    @property
    def expected(self) -> Array:
        """Events in each bin (N,)."""
        return np.asarray(self.fitted.background[0])

    def error(self, rows: Rows) -> float:
        """That of the events expected in some bins (N,) together."""
        slope, seen = self.fitted.function.slope(self.fitted.theta[0]), ~self.hidden
        information = slope[seen].T @ (slope[seen] / self.expected[seen, None])
        gradient = slope[rows].sum(axis=0)
        return float(np.sqrt(gradient @ np.linalg.solve(information, gradient)))


def _ordered(family: str, spectrum: Spectrum, hidden: Rows, settings: FitSettings) -> Beside:
    """The fit with as many parameters as the F-test wants."""
    least, most = settings.background.shape_parameters
    populated = int(np.count_nonzero(spectrum.counts[~hidden]))
    chosen = None
    for number in range(least, most + 1):
        if populated <= number + 1:
            break
        function = Background(family, spectrum.edges, settings.sqrt_s, number)
        fitted = _filled(function, spectrum.counts, hidden)
        if fitted is None:
            break
        more = Beside(fitted, hidden, _quality(spectrum, fitted, hidden))
        if chosen is not None and f_test(chosen.quality, more.quality) >= settings.background.f_test:
            break
        chosen = more
    if chosen is not None:
        return chosen
    if populated <= least + 1:
        raise EmptySelectionError(
            f"{populated} bins with events beside the signal region are too few for {least + 1} parameters of the "
            "background; widen fit.range, or set fit.prediction to none."
        )
    raise FitError(f"the {family} background fit beside the signal region does not converge; change fit.range.")


def _filled(function: Background, counts: Array, hidden: Rows) -> Fit | None:
    """The fit to the bins that are not hidden; None where it does not converge."""
    filled, places = counts.astype(float), np.arange(len(counts))
    seen = np.maximum(filled[~hidden], 0.5)
    filled[hidden] = np.exp(np.interp(places[hidden], places[~hidden], np.log(seen)))
    theta = None
    for _ in range(ROUNDS):
        found = fit(function, filled[None], start=theta)
        expected, before, theta = found.background[0][hidden], filled[hidden], found.theta
        if not found.converged[0]:
            return None
        filled[hidden] = expected
        if np.abs(expected - before).sum() <= SETTLED * expected.sum():
            return found
    return None


def _quality(spectrum: Spectrum, fitted: Fit, hidden: Rows) -> Quality:
    """That below and above the hidden bins, together."""
    first, last = np.flatnonzero(hidden)[[0, -1]]
    parts = [part for part in (slice(0, first), slice(last + 1, len(hidden))) if spectrum.counts[part].any()]
    found = [quality(spectrum.part(part), fitted.background[0][part], 0) for part in parts]
    chi2, ndf = sum(one.chi2 for one in found), sum(one.ndf for one in found) - fitted.function.n_parameters
    p_value = float(stats.chi2.sf(chi2, ndf)) if ndf > 0 else None
    return replace(found[0], chi2=chi2, ndf=ndf, p_value=p_value)
