"""Skimmed datasets of two classes, and of data."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from .events_of_classes import skim, table


@pytest.fixture(scope="session")
def skimmed(tmp_path_factory) -> dict[str, Path]:
    """The manifests of two classes, and of data, which are like the second one."""
    folder = tmp_path_factory.mktemp("classify")
    made = {name: table(1200, seed, mean, run=1) for name, seed, mean in (("a", 1, 0.8), ("b", 2, 0.0))}
    observed = table(500, 3, 0.0, run=2)
    observed = observed[observed.passes][["run", "luminosityBlock", "event", "gen_weight", "x", "y", "passes"]]
    observed = ak.with_field(observed, np.ones(len(observed)), "weight_sf")
    return {name: skim(folder, name, found) for name, found in made.items()} | {
        "data": skim(folder, "data", observed, nature="data", luminosity=20.0, variations={})
    }
