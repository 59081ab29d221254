import awkward as ak
import numpy as np
import pytest

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.correction import Factors, LundCorrection
from resonaut.calibrate.settings import Histogram, Settings


@pytest.fixture
def bins() -> LundBins:
    return LundBins(
        subjet_pt=(0.0, 150.0, 400.0), ln_radius_over_delta=(0.0, 1.0, 2.0, 5.0), ln_kt=(-4.0, -1.0, 0.5, 4.0)
    )


@pytest.fixture
def settings(bins) -> Settings:
    small = {"tau21": Histogram(bins=5, low=0, high=1)}
    return Settings(bins=bins, toys=3, jets_per_bin=500, selections={"tau21": {"tau21": (None, 0.4)}}, histograms=small)


def correction_of(
    bins: LundBins, value: float | np.ndarray = 1.0, error: float = 0.0, systematics=(), polynomial=None, spread=0.0
) -> LundCorrection:
    """A correction with one value and error in all bins; beyond the direct range a constant, or ``polynomial``."""
    table = np.broadcast_to(np.asarray(value, float), bins.shape).copy()
    coefficients = np.zeros((3, *bins.shape[1:]))
    coefficients[:] = np.reshape([np.mean(table), 0, 0] if polynomial is None else polynomial, (3, 1, 1))
    covariance = np.zeros((3, 3, *bins.shape[1:]))
    covariance[0, 0] = spread**2
    return LundCorrection(
        declustering="ca",
        minimum_delta=0.005,
        minimum_kt=0.02,
        bins=bins,
        direct_pt_range=(15.0, 350.0),
        factor_range=(0.2, 5.0),
        nominal=Factors(table, coefficients),
        error=np.full(bins.shape, error),
        covariance=covariance,
        systematics={
            name: (Factors(table * up, coefficients * up), Factors(table * down, coefficients * down))
            for name, up, down in systematics
        },
        b_light=np.ones(bins.shape),
        density=np.ones(bins.shape),
    )


def toy_constituents(jets: int, seed: int, softness: float = 1.0) -> dict[str, ak.Array]:
    """Two hard axes and some soft particles around them; p_T-descending, float32."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(5, 25, jets)
    total = counts.sum()
    axis = rng.choice([-0.2, 0.2], total)
    columns = {
        "pt": rng.pareto(1.5, total) * 5 * softness + 0.5,
        "eta": rng.normal(0, 0.1, total),
        "phi": axis + rng.normal(0, 0.1, total),
        "mass": np.full(total, 0.1396),
    }
    lists = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in columns.items()}
    order = ak.argsort(lists["pt"], ascending=False)
    return {name: values[order] for name, values in lists.items()}


@pytest.fixture
def make_dataset(tmp_path, write_skimmed):
    """Write a skimmed dataset of toy jets, in row groups and chunks; returns its manifest."""

    def make(
        name: str, kind: str, chunks: list[list[int]], softness: float = 1.0, prongs=(2, 2), gen_weight=1.0, **manifest
    ):
        first, written = 0, []
        for groups in chunks:
            batches = []
            for size in groups:
                columns = {
                    "run": np.ones(size, np.int64),
                    "luminosityBlock": np.ones(size, np.int64),
                    "event": np.arange(first, first + size),
                    "gen_weight": np.full(size, gen_weight),
                }
                for i, jet in enumerate(("j1", "j2")):
                    pf = toy_constituents(size, 1000 * len(name) + 2 * first + i, softness)
                    columns |= {f"{jet}_pf_{key}": values for key, values in pf.items()}
                    n = prongs[i]
                    columns |= {f"{jet}_pt": np.linspace(300, 600, size), f"{jet}_tau1": np.full(size, 0.5)}
                    columns |= {f"{jet}_eta": np.zeros(size), f"{jet}_phi": np.zeros(size)}
                    columns[f"{jet}_tau2"] = np.linspace(0, 0.5, size)
                    if kind == "signal":
                        columns[f"{jet}_prongs"] = np.full(size, n, np.int8)
                        # Quarks on the two hard axes of the toy jets, and between them.
                        for key, places in (("eta", np.zeros(n)), ("phi", np.linspace(-0.2, 0.2, n))):
                            columns[f"{jet}_quark_{key}"] = ak.unflatten(np.tile(places, size), np.full(size, n))
                        columns[f"{jet}_quark_pt"] = ak.unflatten(np.full(n * size, 100.0), np.full(size, n))
                        columns[f"{jet}_quark_pdgid"] = ak.unflatten(np.tile(np.full(n, 5), size), np.full(size, n))
                if kind in ("w_sim", "w_background"):
                    columns["shower_weight"] = ak.unflatten(np.tile([1.2, 0.8], size), np.full(size, 2))
                batches.append(ak.zip(columns, depth_limit=1))
                first += size
            written.append(batches)
        luminosity = 2.0 if kind == "w_data" else None
        nature = "data" if kind == "w_data" else "simulation"
        return write_skimmed(tmp_path, name, written, **({"nature": nature, "luminosity": luminosity} | manifest))

    return make
