"""Output folders keep what others wrote, and no output is an input."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import distinct, folder


def write(path, command="scan", **files):
    with folder(path, command) as partial:
        for name, text in files.items():
            file = partial / name.replace("__", "/")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)


def content(path):
    return {file.relative_to(path).as_posix(): file.read_text() for file in path.rglob("[!.]*") if file.is_file()}


def test_a_second_run_replaces_the_files_of_the_first(tmp_path):
    write(tmp_path, a="1", sub__b="2", old="3")
    write(tmp_path, a="4", sub__b="2")
    assert content(tmp_path) == {"a": "4", "sub/b": "2"}
    assert list(tmp_path.glob("*.partial")) == []


def test_files_of_others_stay(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/mine").write_text("0")
    write(tmp_path, "bias", bias="1")
    write(tmp_path, a="1", sub__b="2")
    write(tmp_path, a="1")
    assert content(tmp_path) == {"sub/mine": "0", "bias": "1", "a": "1"}


@pytest.mark.parametrize("earlier", [{}, {"other": "2"}, {"a": "1"}])
def test_a_file_in_the_way_is_not_replaced(tmp_path, earlier):
    write(tmp_path, **earlier)
    # Someone else's, or written by the command and then edited.
    (tmp_path / "a").write_text("mine")
    before = content(tmp_path)
    with pytest.raises(InputFileError, match=r"a: is in the way, .*; move it away or choose another folder"):
        write(tmp_path, a="2", b="3")
    assert content(tmp_path) == before


def test_an_edited_file_that_is_not_written_again_stays(tmp_path):
    write(tmp_path, a="1", b="2")
    (tmp_path / "a").write_text("mine")
    write(tmp_path, b="3")
    assert content(tmp_path) == {"a": "mine", "b": "3"}


@pytest.mark.parametrize("name", ["a", "sub__a"])
def test_a_link_or_folder_in_the_way(tmp_path, name):
    (tmp_path / "target").write_text("1")
    write(tmp_path / "out", **{name: "1"})
    place = tmp_path / "out" / name.replace("__", "/")
    place.unlink()
    place.symlink_to(tmp_path / "target")
    with pytest.raises(InputFileError, match="in the way"):
        write(tmp_path / "out", **{name: "1"})
    assert (tmp_path / "target").read_text() == "1"


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(InputFileError, match="out: is a file"):
        write(tmp_path / "out", a="1")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_list_that_names_files_elsewhere(tmp_path):
    (tmp_path / "mine").write_text("1")
    write(tmp_path, a="1")
    write(tmp_path / "out", b="1")
    record = tmp_path / "out/.scan.sha256"
    own = (tmp_path / ".scan.sha256").read_text()
    record.write_text(own.replace("  a", "  ../mine") + own.replace("  a", f"  {tmp_path / 'mine'}") + "no checksum\n")
    (tmp_path / "out/b").unlink()
    write(tmp_path / "out", b="1")
    assert (tmp_path / "mine").read_text() == "1"


def test_an_error_leaves_everything_as_it_was(tmp_path):
    write(tmp_path, a="1", b="2")

    def fail():
        with folder(tmp_path, "scan") as partial:
            (partial / "a").write_text("half")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    assert content(tmp_path) == {"a": "1", "b": "2"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".scan.sha256", "a", "b"]


def test_a_run_that_was_killed_while_files_moved_owns_them(tmp_path, monkeypatch):
    write(tmp_path, a="1", b="2")
    moved = []

    def replace(self, target):
        if target.name == "b" and not moved:
            moved.append(target)
            raise KeyboardInterrupt
        os.replace(self, target)  # noqa: PTH105

    monkeypatch.setattr("pathlib.Path.replace", replace)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, a="3", b="4")
    assert content(tmp_path) == {"a": "3", "b": "2"}
    write(tmp_path, a="5", b="6")
    assert content(tmp_path) == {"a": "5", "b": "6"}


def test_a_run_that_was_killed_leaves_nothing_for_long(tmp_path):
    code = """
import os, sys
from pathlib import Path
from resonaut.core.files import folder
with folder(Path(sys.argv[1]), "scan") as partial:
    (partial / "a").write_text("half")
    os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    other = left.with_name(left.name.replace(".scan.", ".bias."))
    other.mkdir()
    with folder(tmp_path, "scan") as first:
        # Neither the folder of a process that lives nor that of another command.
        write(tmp_path, b="1")
        assert set(tmp_path.glob(".*.partial")) == {first, other}
    assert not left.exists()


def test_outputs_that_are_inputs(tmp_path, monkeypatch):
    (tmp_path / "in").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    os.link(tmp_path / "in", tmp_path / "twin")
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "in"
    for output in (source, tmp_path / "link", tmp_path / "twin", tmp_path / "sub/../in"):
        with pytest.raises(ConfigError, match="is an input too"):
            distinct([None, source], [tmp_path / "out", output])
    with pytest.raises(ConfigError, match="is another output too"):
        distinct([source], [tmp_path / "new", tmp_path / "./new"])
    distinct([source, tmp_path / "absent", Path()], [tmp_path / "out", None, tmp_path / "loop"])


def test_a_manifest_stands_for_its_chunks(tmp_path):
    chunk = tmp_path / "data" / "000.parquet"
    chunk.parent.mkdir()
    chunk.touch()
    with pytest.raises(ConfigError, match=r"000\.parquet is an input too"):
        distinct([tmp_path / "data.json"], [chunk])
    distinct([tmp_path / "data.json"], [tmp_path / "tag" / "data" / "000.parquet"])


def test_a_loop_of_links_is_no_input(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    distinct([tmp_path / "loop"], [tmp_path / "out"])


def test_a_command_that_fails_leaves_no_folder_that_it_made(tmp_path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("new", "there"):
        with pytest.raises(RuntimeError), folder(tmp_path / name, "scan"):
            raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
