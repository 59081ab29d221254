"""Simulation of several eras that is one dataset."""

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.manifest import Cut
from resonaut.core.weights import Efficiency, Factor, Weights
from resonaut.skim.cli import app
from resonaut.skim.combine import combine

PILEUP = {"pileup": Factor("pileup"), "pileup_up": Factor("pileup", "pileup", "up")}


@pytest.fixture
def dataset(tmp_path, write_skimmed):
    """A function: the manifest of a dataset of four events, 8 fb, of which the first two have x = 1, others 0."""

    def write(name: str, columns: dict[str, Any], factors: dict[str, Factor], **changes: Any) -> Path:
        key = {column: np.arange(4, dtype=np.int64) for column in events.KEY}
        content = key | {"gen_weight": np.ones(4), "x": np.array([1.0, 1, 0, 0])} | columns
        notes = {column: factor.metadata() for column, factor in factors.items()}
        flow = [Cut(cut="generated", events=9, sum_weights=18.0), Cut(cut="x", events=4, sum_weights=4.0)]
        known = {"era": name[-4:], "cutflow": flow, "cross_section": 8.0, "mass": 3500.0, "weight_scale": 2.0}
        table = events.table(content, name)
        return write_skimmed(tmp_path, name, [[table]], {"x": "GeV"}, notes, **(known | changes))

    return write


@pytest.fixture
def data(tmp_path, write_skimmed) -> list[Path]:
    """The manifests of data of 10/fb and 30/fb, whose events are not needed."""
    known = {"nature": "data", "events": 7, "cross_section": None}
    return [
        write_skimmed(tmp_path, f"data_{era}", era=era, luminosity=luminosity, **known)
        for era, luminosity in (("2017", 10.0), ("2018", 30.0))
    ]


def combined(tmp_path: Path, data: list[Path], *parts: Path) -> events.Dataset:
    combine(parts, data, tmp_path / "skim" / "x.json")
    return events.Dataset.open(tmp_path / "skim" / "x.json")


def efficiency(found: events.Dataset) -> Efficiency:
    """Of the events with x = 1, with weights and shifts of whatever is stored."""
    weights, sums = Weights.of(found, ()), Efficiency()
    for batch in found.iterate(["weight", "x", *weights.columns]):
        sums.add(weights, batch, np.asarray(batch.weight), np.asarray(batch.x) == 1)
    return sums


def test_each_part_counts_by_its_luminosity(tmp_path, data, dataset) -> None:
    early = dataset("x_2017", {"gen_weight": np.array([3.0, 3, 1, 1])}, {})
    late = dataset("x_2018", {}, {}, weight_scale=4.0)
    output = tmp_path / "skim" / "x.json"
    options = [f"--data={path}" for path in data]
    result = CliRunner().invoke(app, ["combine", *options, "--output", str(output), str(early), str(late)])
    assert result.exit_code == 0, result.output
    found = events.Dataset.open(output)
    assert found.read(["weight"]).weight.to_list() == [1.5, 1.5, 0.5, 0.5, 3, 3, 3, 3]
    assert found.described("x") == {"unit": "GeV", "label": "x"}
    _, everything, kept = efficiency(found).nominal()
    assert (everything, kept) == (16, 9)
    manifest = found.manifest
    assert (manifest.chunks, manifest.events, manifest.era) == (["x_2017-000", "x_2018-000"], 8, None)
    assert (manifest.cross_section, manifest.mass) == (8, 3500)
    assert [(row.cut, row.events, row.sum_weights) for row in manifest.cutflow] == [
        ("generated", 18, 18 * (0.5 + 3)),
        ("x", 8, 4 * (0.5 + 3)),
    ]


def test_a_source_of_one_era_moves_only_its_part(tmp_path, data, dataset) -> None:
    """Of a part without the source, an uncertainty is the nominal weight, and this 1 where the group is unknown."""
    up = np.array([3.0, 3, 2, 2])
    pileup = {"pileup": np.full(4, 2.0), "pileup_up": up}
    alone = {"pileup_low_up": np.array([4.0, 4, 2, 2]), "trigger": np.full(4, 0.5)}
    named = {"pileup_low_up": Factor("pileup", "low", "up"), "trigger": Factor("trigger")}
    early = dataset("x_2017", pileup | alone, PILEUP | named)
    late = dataset("x_2018", pileup, PILEUP)
    found = combined(tmp_path, data, early, late)
    effects = efficiency(found).effects()
    # Weights of the first two events and of all: 2 and 4 of the early part (0.5 fb each), 6 and 12 of the late one.
    early_up, late_up, whole = 0.5 * 0.5 * (2 * 3), 1.5 * (2 * 3), 0.5 * 0.5 * (2 * 2) + 1.5 * (2 * 2)
    assert effects["pileup"].uncertainties["pileup"][0] == pytest.approx((early_up + late_up) / whole - 1)
    low = 0.5 * 0.5 * (2 * 4) + 1.5 * (2 * 2)
    assert effects["pileup"].uncertainties["low"][0] == pytest.approx(low / whole - 1)
    assert found.read(["trigger"]).trigger.to_list() == [0.5] * 4 + [1] * 4


