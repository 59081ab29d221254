"""The section ``skim`` of the configuration."""

from typing import Literal

from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, Name, NonNegative, Positive, key, record
from resonaut.skim.corrections.settings import Era

# A range of values, both ends within it; null for an open side.
Limits = tuple[float | None, float | None]


@record
class ObjectCuts:
    """The objects of one name in a region: those that pass all cuts, by falling transverse momentum."""

    from_: str | None = key(
        "Collection of the file (`Muon`), or another object of the region, of which these are a part; null for the one "
        "that belongs to the name: `muon`, `electron`, `photon`, `tau`, `small_jet`, `track_jet`, `track`, "
        "`candidate`.",
        default=None,
        alias="from",
    )
    pt_min: GeV | None = key("Transverse momentum, at least; null for no cut.", default=None, ge=0)
    eta_max: float | None = key("Absolute pseudorapidity, at most; null for no cut.", default=None, gt=0)
    where: dict[Name, Limits] = key(
        "Ranges of any branches of the collection, ends included, null for an open side: "
        "`{tightId: [1, null], pfRelIso04_all: [null, 0.15]}`; true is 1.",
        default={},
    )
    apart: dict[Name, Positive[float]] = key(
        "Distances Delta R within which another object removes one of these, by that object's name: `{muon: 0.4}`; the "
        "large-radius jets are `large_jet`.",
        default={},
    )
    number: tuple[NonNegative[int], NonNegative[int] | None] = key(
        "How many an event must have, from and up to; `[0, 0]` is a veto, null no limit.", default=[0, None]
    )
    keep: int = key(
        "How many of them are kept, as `<name>1_pt` and so on; 0 where an event has fewer. Their number always is.",
        default=0,
        ge=0,
    )
    fields: list[Name] = key(
        "Other branches of the collection that are kept of each, as `<name>1_<branch>`.", default=[], unique=True
    )
    networks: list[str] = key(
        "Of jets that are kept: files of the inputs of published networks ([tag](published_networks.md)); what "
        "they want of the jets' candidates, tracks and vertices is kept, from PFNano.",
        default=[],
        unique=True,
    )


@record
class ParticleLevel:
    """Generated objects in place of the reconstructed ones; keys as of the region."""

    objects: dict[Name, ObjectCuts] = key(
        "Generated objects; `from` is by default `GenDressedLepton` for `muon` and `electron`, `GenJet` for "
        "`small_jet` and `GenTrackJet` for `track_jet`.",
        default={},
    )
    observables: list[Name] = key("Observables kept as columns.", default=[], unique=True)
    cuts: dict[Name, Limits] = key("Ranges of observables, ends included, null for an open side.", default={})


