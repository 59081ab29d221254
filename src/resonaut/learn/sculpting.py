"""How much a cut on a classifier's score sculpts the background's mass spectrum: R50 against 1/JSD.

The two numbers by which mass-decorrelated taggers are compared (ATL-PHYS-PUB-2018-014; arXiv:2001.05310).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Sculpting:
    """Of a cut that keeps half of the signal; None where no event, or every one, of the background passes.

    ``rejection`` is one over the background's efficiency; ``inverse_jsd`` is one over the Jensen-Shannon divergence
    (nats) of the background's mass spectra that pass and fail; ``inverse_jsd_independent`` is what as many events
    would have whose score knows nothing of the mass: no larger value can be told from it.
    """

    rejection: float | None
    rejection_error: float | None
    inverse_jsd: float | None
    inverse_jsd_error: float | None
    inverse_jsd_independent: float | None


def sculpting(
    signal: Floats,
    background: Floats,
    mass: Floats,
    *,
    efficiency: float = 0.5,
    bins: int = 50,
    replicas: int = 100,
    seed: int = 1,
) -> Sculpting:
    """R50 and 1/JSD with the errors of a bootstrap over the events of both classes.

    Args:
        signal: scores of signal events, (s,).
        background: scores of background events, (b,).
        mass: masses of the background events, (b,).
        efficiency: of the signal, above the cut.
        bins: equal ones from the 0.5 % to the 99.5 % quantile of the masses; the outer ones hold what lies beyond.
        replicas: of the bootstrap, and permutations for ``inverse_jsd_independent``.
        seed: of both.
    """
    low, high = np.quantile(mass, [0.005, 0.995]).tolist()
    place = np.digitize(mass, np.linspace(low, high, bins + 1)[1:-1])
    passed = background > np.quantile(signal, 1 - efficiency)
    if not 0 < passed.sum() < len(passed):
        return Sculpting(None, None, None, None, None)
    rng = np.random.default_rng(seed)
    rejections, varied, alike = [], [], []
    for _ in range(replicas):
        drawn, events = rng.choice(signal, len(signal)), rng.integers(len(background), size=len(background))
        chosen = background[events] > np.quantile(drawn, 1 - efficiency)
        rejections.append(chosen.mean())
        varied.append(jensen_shannon(place[events], chosen, bins))
        alike.append(jensen_shannon(place, rng.permutation(passed), bins))
    accepted, value = passed.mean(), jensen_shannon(place, passed, bins)
    # Errors of 1/x by propagation: a replica may have no event that passes.
    return Sculpting(
        rejection=float(1 / accepted),
        rejection_error=float(np.std(rejections) / accepted**2),
        inverse_jsd=float(1 / value) if value > 0 else None,
        inverse_jsd_error=float(np.nanstd(varied) / value**2) if value > 0 else None,
        inverse_jsd_independent=float(1 / np.mean(alike)),
    )


def jensen_shannon(place: NDArray[np.integer], passed: NDArray[np.bool_], bins: int) -> float:
    """JSD = (KL(P, M) + KL(F, M)) / 2 of the shares of events that pass and fail, M = (P + F) / 2; in nats.

    NaN where none passes or fails.

    Args:
        place: the bin of each event, (n,).
        passed: which pass, (n,).
        bins: their number.
    """
    counts = [np.bincount(place[chosen], minlength=bins) for chosen in (passed, ~passed)]
    if not all(count.sum() for count in counts):
        return float("nan")
    p, f = (count / count.sum() for count in counts)
    middle = (p + f) / 2
    return float((rel_entr(p, middle).sum() + rel_entr(f, middle).sum()) / 2)
