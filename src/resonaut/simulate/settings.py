"""The section ``simulate`` of the configuration."""

from typing import Annotated, Literal

from pydantic import Field

from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, Name, Pattern, key, record
from resonaut.physics import couplings
from resonaut.simulate.level1.settings import Level1, PoolPart, Sample
from resonaut.simulate.showers.settings import ShowerSample

Pdg = Annotated[str, Pattern(r"^[1-9][0-9]*$", "a PDG number, in quotes")]


@record
class Tracker:
    """Response to charged particles: resolution sigma(pT)/pT = constant (+) slope * pT, added in quadrature."""

    efficiency: float = key("Probability that a charged particle leaves a track.", default=0.95, ge=0, le=1)
    pt_min: GeV = key("Smallest transverse momentum of a track.", default=0.5, ge=0)
    eta_max: float = key("Reach in absolute pseudorapidity.", default=2.5, gt=0)
    resolution_constant: float = key("Relative pT resolution at low momentum.", default=0.01, ge=0)
    resolution_slope: float = key("Growth of the relative pT resolution with pT.", default=0.0001, ge=0, unit="1/GeV")


@record
class Calorimeter:
    """Response to energy: sigma(E)/E = stochastic/sqrt(E) (+) noise/E (+) constant, in cells ``cell`` wide."""

    stochastic: float = key("Stochastic term of the energy resolution.", default=0.05, ge=0, unit="sqrt(GeV)")
    # Noise, cells and reach of CMS's crystals, JINST 3 (2008) S08004.
    noise: GeV = key("Noise term of the energy resolution.", default=0.12, ge=0)
    constant: float = key("Constant term of the energy resolution.", default=0.005, ge=0)
    cell: float = key(
        "Width of a cell in eta and phi; energy in one cell is one candidate.", default=0.0174, gt=0, unit="rad"
    )
    threshold: GeV = key("Smallest energy of a cell.", default=0.5, ge=0)
    eta_max: float = key("Reach in absolute pseudorapidity.", default=3.0, gt=0)


@record
class HadronCalorimeter(Calorimeter):
    """Coarser than that of electrons and photons."""

    # Cells of CMS's barrel, reach of its forward calorimeter (JINST 3 (2008) S08004).
    stochastic: float = key(default=1.0)
    noise: GeV = key(default=0.4)
    constant: float = key(default=0.05)
    cell: float = key(default=0.087)
    threshold: GeV = key(default=1.0)
    eta_max: float = key(default=5.0)


@record
class Detector:
    """The parametrised detector; ``b_tag_separation`` in standard deviations of the discriminator's logit."""

    tracker: Tracker = key(
        "Response to charged particles; a particle without a track is measured by the calorimeters.", default={}
    )
    calorimeter: Literal["parametrised", "emulated"] = key(
        "How photons are measured: with the resolution of `ecal`, or with a shower each by `emulator`.",
        default="parametrised",
    )
    emulator: str = key(
        "ONNX file of an emulator of photons (`resonaut emulate export`); photons beyond the energies of its training, "
        "and electrons without a track, stay parametrised.",
        default="",
    )
    ecal: Calorimeter = key("Response to photons and electrons without a track.", default={})
    hcal: HadronCalorimeter = key("Response to neutral hadrons and charged hadrons without a track.", default={})
    b_tag_separation: float = key(
        "Distance of the b-tagging scores of jets with and without b hadrons, in standard deviations of "
        "their logits: 3 keeps 68 % of b jets and 0.6 % of others.",
        default=3,
        ge=0,
    )


@record
class Jets:
    """Anti-kT jets and their soft-drop grooming."""

    radius: float = key("Radius of the jets.", default=0.8, gt=0, unit="rad")
    pt_min: GeV = key("Smallest transverse momentum of a stored jet.", default=200, gt=0)
    softdrop_zcut: float = key("Soft-drop momentum-sharing threshold.", default=0.1, ge=0)
    softdrop_beta: float = key("Soft-drop angular exponent.", default=0)