@record
class Region:
    """One event selection. Each kept jet passes all cuts on jets; GeV; null or empty leaves a cut out."""

    jets: int = key(
        "Large-radius jets required and kept, up to two; without two there is no pair, so no `delta_eta_max` and no "
        "`m_jj_min`.",
        default=2,
        ge=0,
        le=2,
    )
    pt_min: GeV = key("Transverse momentum of a jet, at least.", default=300, ge=0)
    eta_max: float = key("Absolute pseudorapidity of a jet, at most.", default=2.5, gt=0)
    softdrop_mass: tuple[GeV, GeV] | None = key("Window of a jet's soft-drop mass; null for none.", default=None)
    delta_eta_max: float | None = key(
        "Absolute pseudorapidity difference of the two jets, at most; null for no cut.", default=1.3, gt=0
    )
    m_jj_min: GeV | None = key("Invariant mass of the two jets, at least; null for no cut.", default=None, ge=0)
    objects: dict[Name, ObjectCuts] = key("Other objects of an event, by a name of one of them.", default={})
    observables: list[Name] = key(
        "Observables kept as columns, from the vocabulary in docs/skim.md; `m_jj` and `delta_eta_jj` of two jets "
        "always are.",
        default=[],
        unique=True,
    )
    cuts: dict[Name, Limits] = key(
        "Ranges of observables, ends included, null for an open side: `{m_ll: [71, 111]}`.", default={}
    )
    particle_level: ParticleLevel | None = key(
        "The selection at particle level, which an unfolding goes back to. Events that pass at either level are kept; "
        "columns of particle level are called `gen_<column>`. Of simulation only, and of regions without large-radius "
        "jets; null for none.",
        default=None,
    )
    trigger: list[str] = key("Trigger branches (`HLT_...`), of which one must have fired; empty for none.", default=[])
    met_filters: list[str] = key(
        "Filter branches (`Flag_...`), all of which must have passed; empty for none.", default=[]
    )
    jet_id: int | None = key(
        "Least value of the jet identification; 2 is tight in CMS NanoAOD; null for no cut.", default=None, ge=1
    )
    variations: bool = key(
        "Keep the relative weights of simulation with other shower and hard-process scales and couplings (`PSWeight`, "
        "`LHEScaleWeight`, `LHEReweightingWeight`); empty lists where a file has none. Never read for data and "
        "pseudo-data.",
        default=False,
    )
    networks: list[str] = key(
        "Files of the inputs (`preprocess.json`) of published networks ([tag](published_networks.md)): what they "
        "want of the large-radius jets' tracks and vertices is kept, from PFNano.",
        default=[],
        unique=True,
    )
    tracks: bool = key(
        "Keep the impact parameters of the jets' tracks and their errors (`j1_pf_d0`, ...), from PFNano or `simulate`.",
        default=False,
    )
    flavours: list[Literal["jets", "tracks"]] = key(
        "Keep of simulation what flavour taggers learn: the flavour of `jets` (`j1_flavour`), and where their `tracks` "
        "come from (`j1_pf_origin`, `j1_pf_vertex`), which files of `simulate` have.",
        default=[],
        unique=True,
    )
    columns: list[Name] = key(
        "Columns of your own to keep, which a file of `code` has under `COLUMNS` (docs/extend.md).",
        default=[],
        unique=True,
    )


@record
class Branches:
    """Names of collections and of fields that differ between versions of NanoAOD; null for what the file has."""

    jets: str | None = key("Collection of large-radius jets; null for `FatJet`.", default=None)
    candidates: str | None = key(
        "Collection of particle-flow candidates; null for `PFCands` (PFNano) or `PFCand` (NanoAOD from v15 on).",
        default=None,
    )
    links: str | None = key(
        "Collection that links jets with candidates; null for `FatJetPFCands` or `FatJetPFCand`.", default=None
    )
    link_jet: str = key("A link's index of the jet.", default="jetIdx")
    link_candidate: str | None = key(
        "A link's index of the candidate; null for `pFCandsIdx` or `pfCandIdx`.", default=None
    )
    softdrop_mass: str = key("A jet's soft-drop mass.", default="msoftdrop")
    n_subjettiness: bool = key(
        "Whether jets have `tau1` to `tau4`, kept as `j1_tau1` and so on; small-radius jets have none.", default=True
    )
    jet_id: str = key("A jet's identification.", default="jetId")
    b_tag: str | None = key(
        "A jet's b-tagging score, kept as `j1_b_tag`; `btagDeepB` in NanoAOD and in what `simulate` writes,"
        " null for none.",
        default=None,
    )
    puppi_weight: str | None = key(
        "A candidate's pile-up weight, which multiplies its momentum; null for `puppiWeight` where candidates have it"
        " and are not weighted yet, empty for none.",
        default=None,
    )
    met: str | None = key("Missing transverse momentum; null for `PuppiMET`, `MET` or `PFMET`.", default=None)
    rho: str | None = key(
        "Density of pile-up; null for `Rho_fixedGridRhoFastjetAll` (NanoAOD from v10 on) or `fixedGridRhoFastjetAll`.",
        default=None,
    )


