"""Skimmed datasets of one observable at two levels, smeared, with efficiency and fakes."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.files import write_json
from resonaut.core.weights import Factor

LUMINOSITY = 20.0


def levels(n: int, seed: int, mean: float) -> ak.Array:
    """``x`` and ``y`` measured with ``gen_x`` and ``gen_y`` behind them; 0 where a level does not pass."""
    rng = np.random.default_rng(seed)
    generated = rng.normal(mean, 1, (n, 2))
    measured = generated + rng.normal(0, 0.5, generated.shape)
    fiducial, passes = rng.uniform(size=(2, n)) < [[0.95], [0.8]]
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": np.zeros(n, np.int64)}
    columns |= {"event": np.arange(n, dtype=np.int64), "gen_weight": np.ones(n), "passes": passes, "fiducial": fiducial}
    for place, name in enumerate("xy"):
        columns[name] = np.where(passes, measured[:, place], 0).astype(np.float32)
        columns[f"gen_{name}"] = np.where(fiducial, generated[:, place], 0).astype(np.float32)
    columns |= {"weight_sf": np.full(n, 0.9), "weight_sf_up": np.full(n, 0.95), "weight_sf_down": np.full(n, 0.85)}
    return ak.Array(columns)


def varied(found: ak.Array) -> ak.Array:
    """With a theory uncertainty of 20 and -10 %, and a scale of ``x``."""
    for way, factor in {"up": 1.2, "down": 0.9}.items():
        found = ak.with_field(found, np.full(len(found), factor), f"weight_scale_r_2017_{way}")
    return ak.with_field(found, ak.values_astype(found.x * 1.1, np.float32), "x__jes_up")


def write(folder: Path, name: str, found: ak.Array, **manifest) -> Path:
    notes = {
        f"weight_sf{ending}": Factor("sf", "sf" if ending else "", ending[1:]).metadata()
        for ending in ("", "_up", "_down")
    }
    theory = {way: f"weight_scale_r_2017_{way}" for way in ("up", "down")}
    notes |= {name: Factor("scale_r_2017", "scale_r_2017", way).metadata() for way, name in theory.items()}
    half = len(found) // 2
    events.write(folder / "skim" / name / "000.parquet", [found[:half], found[half:]], {"gen_x": "GeV"}, notes)
    content = {"name": name, "nature": "simulation", "chunks": ["000"], "events": int(ak.sum(found.passes))}
    content |= {"luminosity": None, "cross_section": 1.0, "mass": None, "weight_scale": 1 / LUMINOSITY, "era": None}
    content |= {"cutflow": [], "lost": [], "notes": [], "dropped": {}, "variations": {}}
    write_json(folder / "skim" / f"{name}.json", content | manifest)
    return folder / "skim" / f"{name}.json"


@pytest.fixture(scope="session")
def skimmed(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("unfold")
    observed = levels(2500, 1, 0.2)
    observed = observed[observed.passes][["run", "luminosityBlock", "event", "gen_weight", "x", "y", "passes"]]
    return {
        "data": write(
            folder,
            "data",
            ak.with_field(observed, np.ones(len(observed)), "weight_sf")[[*observed.fields]],
            nature="data",
            luminosity=LUMINOSITY,
            weight_scale=1.0,
        ),
        "simulation": write(folder, "signal", levels(3000, 2, 0.0)),
        "pseudo": write(folder, "other", levels(2500, 3, 0.2)),
        "background": write(folder, "background", levels(200, 4, 2.0)),
        "varied": write(folder, "varied", varied(levels(3000, 2, 0.0)), variations={"jes_up": "jes"}),
    }
