"""Eras: what holds for the data of one period and for their simulation. Imports nothing heavy."""

from typing import Literal

from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, Name, Positive, key, record

Limits = tuple[float | None, float | None]
# Objects whose momenta or number are uncertain by a number, and their collections.
Kind = Literal["electron", "muon", "photon", "tau", "small_jet"]
COLLECTIONS: dict[str, str] = {
    "electron": "Electron",
    "muon": "Muon",
    "photon": "Photon",
    "tau": "Tau",
    "small_jet": "Jet",
}
Factors = tuple[Positive[float], Positive[float], Positive[float]]


@record
class Identification:
    """Identification of jets by the experiment's tables, where files have none (NanoAOD from v15 on)."""

    file: str = key("File with the tables, `jetid.json.gz`.")
    tight: str = key("Table of the tight identification, `AK8PUPPI_Tight`: a jet that passes has the identification 2.")
    lepton_veto: str | None = key(
        "Table of the tight identification with a veto of leptons, `AK8PUPPI_TightLeptonVeto`: 6. Null for none.",
        default=None,
    )


@record
class Jets:
    """The energy of jets of one kind: tables `<scale>_<levels>_<algorithm>` and so on in one file."""

    file: str = key("File with the tables, `fatJet_jerc.json.gz`.")
    algorithm: str = key("Last part of the tables' names, `AK8PFPuppi`.")
    levels: str = key("Name of the compound table: the levels of correction it holds.", default="L1L2L3Res")
    check_era: bool = key(
        "Compare the corrected momenta with those stored, in the first events of each file, and stop where they "
        "differ: the file is of another era. False for files whose stored momenta have another correction on purpose.",
        default=True,
    )
    identification: Identification | None = key(
        "Identification by tables, in place of the branch; null for the branch.", default=None
    )


@record
class DataJets(Jets):
    """The same for data, whose scale depends on the run."""

    scale: dict[str, tuple[int, int]] = key(
        "Campaigns, the first part of the tables' names, each with its first and last run: "
        "`Summer19UL17_RunB_V5_DATA: [297020, 299329]`.",
        min_length=1,
    )


@record
class SimulatedJets(Jets):
    """The same for simulation, with uncertainties and resolution."""

    scale: str = key("Campaign, the first part of the tables' names, `Summer19UL17_V5_MC`.")
    uncertainties: dict[Name, str] = key(
        "Uncertainties of the scale: name of the source (`jes_<name>`), and the table's, `{total: Total}` or "
        "`{absolute: Regrouped_Absolute, absolute_2017: Regrouped_Absolute_2017}`.",
        default={},
    )
    resolution: str | None = key(
        "Campaign of the resolution, `Summer19UL17_JRV2_MC`: momenta are smeared (source `jer`); null for no smearing.",
        default=None,
    )


@record
class Mass:
    """Scale and resolution of the soft-drop mass: factors, each nominal, up and down (sources `jms` and `jmr`)."""

    scale: Factors = key("Factors on the mass.", default=[1, 1, 1])
    resolution: Factors = key("Width in data over that in simulation; below 1 nothing is smeared.", default=[1, 1, 1])
    width: float = key("Relative width in simulation.", default=0.1, gt=0)


@record
class Subjets:
    """The soft-drop mass from the two subjets instead of the stored one."""

    file: str | None = key("File with the subjets' tables; null for their stored momenta.", default=None)
    algorithm: str = key("Last part of the tables' names.", default="AK4PFPuppi")
    levels: str = key("Name of the compound table.", default="L1L2L3Res")


@record
class DataSubjets(Subjets):
    """The same for data."""

    scale: dict[str, tuple[int, int]] = key("Campaigns, each with its first and last run.", default={})


@record
class SimulatedSubjets(Subjets):
    """The same for simulation."""

    scale: str = key("Campaign, the first part of the tables' names.", default="")


@record
class Missing:
    """Missing momentum: the raw one, corrected for the small-radius jets (type 1)."""

    raw: str = key(
        "Collection of the raw missing momentum, `RawMET`, `RawPuppiMET` or `RawPFMET`.", default="RawPuppiMET"
    )
    offset: str | None = key(
        "Level that removes pile-up, `L1FastJet` for jets with charged-hadron subtraction, which the raw missing "
        "momentum does not need; null for PUPPI.",
        default=None,
    )


@record
class SimulatedMissing(Missing):
    """The same for simulation."""

    unclustered: bool = key(
        "Shift it by the uncertainty of what is in no jet, as the stored one has it: `<branches.met>_ptUnclusteredUp` "
        "and `_phiUnclusteredUp` or `_MetUnclustEnUpDeltaX` and `Y` (source `unclustered`).",
        default=False,
    )


@record
class Table:
    """A table of a file; its inputs are found by their names."""

    file: str = key("File with the table.")
    table: str | None = key("Name of the table; null where the file has just one.", default=None)