@record
class Identification:
    """Which candidates are stored as photons, electrons or muons, and how many of these pass the identification."""

    pt_min: GeV = key("Smallest transverse momentum.", default=20, ge=0)
    eta_max: float = key("Largest absolute pseudorapidity.", default=2.5, gt=0)
    # Electrons and photons of Delphes' CMS card (arXiv:1307.6346), in the barrel and beyond.
    barrel: float = key(
        "Probability of a candidate of this kind to pass, at |eta| below 1.5.", default=0.95, ge=0, le=1
    )
    endcap: float = key("The same at larger |eta|.", default=0.85, ge=0, le=1)
    fake: float = key("Probability of a charged hadron to be stored as one that passes.", default=0, ge=0, le=1)


@record
class Electrons(Identification):
    """Lower in momentum than photons, and sometimes charged hadrons."""

    pt_min: GeV = key(default=10)
    # Of the size that CMS reports for tight identification, arXiv:2012.06888.
    fake: float = key(default=0.005)


@record
class Muons(Identification):
    """As probable to be identified in the endcaps as in the barrel."""

    pt_min: GeV = key(default=5)
    # The reach of CMS's muon system, and the efficiency of Delphes' CMS card (arXiv:1307.6346).
    eta_max: float = key(default=2.4)
    endcap: float = key(default=0.95)
    # Of the size that CMS reports for tight identification, arXiv:1206.4071.
    fake: float = key(default=0.001)


@record
class Taus:
    """Small-radius jets that pass for taus which decay to hadrons."""

    pt_min: GeV = key("Smallest transverse momentum.", default=20, ge=0)
    eta_max: float = key("Largest absolute pseudorapidity.", default=2.3, gt=0)
    # Both of Delphes' CMS card (arXiv:1307.6346).
    efficiency: float = key("Probability of a jet with a hadronic tau within its radius.", default=0.6, ge=0, le=1)
    fake: float = key("Probability of any other jet.", default=0.01, ge=0, le=1)
    # As the strips of CMS's reconstruction, arXiv:1809.02816, section 4.
    track_pt_min: GeV = key("Smallest transverse momentum of a prong of `decayMode`.", default=1, ge=0)
    photon_pt_min: GeV = key(
        "Transverse momentum of a jet's photons above which `decayMode` counts a neutral pion.", default=2.5, ge=0
    )


@record
class SmallJets:
    """Anti-kT jets of a small radius, and their b-tagging score."""

    radius: float = key("Radius of the jets.", default=0.4, gt=0, unit="rad")
    pt_min: GeV = key("Smallest transverse momentum.", default=15, gt=0)
    # Chosen so that above a score of 0.7, a logit of 0.85, are 74 % of b, 11 % of c and 1 % of light jets, near CMS's
    # medium working point: normal numbers of width 1 around 1.5, 3 * 0.38 - 1.5 = -0.36 and -1.5.
    b_tag_separation: float = key(
        "Distance of the scores of b jets and of light jets, in standard deviations of their logits.", default=3, ge=0
    )
    charm: float = key(
        "Where between them the scores of c jets are: 0 is as light jets, 1 as b jets.", default=0.38, ge=0, le=1
    )


@record
class TrackJets:
    """Anti-kT jets of charged particles in the tracker's reach, and their substructure."""

    radius: float = key("Radius of the jets.", default=0.4, gt=0, unit="rad")
    pt_min: GeV = key("Smallest transverse momentum.", default=10, gt=0)
    softdrop_zcut: float = key("Soft-drop momentum-sharing threshold.", default=0.1, ge=0)
    softdrop_beta: float = key("Soft-drop angular exponent.", default=0)


@record
class Tracks:
    """Errors of the impact parameters of tracks: a (+) b / (pT sqrt(sin theta)); of dz it is over sin theta."""

    # The constants are those of muons of 100 GeV in CMS's tracker (arXiv:1405.6569), the others make the 90 and 150 um
    # that CMS states for particles of 1 GeV in the barrel.
    d0_constant: float = key("Transverse impact parameter: its error at high momentum.", default=0.01, ge=0, unit="mm")
    d0_scattering: float = key(
        "The same of multiple scattering, for a transverse momentum of 1 GeV.", default=0.09, ge=0, unit="mm GeV"
    )
    dz_constant: float = key("Longitudinal impact parameter: as `d0_constant`.", default=0.03, ge=0, unit="mm")
    dz_scattering: float = key("As `d0_scattering`.", default=0.15, ge=0, unit="mm GeV")

    def __post_init__(self) -> None:
        for name in ("d0", "dz"):
            if not (getattr(self, f"{name}_constant") or getattr(self, f"{name}_scattering")):
                raise ConfigError(
                    f"config: simulate.objects.track: {name} has no error, by which networks divide; raise one."
                )


