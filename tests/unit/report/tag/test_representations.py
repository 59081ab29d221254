"""The networks side by side: every number stands where it belongs."""

import csv
import re

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.results import write
from resonaut.report.tag import representations
from resonaut.tag.results import Comparison, Contender, Discrimination, Gap, RejectionAt

EFFICIENCIES = (0.3, 0.5, 0.7, 0.99)


def discrimination(factor: float) -> Discrimination:
    rejections = [
        RejectionAt(signal_efficiency=at, value=factor / at, error=0.1 * factor / at) for at in EFFICIENCIES[1:]
    ]
    nothing = RejectionAt(signal_efficiency=0.3, value=None, error=None)
    return Discrimination(auc=0.9 + factor / 1000, auc_error=0.0023, rejections=[nothing, *rejections])


def contender(factor: float, title: str, year: int | None, seconds: float | None) -> Contender:
    return Contender(
        architecture="some",
        title=title,
        year=year,
        parameters=1234,
        train_jets={"qcd": 60, "w": 50, "top": 40},
        train_seconds=seconds,
        operations=5.678e6,
        jets_per_second=4321.4,
        accuracy=0.8767,
        accuracy_error=0.0123,
        against_background={"w": discrimination(factor), "top": discrimination(2 * factor)},
    )


@pytest.fixture
def comparison(tmp_path):
    networks = {
        "b": contender(10, "deep sets", 2018, 98.7),
        "a": contender(20, "Particle Transformer", 2022, None),
        "c": contender(5, "observables, trees", 2010, 12.3),
        "z": contender(7, "own", None, None),
    }
    gaps = [
        Gap(signal="w", better="a", worse="b", difference=0.0101, error=0.0011),
        Gap(signal="top", better="b", worse="c", difference=0.0011, error=0.0011),
    ]
    jets = {"qcd": 3000, "w": 2000, "top": 1000}
    write(
        tmp_path / "x.json",
        Comparison(background="qcd", held_out_jets=jets, constituents=37, networks=networks, gaps=gaps),
    )
    return tmp_path / "x.json"


def test_points_are_the_rejections_in_the_order_of_the_years(comparison, tmp_path, kept) -> None:
    representations.draw(tmp_path / "out", comparison, None)
    top, w = kept["representations"].axes
    names = [label.get_text().splitlines() for label in w.get_xticklabels()]
    assert names == [
        ["c", "observables", "trees", "(2010)"],
        ["b", "deep sets", "(2018)"],
        ["a", "Particle Transformer", "(2022)"],
        ["z", "own"],
    ]
    for ax, signal, factor in ((w, "w", 1), (top, "top", 2)):
        drawn = {bar.get_label(): bar[0].get_data() for bar in ax.containers}
        assert list(drawn) == [f"{at} % of {signal}" for at in (30, 50, 70, 99)]
        # Where no QCD jet passes there is no point.
        assert len(drawn[f"30 % of {signal}"][0]) == 0
        x, y = drawn[f"50 % of {signal}"]
        assert list(x) == [0, 1, 2, 3]
        assert list(y) == pytest.approx([factor * one / 0.5 for one in (5, 10, 20, 7)])


def test_the_tables_have_all_numbers(comparison, tmp_path) -> None:
    representations.draw(tmp_path / "out", comparison, None)
    with (tmp_path / "out" / "representations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["network"], row["signal"]) for row in rows[:3]] == [("c", "top"), ("c", "w"), ("b", "top")]
    assert rows[3]["rejection_50"] == "20"
    assert rows[3]["rejection_30"] == ""
    assert (rows[2]["train_jets"], rows[2]["train_seconds"], rows[4]["train_seconds"]) == ("150", "98.7", "")
    page = (tmp_path / "out" / "representations.html").read_text()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for words in ("w (2,000 held-out jets) against qcd (3,000)", "c 0.877 ± 0.012 0.9050 ± 0.0023 – 10.0 ± 1.0"):
        assert words in text
    assert "b deep sets (2018) 1,234 150 99 5.68e+06 4,321" in text
    # Steps that are not clear stand out.
    assert re.search(r'font-weight: bold">0.0011 ± 0.0011', page)
    assert not re.search(r'font-weight: bold">0.0101', page)


def test_a_file_without_a_class_ends_in_a_sentence(content_of, tmp_path) -> None:
    write_json(tmp_path / "x.json", content_of(Comparison, background="qcd", held_out_jets={"qcd": 1, "w": 2}))
    with pytest.raises(
        InputFileError, match=r"comparison of taggers .*against_background has no w.*resonaut tag compare"
    ):
        representations.draw(tmp_path / "out", tmp_path / "x.json", None)
