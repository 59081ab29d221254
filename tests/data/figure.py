"""Selected events of every dataset."""

from collections.abc import Sequence
from pathlib import Path

from resonaut.core.config import read
from resonaut.core.manifest import Manifest
from resonaut.core.style import corner, figure
from resonaut.report import settings
from resonaut.report.figure import CONFIG, MANIFESTS, Figure, Output

FIGURE = Figure(
    category="Selection",
    reads={"manifests": MANIFESTS, "config": CONFIG},
    writes={"plot": Output("selected.png")},
)


def draw(output: Path, manifests: Sequence[Path], config: Path | None) -> None:
    """Draw the figure into the folder ``output``."""
    datasets = [read(path, Manifest) for path in manifests]
    with figure(output / "selected.png") as (_, ax):
        ax.barh([one.name for one in datasets], [one.events for one in datasets])
        ax.set_xlabel("selected events")
        corner(ax, settings.of_data(config))