@record
class Objects:
    """What else is stored of an event. Efficiencies are those of Delphes' CMS card."""

    small_jet: SmallJets = key("Small-radius jets, `Jet`.", default={})
    electron: Electrons = key("Electrons.", default={})
    muon: Muons = key("Muons.", default={})
    photon: Identification = key("Photons.", default={})
    tau: Taus = key("Taus that decay to hadrons.", default={})
    track_jet: TrackJets = key("Jets of charged particles, of datasets with `generator.track_jets`.", default={})
    track: Tracks = key("Impact parameters, of datasets with `generator.tracks`.", default={})
    generator_jet_pt_min: GeV = key(
        "Smallest transverse momentum of small-radius jets of generated particles; those of the large radius "
        "start at half the `jets.pt_min`.",
        default=10,
        gt=0,
    )


@record
class Filter:
    """Which events of a region are stored: the leading ``jets`` jets must pass; null leaves a cut out."""

    jets: int = key("Number of leading jets that must pass.", ge=1)
    pt_min: GeV = key("Smallest transverse momentum of these jets.", ge=0)
    eta_max: float = key("Largest absolute pseudorapidity of these jets.", default=2.5, gt=0)
    delta_eta_max: float | None = key("Largest pseudorapidity difference of the two leading jets.", default=None, gt=0)
    m_jj_min: GeV | None = key("Smallest invariant mass of the two leading jets.", default=None, ge=0)

    def __post_init__(self) -> None:
        if self.jets < 2 and (self.delta_eta_max is not None or self.m_jj_min is not None):
            raise ConfigError(
                "config: simulate.filters: delta_eta_max and m_jj_min need 'jets' of 2 or more; raise it."
            )


@record
class Wanted:
    """What an event must have of one kind of generated particles."""

    number: int = key("At least so many.", default=1, ge=1)
    pt_min: GeV = key("Smallest transverse momentum.", default=0, ge=0)
    eta_max: float = key("Largest absolute pseudorapidity.", default=2.5, gt=0)


@record
class ParticleLevel:
    """What an event must have for its shower, and then its detector, to be simulated; null for no cut.

    Others count in ``Runs``, so that the cross section of the dataset is that without the cuts.
    """

    hard_lepton: Wanted | None = key(
        "Electrons, muons and taus of the hard process with its resonances' decays, before the shower: a first look, "
        "looser than what is wanted later.",
        default=None,
    )
    lepton: Wanted | None = key("Stable electrons and muons, also those of taus.", default=None)
    hadronic_tau: Wanted | None = key("Taus that decay to hadrons, by their visible momentum.", default=None)
    jet: Wanted | None = key(
        "Jets of visible particles without the leptons of the hard process, with the radius of `objects.small_jet`.",
        default=None,
    )


@record
class Pairs:
    """Weights that make pairs of Higgs bosons of the events of a broad scalar that decays to two of them.

    They are those of `docs/simulate.md#pairs-of-higgs-bosons`.
    """

    kind: couplings.Kind = key("How the scalar is made: `vector_fusion` (of W or Z bosons) or `gluon_fusion`.")
    scalar: Pdg = key("PDG number of the scalar, whose decay products are the two bosons.", default="35")
    points: Annotated[list[dict[str, float]], Field(min_length=1)] = key(
        "Couplings of each set of weights; those that are not given are 1, as in the standard model. The first set is "
        "`genWeight`, and must be 0 for no event, as with `{kappa_2V: 0}`; `LHEReweightingWeight` are all, relative to "
        "it."
    )

    def __post_init__(self) -> None:
        known = couplings.names(self.kind)
        for name in (name for point in self.points for name in point if name not in known):
            raise ConfigError(
                f"config: simulate.processes: pairs from {self.kind} have no coupling {name!r}; they have "
                f"{', '.join(known)}."
            )


