"""The ROC curves of the taggers on jets that they were not trained on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import distinct, figure, headline
from resonaut.report import settings
from resonaut.report.figure import CONFIG, TAGGERS, Figure, Output
from resonaut.tag.results import Network

FIGURE = Figure(
    category="Taggers",
    reads={"summaries": TAGGERS, "config": CONFIG},
    writes={"plot": Output("taggers.png", labels={"shown": "ROC curves"})},
)


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw the rejection of QCD against signal efficiency of every network, one panel for each kind of jet.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``.
    """
    networks = {path.stem: read(path, Network) for path in summaries}
    kinds = list(dict.fromkeys(kind for network in networks.values() for kind in network.roc))
    most = max(network.held_out_jets[network.background] for network in networks.values())
    size = (4.2 * len(kinds), 4.2 + 0.22 * len(networks))
    with figure(output / "taggers.png", 1, len(kinds), figsize=size, squeeze=False, sharey=True) as (fig, axes):
        for ax, kind in zip(axes[0], kinds, strict=True):
            for style, (name, network) in zip(distinct(len(networks)), networks.items(), strict=True):
                if kind in network.roc:
                    _roc(ax, name, network, kind, style["color"], style["ls"])
            efficiency = np.linspace(0.01, 1, 100)
            ax.plot(efficiency, 1 / efficiency, ":", color="grey", label="no discrimination")
            # An interval has no upper end where hardly a jet passes.
            ax.set(yscale="log", xlim=(0, 1), ylim=(0.7, 5 * most), xlabel=f"efficiency of {kind} jets")
            # Below the axes: inside it would hide the curves of good taggers.
            ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.18))
        axes[0][0].set_ylabel("1 / background efficiency")
        headline(fig, settings.of_simulation(config))


def _roc(ax: Axes, name: str, network: Network, kind: str, colour: str, line: str) -> None:
    """A ROC curve with its 68 % intervals, as far as one jet of each kind is there."""
    roc, jets = network.roc[kind], network.held_out_jets
    background = jets[network.background]
    signal, qcd = np.asarray(roc.signal_efficiency), np.asarray(roc.qcd_efficiency)
    low, high = np.asarray(roc.qcd_efficiency_low), np.asarray(roc.qcd_efficiency_high)
    least = 1 - 1e-9
    shown = (qcd * background >= least) & (signal * jets[kind] >= least)
    ax.fill_between(signal[shown], 1 / high[shown], 1 / low[shown], color=colour, alpha=0.25, lw=0)
    label = f"{name}: AUC {network.auc[kind]:.3f} ± {network.auc_error[kind]:.3f}"
    ax.plot(signal[shown], 1 / qcd[shown], color=colour, ls=line, label=label)
