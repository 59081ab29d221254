"""The HistFactory workspace of a model, as pyhf reads it, and the description beside it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError, EmptySelectionError, during
from resonaut.fit.morphing.workspace import morphed, shares
from resonaut.fit.results.models import (
    ChannelHistograms,
    ModelChannel,
    ModelDescription,
    Part,
    Treatment,
    Varied,
    Yield,
)
from resonaut.fit.results.transfer import OrderStep, TransferRegion
from resonaut.fit.templates import acting
from resonaut.fit.templates.empty import require_background, with_few_events
from resonaut.fit.templates.settings import Model, Nuisance, Sample
from resonaut.fit.templates.shapes import Template
from resonaut.fit.transfer.ftest import ordered
from resonaut.fit.transfer.workspace import regions, transferred

Array = NDArray[np.float64]
# Plain JSON data of HistFactory's schema, or a part of them.
HistFactory = dict[str, Any]

# Of a parameter that multiplies yields, where the model says none.
RANGE = (0.0, 10.0)


def build(name: str, model: Model, channels: Sequence[ChannelHistograms]) -> tuple[HistFactory, ModelDescription]:
    """The workspace of the model ``name``, and what became of its templates.

    Args:
        name: of the model.
        model: its settings.
        channels: the histograms of all of its channels.

    Raises:
        ConfigError: a variation or an era is in no sample, or there is no luminosity.
        EmptySelectionError: no event of the signal is selected, or none is expected where there are data.
    """
    made = _Model(name, model, channels)
    acting.require(made.where, model, channels)
    templates = {one.channel: list(made.templates(one)) for one in channels}
    made.require_signal([one for found in templates.values() for one in found])
    specification = [made.channel(one.channel, templates[one.channel]) for one in channels]
    data = {
        one.channel: one.data if one.data is not None else made.expected(templates[one.channel]) for one in channels
    }
    workspace = {
        "version": "1.0.0",
        "channels": specification,
        "observations": [{"name": name, "data": counts} for name, counts in data.items()],
        "measurements": [
            {
                "name": name,
                "config": {"poi": model.parameters_of_interest[0], "parameters": made.parameters(specification)},
            }
        ],
    }
    edges = {one.channel: one.edges for one in channels}
    workspace, steps, passing = completed(workspace, edges, model)
    treatments = [one for found in templates.values() for template in found for one in template.treatments]
    asimov = any(one.data is None for one in channels)
    with during(f"fit.models.{name}"):
        treatments += [*made.without_effect(specification), *require_background(workspace, made.signals, asimov)]
    used = _names(specification, ("normsys", "histosys"))
    return workspace, ModelDescription(
        model=name,
        luminosity=made.luminosity,
        asimov=asimov,
        parameters_of_interest=model.parameters_of_interest,
        signals=made.signals,
        processes=_processes(workspace, model),
        nuisances=[one for one in made.nuisances if one in used],
        channels={one.channel: _described(one, templates[one.channel], data[one.channel]) for one in channels},
        treatments=treatments,
        transfer=steps,
        transferred=passing,
        notes=list(dict.fromkeys(note for one in channels for note in one.notes)),
    )


def completed(
    workspace: HistFactory, edges: Mapping[str, Sequence[float]], model: Model
) -> tuple[HistFactory, list[OrderStep], list[TransferRegion]]:
    """The workspace with backgrounds from failing events and morphed signals; the former's F-tests and channels."""
    transfers, steps = ordered(workspace, edges, model.transfer)
    return morphed(transferred(workspace, edges, transfers), model.morphing), steps, regions(transfers)


def _processes(workspace: HistFactory, model: Model) -> dict[str, str]:
    """What each sample is a part of."""
    names = dict.fromkeys(sample["name"] for channel in workspace["channels"] for sample in channel["samples"])
    whole = {*model.samples, *model.transfer}
    parts = {name: one for name in names for one in model.transfer if name.startswith(f"{one}_")}
    return {name: name if name in whole else parts.get(name, name) for name in names}


def _described(one: ChannelHistograms, templates: Iterable[Template], data: list[float]) -> ModelChannel:
    return ModelChannel(
        observable=one.observable,
        label=one.label,
        unit=one.unit,
        edges=one.edges,
        samples={
            template.sample: Yield(
                events=float(template.nominal.sum()),
                error=float(np.sqrt((template.error**2).sum())),
                contents=template.nominal.tolist(),
            )
            for template in templates
        },
        data=data,
    )