@record
class VetoMap(Table):
    """Parts of the detector in which no jet may be: an event with a small-radius jet there is cut."""

    kind: str = key("Kind of the map, among those in the table.", default="jetvetomap")
    pt_min: GeV = key("Transverse momentum of a jet that counts, at least.", default=15, ge=0)


@record
class Hem:
    """The two modules of the hadron endcap without power since run 319077, in 2018."""

    pt_min: GeV = key("Transverse momentum of a small-radius jet that counts, at least.", default=30, ge=0)


@record
class SimulatedHem(Hem):
    """The same in simulation, where events with a jet there lose weight."""

    fraction: float = key("Part of the luminosity that was taken without the modules.", default=0.648, ge=0, le=1)


@record
class Particles(Table):
    """Weight by the generated particles of some kinds: the geometric mean of the table's value for each.

    For a top-quark pair that is the root of two factors, for one boson its K-factor; events without such a particle
    have the weight 1.
    """

    kinds: list[int] = key("PDG numbers, of either sign: `[6]` or `[23, 24]`.", min_length=1)
    inputs: dict[str, Literal["pt", "eta", "phi", "mass"]] = key(
        "Inputs of the table by name, and what of a particle they are.", default={}
    )
    up: str | None = key(
        "The table's name of the variation up, for a table with an input that is a text; null for none.", default=None
    )
    down: str | None = key("That of the variation down; null for none.", default=None)
    nominal: str = key("That of the nominal weight.", default="nominal")


@record
class Pdf:
    """Uncertainty of the parton densities (source `pdf`), from `LHEPdfWeight`, whose first weight is the nominal."""

    kind: Literal["hessian", "hessian_pairs", "replicas"] | None = key(
        "What the other weights are: one for each eigenvector, an up and a down one for each, or replicas; null where "
        "the branch's title has the number of a known set.",
        default=None,
    )
    confidence: int = key(
        "Confidence level of the members given by `kind`, in percent: 68 for one standard deviation; 90 for CTEQ's.",
        default=68,
        ge=50,
        le=99,
    )
    alpha_s: bool = key("The last two are for a smaller and a larger alpha_s (source `alpha_s`).", default=False)


@record
class Shower:
    """Places in `PSWeight` of the variations up (scale twice as large) and down, of both showers."""

    isr: tuple[int, int] = key("Initial-state radiation (source `isr`).", default=[0, 2])
    fsr: tuple[int, int] = key("Final-state radiation (source `fsr`).", default=[1, 3])


@record
class Shift:
    """Uncertainty of momenta that is a number, where there is no table of it: for simulation of one's own."""

    object: Kind | Literal["missing_momentum"] = key(
        "What is shifted. Missing momentum follows electrons, muons, photons, taus and small-radius jets; its own "
        "`scale` is that of what is in no small-radius jet."
    )
    scale: float | None = key("Relative shift of momentum and mass, both ways.", default=None, gt=0, lt=1)
    resolution: float | None = key(
        "Relative change of the distance from the generated momentum, both ways: of small-radius jets with a generated "
        "one (`Jet_genJetIdx`), and of missing momentum (`GenMET`).",
        default=None,
        gt=0,
        lt=1,
    )
    where: dict[Name, Limits] = key(
        "Which of the objects: ranges of branches of the collection, ends included: `{decayMode: [0, 0]}`.", default={}
    )

    def __post_init__(self) -> None:
        if (self.scale is None) == (self.resolution is None):
            raise ConfigError("config: skim.eras: object_shifts have either a scale or a resolution; give one of them.")
        if self.resolution is not None and self.object not in ("small_jet", "missing_momentum"):
            raise ConfigError(
                f"config: skim.eras: object_shifts: {self.object} has no generated momentum, so no resolution; give a "
                "scale."
            )
        if self.where and self.object == "missing_momentum":
            raise ConfigError("config: skim.eras: object_shifts: missing momentum is one an event; take 'where' out.")


@record
class ObjectWeight:
    """Uncertainty of how often objects pass, as a weight: 1 + u for each that does.

    With the ``efficiency`` e those that do not have (1 - e (1 + u)) / (1 - e).
    """

    object: Kind = key("Which objects.")
    uncertainty: float = key("Relative uncertainty u of the efficiency, or of the rate of mistakes.", gt=0, lt=1)
    where: dict[Name, Limits] = key(
        "Which of them: ranges of branches of the collection, ends included: `{genPartFlav: [5, 5], pt: [20, 40]}`.",
        default={},
    )
    passes: dict[Name, Limits] = key(
        "What of them passes; all by default, as objects that are stored only if they do.", default={}
    )
    efficiency: float | None = key(
        "Probability to pass; null where those that do not are not stored, or do not matter.", default=None, gt=0, lt=1
    )

    def __post_init__(self) -> None:
        if self.efficiency is not None and self.efficiency * (1 + self.uncertainty) >= 1:
            raise ConfigError(
                "config: skim.eras: object_weights: the efficiency times 1 + uncertainty is no probability; lower one."
            )
        if self.efficiency is not None and not self.passes:
            raise ConfigError("config: skim.eras: object_weights: all pass; say what passes, or leave efficiency out.")