@record
class Process:
    """Pythia settings of one process; ``{mass}`` and ``{0.9*mass}`` stand for the resonance mass.

    The cuts are on the hard process with its resonances' decays. Others are not generated.
    """

    settings: list[str] = key("Pythia settings of the process.")
    delta_y_max: float | None = key(
        "Largest rapidity difference of the two partons of a 2 -> 2 process; others are not generated, and "
        "the cross section is without them.",
        default=None,
        gt=0,
    )
    lepton_pt_min: GeV = key(
        "Smallest transverse momentum of the hard process's electrons and muons, before the shower.", default=0, ge=0
    )
    lepton_eta_max: float | None = key("Their largest absolute pseudorapidity; null for no cut.", default=None, gt=0)
    particle_level: ParticleLevel = key(
        "What an event must have to be simulated further. Others count in `Runs`, and are not stored.",
        default={},
    )
    flat_masses: dict[Pdg, list[GeV]] = key(
        "Particles, by PDG number, whose mass is drawn anew for each event between two values, each mass as probable "
        "as any other.",
        default={},
    )
    pairs: Pairs | None = key(
        "Weights that make pairs of Higgs bosons of a scalar's events; a dataset has no other component then. Null for "
        "none.",
        default=None,
    )

    def __post_init__(self) -> None:
        for number, limits in self.flat_masses.items():
            if len(limits) != 2 or not 0 < limits[0] < limits[1]:
                raise ConfigError(
                    f"config: simulate.processes: flat_masses of {number} are {limits}; give two growing masses."
                )

    @property
    def hooked(self) -> bool:
        """Whether something is done at each event's hard process."""
        cuts = self.delta_y_max is not None or self.lepton_pt_min > 0 or self.lepton_eta_max is not None
        return cuts or bool(self.flat_masses) or self.particle_level.hard_lepton is not None


