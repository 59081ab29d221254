"""Every result that stages exchange: written and read back; and the sentences on files that are something else."""

import importlib.util
import json

import pytest

from resonaut.core import stages
from resonaut.core.errors import InputFileError, unexpected
from resonaut.core.manifest import Manifest
from resonaut.core.results import KINDS, read, write
from resonaut.fit.results.points import FailedPoint, Point
from resonaut.fit.results.scans import Scan, SelectionScan, SpectrumScan
from resonaut.select.results import Benchmark, Trained

for verb in stages.verbs():
    if importlib.util.find_spec(f"resonaut.{verb}.results"):
        importlib.import_module(f"resonaut.{verb}.results")


@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.__module__.split('.')[1]}-{kind.__name__}")
def test_what_is_written_is_read_back(kind, nulls, example, tmp_path) -> None:
    path, again = tmp_path / "a.json", tmp_path / "b.json"
    write(path, example(kind, nulls))
    assert read(path, kind) == example(kind, nulls)
    write(again, read(path, kind))
    assert again.read_bytes() == path.read_bytes()


def test_a_list_of_records(example, tmp_path) -> None:
    write(tmp_path / "a.json", [example(Benchmark)] * 2)
    assert read(tmp_path / "a.json", list[Benchmark]) == [example(Benchmark)] * 2


def test_of_several_kinds_the_keys_decide(example, tmp_path) -> None:
    for kind in (SelectionScan, SpectrumScan):
        write(tmp_path / "a.json", example(kind))
        assert type(read(tmp_path / "a.json", SelectionScan, SpectrumScan)) is kind


def test_a_mass_without_a_result_has_the_keys_of_the_others(example, tmp_path) -> None:
    failed = FailedPoint(mass=3500.0, limit_reason="the fits fail")
    write(tmp_path / "a.json", SelectionScan(**vars(example(SelectionScan)) | {"scan": [example(Point), failed]}))
    fitted, written = json.loads((tmp_path / "a.json").read_text())["scan"]
    assert written == dict.fromkeys(fitted) | {"mass": 3500.0, "limit_reason": "the fits fail"}
    found = read(tmp_path / "a.json", SelectionScan)
    assert (found.points, found.failed) == ([example(Point)], [failed])


def changed(content, place, value):
    """A copy with another value at a place; ``...`` takes it out."""
    content = json.loads(json.dumps(content))
    inner = content
    for part in place[:-1]:
        inner = inner[part]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return content


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (["sqrt_s"], None, "sqrt_s is None, and should be a valid number"),
        (["sqrt_s"], "13000", "sqrt_s is '13000', and should be a valid number"),
        (["sqrt_s"], True, "sqrt_s is True, and should be a valid number"),
        (["sqrt_s"], float("nan"), "sqrt_s is nan, and should be a finite number"),
        (["sqrt_s"], float("inf"), "sqrt_s is inf, and should be a finite number"),
        (["more"], 1, "unknown key 'more'"),
        (["scan", 0, "more"], 1, "unknown key 'scan[0].more'"),
        (["global"], ..., "it has no 'global'"),
        (["scan", 0, "mass"], ..., "it has no 'scan[0].mass'"),
        (["scan", 0, "mass"], None, "scan[0].mass is None, and should be a valid number"),
        (["scan", 0, "p_local"], -1, "scan[0].p_local is -1, and should be greater than or equal to 0"),
        (["scan", 0, "fit", "ndf"], 1.5, "scan[0].fit.ndf is 1.5, and should be a valid integer"),
        (["scan", 0, "fit", "pulls"], [], "scan[0].fit: pulls has not one value for each bin"),
        (["scan", 0, "fit"], None, "unknown key 'scan[0].q0'"),
        (["scan", 0, "efficiency_uncertainties", "x"], "?", "scan[0].efficiency_uncertainties.x is '?', and should"),
        (["scan"], None, "scan is None, and should be a valid array"),
        (["signal_region"], [1, 2, 3], "signal_region is [1, 2, 3], and Tuple should have at most 2 items"),
    ],
)
def test_other_content_is_one_sentence(place, value, words, content_of, tmp_path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(changed(content_of(SelectionScan), place, value)))
    with pytest.raises(InputFileError) as error:
        read(path, SelectionScan)
    assert str(error.value).startswith(f"{path}: no fit result ({words}")
    assert str(error.value).endswith("; make it with 'resonaut fit selection'.")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe{}", b"<html>", b"[" * 9999], ids=["empty", "half", "bytes", "HTML", "deep"]
)
def test_a_file_that_is_not_json(text, tmp_path) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(InputFileError, match=r"a\.json: no manifest of a dataset \(not valid JSON: .*skim merge"):
        read(tmp_path / "a.json", Manifest)


@pytest.mark.parametrize("text", ["null", "[]", "5", "NaN"])
def test_json_that_is_no_object(text, tmp_path) -> None:
    (tmp_path / "a.json").write_text(text)
    for kinds in ((Manifest,), (SelectionScan, SpectrumScan)):
        with pytest.raises(InputFileError, match=r"a\.json: no .* \(it is .*, and should be an object\)"):
            read(tmp_path / "a.json", *kinds)


def test_files_that_are_not_there(tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"a\.json: no such file; make it with 'resonaut skim merge', or give"):
        read(tmp_path / "a.json", Manifest)
    with pytest.raises(InputFileError, match="is a folder; give a file"):
        read(tmp_path, Manifest)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"uhi_schema": 99}, "its uhi_schema is 99, and 1 is known"),
        ({"axes": 5}, "no histogram"),
        ({"storage": {"type": "weighted", "values": [0, float("nan"), 0, 0], "variances": [0] * 4}}, "NaN or infinite"),
    ],
)
def test_a_histogram_that_is_none(change, words, content_of, tmp_path) -> None:
    whole = content_of(Trained)
    whole["spectrum"] |= change
    (tmp_path / "a.json").write_text(json.dumps(whole))
    with pytest.raises(InputFileError, match=rf"a\.json: no summary of a selection \(spectrum: .*{words}"):
        read(tmp_path / "a.json", Trained)


def test_a_result_is_checked_where_it_is_made(example) -> None:
    with pytest.raises(ValueError, match="finite") as error:
        Scan(**vars(example(Scan)) | {"sqrt_s": float("nan")})
    sentence = unexpected(error.value, ["fit", "scan"], None)
    assert "1 validation error for Scan sqrt_s Input should be a finite number" in sentence
