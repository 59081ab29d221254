"""How long a shower takes, by how many are made at once."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from resonaut.core.results import read
from resonaut.core.style import distinct, figure, headline, legend_below
from resonaut.emulate.results import Timing
from resonaut.report.emulate.evaluations import HEADING, energy
from resonaut.report.figure import Figure, Input, Output

FIGURE = Figure(
    category="Showers",
    reads={
        "timings": Input("emulate", "timings", "<results>/emulate/<model>/timing.json of every model."),
    },
    writes={"plot": Output("showers/times.png", labels={"shown": "time"})},
)


def draw(output: Path, timings: Sequence[Path]) -> None:
    """Draw the time for a shower of every model, a panel for each incident energy.

    Raises:
        InputFileError: one of ``timings`` is none.
    """
    found = [read(path, Timing) for path in timings]
    energies = list(dict.fromkeys(time.energy for one in found for time in one.times))
    with figure(
        output / "showers/times.png", 1, len(energies), figsize=(4.6 * len(energies), 4.6), squeeze=False, sharey=True
    ) as (fig, axes):
        for ax, at in zip(axes[0], energies, strict=True):
            for one, style in zip(found, distinct(len(found)), strict=True):
                times = sorted((time for time in one.times if time.energy == at), key=lambda time: time.batch)
                middle, low, high = (
                    np.array([getattr(time, name) for time in times]) for name in ("milliseconds", "fastest", "slowest")
                )
                threads = f"{one.threads} thread{'s' * (one.threads > 1)}"
                label = f"{one.name} ({threads})"
                ax.errorbar(
                    [time.batch for time in times], middle, (middle - low, high - middle), label=label, ms=5, **style
                )
            ax.set(xscale="log", yscale="log", xlabel="showers at once", title=energy(at))
        axes[0, 0].set_ylabel("time per shower [ms]")
        headline(fig, HEADING)
        legend_below(fig, 4)
