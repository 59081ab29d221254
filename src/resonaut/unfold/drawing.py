"""The figure of an unfolded observable."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from resonaut.core.files import atomic
from resonaut.unfold.results import Measured


def draw(path: Path, measured: Measured) -> None:
    """Draw the differential cross section with its uncertainties, above what the simulation expected."""
    mpl.use("Agg")
    edges, values, prior, total = map(np.array, (measured.edges, measured.values, measured.prior, measured.total.error))
    widths = np.diff(edges)
    scale = np.where(values > 0, values, np.nan)
    with mpl.rc_context({"xtick.direction": "in", "ytick.direction": "in", "legend.frameon": False}):
        fig, (upper, lower) = plt.subplots(
            2, 1, layout="constrained", figsize=(5.5, 5.5), height_ratios=(3, 1.2), sharex=True
        )
        for axes, unit in ((upper, widths), (lower, scale)):
            low, high = (values - total) / unit, (values + total) / unit
            axes.stairs(
                high, edges, baseline=low, fill=True, color="#5790fc", alpha=0.3, lw=0, label="total uncertainty"
            )
            axes.stairs(prior / unit, edges, baseline=None, color="#f89c20", label="simulation")
            axes.stairs(values / unit, edges, baseline=None, color="k", label="unfolded")
        for colour, (name, one) in zip(mpl.color_sequences["petroff10"], measured.uncertainties.items(), strict=False):
            lower.stairs(
                1 + np.array(one.error) / scale, edges, baseline=None, color=colour, lw=0.9, ls=":", label=name
            )
        upper.set(ylabel=f"d$\\sigma$ / bin width [{measured.unit}]", xlim=(edges[0], edges[-1]), ylim=(0, None))
        upper.legend(*upper.get_legend_handles_labels(), fontsize=9)
        lower.legend(*(found[3:] for found in lower.get_legend_handles_labels()), fontsize=7, ncols=3)
        lower.set(ylabel="ratio", xlabel=measured.name.replace("_", " "), ylim=(0.5, 1.5))
        try:
            with atomic(path) as partial:
                fig.savefig(partial, metadata={"Software": None})
        finally:
            plt.close(fig)
