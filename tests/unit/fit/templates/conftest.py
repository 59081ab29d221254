"""Small skimmed datasets with weights, shifted objects and friends, as arrays that a test counts by hand as well."""

from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core.variations import only_different
from resonaut.core.weights import Factor


@dataclass
class Sample:
    """A dataset as plain arrays: what its events have, and what is in fb."""

    manifest: Path
    columns: dict[str, np.ndarray]
    weight: np.ndarray


@pytest.fixture
def make_sample(tmp_path, write_skimmed):
    """``make_sample(name, n, seed, mean)``: simulation of two chunks; ``x`` a Gaussian, ``y`` uniform.

    ``shifted``: it has jets shifted by a source ``jes``, of which each event's ``x`` moves by 0.2, and which pass or do
    not pass with it. ``era``: of data. It has weights of a group ``btag`` with the source ``heavy``, nominal
    ``weight`` for positive ``x``, and 1.1 and 0.8 of these with it; and friends of the classifier ``bdt``,
    of ``tag``, where one in four events trained, and of ``calibrate``, whose weights keep the total, with five equally
    likely ones.
    """

    def make(
        name: str, n: int, seed: int, mean: float, shifted: bool = True, weighted: bool = True, weight=0.9, **changes
    ) -> Sample:
        rng = np.random.default_rng(seed)
        x, y = rng.normal(mean, 1.0, n).astype("float32"), rng.uniform(0, 1, n).astype("float32")
        data = changes.get("nature") in ("data", "pseudo_data")
        generated = np.ones(n) if data else rng.choice([1.0, 1.0, 1.0, -0.5], n)
        columns = {"run": np.ones(n, "int64"), "luminosityBlock": np.ones(n, "int64"), "event": np.arange(n)}
        columns |= {"gen_weight": generated, "x": x, "y": y}
        known = {"x": x, "y": y, "category": (y > 0.3).astype("int64")}
        metadata: dict[str, dict[str, str]] = {}
        if weighted and not data:
            heavy = np.where(x > 0, 1.0, 0.0)
            factors = {
                "w": (Factor("btag"), np.where(heavy > 0, weight, 1.0)),
                "w_up": (Factor("btag", "heavy", "up"), np.where(heavy > 0, 1.1, 1.0)),
                "w_down": (Factor("btag", "heavy", "down"), np.where(heavy > 0, 0.8, 1.0)),
            }
            columns |= {column: values for column, (_, values) in factors.items()}
            known |= {column: values for column, (_, values) in factors.items()}
            metadata |= {column: factor.metadata() for column, (factor, _) in factors.items()}
        variations = {}
        if shifted and not data:
            passes = rng.uniform(0, 1, n) > 0.1
            for way, shift in (("up", 0.2), ("down", -0.2)):
                moved, known[f"passes_{way}"] = (x + np.float32(shift)), rng.uniform(0, 1, n) > 0.1
                known[f"x_{way}"] = moved
                columns[f"x__jes_{way}"] = only_different(moved, x)
                columns[f"passes__jes_{way}"] = only_different(known[f"passes_{way}"], passes)
                variations[f"jes_{way}"] = "jes"
            columns["passes"] = known["passes"] = passes
        known["passes"] = known.get("passes", np.ones(n, bool))
        toys = rng.normal(1, 0.2, (n, 5))
        halves = [slice(0, n // 2), slice(n // 2, n)]
        chunks = [[ak.zip({key: values[half] for key, values in columns.items()}, depth_limit=1)] for half in halves]
        more = {"weight_scale": 0.01, "variations": variations, "events": int(known["passes"].sum())} | changes
        if data:
            more = {"weight_scale": 1.0, "luminosity": 20.0, "cross_section": None} | changes
        path = write_skimmed(tmp_path, name, chunks, {"x": "GeV"}, metadata, **more)
        for number, half in enumerate(halves):
            friend = {key: columns[key][half] for key in ("run", "luminosityBlock", "event")}
            key = dict(friend)
            friend["category_bdt"] = known["category"][half]
            events.write(tmp_path / f"classify/bdt/{name}/{number:03d}.parquet", [ak.zip(friend)], {})
            known["trained"], known["toys"] = np.arange(n) % 4 == 0, toys
            tagged = ak.zip(key | {"j1_part_qcd": y[half], "tag_train": known["trained"][half]})
            events.write(tmp_path / f"tag/{name}/{number:03d}.parquet", [tagged], {})
            known["lund"] = 1.0 + 0.3 * (x > 0)
            lund = {"lund": known["lund"][half], "lund_toys": ak.Array(toys[half])}
            weighted_with = ak.zip(key | lund, depth_limit=1)
            notes = {"lund": Factor("lund", keeps_total=True), "lund_toys": Factor("lund", "stat", "toys", True)}
            notes = {column: factor.metadata() for column, factor in notes.items()}
            events.write(tmp_path / f"calibrate/{name}/{number:03d}.parquet", [weighted_with], {}, notes)
        return Sample(path, known, generated * (1.0 if data else 0.01))

    return make
