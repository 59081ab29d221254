"""The ROC curves of the taggers, and those of jets whose inputs are shifted against them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, PANELS_IN_A_ROW, figure, headline
from resonaut.report import settings
from resonaut.report.figure import CONFIG, OWN_TAGGERS, Figure, Output
from resonaut.tag.results import Measured, Network

FIGURE = Figure(
    category="Taggers",
    reads={"summaries": OWN_TAGGERS, "config": CONFIG},
    writes={"plot": Output("tagger_attacks.png", labels={"shown": "robustness"})},
)


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw a panel for each network that was attacked, with the curves of each kind of jets.

    Raises:
        InputFileError: a file is no summary of the stage ``tag``.
    """
    networks = {path.stem: read(path, Network) for path in summaries}
    networks = {name: network for name, network in networks.items() if network.under_attack is not None}
    columns = max(1, min(PANELS_IN_A_ROW, len(networks)))
    rows = max(1, -(-len(networks) // columns))
    kinds = max((len(network.roc) for network in networks.values()), default=0)
    size = (max(3.8 * columns, 5), 0.5 + (4 + 0.2 * kinds) * rows)
    with figure(output / "tagger_attacks.png", rows, columns, figsize=size, squeeze=False, sharey=True) as (fig, axes):
        for ax in axes.flat[len(networks) :]:
            ax.set_axis_off()
        for ax, (name, network) in zip(axes.flat, networks.items(), strict=False):
            _curves(ax, network)
            most = network.held_out_jets[network.background]
            ax.set(yscale="log", xlim=(0, 1), ylim=(0.7, 5 * most), xlabel="signal efficiency", title=name)
            ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.18))
        for ax in axes[:, 0]:
            ax.set_ylabel("1 / background efficiency")
        if not networks:
            axes[0][0].text(0.5, 0.5, "no network was trained", ha="center", transform=axes[0][0].transAxes)
        headline(fig, settings.of_simulation(config))


def _curves(ax: Axes, network: Network) -> None:
    attack = network.under_attack
    assert attack is not None
    for i, (kind, lost) in enumerate(attack.auc_lost.items()):
        colour = COLOURS[i % len(COLOURS)]
        jets = network.held_out_jets[network.background], network.held_out_jets[kind]
        label = f"{kind}: AUC {network.auc[kind]:.4f}, lost {lost.value:.4f} ± {lost.error:.4f}"
        _curve(ax, network, kind, jets, colour, "-", label)
        _curve(ax, attack, kind, jets, colour, "--", None)
    ax.plot([], [], "--", color="0.4", label="under attack")


def _curve(
    ax: Axes, measured: Measured, kind: str, jets: tuple[int, int], colour: str, line: str, label: str | None
) -> None:
    """A curve with its 68 % intervals, as far as one of the ``jets`` of background and signal is there."""
    roc = measured.roc[kind]
    signal, qcd, low, high = (np.asarray(values) for values in vars(roc).values())
    shown = (qcd * jets[0] >= 1 - 1e-9) & (signal * jets[1] >= 1 - 1e-9)
    ax.fill_between(signal[shown], 1 / high[shown], 1 / low[shown], color=colour, alpha=0.15, lw=0)
    ax.plot(signal[shown], 1 / qcd[shown], color=colour, ls=line, label=label)
