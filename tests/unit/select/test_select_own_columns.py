"""Features that are made of columns of the user's own."""

from pathlib import Path

import pytest
import yaml

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError

ROOT = Path(__file__).parents[3]
OWN = str(ROOT / "tests" / "data" / "my_column.py")


@pytest.mark.parametrize(("kept", "features"), [(["n_jets"], ["m_j1", "n_jets"]), (["met"], ["m_j1"]), ([], ["m_j1"])])
def test_a_region_that_keeps_them(kept, features) -> None:
    Analysis.of(configuration(kept, features), [])


def test_a_region_that_does_not_keep_one_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"the feature 'n_jets' needs the column 'n_jets' of '\w+'; add it to skim\.reg"
    ):
        Analysis.of(configuration(["met"], ["m_j1", "n_jets"]), [])


def configuration(kept: list[str], features: list[str]) -> dict:
    """The demo with a file of the user's own."""
    demo = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    region = {"m_jj_min": 2900, "columns": kept}
    own = {"code": [OWN], "select": {"features": features}, "skim": {"regions": {"dijet": region}}}
    return demo | own
