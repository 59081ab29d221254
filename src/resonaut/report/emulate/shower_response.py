"""The response at several incident energies: simulated showers, those of every model, and their ratio."""

from collections.abc import Sequence
from pathlib import Path

from resonaut.core.style import above, legend_below, ratio_panels
from resonaut.report.emulate.compared import panels
from resonaut.report.emulate.evaluations import HEADING, called, energy, of_models, opened
from resonaut.report.figure import EVALUATIONS, Figure, Output

FIGURE = Figure(
    category="Showers",
    reads={"evaluations": EVALUATIONS},
    writes={
        "chosen": Output("showers/response.png", labels={"shown": "response at chosen energies"}),
        "all": Output("showers/responses.png", labels={"shown": "response at all energies"}),
    },
)


def draw(output: Path, evaluations: Sequence[Path]) -> None:
    """Draw the response at the energies that are shown in detail, and at all of them.

    Raises:
        InputFileError: a file is no evaluation, or one of other simulated showers than the first.
    """
    models = of_models(opened(evaluations))
    every = [response.energy for response in models[0].responses]
    chosen = [one.energy for one in models[0].means]
    for name, energies, in_a_row in (("response", chosen, 4), ("responses", every, 5)):
        with ratio_panels(output / f"showers/{name}.png", len(energies), in_a_row) as (fig, pairs):
            for pair, at in zip(pairs, energies, strict=True):
                found = [
                    (one.name, response.histogram)
                    for one in models
                    for response in one.responses
                    if response.energy == at
                ]
                panels(pair, found, called("response"))
                pair[0].set_title(f"{models[0].particle}s of {energy(at)}")
                pair[0].set_ylabel("share of showers")
                pair[1].set_ylabel("ratio")
            above(fig, HEADING)
            legend_below(fig, 6)
