"""The section ``fit.models`` of the configuration, and what its jobs read of it."""

import dataclasses
import math
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from resonaut.core.record import InverseFb, Name, NonNegative, key, record
from resonaut.fit.inference import Inference
from resonaut.fit.morphing.settings import Morphed
from resonaut.fit.transfer.settings import Transfer


@record
class FileSettings:
    """Histograms that are there already, and how they are called."""

    path: str = key(
        "A ROOT file, or JSON (`.json`, `.json.gz`): `{region: {sample: histogram}}`, which is of UHI's form or the "
        "lists `[values, variances]`; its name is `region/sample`, and `{era: histogram}` may stand in its place."
    )
    origin: str | None = key(
        "Where the file comes from, for the sentence that it is not there.", default=None, min_length=1
    )
    nominal: str = key(
        "Name of a histogram, with `{channel}` and `{sample}`. One by era is the sum of its eras.",
        default="{channel}/{sample}",
        min_length=1,
    )
    varied: list[str] = key(
        "Names of varied ones, with `{variation}` (as in `nuisances`) and `{way}` (up, down) as well; the first that "
        "there is counts.",
        default=["{channel}_{variation}_{way}/{sample}", "{channel}/{sample}_{variation}_{way}"],
    )
    data: str = key("What `{sample}` is for the data.", default="Data", min_length=1)


@record
class Channel:
    """A channel: an observable in bins, of the events that pass a cut."""

    observable: str | None = key(
        "Column of the events, or a formula of columns such as `max(j1_mass, j2_mass)`; null for a model of a file.",
        default=None,
        min_length=1,
    )
    edges: list[float] | None = key(
        "Ascending edges of the bins; an event on an edge is in the upper bin, those outside are left out. For a model "
        "of a file null, for its own, or some of these, whose bins are then merged and the others left out; all, where "
        "it has lists.",
        default=None,
        min_length=2,
    )
    cut: str | None = key(
        "Formula that is true for the channel's events, as `(j1_mass > 80) & (category_bdt == 1)`; null for all.",
        default=None,
        min_length=1,
    )
    name: str | None = key(
        "What `{channel}` is in the names of a file's histograms; null for the channel's own.", default=None
    )
    unit: str | None = key(
        "Unit of the observable, for figures, such as GeV; null for that of the column, or none for a formula and a "
        "file.",
        default=None,
        min_length=1,
    )
    label: str | None = key(
        "What figures call the observable, such as `m_{bb}`; null for what the column or file says, or the formula.",
        default=None,
        min_length=1,
    )


@record
class Sample:
    """A process: datasets, or histograms of a file, that are one in the fit."""

    datasets: list[str] = key(
        "Simulated datasets whose sum it is, or what `{sample}` is in the names of a file's histograms; none for the "
        "sample's own name.",
        default=[],
        unique=True,
    )
    channels: list[Name] | None = key("Channels in which it is; null for all.", default=None, unique=True, min_length=1)
    signal: bool = key("Its yield is multiplied with the first of `parameters_of_interest`.", default=False)
    normalisation: Literal["fixed", "free"] = key(
        "`free`: its yield is multiplied with a free parameter, too, `norm_<sample>` or `parameter`.", default="fixed"
    )
    parameter: Name | None = key(
        "Name of the parameter of a signal or a free normalisation; samples with the same one share it. Null for the "
        "usual one.",
        default=None,
    )
    scale: float = key(
        "Factor on its histograms, such as a branching fraction or, for a file, a luminosity.", default=1, gt=0
    )
    negative: Literal["clip", "keep"] = key(
        "Bins below 0: set to 0, and the others scaled to the same sum, or kept.", default="clip"
    )
    statistics: bool = key("The statistics of its simulation count in `statistics` of the model.", default=True)
    weight: Name | None = key(
        "Column of the events with weights relative to their own, such as `coupling_weight`; null for their own alone. "
        "Samples with such weights may have the same datasets.",
        default=None,
    )
    place: int | None = key("Which weight, where the column is a list of them, counted from 0.", default=None, ge=0)


@dataclasses.dataclass(frozen=True)
class _Factors:
    """Marks the factors [down, up] of a log-normal uncertainty; one number is the factor up, and its inverse down."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Both factors."""
        return core_schema.no_info_plain_validator_function(self._require)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """For editors."""
        number = {"type": "number", "exclusiveMinimum": 0}
        return {"anyOf": [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]}

    def _require(self, given: Any) -> tuple[float, float]:
        values = [given] if isinstance(given, int | float) else given
        numbers = isinstance(values, list | tuple) and all(type(one) in (int, float) for one in values)
        if not numbers or len(values) not in (1, 2) or not all(one > 0 and math.isfinite(one) for one in values):
            raise ValueError(f": {given!r} is no size; give the factor up, as 1.02, or [down, up], as [0.97, 1.04].")
        return (float(values[0]), float(values[-1])) if len(values) == 2 else (1 / values[0], float(values[0]))