@record
class Simulate:
    """Generated collisions, their detector, and which of them are stored."""

    sqrt_s: GeV = key("Centre-of-mass energy of the proton collisions.", default=13000, gt=0)
    mpi: bool = key("Multi-parton interactions; without them Pythia is five times faster.", default=False)
    batch: int = key("Events held in memory at once.", default=250, ge=1, le=500)
    settings: list[str] = key("Pythia settings of every process.", default=[])
    shower_variations: list[str] = key(
        "Pythia settings of datasets with `generator.shower_variations`. Shower scales are varied above pT "
        "= sqrt(20) * 0.5 GeV in the final state, as CMS does; below, the weights would have a far larger "
        "spread.",
        default=[
            "UncertaintyBands:doVariations = on",
            "UncertaintyBands:FSRpTmin2Fac = 20",
            "UncertaintyBands:overSampleFSR = 2",
        ],
    )
    tunes: dict[str, list[str]] = key(
        "Pythia settings by name, for a dataset's `generator.tune`; `nature` makes the demo's data, so that"
        " calibration and reweighting have something to correct.",
        default={
            "simulation": [],
            "nature": ["TimeShower:alphaSvalue = 0.125", "StringPT:sigma = 0.37", "StringZ:aLund = 0.55"],
        },
        merge=True,
    )
    processes: dict[str, Process] = key(
        "Pythia settings of the processes by name, for a dataset's `generator.components`; `{mass}` and "
        "`{0.9*mass}` stand for the component's mass.",
        default={
            "qcd": {
                "settings": ["HardQCD:all = on", "PhaseSpace:pTHatMin = 1100.", "PhaseSpace:mHatMin = 2600."],
                "delta_y_max": 1.6,
            },
            "x_to_yy": {
                "settings": [
                    "ExtraDimensionsG*:ffbar2G* = on",
                    "5100039:m0 = {mass}",
                    "5100039:mWidth = {0.01*mass}",
                    "5100039:doForceWidth = on",
                    "5100039:mMin = {0.85*mass}",
                    "5100039:mMax = {1.15*mass}",
                    "5100039:oneChannel = 1 1. 101 9000001 9000002",
                    "9000001:all = Y void 1 0 0 500. 1. 480. 520. 0.",
                    "9000001:isResonance = on",
                    "9000001:oneChannel = 1 0.25 101 1 -1",
                    "9000001:addChannel = 1 0.25 101 2 -2",
                    "9000001:addChannel = 1 0.25 101 3 -3",
                    "9000001:addChannel = 1 0.25 101 4 -4",
                    "9000002:all = Yprime void 1 0 0 100. 0.5 95. 105. 0.",
                    "9000002:isResonance = on",
                    "9000002:oneChannel = 1 0.25 101 1 -1",
                    "9000002:addChannel = 1 0.25 101 2 -2",
                    "9000002:addChannel = 1 0.25 101 3 -3",
                    "9000002:addChannel = 1 0.25 101 4 -4",
                ]
            },
            "x_to_tt": {
                "settings": [
                    "NewGaugeBoson:ffbar2gmZZprime = on",
                    "Zprime:gmZmode = 3",
                    "32:m0 = {mass}",
                    "32:mWidth = {0.01*mass}",
                    "32:doForceWidth = on",
                    "32:mMin = {0.85*mass}",
                    "32:mMax = {1.15*mass}",
                    "32:onMode = off",
                    "32:onIfAny = 6",
                    "24:onMode = off",
                    "24:onIfAny = 1 2 3 4 5",
                ]
            },
            "x_to_4q": {
                "settings": [
                    "ExtraDimensionsG*:ffbar2G* = on",
                    "5100039:m0 = {mass}",
                    "5100039:mWidth = {0.01*mass}",
                    "5100039:doForceWidth = on",
                    "5100039:mMin = {0.85*mass}",
                    "5100039:mMax = {1.15*mass}",
                    "5100039:oneChannel = 1 1. 101 9000001 9000001",
                    "9000001:all = Y void 1 0 0 400. 1. 380. 420. 0.",
                    "9000001:isResonance = on",
                    "9000001:oneChannel = 1 1. 101 24 -24",
                    "24:onMode = off",
                    "24:onIfAny = 1 2 3 4 5",
                ]
            },
            "ww": {
                "settings": [
                    "WeakDoubleBoson:ffbar2WW = on",
                    "PhaseSpace:pTHatMin = 400.",
                    "24:onMode = off",
                    "24:onIfAny = 1 2 3 4 5",
                ]
            },
            "jets": {"settings": ["HardQCD:all = on", "PhaseSpace:pTHatMin = 400."]},
            "z_to_ll": {
                "settings": [
                    "WeakSingleBoson:ffbar2gmZ = on",
                    "PhaseSpace:mHatMin = 60.",
                    "23:onMode = off",
                    "23:onIfAny = 11 13 15",
                ]
            },
            "z_jets": {
                "settings": [
                    "WeakBosonAndParton:qqbar2gmZg = on",
                    "WeakBosonAndParton:qg2gmZq = on",
                    "PhaseSpace:pTHatMin = 150.",
                    "23:mMin = 60.",
                    "23:onMode = off",
                    "23:onIfAny = 13",
                ],
                "lepton_pt_min": 15,
                "lepton_eta_max": 3.0,
            },
            "w_to_lv": {"settings": ["WeakSingleBoson:ffbar2W = on", "24:onMode = off", "24:onIfAny = 11 13 15"]},
            "tt": {"settings": ["Top:gg2ttbar = on", "Top:qqbar2ttbar = on"]},
        },
        merge=True,
    )
    detector: Detector = key("The parametrised detector.", default={})
    jets: Jets = key("Anti-kT jets and their grooming.", default={})
    objects: Objects = key("Jets, leptons and photons of datasets with `generator.objects`.", default={})
    filters: dict[str, Filter] = key(
        "Loose selection by the dataset's region, before substructure; events that fail are counted in "
        "`Runs` but not stored, as after a trigger. A region without a filter stores all events.",
        default={
            "dijet": {"jets": 2, "pt_min": 300, "eta_max": 2.5, "delta_eta_max": 1.3, "m_jj_min": 2400},
            "boosted_w": {"jets": 1, "pt_min": 200, "eta_max": 2.5},
        },
        merge=True,
    )
    showers: dict[Name, ShowerSample] = key(
        "Samples of calorimeter showers by name, each made from its own keys; they are no datasets of events.",
        default={},
    )
    level1: Level1 = key(
        "Bunch crossings as the Level-1 trigger sees them; they are no datasets of events.", default={}
    )


@record
class PoolJob:
    """What the jobs of a part of the pool read: ``<results>/config/simulate/level1_pool/<part>.json``."""

    part: PoolPart
    simulate: Simulate


@record
class SampleJob:
    """What the jobs of a sample of crossings read: ``<results>/config/simulate/level1/<sample>.json``."""

    sample: Sample
    simulate: Simulate


@record
class Job:
    """What the jobs of one dataset read: ``<results>/config/simulate/<dataset>.json``."""

    dataset: DatasetConfig
    simulate: Simulate
