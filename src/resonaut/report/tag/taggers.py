"""The ROC curves of the taggers on jets that they were not trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, figure, headline
from resonaut.report import settings
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.intervals import poisson_interval
from resonaut.tag.results import Network

FIGURE = Figure(
    category="Taggers",
    reads={
        "summaries": Input("tag", "networks", "<results>/tag/<network>.json of every network."),
        "config": CONFIG,
    },
    writes={"plot": Output("taggers.png")},
)


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw QCD rejection against signal efficiency of every network, one panel for each kind of jet.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``.
    """
    networks = {path.stem: read(path, Network) for path in summaries}
    kinds = list(dict.fromkeys(kind for network in networks.values() for kind in network.roc))
    with figure(output / "taggers.png", 1, len(kinds), figsize=(4.2 * len(kinds), 4.8), squeeze=False, sharey=True) as (
        fig,
        axes,
    ):
        for ax, kind in zip(axes[0], kinds, strict=True):
            for i, (name, network) in enumerate(networks.items()):
                if kind in network.roc:
                    _roc(ax, name, network, kind, COLOURS[i % len(COLOURS)])
            efficiency = np.linspace(0.01, 1, 100)
            ax.plot(efficiency, 1 / efficiency, ":", color="grey", label="no discrimination")
            ax.set(yscale="log", xlim=(0, 1), xlabel=f"efficiency of {kind} jets")
            # Below the axes: inside it would hide the curves of good taggers.
            ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.18))
        axes[0][0].set_ylabel("1 / QCD efficiency (jets not used in training)")
        headline(fig, settings.of_simulation(config))


def _roc(ax: Axes, name: str, network: Network, kind: str, colour: str) -> None:
    """A ROC curve with 68 % intervals from the number of QCD jets, as far as one jet of each kind is there."""
    roc, jets = network.roc[kind], network.held_out_jets
    background = jets[network.background]
    signal, qcd = np.asarray(roc.signal_efficiency), np.asarray(roc.qcd_efficiency)
    least = 1 - 1e-9
    shown = (qcd * background >= least) & (signal * jets[kind] >= least)
    low, high = poisson_interval(qcd[shown] * background)
    ax.fill_between(signal[shown], background / high, background / low, color=colour, alpha=0.25, lw=0)
    label = f"{name}: AUC {network.auc[kind]:.3f}, {background:,} background jets"
    ax.plot(signal[shown], 1 / qcd[shown], color=colour, label=label)