@record
class Clustering:
    """Anti-kT jets and their soft drop, for raw LHC Olympics events."""

    radius: float = key("Jet radius.", default=1.0, gt=0)
    pt_min: GeV = key("Transverse momentum above which jets are formed.", default=200, ge=0)
    softdrop_zcut: float = key("Soft drop's least momentum fraction z_cut.", default=0.1, ge=0, le=0.5)
    softdrop_beta: float = key("Soft drop's angular exponent beta.", default=0)


@record
class BadFiles:
    """What to do with a file that cannot be read, or events in it; ``retry_wait`` in seconds."""

    action: Literal["fail", "skip"] = key(
        "Stop, or leave the file or the event out and scale the luminosity of data by the fraction of "
        "events that remain.",
        default="fail",
    )
    retries: int = key("Attempts after the first.", default=2, ge=0)
    retry_wait: float = key("Time between attempts.", default=1, ge=0, unit="s")
    max_lost_fraction: float = key(
        "Fraction of a dataset's events in skipped files, or left out, above which the dataset stops.",
        default=0.05,
        ge=0,
        le=1,
    )


@record
class Skim:
    """Event selection, formats of the input files, and what is kept of each event."""

    executor: Literal["iterative", "futures", "dask"] = key(
        "How NanoAOD files are read, in one process, in as many local processes as the job has threads, or "
        "by Dask workers. The events do not depend on it.",
        default="iterative",
    )
    dask_scheduler: str | None = key(
        "Address of a running Dask scheduler that sees the same files; null starts workers on this machine.",
        default=None,
    )
    batch_events: int = key(
        "Events that a worker reads at once; also the least number in a row group of the output.",
        default=10000,
        ge=1,
        unit="events",
    )
    truth: bool = key(
        "Keep from the generator record of simulation which quarks are in or near a jet. Never read for"
        " data and pseudo-data.",
        default=True,
    )
    generated_jets: bool = key(
        "Keep of simulation transverse momentum and mass of the generated jet (`GenJetAK8`) nearest to each jet, as "
        "`tag` may learn them.",
        default=False,
    )
    read_constituents: bool = key("Keep the particle-flow candidates of the jets.", default=True)
    max_constituents: int = key("Candidates kept of a jet, by falling transverse momentum.", default=100, ge=1)
    regions: dict[str, Region] = key(
        "Selections by name, for a dataset's `region`. The leading jets among those that pass all cuts on "
        "jets are kept.",
        default={
            "dijet": {"m_jj_min": 2900},
            "lhco": {"m_jj_min": 2500},
            "boosted_w": {
                "jets": 1,
                "pt_min": 225,
                "softdrop_mass": [70, 110],
                "delta_eta_max": None,
                "variations": True,
            },
        },
        merge=True,
    )
    eras: dict[Name, Era] = key(
        "What holds for the data of one period and for their simulation, by the datasets' `era`: triggers, filters, "
        "certified sections, prescales, corrections.",
        default={},
    )
    branches: Branches = key("Names in the NanoAOD files, which differ between versions.", default={})
    clustering: Clustering = key("Jets of raw LHC Olympics events, anti-kT with soft drop.", default={})
    bad_files: BadFiles = key(
        "What to do with a file that cannot be read, and with an event that passes all cuts but holds NaN, "
        "infinity or an index out of range.",
        default={},
    )
    duplicates: Literal["fail", "drop"] = key(
        "What to do with events that are in a dataset twice (a copy of a file, primary datasets that "
        "overlap), stop, or keep the first of each.",
        default="fail",
    )

    def region(self, name: str, dataset: str) -> Region:
        """The selection of a dataset; ``ConfigError`` where there is none of this name."""
        if name not in self.regions:
            raise ConfigError(
                f"config: datasets.{dataset}.region is {name!r}; skim.regions has only {', '.join(self.regions)}."
            )
        return self.regions[name]

    def era(self, dataset: DatasetConfig) -> Era:
        """What holds for the era of a dataset; nothing special where no block is of it."""
        return self.eras.get(dataset.era or "", Era())


@record
class Frozen:
    """What the jobs of one dataset read: ``<results>/config/skim/<job>/<dataset>.json``."""

    dataset: DatasetConfig
    skim: Skim