def test_of_several_columns_of_a_missing_weight_one_is_the_nominal_one(tmp_path, data, dataset) -> None:
    jets = {name: np.full(4, 2.0) for name in ("b_j1", "b_j2")}
    shifted = {"up_j1": np.full(4, 3.0), "up_j2": np.full(4, 3.0)}
    nominal, up = Factor("b"), Factor("b", "b_tag", "up")
    factors = dict.fromkeys(jets, nominal)
    early = dataset("x_2017", jets, factors)
    late = dataset("x_2018", jets | shifted, factors | dict.fromkeys(shifted, up))
    read = combined(tmp_path, data, early, late).read(["up_j1", "up_j2"])
    assert (read.up_j1 * read.up_j2).to_list() == [4] * 4 + [9] * 4


def test_toys_that_a_part_lacks_are_as_many_of_one(tmp_path, data, dataset) -> None:
    toys, factors = {"pdf": ak.Array([[1.0, 2, 3]] * 4)}, {"pdf": Factor("pdf", "pdf", "toys")}
    early, late = dataset("x_2017", {}, {}), dataset("x_2018", toys, factors)
    found = combined(tmp_path, data, early, late)
    assert found.read(["pdf"]).pdf.to_list() == [[1, 1, 1]] * 4 + [[1, 2, 3]] * 4
    # Three quarters of the events have 1, 2, 3 times their weight: 0, 0.75 and 1.5 more.
    assert efficiency(found).effects()["pdf"].uncertainties["pdf"][0] == pytest.approx((2.8125 / 3) ** 0.5)
    dataset("x_2017", {"pdf": ak.Array([[1.0, 2]] * 4)}, factors)
    with pytest.raises(InputFileError, match="in the number of weights 'pdf', 2 or 3"):
        combined(tmp_path, data, early, late)


def test_shifted_objects_of_one_era_move_only_its_part(tmp_path, data, dataset) -> None:
    """The third event passes with the shift alone, the first not; a row that is a copy is left out."""
    mask = np.array([True, True, False, True])
    columns = {
        "passes": np.array([True, True, False, True]),
        "passes__jes_2017_up": np.ma.MaskedArray([False, True, True, True], mask=[False, True, False, True]),
        "x__jes_2017_up": np.ma.MaskedArray(np.full(4, 7.0), mask=mask),
    }
    changes = {"events": 2, "variations": {"jes_2017_up": "jes"}, "dropped": {"000": [3]}}
    early = dataset("x_2017", columns, {}, **changes)
    found = combined(tmp_path, data, early, dataset("x_2018", {}, {}))
    assert found.manifest.variations == {"jes_2017_up": "jes"}
    assert found.read(["x"]).x.to_list() == [1, 1, 1, 1, 0, 0]
    assert ak.concatenate(list(found.iterate(["x"], (), "jes_2017_up"))).x.to_list() == [1, 7, 1, 1, 0, 0]
    assert events.count(found.path("skim", "x_2017-000")) == 3


@pytest.mark.parametrize(
    ("late", "sentence"),
    [
        ({"columns": {"y": np.zeros(4)}}, r"x_2018\.json: differs from the other parts in the column 'y'"),
        ({"mass": 3000.0}, r"x_2018\.json: differs from the other parts in mass"),
        (
            {"columns": {"pileup": np.ones(4)}, "factors": {"pileup": Factor("other")}},
            r"x_2018\.json: differs from the other parts in the column 'pileup'",
        ),
    ],
)
def test_parts_that_differ_are_one_sentence(tmp_path, data, dataset, late, sentence) -> None:
    pileup = {"pileup": np.ones(4)} if "factors" in late else {}
    early = dataset("x_2017", pileup, dict.fromkeys(pileup, Factor("pileup")))
    given = {"columns": {}, "factors": {}} | late
    with pytest.raises(InputFileError, match=sentence):
        combined(tmp_path, data, early, dataset("x_2018", **given))
    assert not (tmp_path / "skim" / "x.json").exists()


def test_a_part_of_an_era_that_the_data_do_not_have_stops(tmp_path, data, dataset) -> None:
    with pytest.raises(ConfigError, match="is of the era '2019', and 'data_2017 \\+ data_2018' is not"):
        combined(tmp_path, data, dataset("x_2019", {}, {}))


def test_cuts_that_differ_leave_the_first_and_the_last(tmp_path, data, dataset) -> None:
    early, late = dataset("x_2017", {}, {}), dataset("x_2018", {}, {})
    content = json.loads(late.read_text())
    content["cutflow"].insert(1, {"cut": "trigger", "events": 5, "sum_weights": 5.0})
    late.write_text(json.dumps(content))
    flow = combined(tmp_path, data, early, late).manifest.cutflow
    assert [(row.cut, row.events) for row in flow] == [("generated", 18), ("selected", 8)]
