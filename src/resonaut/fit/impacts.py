"""What each source of uncertainty, and some of them together, does to the yield and to the limit at one mass."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from resonaut.fit import limits, scan
from resonaut.fit.background import Model
from resonaut.fit.limits import Limits
from resonaut.fit.results.points import Nuisance
from resonaut.fit.scan import Excess
from resonaut.fit.search import Search
from resonaut.fit.signal import template
from resonaut.fit.sources import Combined, Source, together

# Effects on the peak, and the source that has this one alone.
PEAK = {"position": "scale", "width": "resolution"}


def groups(search: Search, sources: Mapping[str, Source]) -> dict[str, list[str]]:
    """The sources of each group, and those that move or widen the peak unless that is one source of its own."""
    found = _calibrations(search, sources)
    for effect, alone in PEAK.items():
        names = [name for name, one in sources.items() if getattr(one, effect)]
        if names not in ([], [alone]):
            found[effect] = names
    return found


def _calibrations(search: Search, sources: Mapping[str, Source]) -> dict[str, list[str]]:
    """The sources of each group of weights or shifts that has some, unless that is one source of its own."""
    found = {group: [name for name in sources if name in names] for group, names in search.groups.items()}
    return {group: names for group, names in found.items() if names not in ([], [group])}


def exported(search: Search, sources: Mapping[str, Source]) -> dict[str, Source]:
    """The sources with each group as one source: apart, those of two sides add up otherwise than in quadrature.

    Shifts of objects have their own names, by which they are correlated with those of other eras and analyses.
    """
    shared = {name: members for name, members in _calibrations(search, sources).items() if name not in search.shifted}
    apart = {name: one for name, one in sources.items() if not any(name in members for members in shared.values())}
    return apart | {name: together(sources[n] for n in members) for name, members in shared.items()}


def of(
    search: Search, one: Model, excess: Excess, found: Limits | None, parts: Mapping[str, Sequence[str]]
) -> dict[str, Nuisance]:
    """Pull, error, impact on the yield (events) and on the expected limit (relative) of some sources together.

    The fit has up to three nuisances; a source is the combination of them in which it goes along.

    Args:
        search: the search.
        one: its model at a mass.
        excess: the fits there.
        found: the limits there.
        parts: names of sources, by what they are together; of ``position`` and ``width`` it is that of the peak.
    """
    sources, combined = search.sources(one.mass), search.combined(one.mass)
    fitted = [excess.nuisances.get(name, scan.UNKNOWN) for name in combined.nuisances]
    pulls, errors, changes = np.array([(one.pull, one.error, one.impact) for one in fitted]).T
    there = np.flatnonzero([name in excess.nuisances for name in combined.nuisances])
    known = np.zeros((len(fitted), len(fitted)))
    known[np.ix_(there, there)] = np.eye(len(there)) - excess.correlation * np.outer(errors[there], errors[there])
    made = {}
    for name, members in parts.items():
        whole = sources.get(name) or together(sources[n] for n in members)
        share = combined.of_peak(name) if name in PEAK else combined.shares(members, pulls, changes * errors)
        error = math.sqrt(1 - float((np.outer(share, share) * known).sum()))
        others = Combined.of({n: s for n, s in sources.items() if n not in members}).nuisances
        without = replace(one, template=template(search.shape, one.mass, one.spectrum.edges, others))
        median = limits.attempted(without, search.settings.confidence_level)[0] if found else None
        made[name] = Nuisance(
            size=getattr(whole, name) if name in PEAK else whole.size,
            pull=float((share * pulls).sum()),
            error=error,
            impact=float((share * changes * errors).sum()) / error,
            limit_impact=None if found is None or median is None else float(found.expected[2] / median.expected[2]) - 1,
        )
    return made
