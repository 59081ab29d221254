"""Shapes of showers, as ATLAS shows them for photons: simulated showers, those of every model, and their ratio."""

from collections.abc import Sequence
from pathlib import Path

from resonaut.core.style import above, legend_below, ratio_panels
from resonaut.report.emulate.compared import panels
from resonaut.report.emulate.evaluations import HEADING, called, energy, of_models, opened
from resonaut.report.figure import EVALUATIONS, Figure, Output

FIGURE = Figure(
    category="Showers",
    reads={"evaluations": EVALUATIONS},
    writes={"plot": Output("showers/shapes.png", labels={"shown": "shapes"})},
)

# In this order, as far as the layout of the voxels has them.
SHAPES = ("r_eta", "r_phi", "w_eta_2", "w_s_3", "f_1", "depth", "depth_width", "width_x_2", "width_x_10", "width_r_10")
MOST = 6


def draw(output: Path, evaluations: Sequence[Path]) -> None:
    """Draw the shapes at the energies that are shown in detail.

    Raises:
        InputFileError: a file is no evaluation, or one of other simulated showers than the first.
    """
    models = of_models(opened(evaluations))
    known = {spectrum.name for spectrum in models[0].spectra}
    names = [name for name in SHAPES if name in known][:MOST]
    shown = [(one.energy, name) for one in models[0].means for name in names]
    with ratio_panels(output / "showers/shapes.png", len(shown), len(names)) as (fig, pairs):
        for pair, (at, name) in zip(pairs, shown, strict=True):
            found = [
                (one.name, spectrum.histogram)
                for one in models
                for spectrum in one.spectra
                if (spectrum.energy, spectrum.name) == (at, name)
            ]
            panels(pair, found, called(name))
            pair[0].set_title(energy(at))
        for pair in pairs[:: len(names)]:
            pair[0].set_ylabel("share of showers")
            pair[1].set_ylabel("ratio")
        above(fig, HEADING)
        legend_below(fig, 8)
