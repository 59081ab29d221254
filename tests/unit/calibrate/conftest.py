import awkward as ak
import numpy as np
import pytest

from resonaut import events
from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.settings import Settings
from resonaut.files import write_json


@pytest.fixture
def bins() -> LundBins:
    return LundBins(
        subjet_pt=(0.0, 150.0, 400.0), ln_radius_over_delta=(0.0, 1.0, 2.0, 5.0), ln_kt=(-4.0, -1.0, 0.5, 4.0)
    )


@pytest.fixture
def settings(bins) -> Settings:
    return Settings(
        minimum_delta=0.005,
        minimum_kt=0.02,
        bins=bins,
        minimum_entries=5.0,
        factor_range=(0.2, 5.0),
        weight_range=(0.1, 10.0),
        toys=3,
        seed=7,
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
def make_dataset(tmp_path):
    """Write a skimmed dataset of toy jets, in row groups and chunks; returns its manifest."""

    def make(name: str, role: str, chunks: list[list[int]], softness: float = 1.0, prongs=(2, 2), gen_weight=1.0):
        first = 0
        for number, groups in enumerate(chunks):
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
                    if role == "signal":
                        columns[f"{jet}_prongs"] = np.full(size, prongs[i], np.int8)
                batches.append(ak.zip(columns, depth_limit=1))
                first += size
            events.write(tmp_path / "skim" / name / f"{number:03d}.parquet", batches, {})
        manifest = {
            "name": name,
            "role": role,
            "chunks": [f"{number:03d}" for number in range(len(chunks))],
            "events": first,
            "luminosity": None,
            "cross_section": 1.0,
            "mass": None,
            "weight_scale": 1.0,
            "cutflow": [],
            "lost": [],
        }
        path = tmp_path / "skim" / f"{name}.json"
        write_json(path, manifest)
        return path

    return make
