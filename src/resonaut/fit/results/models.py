"""What models of templates are made of, as records: the histograms of a channel, and what became of them."""

from typing import Literal

from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.fit.results.transfer import OrderStep, TransferRegion


@record
class Varied:
    """The contents (N,) of the bins with a source of uncertainty up and down; None for a way that there is not."""

    up: list[float] | None
    down: list[float] | None


@record
class Part:
    """A part of a sample: what it has of one ``era`` (None for all).

    ``values``, ``variances``: of N bins. ``events``: the number that fill them, None for a histogram of a file.
    ``outside``: the contents beyond the edges and of those whose observable is no number, None likewise. ``varied``: by
    source.
    """

    era: str | None
    values: list[float]
    variances: list[float]
    events: int | None
    outside: float | None
    varied: dict[str, Varied]


@result("histograms of a channel", "fit template-histograms")
class ChannelHistograms:
    """The histograms of a channel: of each sample its parts, and of the data.

    ``observable``, ``label`` and ``unit``: of the axis. ``edges``: of N bins. ``in_fb``: the samples are cross
    sections, and are multiplied with the luminosity. ``luminosity``: that of the data, 1/fb, None where it is not
    known. ``data``: counts, None without any. ``notes``: which datasets lack a variation, and are nominal in it.
    """

    channel: str
    observable: str
    label: str
    unit: str
    edges: list[float]
    in_fb: bool
    luminosity: float | None
    samples: dict[str, list[Part]]
    data: list[float] | None
    notes: list[str]


What = Literal[
    "no_effect",
    "pruned_normalisation",
    "pruned_shape",
    "mirrored",
    "symmetrised",
    "smoothed",
    "same_side",
    "unsplit",
    "clipped",
    "empty_sample",
    "empty_bins",
    "few_events",
    "free_without_effect",
    "missing_variation",
]


@record
class Treatment:
    """What was done to a template and why: ``size`` is the number that decided, such as the largest relative change."""

    what: What
    channel: str | None
    sample: str | None
    nuisance: str | None
    size: float | None
    why: str


@record
class Yield:
    """Expected events of a sample in a channel, with the error by the statistics of its simulation."""

    events: float
    error: float
    contents: list[float]


@record
class ModelChannel:
    """A channel of the model: its axis, ``edges`` of N bins, what is expected of each sample, and the data (N,)."""

    observable: str
    label: str
    unit: str
    edges: list[float]
    samples: dict[str, Yield]
    data: list[float]


@result("description of a template model", "fit template-workspace")
class ModelDescription:
    """What stands beside a workspace: its channels, and what was done to the templates.

    ``luminosity``: 1/fb, None for histograms of a file. ``asimov``: the data are what is expected. ``nuisances``: those
    in the workspace. ``processes``: by sample of the workspace what it is a part of, mostly itself, of a transfer's
    polynomial the transfer. ``transfer``: the F-tests of transfer polynomials whose orders the model does not give.
    ``transferred``: where the backgrounds from failing events pass.
    """

    model: str
    luminosity: float | None
    asimov: bool
    parameters_of_interest: list[str]
    signals: list[str]
    processes: dict[str, str]
    nuisances: list[str]
    channels: dict[str, ModelChannel]
    treatments: list[Treatment]
    transfer: list[OrderStep]
    transferred: list[TransferRegion]
    notes: list[str]
