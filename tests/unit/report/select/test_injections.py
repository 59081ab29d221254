"""What methods find of injected signal: gains over the inclusive search, limits, significance improvements."""

import csv
import json
from dataclasses import replace

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.results import read, write
from resonaut.fit.results.retrained import Amount, FittedExperiment, Retrained
from resonaut.report.select import improvements, injections
from resonaut.select.results import Band, Benchmark

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def retrained(example):
    """Make results of experiments at 0, 5 and 20 fb, two of each."""

    def make(method, significances, excluded, **changed):
        amounts = [
            replace(
                example(Amount),
                amount=amount,
                z_local=z,
                z_local_range=(z - 1, z + 1),
                excluded=limit,
                excluded_expected=limit and limit / 2,
            )
            for amount, z, limit in zip((0.0, 5.0, 20.0), significances, excluded, strict=True)
        ]
        experiments = [
            replace(example(FittedExperiment), amount=row.amount, z_local=z)
            for row in amounts
            for z in row.z_local_range
        ]
        content = {"method": method, "window": "w", "signal": "s", "mass": 3500.0, "unit": "fb", "amounts": amounts}
        empty = dict.fromkeys(("five_sigma", "five_sigma_expected", "limit", "limit_expected"))
        return replace(example(Retrained), **content | {"experiments": experiments} | empty | changed)

    return make


@pytest.fixture
def fits(tmp_path, retrained):
    """The inclusive search, which does not see 20 fb; one that does; one that never learns the signal."""
    inclusive = {"five_sigma_expected": 60.0, "limit": 30.0, "limit_expected": 15.0}
    contents = [
        retrained("inclusive", (0.5, 1.0, 2.0), (30.0, 31.0, 32.0), **inclusive),
        retrained("cwola", (0.0, 4.0, 9.0), (None, 8.0, 6.0), five_sigma=8.0, limit=8.0, limit_expected=5.0),
        retrained("anode", (0.0, 0.1, 0.2), (None, None, None)),
    ]
    paths = [tmp_path / content.method / "w/s.json" for content in contents]
    for path, content in zip(paths, contents, strict=True):
        write(path, content)
    return paths


def table(folder):
    with (folder / "injections.csv").open() as file:
        return {row["method"]: row for row in csv.DictReader(file)}


@pytest.fixture
def benchmark(example, tmp_path):
    """Write a comparison in which one value is missing."""

    def make(methods):
        three, one = Band(median=3.0, low=2.0, high=5.0), Band(median=1.0, low=1.0, high=1.0)
        known = {"window": "w", "signal": "s", "max_improvement": three, "improvement_at": {"0.05": one, "0.008": None}}
        rows = [
            replace(example(Benchmark), method=method, amount=amount, **known)
            for method in methods
            for amount in (0.0, 5.0)
        ]
        write(tmp_path / "benchmark.json", rows)
        return tmp_path / "benchmark.json"

    return make


def test_gains_over_the_inclusive_search(fits, tmp_path) -> None:
    injections.draw(tmp_path / "out", fits, None, [], None)
    rows = table(tmp_path / "out")
    found = rows["cwola"]
    # 60 fb is what is expected of the inclusive search: no experiment reaches five standard deviations.
    assert (found["inclusive_five_sigma"], found["inclusive_five_sigma_is"]) == ("60", "expected")
    assert (found["five_sigma"], found["gain"]) == ("8", "7.5")
    assert (found["limit"], found["limit_gain"], found["limit_expected_gain"]) == ("8", "3.75", "3")
    assert (found["no_signal_z_median"], found["no_signal_z_max"]) == ("0", "1")
    assert (rows["inclusive"]["gain"], rows["inclusive"]["limit_gain"]) == ("", "1")
    assert {rows["anode"][key] for key in ("five_sigma", "gain", "limit", "limit_gain")} == {""}


def test_a_measured_inclusive_search_is_preferred_and_none_gives_no_gain(retrained) -> None:
    cwola = retrained("cwola", (0, 4, 9), (None, 8, 6), five_sigma=8.0)
    inclusive = retrained("inclusive", (0, 4, 6), (9, 9, 9), five_sigma=16.0, five_sigma_expected=60.0)
    row = injections.compared(cwola, inclusive)
    assert (row["gain"], row["inclusive_five_sigma_is"]) == (2, "injected")
    row = injections.compared(cwola, None)
    assert (row["gain"], row["inclusive_five_sigma"], row["inclusive_five_sigma_is"]) == (None, None, None)


def test_figures_repeat_byte_for_byte(fits, benchmark, tmp_path) -> None:
    compared = benchmark(["cwola", "anode", "ideal", "cathode", "quak"])
    for again in ("a", "b"):
        injections.draw(tmp_path / again, fits, compared, [], None)
    made = {path.relative_to(tmp_path / "a"): path.read_bytes() for path in (tmp_path / "a").rglob("*.*")}
    assert made == {path.relative_to(tmp_path / "b"): path.read_bytes() for path in (tmp_path / "b").rglob("*.*")}
    pictures = {path.as_posix() for path, content in made.items() if content.startswith(PNG)}
    assert pictures == {"injections/s_w.png", "injections/improvement_s_w.png"}


def test_numbers_of_events_and_pseudo_data_have_no_limits(retrained, benchmark, tmp_path) -> None:
    content = retrained("cwola", (0.0, 40.0, 90.0), (None, None, None), unit="events")
    injections.significance_and_limits([content], "", tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(PNG)
    rows = [replace(row, unit="events") for row in read(benchmark(["cwola"]), list[Benchmark])]
    improvements.improvements(rows, "", tmp_path / "y.png")
    assert (tmp_path / "y.png").read_bytes().startswith(PNG)


def test_wrong_files_end_in_a_sentence(fits, tmp_path) -> None:
    content = json.loads(fits[0].read_text())
    del content["amounts"][1]["excluded"]
    write_json(tmp_path / "x.json", content)
    with pytest.raises(InputFileError, match=r"x\.json: no file of fitted experiments \(it has no 'amounts\[1\]\.excl"):
        injections.draw(tmp_path / "out", [tmp_path / "x.json"], None, [], None)
    for wrong in ({}, [{"method": "x"}]):
        write_json(tmp_path / "x.json", wrong)
        with pytest.raises(InputFileError, match=r"x\.json: no comparison of methods .*'resonaut select benchmark'"):
            injections.draw(tmp_path / "out", fits, tmp_path / "x.json", [], None)
    assert not (tmp_path / "out").exists()


def test_drawn_values_are_those_of_the_experiments(fits, benchmark, kept, tmp_path) -> None:
    injections.draw(tmp_path / "out", fits, benchmark(["cwola"]), [], None)
    significance, observed, expected = kept["s_w"].axes[:3]
    drawn = [{line.get_label(): line for line in ax.lines}["cwola"] for ax in (significance, observed, expected)]
    assert [list(line.get_data()[0]) for line in drawn] == [[0, 5, 20], [5, 20], [5, 20]]
    assert [list(line.get_data()[1]) for line in drawn] == [[0, 4, 9], [8, 6], [4, 3]]
    assert kept["improvement_s_w"].axes[0].lines[0].get_ydata().tolist() == [3, 3]