@record
class DataCorrections:
    """What is corrected in data."""

    large_jet: DataJets | None = key("Large-radius jets; null for the stored momenta.", default=None)
    small_jet: DataJets | None = key("Small-radius jets; null for the stored momenta.", default=None)
    subjets: DataSubjets | None = key("Soft-drop mass from subjets; null for the stored one.", default=None)
    missing_momentum: Missing | None = key(
        "Type-1 correction; null for the stored one. Needs `small_jet`.", default=None
    )
    jet_veto: VetoMap | None = key("Map of vetoed jets; null for none.", default=None)
    hem: Hem | None = key(
        "Cut events of 2018 from run 319077 on with a jet in -3.2 < eta < -1.3, -1.57 < phi < -0.87; null for no cut.",
        default=None,
    )


@record
class SimulatedCorrections:
    """What is corrected in simulation, and what is uncertain. Pseudo-data have the corrections alone."""

    large_jet: SimulatedJets | None = key("Large-radius jets; null for the stored momenta.", default=None)
    small_jet: SimulatedJets | None = key("Small-radius jets; null for the stored momenta.", default=None)
    subjets: SimulatedSubjets | None = key("Soft-drop mass from subjets; null for the stored one.", default=None)
    mass: Mass | None = key("Scale and resolution of the soft-drop mass; null for none.", default=None)
    missing_momentum: SimulatedMissing | None = key(
        "Type-1 correction; null for the stored one. Needs `small_jet`.", default=None
    )
    jet_veto: VetoMap | None = key("Map of vetoed jets; null for none.", default=None)
    hem: SimulatedHem | None = key("The modules missing in 2018; null for none.", default=None)
    pileup: Table | None = key("Weight by the number of interactions (source `pileup`); null for none.", default=None)
    prefiring: bool = key("Weight `L1PreFiringWeight` of the file (source `prefiring`).", default=False)
    pdf: Pdf | None = key("Parton densities; null for no uncertainty.", default=None)
    scale: bool = key(
        "Scales of the matrix element, from `LHEScaleWeight`: sources `scale_r`, `scale_f` and `scale_rf`, "
        "renormalisation and factorisation scale twice and half as large, one at a time and together.",
        default=False,
    )
    shower: Shower | None = key("Scales of the parton showers, from `PSWeight`; null for no uncertainty.", default=None)
    particles: dict[Name, Particles] = key("Weights by generated particles, by the source's name.", default={})
    object_shifts: dict[Name, Shift] = key("Uncertainties of momenta that are numbers, by source.", default={})
    object_weights: dict[Name, ObjectWeight] = key(
        "Uncertainties of how often objects pass that are numbers, by source.", default={}
    )
    uncorrelated: list[Name] = key(
        "Sources that are independent in each era: they are called `<source>_<era>`. All others are one over the eras "
        "that have them.",
        default=[],
        unique=True,
    )

    @property
    def shifts(self) -> list[str]:
        """The sources that shift objects."""
        jets = [jets for jets in (self.large_jet, self.small_jet) if jets is not None]
        names = [f"jes_{name}" for one in jets for name in one.uncertainties]
        names += ["jer"] * any(one.resolution is not None for one in jets)
        names += ["unclustered"] * (self.missing_momentum is not None and self.missing_momentum.unclustered)
        names += ["jms", "jmr"] * (self.mass is not None)
        return [*dict.fromkeys(names), *self.object_shifts]

    @property
    def weights(self) -> list[str]:
        """The sources of weights."""
        names = {
            "pileup": self.pileup,
            "prefiring": self.prefiring,
            "hem": self.hem,
            "pdf": self.pdf,
            "alpha_s": self.pdf,
            **dict.fromkeys(("scale_r", "scale_f", "scale_rf"), self.scale),
            **dict.fromkeys(("isr", "fsr"), self.shower),
        }
        return [*(name for name, wanted in names.items() if wanted), *self.particles, *self.object_weights]


@record
class Corrections:
    """Corrections, for data and for simulation apart."""

    data: DataCorrections = key("Those of data.", default={})
    simulation: SimulatedCorrections = key("Those of simulation and pseudo-data.", default={})


@record
class Era:
    """What holds for the data of one period and for their simulation; a dataset's `era` names it."""

    trigger: list[str] | None = key(
        "Trigger branches in place of the region's, in order: an event of data that are recorded by some of them "
        "(`datasets.<name>.trigger`) is left to other data where one before these has fired. Null for the region's.",
        default=None,
    )
    met_filters: list[str] | None = key(
        "Filter branches in place of the region's; null for the region's.", default=None
    )
    certified: str | None = key("Certified luminosity sections of data that name none themselves.", default=None)
    prescales: str | None = key(
        "Table (CSV: `trigger,run,section,prescale`) of the triggers' prescales, each from a luminosity section of a "
        "run on: the weight of data. Null for none.",
        default=None,
    )
    corrections: Corrections = key("Corrections, in files of the experiment.", default={})