Size = Annotated[tuple[float, float], _Factors()]


@record
class Effect:
    """What a nuisance does to some samples in some channels: a size, or a variation."""

    samples: list[Name] | None = key("In these samples; null for all.", default=None, unique=True, min_length=1)
    channels: list[Name] | None = key("In these channels; null for all.", default=None, unique=True, min_length=1)
    eras: list[str] | None = key(
        "To the parts of these eras, of datasets or of a file; null for all. The other parts stay as they are.",
        default=None,
        unique=True,
        min_length=1,
    )
    size: Size | None = key(
        "Log-normal factor on the yield by one standard deviation up, as 1.02; or both ways, [down, up], as "
        "[0.97, 1.04]. Null for a variation.",
        default=None,
    )
    variation: Name | None = key(
        "Source of uncertainty whose up and down are compared with the nominal histograms: of weights (of `skim`, "
        "`calibrate`, `reweight`), of shifted objects, or in the names of a file. Parts that lack it stay nominal.",
        default=None,
    )


@record
class Nuisance(Effect):
    """A nuisance parameter with a Gaussian constraint; whatever has its name is correlated."""

    also: list[Effect] = key("What else it does, such as with another size in another sample.", default=[])
    each_era: bool = key("One nuisance `<name>_<era>` for each era in place of one for all.", default=False)
    symmetric: bool = key(
        "Both ways of a variation are replaced with nominal plus and minus half of their difference.", default=False
    )
    smooth: bool = key("Its shapes are smoothed as `smooth` of the model says.", default=True)


@record
class Prune:
    """What is left out, in each sample of a channel, because it is small."""

    normalisation: float = key(
        "Changes of a yield that are smaller than this both ways, relative to it.", default=0, ge=0, lt=1
    )
    shape: float = key(
        "Changes of shape that are smaller than this in all bins, relative to the bin.", default=0, ge=0, lt=1
    )


@record
class Model:
    """A model of several channels, fitted at once: samples, nuisances and data."""

    file: FileSettings | None = key(
        "The histograms are those of a file, and not of events. Null for events.", default=None
    )
    data: list[str] | None = key(
        "Datasets of data or pseudo-data; null for those of `search.samples.data`, or for those in the model's file. "
        "Empty: Asimov data, what is expected at `asimov`.",
        default=None,
        unique=True,
    )
    luminosity: InverseFb | None = key(
        "Luminosity that simulation is normalised to where there are no data; null for that of the data, and for a "
        "model of a file.",
        default=None,
        gt=0,
    )
    channels: dict[Name, Channel] = key("The channels by name.", min_length=1)
    samples: dict[Name, Sample] = key("The samples by name.", min_length=1)
    nuisances: dict[Name, Nuisance] = key("The nuisances by name.", default={})
    statistics: bool = key(
        "The statistics of the simulation is uncertain: one parameter a bin for all samples (Barlow-Beeston, lite).",
        default=True,
    )
    prune: Prune = key("Which effects are left out.", default={})
    smooth: Literal["none", "353QH"] = key(
        "How varied shapes are smoothed: the ratio to the nominal one by running medians, 353QH twice.", default="none"
    )
    transfer: dict[Name, Transfer] = key(
        "Backgrounds that pass with a smooth probability, from the data that fail: samples of these names "
        "([transfer factors](fit_transfer.md)).",
        default={},
    )
    morphing: dict[Name, Morphed] = key(
        "Signals whose samples at some couplings make those at all couplings.", default={}
    )
    parameters_of_interest: list[Name] = key(
        "Parameters that are measured; signals have the first.", default=["mu"], min_length=1, unique=True
    )
    ranges: dict[Name, tuple[float, float]] = key(
        "Lowest and highest value in fits of a parameter that multiplies yields, as `{mu: [-5, 20]}`; else [0, 10].",
        default={},
    )
    inference: Inference = key("How it is fitted, and what is asked of the fit.", default={})
    asimov: NonNegative[float] = key("Value of the first of them in Asimov data.", default=1)


@record
class HistogramsJob:
    """What the job reads that fills the histograms of a channel.

    ``members``: the datasets of each sample; ``variations``: the sources of uncertainty that are asked for in each;
    ``file``: of a model of a file, and ``observed``, whether its data are read. ``weights``: for the samples with
    relative weights of their own the column, and the place in it.
    """

    channel: Channel
    members: dict[str, list[str]]
    variations: dict[str, list[str]]
    file: FileSettings | None
    observed: bool
    weights: dict[str, tuple[str, int | None]] = key("Of samples that have any.", default={})


@record
class WorkspaceJob:
    """What the job reads that makes the workspace: the ``model`` without what its histograms are made of."""

    model: Model
