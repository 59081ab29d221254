"""The JSON files of the stage ``calibrate``, as records; ``docs/calibrate.md`` says what every key means."""

from resonaut.calibrate.settings import Declustering
from resonaut.core.histograms import Histogram
from resonaut.core.record import record
from resonaut.core.results import result

# Numbers in bins of (subjet_pt, ln_radius_over_delta, ln_kt).
Table = list[list[list[float]]]
# Numbers in bins of (ln_radius_over_delta, ln_kt).
Plane = list[list[float]]


@record
class Edges:
    """Edges of the Lund planes' axes; p_T in GeV."""

    subjet_pt: list[float]
    ln_radius_over_delta: list[float]
    ln_kt: list[float]


@result("metadata of a Lund-plane correction", "calibrate measure")
class Metadata:
    """``<results>/calibrate/correction.metadata.json``: what ``correction.json`` beside it holds, and its ``source``.

    ``polynomial_covariance``: (3, 3) in each bin of the plane, of the coefficients of 1, 1/p_T, 1/p_T^2 (GeV).
    ``checksum``: of the correction's file and of everything else here.
    """

    declustering: Declustering
    minimum_delta: float
    minimum_kt: float
    bins: Edges
    direct_pt_range: tuple[float, float]
    factor_range: tuple[float, float]
    systematics: list[str]
    polynomial_covariance: list[list[Plane]]
    source: dict[str, str | int | float | list[float] | None]
    checksum: str


@record
class Counted:
    """Splittings (weighted) in the planes, ``subjets`` in slices of p_T, and jets."""

    splittings: Histogram
    subjets: list[float]
    jets: int
    uncalibrated_jets: int


@result("file of Lund planes", "calibrate measure")
class Planes:
    """``<results>/calibrate/planes.json``: the planes of W jets, their ratio, and the ratios with variations, up, down.

    Where nothing is known the ratio is 1 with an error of 1.
    """

    edges: Edges
    data: Counted
    simulation: Counted
    background: Counted
    ratio: Table
    ratio_error: Table
    systematics: dict[str, tuple[Table, Table]]


@record
class JetEdges:
    """Inner edges of bins with equally many jets: of their hard scale, and within each of p_T (GeV)."""

    hard_scale: list[float]
    pt: list[list[float]]


@record
class ProngCount:
    """All jets of a dataset with one number of prongs.

    ``means``: mean weights of the calibrated ones, (bins, variations), first of well and then of badly matched jets.
    """

    jets: int
    uncalibrated_jets: int
    badly_matched_jets: int
    unclustered_jets: int
    bins: JetEdges
    means: list[list[float]]

    @property
    def bad_fraction(self) -> float:
        """Fraction of the calibrated jets that are badly matched."""
        used = self.jets - self.uncalibrated_jets
        return self.badly_matched_jets / used if used else 0.0


@result("normalisation of Lund weights", "calibrate normalise")
class Normalisation:
    """``<results>/calibrate/<dataset>/normalisation.json``: by number of prongs; factors of the distortion (flat).

    ``dataset``: whose jets; ``correction``: checksum of the correction whose weights were averaged.
    """

    dataset: str
    correction: str
    prongs: dict[str, ProngCount]
    distortion: list[float]


@record
class SelectedJets:
    """Jets in ``cuts`` (lower and upper end by observable), and what the calibration does to their ``efficiency``.

    Relative ``uncertainties``, up and down by source, and all of them together; None where no jet is selected.
    """

    cuts: dict[str, tuple[float | None, float | None]]
    efficiency: float
    scale_factor: float | None
    uncertainties: dict[str, tuple[float, float]] | None
    total: float | None


@record
class BeforeAfter:
    """An observable before and after the calibration."""

    before: Histogram
    after: Histogram


@record
class MatchedJets:
    """Jets with one number of prongs; ``doubtful``: too many of them are badly matched."""

    jets: int
    uncalibrated: int
    unclustered: int
    bad_fraction: float
    doubtful: bool


@result("summary of a calibration", "calibrate summarise")
class Summary:
    """``<results>/calibrate/<dataset>/summary.json``: by selection, observable and number of prongs."""

    dataset: str
    selections: dict[str, SelectedJets]
    histograms: dict[str, BeforeAfter]
    prongs: dict[str, MatchedJets]
