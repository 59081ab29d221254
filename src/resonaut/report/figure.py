"""What a figure of the report declares, beside the code that draws it.

A figure or table is a module ``report/<verb>/<figure>.py``, where ``<verb>`` is the stage whose results it shows. Its
docstring says what it is, and it holds

- ``FIGURE``: what it reads and writes. One expression with the names of this module and no others: ``catalogue`` reads
  it from the syntax tree, as the module imports libraries for which the workflow would wait at every start;
- ``draw(output, …)``: writes it into the folder ``output``. The other arguments have the names in ``reads`` and
  ``options``.

``<figure>.rst`` beside it is its caption in Snakemake's report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Input:
    """Files, or values of an option, that the plan of the stage ``verb`` names ``name`` in its ``GIVES``.

    ``help``: for the command line. ``many``: ``draw`` gets a list, otherwise one path. ``needed``: the figure is not
    made where there are none; otherwise ``draw`` gets an empty list, or None.
    """

    verb: str
    name: str
    help: str
    many: bool = True
    needed: bool = True


@dataclass(frozen=True)
class Output:
    """A file, relative to the folder of the report.

    ``each``: an input, and how the paths of its files end: there is one file for each of them, and the ``{fields}`` of
    that ending stand in ``name`` and ``labels``. ``inside``: it is a folder, whose files of this pattern are shown.
    ``labels``: what Snakemake's report names it by. ``caption``: the name of a caption beside the module, where it is
    not the figure's. ``shown``: it is in Snakemake's report.
    """

    name: str
    each: tuple[str, str] | None = None
    inside: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    caption: str = ""
    shown: bool = True


@dataclass(frozen=True)
class Figure:
    """What a figure ``reads`` (the first are the command's arguments) and ``writes``, each by name.

    ``category``, ``subcategory``: its place in Snakemake's report. ``options``: values that are no inputs of its job.
    ``on_request``: it is not made with the others, but by ``snakemake report_<figure>``. The catalogue adds the
    ``path`` of its module, and its docstring as ``text``.
    """

    category: str
    reads: Mapping[str, Input]
    writes: Mapping[str, Output]
    options: Mapping[str, Input] = field(default_factory=dict)
    subcategory: str | None = None
    on_request: bool = False
    path: Path = Path()
    text: str = ""

    @property
    def name(self) -> str:
        """The name of its module, and of its log; with ``report_`` before it that of its rule."""
        return self.path.stem

    @property
    def command(self) -> str:
        """``resonaut report <command>`` draws it."""
        return self.name.replace("_", "-")

    @property
    def module(self) -> str:
        """Its module's file, relative to the package's folder."""
        return f"report/{self.path.parent.name}/{self.path.name}"

    def caption(self, output: Output) -> Path:
        """The caption of one of its files."""
        return self.path.with_name(f"{output.caption or self.name}.rst")


CONFIG = Input(
    "report",
    "config",
    "<results>/config/report.json, for the label and the energy above the figure.",
    many=False,
    needed=False,
)
DATA = Input("skim", "data", "<results>/skim/<dataset>.json of the data shown, for the luminosity.", needed=False)
MANIFESTS = Input("skim", "manifests", "<results>/skim/<dataset>.json of every dataset.")
CUTFLOWS = Input("skim", "cutflows", "<results>/skim/<dataset>.json of every dataset that no others make up.")
TAGGERS = Input("tag", "networks", "<results>/tag/<network>.json of every network.")
OWN_TAGGERS = Input("tag", "own", "<results>/tag/<network>.json of the networks of tag.networks.")
POINTS = Input("tag", "working_points", "<results>/tag/working_points/<name>/summary.json of each working point.")
REGRESSED = Input("tag", "regressed", "<results>/tag/<network>.json of the networks with a regression.")
CALIBRATED = Input("calibrate", "summaries", "<results>/calibrate/<dataset>/summary.json of the signals.")
RATIOS = Input(
    "reweight", "ratios", "<results>/reweight/<name>/closure.json of each ratio with a sample to compare with."
)
SELECTIONS = Input("select", "summaries", "<results>/select/<method>/<window>.json of all methods.")
RESULTS = Input("fit", "results", "<results>/fit/<method>/<window>.json of all fits, or one bare scan.json.")
SUMMARY = Input("fit", "summary", "<results>/fit/summary.json, for the global significances.", many=False, needed=False)
UNFOLDED = Input("unfold", "summary", "<results>/unfold/summary.json.", many=False)
EVALUATIONS = Input(
    "emulate", "evaluations", "<results>/emulate/<model>/evaluation.json of every model, and of the floor."
)
MEASUREMENTS = Input("trigger", "measurements", "<results>/trigger/<network>/measurement.json of every network.")
