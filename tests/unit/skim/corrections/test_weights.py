import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.record import build
from resonaut.skim.corrections import weights
from resonaut.skim.corrections.settings import Particles
from resonaut.skim.corrections.tables import Table


def test_pileup(write_tables, make_table) -> None:
    path = write_tables(make_table("pu", ["NumTrueInteractions"], {"nominal": "x/10", "up": "x/5", "down": "x/20"}))
    found = weights.pileup(Table.of(path), np.array([10.0, 20.0]))
    assert {way: values.tolist() for way, values in found.items()} == {"": [1, 2], "up": [2, 4], "down": [0.5, 1]}
    other = write_tables(make_table("pu", ["a", "b"], "x*y"), name="other.json")
    with pytest.raises(InputFileError, match="name a table of pile-up weights"):
        weights.pileup(Table.of(other), np.ones(1))


def test_top_quarks_by_the_root_of_two_factors(write_tables, make_table) -> None:
    """Factors 0.9 and 0.4 of the last copies; an event with one such particle has its factor, one without 1."""
    path = write_tables(make_table("top", ["gen_pt"], "1-x/1000"), name="top.json")
    last = 1 << 13
    particles = ak.zip(
        {
            "pdgId": [[6, 6, -6, 21], [6], [21]],
            "statusFlags": [[0, last, last | 1, last], [last], [last]],
            "pt": [[900.0, 100.0, 600.0, 50.0], [500.0], [50.0]],
        }
    )
    settings = build({"file": path, "kinds": [6], "inputs": {"gen_pt": "pt"}}, Particles, "x")
    found = weights.of_particles(particles, settings)
    assert list(found) == [""]
    assert found[""].tolist() == pytest.approx([np.sqrt(0.9 * 0.4), 0.5, 1.0])
    with pytest.raises(InputFileError, match="'top' asks for 'gen_pt'"):
        weights.of_particles(particles, build({"file": path, "kinds": [6]}, Particles, "x"))


def test_k_factor_with_variations(write_tables, make_table) -> None:
    path = write_tables(make_table("k", ["pt"], {"nominal": "1.5+0*x", "ew_up": "1.6+0*x", "ew_down": "1.4+0*x"}))
    particles = ak.zip({"pdgId": [[23]], "statusFlags": [[1 << 13]], "pt": [[200.0]]})
    keys = {"file": path, "kinds": [23, 24], "inputs": {"pt": "pt"}, "up": "ew_up", "down": "ew_down"}
    found = weights.of_particles(particles, build(keys, Particles, "x"))
    assert {way: values.tolist() for way, values in found.items()} == {"": [1.5], "up": [1.6], "down": [1.4]}
