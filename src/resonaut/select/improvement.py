"""The significance improvement characteristic: signal efficiency over the root of the background efficiency.

Both in the signal region; what a cut does to S / sqrt(B) (Gallicchio, Schwartz, arXiv:1106.3076).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resonaut.select.results import Improvement

# Fewer surviving background events do not fix the background efficiency.
MIN_BACKGROUND = 25


def improvement(
    signal: NDArray[np.complex128],
    background: NDArray[np.complex128],
    efficiencies: Sequence[float],
    weights: NDArray[np.float64] | None = None,
) -> Improvement:
    """SIC of cuts on a rank, from events that were not used in training.

    Args:
        signal: ranks of signal events in the signal region, shape (n,).
        background: ranks of background events there, shape (m,).
        efficiencies: background efficiencies at which to give it.
        weights: of the signal events, shape (n,); all the same without.

    Returns:
        ``max`` over all cuts that keep at least ``MIN_BACKGROUND`` background events, the ``background_efficiency`` of
        that cut, and ``at`` each wanted efficiency; None where so few events remain.
    """
    order = np.argsort(signal)
    background, signal = np.sort(background)[::-1], signal[order]
    above = np.cumsum((np.ones(len(signal)) if weights is None else weights[order])[::-1])[::-1]
    kept = np.arange(1, len(background) + 1)
    # Signal at least as anomalous as the n-th background event.
    passing = np.append(above, 0.0)[np.searchsorted(signal, background, side="left")] / (above[0] if len(above) else 1)
    sic = passing / np.sqrt(kept / len(background))
    usable = kept >= MIN_BACKGROUND
    counted = {"signal_events": len(signal), "background_events": len(background)}
    if not usable.any():
        nothing: dict[str, float | None] = {f"{e:g}": None for e in efficiencies}
        return Improvement(max=None, background_efficiency=None, at=nothing, **counted)
    best = int(np.flatnonzero(usable)[np.argmax(sic[usable])])
    at = {e: round(e * len(background)) for e in efficiencies}
    return Improvement(
        max=float(sic[best]),
        background_efficiency=float(kept[best] / len(background)),
        at={f"{e:g}": float(sic[n - 1]) if n >= MIN_BACKGROUND else None for e, n in at.items()},
        **counted,
    )
