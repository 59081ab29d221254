"""Vocabularies: what the user's own files add to them, and how wrong files end."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.extensions import Placed, Vocabulary, declared

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Shape(Placed):
    corners: int = 0


@pytest.fixture
def shapes() -> Vocabulary[Shape]:
    return Vocabulary("SHAPES", "shape", Placed, {"round": Shape("module.Circle", home="core")})


@pytest.fixture
def own(tmp_path):
    """A user's own file."""

    def write(text: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(f"from resonaut.core.extensions import Placed\nclass Square: pass\n{text}\n")
        return str(path)

    return write


@pytest.mark.parametrize("path", sorted((ROOT / "tests/data").glob("my_*.py")), ids=lambda path: path.stem)
def test_the_examples_stand_in_the_documentation_and_are_short(path) -> None:
    assert f"```python\n{path.read_text()}```" in (ROOT / "docs/extend.md").read_text()
    assert sum(bool(line.strip()) for line in path.read_text().splitlines()) <= 30


def test_a_file_adds_to_a_copy_until_it_is_learned(shapes, own) -> None:
    path = own("SHAPES = {'square': Placed('Square')}")
    joined = shapes.joined([path])
    assert list(joined) == ["round", "square"]
    assert list(shapes) == ["round"]
    assert (joined["square"].find().__name__, joined["square"].module) == ("Square", str(Path(path).resolve()))
    for _ in range(2):
        shapes.learn([path])
    assert shapes == joined


def test_only_the_files_that_hold_a_name_are_used(shapes, own, tmp_path) -> None:
    path, other = own("SHAPES = {'square': Placed('Square')}"), tmp_path / "other.py"
    other.write_text("METHODS = {}")
    code = [str(other), path]
    assert shapes.files(["square", "round"], code) == [path]
    assert shapes.files(["round"], code) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("SHAPES = ['square']", r"mine\.py: SHAPES is no dictionary"),
        ("SHAPES = {'a b': Placed('Square')}", r"SHAPES\['a b'\]: give it a name of letters"),
        ("SHAPES = {3: Placed('Square')}", r"SHAPES\[3\]: give it a name of letters"),
        ("SHAPES = {'square': Square}", r"SHAPES\['square'\] is a type, not a Placed; correct it"),
        ("SHAPES = {'square': Placed('Sqare')}", r"SHAPES\['square'\]: the file has no 'Sqare'; correct its name"),
        ("SHAPES = {'round': Placed('Square')}", r"there is already a shape 'round'; rename this one"),
        ("1 / 0", r"config: code: .*mine\.py: ZeroDivisionError: division by zero; mend the file"),
    ],
)
def test_wrong_files_end_in_a_sentence(shapes, own, text, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        shapes.joined([own(text)])


def test_an_unknown_name_is_told_those_there_are(shapes) -> None:
    with pytest.raises(ConfigError, match=r"^config: unknown shape 'flat'; there are round\.$"):
        shapes["flat"]
    with pytest.raises(ConfigError, match=r"^config: a\.b: unknown shape 'flat'; there are round\.$"):
        shapes.require("config: a.b", ["round", "flat"])
    with pytest.raises(ConfigError, match="there are none; give one under SHAPES in a file of code"):
        Vocabulary("SHAPES", "shape", Placed, {}).require("config", ["flat"])


def test_folders_declare_what_they_hold() -> None:
    found = declared("skim/formats", "FORMATS")
    assert {"nanoaod", "lhco_features", "lhco_raw"} <= found.keys()
    for name, entry in found.items():
        assert entry.declaration == f"skim/formats/{name}/__init__.py"
        assert (ROOT / "src/resonaut" / entry.module).is_file()
        assert callable(entry.find())