@dataclass(frozen=True)
class _Model:
    """A model and the histograms of its channels."""

    name: str
    model: Model
    histograms: Sequence[ChannelHistograms]

    @property
    def where(self) -> str:
        """Where its keys stand."""
        return f"fit.models.{self.name}"

    @property
    def luminosity(self) -> float | None:
        """In 1/fb; None where no histogram is a cross section.

        Raises:
            ConfigError: there is none.
        """
        if not any(one.in_fb for one in self.histograms):
            return None
        found = self.model.luminosity or next((one.luminosity for one in self.histograms if one.luminosity), None)
        if found is None:
            raise ConfigError(f"{self.where} has neither data nor a luminosity; give 'luminosity', in 1/fb.")
        return found

    @property
    def signals(self) -> list[str]:
        """The samples that are signals."""
        return [name for name, one in self.model.samples.items() if one.signal]

    @property
    def nuisances(self) -> dict[str, tuple[Nuisance, str | None]]:
        """The nuisances by the name of their parameter, with the era that each acts on alone, or None."""
        found: dict[str, tuple[Nuisance, str | None]] = {}
        eras = acting.eras(self.histograms)
        for name, one in self.model.nuisances.items():
            own = [era for era in eras if one.eras is None or era in one.eras]
            found |= {f"{name}_{era}": (one, era) for era in own} if one.each_era else {name: (one, None)}
        return found

    def templates(self, channel: ChannelHistograms) -> Iterator[Template]:
        """Those of a channel, in the order of the samples."""
        found = []
        for name, settings in self.model.samples.items():
            if name in channel.samples:
                factor = settings.scale * ((self.luminosity or 1.0) if channel.in_fb else 1.0)
                parts = [_scaled(one, factor) for one in channel.samples[name]]
                found.append(Template.of(channel.channel, name, parts, settings))
        # Histograms of files have the errors that their authors gave them.
        simulated = channel.in_fb and not self._transferred(channel.channel)
        return with_few_events(found) if simulated and self.model.statistics else iter(found)

    def _transferred(self, channel: str) -> bool:
        """Whether a background of the channel is data."""
        return any(channel in one.channels for one in self.model.transfer.values())

    def channel(self, name: str, templates: Iterable[Template]) -> HistFactory:
        """A channel of the specification.

        Raises:
            EmptySelectionError: no event of any sample is expected.
        """
        samples = []
        for one in templates:
            if one.empty:
                one.say("empty_sample", None, 0.0, "no event is expected, and the sample is left out")
                continue
            modifiers = [*self._factors(one.sample, one.settings)]
            for nuisance, (settings, era) in self.nuisances.items():
                modifiers += one.modifiers(nuisance, settings, era, self.model)
            if self.model.statistics and one.settings.statistics and one.error.any():
                error = {"name": f"staterror_{name}", "type": "staterror", "data": one.error.tolist()}
                modifiers.append(error)
            samples.append({"name": one.sample, "data": one.nominal.tolist(), "modifiers": modifiers})
        if not samples and not self._transferred(name):
            raise EmptySelectionError(
                f"{self.where}: no event of any sample is expected in the channel {name!r}; correct its cut or edges, "
                "or take it out."
            )
        return {"name": name, "samples": samples}

    def _factors(self, sample: str, settings: Sample) -> Iterator[HistFactory]:
        """What multiplies a sample freely."""
        if settings.signal or settings.normalisation == "free":
            default = self.model.parameters_of_interest[0] if settings.signal else f"norm_{sample}"
            yield {"name": settings.parameter or default, "type": "normfactor", "data": None}

    def parameters(self, specification: Iterable[HistFactory]) -> list[HistFactory]:
        """Start and range of the parameters that multiply yields.

        Raises:
            ConfigError: a parameter of interest, or one with a range, multiplies nothing.
        """
        free = _names(specification, ("normfactor",))
        for one in self.model.parameters_of_interest:
            if one not in (*free, *couplings(self.model)):
                raise ConfigError(
                    f"{self.where}.parameters_of_interest: {one!r} multiplies no sample; make one a signal, or give it "
                    "as the 'parameter' of one."
                )
        found = []
        for one in free:
            low, high = self.model.ranges.get(one, RANGE)
            found.append({"name": one, "inits": [min(max(1.0, low), high)], "bounds": [[low, high]]})
        return found

    def expected(self, templates: Iterable[Template]) -> list[float]:
        """Asimov data of a channel, (N,); of morphed signals those where the couplings have their values."""
        share = shares(self.model.morphing)
        sums = [
            one.nominal * (self.model.asimov if one.settings.signal else 1.0) * share.get(one.sample, 1.0)
            for one in templates
        ]
        found: list[float] = np.sum(sums, axis=0).tolist()
        return found

    def require_signal(self, templates: Iterable[Template]) -> None:
        """Stop where nothing of the signal is selected in any channel."""
        if self.signals and all(one.empty for one in templates if one.settings.signal):
            raise EmptySelectionError(
                f"{self.where}: no channel selects an event of {' or '.join(map(repr, self.signals))}, and nothing "
                "depends on the parameter of interest; loosen the cuts, or give the signal more events."
            )

    def without_effect(self, specification: Iterable[HistFactory]) -> Iterator[Treatment]:
        """Nuisances and free normalisations that are not in the workspace, as they change nothing."""
        specification = list(specification)
        there = _names(specification, ("normsys", "histosys"))
        for name in self.nuisances:
            if name not in there:
                yield _treatment("no_effect", name, "it changes no template, and is not in the workspace")
        free = _names(specification, ("normfactor",))
        for name, one in self.model.samples.items():
            for factor in self._factors(name, one):
                if factor["name"] not in free:
                    yield _treatment("free_without_effect", factor["name"], "what it multiplies is expected nowhere")


def couplings(model: Model) -> list[str]:
    """The couplings of its morphed signals."""
    return [name for process in model.morphing.values() for term in process.amplitude for name in term]


def _treatment(what: Any, nuisance: str, why: str) -> Treatment:
    return Treatment(what=what, channel=None, sample=None, nuisance=nuisance, size=0.0, why=why)


def _scaled(part: Part, factor: float) -> Part:
    """A part in events."""

    def times(values: list[float] | None, by: float = factor) -> list[float] | None:
        return None if values is None else [value * by for value in values]

    return Part(
        era=part.era,
        values=times(part.values) or [],
        variances=times(part.variances, factor**2) or [],
        events=part.events,
        outside=None if part.outside is None else part.outside * factor,
        varied={source: Varied(up=times(one.up), down=times(one.down)) for source, one in part.varied.items()},
    )


def _names(specification: Iterable[HistFactory], kinds: Sequence[str]) -> list[str]:
    """The names of the modifiers of some types, each once."""
    found = (
        modifier["name"]
        for channel in specification
        for sample in channel["samples"]
        for modifier in sample["modifiers"]
        if modifier["type"] in kinds
    )
    return list(dict.fromkeys(found))
