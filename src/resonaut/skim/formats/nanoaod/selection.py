"""What a dataset needs of its NanoAOD files, and the columns that come of it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from resonaut.core.datasets import BLIND
from resonaut.core.events import KEY
from resonaut.skim import particle_level
from resonaut.skim.certified import Certified
from resonaut.skim.columns import Column, constituent_columns, generated_jets, schema
from resonaut.skim.corrections.prescales import Prescales
from resonaut.skim.formats.nanoaod import collections, tracks, weighted
from resonaut.skim.formats.nanoaod.corrected import Corrections
from resonaut.skim.formats.nanoaod.names import Names, generated
from resonaut.skim.network_inputs import NetworkInputs
from resonaut.skim.own import NEEDED, OwnColumns
from resonaut.skim.reading import Job
from resonaut.skim.region import Objects
from resonaut.skim.settings import Branches, Region
from resonaut.skim.variations import declare

GENERATED_JETS, MOMENTUM = "GenJetAK8", ("pt", "eta", "phi", "mass")
TAUS = ("tau1", "tau2", "tau3", "tau4")
# The flavour of a jet: 5, 4 or 0, and where files of ``simulate`` have it 15 for what is neither.
FLAVOUR, TAU_FLAVOUR = "hadronFlavour", "tauFlavour"


@dataclass(frozen=True)
class Jets:
    """Jets of which the contents are kept: their collection, its links with candidates, and what networks want.

    ``weighted``: the candidates' momenta are kept times their weights.
    """

    collection: str
    links: str
    networks: NetworkInputs
    weighted: bool


@dataclass(frozen=True)
class Selection:
    """All that decides what is read from a file and kept; ``simulation``: generator weights are read.

    Events that fired one of the triggers ``others`` are left to another dataset.
    """

    region: Region
    branches: Branches
    constituents: int | None
    simulation: bool
    truth: bool
    variations: bool
    certified: Certified | None
    own: OwnColumns
    corrections: Corrections
    others: tuple[str, ...]
    prescales: Prescales | None
    networks: NetworkInputs
    most: int
    generated_jets: bool

    @classmethod
    def of(cls, job: Job) -> "Selection":
        """The selection for a dataset; a blind one shows no truth.

        Raises:
            InputFileError: a list or table that the dataset's era names is missing, or none.
        """
        config, era, simulation = job.config, job.era, job.dataset.nature not in BLIND
        region = era.region
        corrections = Corrections(era.name, era.corrections, not simulation)
        corrections.open()
        return cls(
            region,
            config.branches,
            config.max_constituents if config.read_constituents and region.jets else None,
            simulation,
            config.truth and simulation and region.jets > 0,
            region.variations and simulation,
            None if era.certified is None else Certified.read(Path(era.certified)),
            job.own,
            corrections,
            era.others,
            None if era.prescales is None else Prescales.read(Path(era.prescales)),
            NetworkInputs.of(region.networks if region.jets else ()).and_tracks(
                region.tracks, simulation and "tracks" in region.flavours
            ),
            config.max_constituents,
            config.generated_jets and simulation and region.jets > 0,
        )

    @property
    def objects(self) -> Objects:
        """The objects and observables of the region."""
        return Objects(self.region, self.own.code)

    @cached_property
    def object_networks(self) -> dict[str, NetworkInputs]:
        """What networks want of objects that are jets, by the objects' names."""
        objects = self.region.objects.items()
        return {name: NetworkInputs.of(cuts.networks) for name, cuts in objects if cuts.networks}

    def made_of(self, names: Names) -> dict[str, Jets]:
        """Those objects, and where their contents are in a file; momenta are as they are, as jets of CHS have them."""
        found = {}
        for name, networks in self.object_networks.items():
            collection = self.objects.kind(name).collection
            found[name] = Jets(collection, names.links_of(collection), networks, weighted=False)
        return found

    @property
    def particles(self) -> Objects | None:
        """Those of particle level, which simulation alone has, if the region has one."""
        return self.objects.particle_level() if self.simulation else None

    @property
    def shapes(self) -> tuple[str, ...]:
        """The jets' columns beside momentum and masses."""
        taus = TAUS if self.branches.n_subjettiness else ()
        return (*taus, *(["b_tag"] if self.branches.b_tag else []), *(["flavour"] if self.flavours else []))

    @property
    def flavours(self) -> bool:
        """Whether the jets' flavours are kept."""
        return self.simulation and "jets" in self.region.flavours

    def columns(self) -> dict[str, Column]:
        """The columns of the selected events."""
        found = schema(self.region.jets, self.shapes, self.constituents is not None, self.truth, self.variations)
        large = [f"j{number + 1}" for number in range(self.region.jets)]
        found |= self.networks.columns(large, self.branches.jets or "FatJet")
        found |= generated_jets(self.region.jets) if self.generated_jets else {}
        found |= self.objects.columns()
        for name, networks in self.object_networks.items():
            jets = [f"{name}{place + 1}" for place in range(self.region.objects[name].keep)]
            found |= {column: of for jet in jets for column, of in constituent_columns(jet).items()}
            found |= networks.columns(jets, self.objects.kind(name).collection)
        found |= self.own.columns()
        weights = weighted.columns(self.corrections, self.prescales is not None)
        return declare(found, self.corrections.groups()) | particle_level.columns(self.particles) | weights

    def needed(self, names: Names) -> dict[str, str]:
        """The branches that a file must have, each with the remedy where it lacks one."""
        region = self.region
        here = "name the file's branches in skim.branches"
        fields = ["pt", "eta", "phi", "mass", names.softdrop_mass, *filter(None, [names.b_tag])]
        fields += [*(TAUS if self.branches.n_subjettiness else ()), *([FLAVOUR] if self.flavours else [])]
        needed = dict.fromkeys(KEY, "give a NanoAOD file")
        needed |= {f"{names.jets}_{name}": here for name in fields if region.jets}
        needed |= collections.branches(self.objects, names, self.corrections.identifies("small_jet"))
        if self.particles is not None:
            needed |= collections.branches(self.particles, generated(names))
        if region.jet_id is not None and not self.corrections.identifies("large_jet"):
            needed[f"{names.jets}_{names.jet_id}"] = f"{here}, or set the region's jet_id to null"
        if self.constituents is not None:
            remedy = f"{here}, or set skim.read_constituents to false"
            fields = ["pt", "eta", "phi", "mass", "pdgId", *filter(None, [names.puppi_weight])]
            needed |= {f"{names.candidates}_{name}": remedy for name in fields}
            needed |= {f"{names.links}_{name}": remedy for name in (names.link_jet, names.link_candidate)}
            needed |= tracks.branches(self.networks, names, names.jets, names.links)
        for jets in self.made_of(names).values():
            fields = ["pt", "eta", "phi", "mass", "pdgId", *filter(None, [names.puppi_weight])]
            needed |= {f"{names.candidates}_{name}": here for name in fields}
            needed |= {f"{jets.links}_{name}": here for name in (names.link_jet, names.link_candidate)}
            needed |= tracks.branches(jets.networks, names, jets.collection, jets.links)
        if self.simulation:
            needed["genWeight"] = "give the dataset the nature data, or a file of simulated events"
        if self.truth:
            fields = ["pt", "eta", "phi", "mass", "pdgId", "genPartIdxMother"]
            needed |= {f"GenPart_{name}": "set skim.truth to false" for name in fields}
        if self.generated_jets:
            remedy = "set skim.generated_jets to false, or simulate with generator.objects"
            needed |= {f"{GENERATED_JETS}_{name}": remedy for name in MOMENTUM}
        needed |= self.corrections.needed(names) | weighted.needed(self.corrections)
        return dict.fromkeys(self.own.branches, NEEDED) | needed
