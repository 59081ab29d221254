"""The histograms of a channel from a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.fit.histfactory.specification import LARGEST
from resonaut.fit.results.models import ChannelHistograms, Part, Varied
from resonaut.fit.templates.book import Book, Eras, Stored
from resonaut.fit.templates.parts import joined
from resonaut.fit.templates.settings import Channel, FileSettings, HistogramsJob

Array = NDArray[np.float64]


def histograms(job: HistogramsJob, name: str) -> ChannelHistograms:
    """The histograms of the channel ``name`` from the job's file, in events.

    Raises:
        InputFileError: the file has no such histogram, or is none of this kind.
        ConfigError: the edges are not those of the file.
    """
    assert job.file is not None
    reader = _Reader(Book.open(Path(job.file.path)), job.file, job.channel, job.channel.name or name)
    samples: dict[str, list[Part]] = {}
    notes: list[str] = []
    axes: list[tuple[str, Stored]] = []
    for sample, members in job.members.items():
        parts: list[Part] = []
        for member in members:
            remedy = f"correct file.nominal, or name the channels of {sample!r} in its 'channels'"
            nominal = reader.nominal(member, remedy)
            axes += [(member, one) for one in nominal.values()]
            varied = {source: reader.varied(member, source) for source in job.variations.get(sample, ())}
            lacking = [source for source, ways in varied.items() if not ways]
            notes += [f"{member!r} has no variation {source!r}, and is nominal in it" for source in lacking]
            parts += [_part(era, stored, varied) for era, stored in nominal.items()]
        samples[sample] = joined(parts)
    data = None
    if job.observed:
        eras = reader.nominal(job.file.data, "correct file.data, or set the model's 'data' to [] for Asimov data")
        axes += [(job.file.data, one) for one in eras.values()]
        _require_counts(reader.book.path, name, eras, samples)
    _require_alike(reader.book.path, name, axes)
    if job.observed:
        data = np.sum([one.values for one in eras.values()], axis=0).tolist()
    first = axes[0][1]
    edges = job.channel.edges if first.edges is None else first.edges.tolist()
    if edges is None:
        raise ConfigError(f"channel {name!r}: {job.file.path} has lists, without edges; give the channel's 'edges'.")
    observable = job.channel.observable or name
    return ChannelHistograms(
        channel=name,
        observable=observable,
        label=job.channel.label or first.label or observable,
        unit=job.channel.unit or "1",
        edges=edges,
        in_fb=False,
        luminosity=None,
        samples=samples,
        data=data,
        notes=list(dict.fromkeys(notes)),
    )


def _require_alike(path: Path, channel: str, axes: Sequence[tuple[str, Stored]]) -> None:
    """Stop where the histograms of a channel have different bins."""
    name, first = axes[0]
    for other, one in axes:
        if not one.is_like(first):
            raise InputFileError(
                path,
                f"the histograms of {name!r} and {other!r} have different bins in channel {channel!r}",
                "give 'edges' of the channel that both have",
            )


def _require_counts(path: Path, channel: str, data: Eras, samples: Mapping[str, Sequence[Part]]) -> None:
    """Stop at data below 0, and at simulation of an era that the data do not have, which would come on top."""
    if any((one.values < 0).any() for one in data.values()):
        raise InputFileError(path, f"the data of channel {channel!r} have a bin below 0", "mend it")
    for sample, parts in samples.items():
        for era in {part.era for part in parts} - data.keys():
            if era is not None and None not in data:
                raise InputFileError(
                    path,
                    f"channel {channel!r} has the sample {sample!r} of the era {era!r}, and data of "
                    f"{', '.join(map(repr, data))}",
                    "add the data of this era, or take its simulation out",
                )


@dataclass(frozen=True)
class _Reader:
    """The histograms of a region of a file, in the channel's bins."""

    book: Book
    settings: FileSettings
    channel: Channel
    region: str

    def nominal(self, sample: str, remedy: str) -> Eras:
        """Of a sample, by era.

        Raises:
            InputFileError: there is none, or it has no numbers of events.
        """
        name = self.settings.nominal.format(channel=self.region, sample=sample)
        found = self.book.get(name)
        if found is None:
            raise InputFileError(self.book.path, f"no histogram {name!r}", remedy)
        for one in found.values():
            self._require_numbers(name, one.values, one.variances)
        return {era: self._in_bins(one, name) for era, one in found.items()}

    def varied(self, sample: str, source: str) -> dict[str, Eras]:
        """Of a sample with a source up and down, as far as the file has them.

        A bin that is NaN, as who divides by its empty nominal bin writes it, is nominal.
        """
        found: dict[str, Eras] = {}
        base = self.book.get(self.settings.nominal.format(channel=self.region, sample=sample)) or {}
        for way in ("up", "down"):
            words = {"channel": self.region, "sample": sample, "variation": source, "way": way}
            names = [pattern.format(**words) for pattern in self.settings.varied]
            name = next((one for one in names if self.book.get(one)), None)
            if name is not None:
                eras = self.book.get(name) or {}
                found[way] = {era: self._in_bins(self._mended(name, era, one, base), name) for era, one in eras.items()}
        return found

    def _mended(self, name: str, era: str | None, varied: Stored, base: Eras) -> Stored:
        nominal = base.get(era)
        if nominal is None or not varied.is_like(nominal):
            raise InputFileError(
                self.book.path, f"{name!r} has other bins or eras than the nominal histogram", "correct file.varied"
            )
        values = np.where(np.isnan(varied.values) & (nominal.values == 0), 0.0, varied.values)
        self._require_numbers(name, values)
        return Stored(values, varied.variances, varied.edges)

    def _require_numbers(self, name: str, *values: Array) -> None:
        if not all(np.isfinite(one).all() for one in values):
            raise InputFileError(self.book.path, f"{name!r} has a bin that is NaN or infinite", "mend it")
        if (largest := max(float(np.abs(one).max(initial=0)) for one in values)) > LARGEST:
            problem = f"{name!r} has a content or variance of {largest:.3g}, which is no number of events"
            raise InputFileError(self.book.path, problem, "mend it")

    def _in_bins(self, stored: Stored, name: str) -> Stored:
        edges = self.channel.edges
        return stored if edges is None else stored.merged(np.array(edges), f"{self.book.path}: {name!r}")


def _part(era: str | None, stored: Stored, varied: Mapping[str, Mapping[str, Eras]]) -> Part:
    ways = {
        source: {way: eras[era].values.tolist() for way, eras in found.items() if era in eras}
        for source, found in varied.items()
    }
    return Part(
        era=era,
        values=stored.values.tolist(),
        variances=stored.variances.tolist(),
        events=None,
        outside=None,
        varied={source: Varied(up=one.get("up"), down=one.get("down")) for source, one in ways.items() if one},
    )
