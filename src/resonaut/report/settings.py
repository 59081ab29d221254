"""The section ``report`` of the configuration, and from it what stands above the figures.

The keys are explained in the schema; the energy is that of the section ``fit``.
"""

from collections.abc import Sequence
from pathlib import Path

from resonaut.core import config
from resonaut.core.manifest import read, total_luminosity
from resonaut.core.record import key, record


@record
class Section:
    """The figures and tables of the analysis."""

    no_signal_check: bool = key(
        "Make the experiments of `select.injection`, whose `amounts` must have 0, and call a method bad that shows an "
        "excess in those without a signal: for pseudo-data, or data that are known to have none.",
        default=False,
    )
    label: str | None = key(
        "Text above all figures of data that says what they are, beside the energy (`fit.sqrt_s`) and the luminosity; "
        "null: `Simulated collisions` if the data are generated here, else `Data`.",
        default=None,
    )


@record
class Settings:
    """What stands above the figures: ``label`` of the data; ``sqrt_s`` in GeV."""

    label: str
    sqrt_s: float


def label(path: Path | None) -> str:
    """The label of ``<results>/config/report.json``; none without the file."""
    return "" if path is None else config.read(path, Settings).label


def heading(label: str, sqrt_s: float | None, luminosity: float | None = None) -> str:
    """What a figure shows: data or simulation by name, energy (GeV) and luminosity (1/fb), as far as they are known."""
    energy = "" if sqrt_s is None else f"{sqrt_s / 1000:g} TeV"
    return ", ".join(filter(None, (label, energy, f"{luminosity:.4g} fb$^{{-1}}$" if luminosity else "")))


def of_data(path: Path | None, manifests: Sequence[Path] = (), luminosity: float | None = None) -> str:
    """The heading of a figure of data with the label and energy of ``path``.

    Its ``luminosity`` (1/fb) is given, or that of the datasets ``manifests``.
    """
    if manifests:
        luminosity = total_luminosity(read(manifests))
    if path is None:
        return heading("", None, luminosity)
    settings = config.read(path, Settings)
    return heading(settings.label, settings.sqrt_s, luminosity)


def of_simulation(path: Path | None) -> str:
    """The heading of a figure that shows no data."""
    return heading("Simulation", None if path is None else config.read(path, Settings).sqrt_s)
