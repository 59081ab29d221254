"""What a dataset is: its nature, its files or its generator, its normalisation."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from resonaut.core import formats
from resonaut.core.errors import ConfigError
from resonaut.core.record import Fb, GeV, InverseFb, NonNegative, key, record

Nature = Literal["data", "pseudo_data", "simulation"]

# Natures whose events stand for collisions: no truth may be read or written for them.
BLIND: tuple[Nature, ...] = ("data", "pseudo_data")


@record
class Component:
    """One process of a generated dataset: ``cross_section`` in fb or a fixed number of events."""

    process: str = key("Name of the process in `simulate.processes`.")
    mass: GeV | None = key("Resonance mass put into the process's settings.", default=None)
    cross_section: Fb | None = key(
        "Cross section; with the luminosity it gives the number of events.", default=None, ge=0
    )
    events: int | None = key("Number of events instead of a cross section.", default=None, ge=0)


@record
class Generator:
    """How ``simulate`` makes a dataset: physics settings, its processes, events in each file.

    ``shower_variations``: its events carry weights for other scales of the parton showers.
    """

    tune: str = key("Name of the shower and hadronisation settings in `simulate.tunes`.", default="simulation")
    events_per_chunk: int = key("Events that one job generates.", default=5000, ge=1)
    seed: int = key("Seed of the dataset; a chunk's seed follows from it and the chunk's number.", default=1, ge=1)
    shower_variations: bool = key(
        "Give each event the weights it would have with other scales of the parton showers (`PSWeight`), "
        "settings in `simulate.shower_variations`; only for simulation. Pythia then takes about twice as long.",
        default=False,
    )
    objects: bool = key(
        "Store small-radius jets, leptons, photons, taus and subjets too, settings in `simulate.objects`.", default=True
    )
    track_jets: bool = key(
        "Store jets of charged particles too, and of simulation those of particle level and dressed leptons: what an "
        "unfolding compares. Settings in `simulate.objects.track_jet`; needs `objects`.",
        default=False,
    )
    tracks: bool = key(
        "Store impact parameters of tracks too, and the candidates of small-radius jets, settings in "
        "`simulate.objects.track`; needs `objects`.",
        default=False,
    )
    fake_taus: float = key(
        "Jets pass for taus so many times as often as `simulate.objects.tau.fake` says; the events' weights make up "
        "for it. Only for simulation; needs `objects`.",
        default=1,
        ge=1,
    )
    components: list[Component] = key("The processes that are mixed in the dataset.")


@record
class LabelledEvents:
    """Which events of a labelled file (LHC Olympics) form the dataset.

    ``background`` and ``signal`` are slices of each kind after a shuffle with ``seed``: ``[0, 160]`` keeps the
    first 160, ``[160, null]`` all others, so that two datasets never share an event.
    """

    background: tuple[NonNegative[int], NonNegative[int] | None] = key(
        "First and last (excluded) background event kept after the shuffle; null as last is the end, [0, 0] is none.",
        default=[0, None],
    )
    signal: tuple[NonNegative[int], NonNegative[int] | None] = key("The same for the signal events.", default=[0, 0])
    seed: int = key("Seed of the shuffles.", default=1)


@record
class DrawnEvents:
    """Simulated events that stand for collisions, each at most once: pseudo-data without a signal."""

    datasets: list[str] = key(
        "Simulated datasets that they are drawn from, with all their weights, those of `reweight` among them.",
        min_length=1,
        unique=True,
    )
    seed: int = key("Seed of the draw.", default=1, ge=0)


@record
class DatasetConfig:
    """One entry of the configuration's ``datasets``; luminosity in 1/fb, cross_section in fb, mass in GeV.

    ``certified`` and ``expected``: JSON files, of the certified luminosity sections and of what is known of ``files``.
    """

    MOVED: ClassVar = {
        "role": "'nature' (data, pseudo_data or simulation), and the dataset's name stands in a sample: search.samples "
        "(data, pseudo_data, background, signal) or calibrate.samples (data, simulation, background for what were "
        "w_data, w_sim, w_background)"
    }

    nature: Nature = key(
        "What the events are. Of `data` and `pseudo_data` no stage sees the truth; `pseudo_data` are known to hold no "
        "signal. Which stage uses a dataset for what is said by the samples (`search.samples`)."
    )
    era: str | None = key(
        "Name of the data-taking period. Data of one era (several triggers) share one luminosity, those of several "
        "eras add up; simulation of an era stands for that era's luminosity. Null for data of one luminosity, and for "
        "simulation that stands for all eras.",
        default=None,
    )
    format: str = key(
        "Layout of the files (docs/skim.md lists the formats), or one of your own from a file of `code`.",
        default="nanoaod",
    )
    region: str = key("Name of the selection in `skim.regions`.", default="dijet")
    files: list[str] = key("Files of the dataset (none for a generated one).", default=[])
    files_per_chunk: int = key("Files that one job reads.", default=1, ge=1)
    skimmed: str | None = key(
        "Manifest of a dataset that another analysis has skimmed, `results/other/skim/qcd.json`, in place of files. "
        "Its events are linked into this analysis's results; era, luminosity, cross section and mass are taken over. "
        "Null for none.",
        default=None,
    )
    combine: list[str] = key(
        "Simulated datasets, one of each era of the data, that are this one together: each has the part of the cross "
        "section that its era's luminosity is of all. Region, format, cross section and mass are theirs. Empty for "
        "none.",
        default=[],
        unique=True,
    )
    drawn: DrawnEvents | None = key(
        "Which simulated datasets `pseudo_data` are drawn from, to their `luminosity`. Region and format are theirs. "
        "Null for all others.",
        default=None,
    )
    generator: Generator | None = key("How `simulate` makes the dataset; null for a dataset with files.", default=None)
    labelled: LabelledEvents | None = key(
        "Which events of a labelled file (LHC Olympics) form the dataset; null for all others.", default=None
    )
    certified: str | None = key(
        'File with the certified luminosity sections of CMS data ("golden JSON"), to which `luminosity` '
        "belongs; events of other sections are left out. Null for none.",
        default=None,
    )
    trigger: list[str] | None = key(
        "Triggers that recorded these data, a part of the era's (or the region's) `trigger`, whose order decides on "
        "events that are in several datasets: one that fired an earlier trigger than these is left to the others. Null "
        "for all triggers, as in simulation.",
        default=None,
        min_length=1,
        unique=True,
    )
    expected: str | None = key(
        'JSON file with what is known of `files`, `{"a.root": {"events": 1000, "adler32": "0a1b2c3d", '
        '"sha256": "..."}}`, by path or name, each of the three if known; a file that differs counts as one'
        " that cannot be read. Null for none.",
        default=None,
    )
    luminosity: InverseFb | None = key("Integrated luminosity of data.", default=None, gt=0)
    cross_section: Fb | None = key("Cross section of a simulated dataset; 1 fb for signals.", default=None, gt=0)
    mass: GeV | None = key("Resonance mass of a signal.", default=None, gt=0)

    def component_events(self) -> list[int]:
        """Number of events of each generated component: given, or cross section times luminosity."""
        assert self.generator is not None
        counts = []
        for component in self.generator.components:
            if component.events is not None:
                counts.append(component.events)
            else:
                assert component.cross_section is not None
                assert self.luminosity is not None
                counts.append(round(component.cross_section * self.luminosity))
        return counts

    def n_chunks(self) -> int:
        """Number of chunks, one job each: known from the configuration alone."""
        if self.generator is not None:
            return max(1, -(-sum(self.component_events()) // self.generator.events_per_chunk))
        return max(1, -(-len(self.files) // self.files_per_chunk))


def require_part(where: str, first: int, last: int | None) -> None:
    """Stop with ``ConfigError`` where a slice of labelled events is upside down."""
    if last is not None and last < first:
        raise ConfigError(f"{where} is [{first}, {last}]; give the first event first.")


def require_certifiable(name: str, nature: str, format_: str, code: Sequence[str] = ()) -> None:
    """Stop where the dataset ``name`` cannot have certified luminosity sections; ``code``: the user's own files."""
    if nature != "data" or not formats.entry(format_, code).sections:
        raise ConfigError(
            f"config: datasets.{name}.certified: only data have certified luminosity sections, and only a format such "
            "as nanoaod tells an event's section; set it to null."
        )
