"""Spectra of other experiments than dijets at 13 TeV: the significance against an independent fit by iminuit."""

from dataclasses import dataclass

import numpy as np
import pytest
from iminuit import Minuit
from scipy.integrate import simpson
from scipy.special import xlogy
from scipy.stats import norm

from resonaut.fit import scan
from resonaut.fit.bare import Options, search_of
from resonaut.fit.resolution import DIJET_EDGES

# Of a fit with one function in the whole range, as the independent one.
FIXED = (
    "background.shape_parameters=[2,2]",
    "background.shrink={min_p_background: 0, min_p_smooth: 0}",
    "background.resonances=null",
)
# Points of Simpson's rule in a bin.
POINTS = 65


@dataclass(frozen=True)
class Case:
    """A spectrum in ``unit``: its function exp(-m/``slope``)/m^``power``, and a signal at the second of ``masses``."""

    edges: np.ndarray
    unit: str
    events: float
    slope: float
    power: float
    masses: tuple[float, ...]
    width: float
    signal: float

    @property
    def counts(self) -> np.ndarray:
        """Events (N,)."""
        points = np.linspace(self.edges[:-1], self.edges[1:], POINTS)
        shape = simpson(np.exp(-points / self.slope) / points**self.power, x=points, axis=0)
        peak = self.signal * np.diff(norm.cdf(self.edges, self.masses[1], self.width * self.masses[1]))
        return np.random.default_rng(21).poisson(self.events * shape / shape.sum() + peak).astype(float)


CASES = {
    "trijet": Case(1.76 * 1.036 ** np.arange(41), "TeV", 2e6, 3.0, 6.0, (2.0, 3.5, 5.0), 0.03, 2000),
    "paired dijet, 12 wide bins": Case(500 * 1.2 ** np.arange(13), "GeV", 1e5, 900, 4, (900, 1700, 2500), 0.05, 300),
    "diphoton": Case(np.arange(100.0, 180.1), "GeV", 1e5, 40, 1, (105, 125, 145), 0.012, 500),
    "dimuon, few events": Case(np.linspace(392, 608, 21), "GeV", 80, 300, 2, (440, 500, 560), 0.02, 8),
    "dimuon at 3 GeV": Case(np.linspace(2.5, 4.0, 16), "GeV", 1e5, 3, 0, (2.7, 3.1, 3.5), 0.012, 600),
    "hadrons in MeV": Case(np.arange(5000.0, 5601, 10), "MeV", 2e4, 800, 0, (5160, 5280, 5400), 0.002, 150),
    "scouting": Case(DIJET_EDGES[47 - 21 : 66], "GeV", 1e8, 2000, 5.5, (700, 1000, 1300), 0.05, 5e3),
    "flat, with gaps and an empty end": Case(np.arange(60.0, 121.0), "GeV", 3e3, 1e4, 0, (75, 90, 105), 0.03, 150),
}


@pytest.fixture
def given(request, tmp_path):
    """A case, its counts and its search."""
    case = CASES[request.param]
    counts = case.counts
    if "gaps" in request.param:
        counts[[10, 11, 12, -4, -3, -2, -1]] = 0
    rows = [f"{low:.10g},{high:.10g},{n:g}" for low, high, n in zip(case.edges, case.edges[1:], counts, strict=False)]
    path = tmp_path / "spectrum.csv"
    path.write_text("\n".join([f"m_low [{case.unit}],m_high [{case.unit}],counts", *rows]))
    low, middle, high = case.masses
    masses = f"{low}:{high}:{middle - low:.10g} {case.unit}"
    settings = (*FIXED, f"signal_width={case.width}", "uncertainties={scale: 0, resolution: 0}")
    return case, counts, search_of(Options(str(path), "13 TeV", masses, settings=settings))


@pytest.mark.parametrize("given", CASES, indirect=True)
def test_significance_is_that_of_an_independent_fit(given):
    case, counts, search = given
    size = {"MeV": 1e-3, "GeV": 1.0, "TeV": 1e3}[case.unit]
    assert search.spectrum.edges == pytest.approx(case.edges * size, rel=1e-8)
    assert list(search.efficiencies) == pytest.approx(np.array(case.masses) * size)
    for mass in search.efficiencies:
        found = scan.search(search.model(mass))
        z, signal = independent(case.edges * size, counts, mass, case.width)
        assert found.z_local == pytest.approx(z, abs=0.01)
        assert found.signal_yield.value == pytest.approx(signal, rel=0.02, abs=0.02 * found.signal_yield.error_up)


def independent(edges, counts, mass, width):
    """Signed z and yield of (1 - x)^p1 / x^p2 with and without a Gaussian, x = m / 13 TeV, by iminuit."""
    points = np.linspace(edges[:-1], edges[1:], POINTS)
    middle = (edges[0] * edges[-1]) ** 0.5
    columns = np.log((1 - points / 13000) / (1 - middle / 13000)), np.log(points / middle)
    # At low masses x is tiny, and the two are nearly the same.
    columns = columns[0] / np.abs(columns[0]).max(), columns[1] / np.abs(columns[1]).max()
    columns = columns[0] - columns[1] * (columns[0] * columns[1]).sum() / (columns[1] ** 2).sum(), columns[1]
    columns = columns[0] / np.abs(columns[0]).max(), columns[1]
    shares = np.diff(norm.cdf(edges, mass, width * mass))

    def deviance(level, p1, p2, signal):
        density = np.exp(np.clip(level + p1 * columns[0] - p2 * columns[1], -100, 100))
        expected = simpson(density, x=points, axis=0) + signal * shares
        if (expected <= 0).any():
            return 1e12
        return 2 * float((expected - counts + xlogy(counts, np.where(counts > 0, counts, 1) / expected)).sum())

    best = []
    for fixed in (True, False):
        minuit = Minuit(deviance, level=np.log(counts.sum() / (edges[-1] - edges[0])), p1=0.0, p2=1.0, signal=0.0)
        minuit.errordef = Minuit.LEAST_SQUARES
        minuit.strategy, minuit.tol = 2, 1e-3
        minuit.errors["signal"] = max(1.0, float(shares @ counts) ** 0.5)
        minuit.fixed["signal"] = fixed
        for _ in range(3):
            minuit.migrad()
        best.append(minuit)
    z = max(best[0].fval - best[1].fval, 0.0) ** 0.5
    signal = best[1].values["signal"]
    return z if signal > 0 else -z, signal
