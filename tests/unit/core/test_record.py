import dataclasses
from typing import Literal

import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, Name, build, key, plain, record


@record
class Inner:
    """An entry of a mapping."""

    kind: Literal["a", "b"]
    size: float | None


@record
class Outer:
    """A result: all its keys must be there."""

    inner: dict[str, Inner]
    edges: list[tuple[float, float]]
    n: int


GOOD = {"inner": {"x": {"kind": "a", "size": None}}, "edges": [[1, 2.5]], "n": 3}


def test_a_record_of_plain_data_and_back() -> None:
    made = build(GOOD, Outer, "f")
    assert made == Outer(inner={"x": Inner(kind="a", size=None)}, edges=[(1.0, 2.5)], n=3)
    assert plain(made, Outer) == GOOD
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.n = 4


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n": True}, "f: key 'n': True should be a valid integer"),
        ({"n": "3"}, "f: key 'n': '3' should be a valid integer"),
        ({"edges": 3}, "f: key 'edges': 3 should be a list"),
        ({"m": 1}, "f: unknown key 'm'; the keys here are inner, edges, n."),
        ({"edges": [[1, 2, 3]]}, r"f: key 'edges\[0\]': \[1, 2, 3\] has too many entries"),
        ({"edges": [[1]]}, r"f: key 'edges\[0\]': \[1\] has too few entries"),
        ({"inner": {"x": {"kind": "c", "size": 1}}}, "f: key 'inner.x.kind': 'c' should be 'a' or 'b'"),
        ({"inner": {"x": {"kind": "a"}}}, "f: key 'inner.x': 'size' is missing; add it"),
    ],
)
def test_one_sentence_says_what_is_wrong(change: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        build(GOOD | change, Outer, "f")


@record
class Unions:
    """Keys with alternatives."""

    events: int | list[int] = key("Events.", default=1)
    deep: dict[str, float | list[list[int]]] = key("Numbers.", default={})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"events": -1.5}, "key 'events': -1.5 should be a valid integer; it is: Events."),
        ({"events": [1, "x"]}, r"key 'events': \[1, 'x'\] should be a valid integer; it is: Events."),
        ({"deep": {"a": "x"}}, "key 'deep.a': 'x' should be a valid number; it is: Numbers."),
        ({"more": 1}, "unknown key 'more'; the keys here are events, deep."),
    ],
)
def test_keys_with_alternatives_are_named_as_in_yaml(given: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        build(given, Unions, "f")


@record
class Jets:
    """Jets."""

    radius: float = key("Radius of the jets.", default=0.8, gt=0)
    cuts: list[GeV] = key("Cuts on pT.", default=[200, 300], min_length=1, unique=True)


@record
class FatJets(Jets):
    """Jets with another default."""

    radius: float = key(default=1.0)


@record
class Section:
    """A section with a part and a catalogue."""

    jets: FatJets = key("The jets.", default={})
    catalogue: dict[Name, Jets] = key("More jets, by name.", default={"small": {"radius": 0.4}}, merge=True)


def test_a_subclass_keeps_the_bounds_and_meaning_of_a_key_with_another_default() -> None:
    assert FatJets().radius == 1
    with pytest.raises(ConfigError, match="key 'radius': -1 should be greater than 0; it is: Radius of the jets"):
        build({"radius": -1}, FatJets, "f")


def test_parts_have_defaults_and_a_catalogue_keeps_its_entries() -> None:
    made = build({"jets": {"cuts": ["0.5 TeV"]}, "catalogue": {"large": {}}}, Section, "f", merge=True)
    assert made.jets == FatJets(radius=1.0, cuts=[500])
    assert {name: jets.radius for name, jets in made.catalogue.items()} == {"small": 0.4, "large": 0.8}
    assert Section().catalogue["small"].radius == 0.4


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"jets": {"cuts": [100, "100 MeV", 100]}}, r"f: key 'jets.cuts': \[100.0, 0.1, 100.0\] has an element twice"),
        ({"jets": {"cuts": [1, "two"]}}, r"f: key 'jets.cuts\[1\]': 'two' is not a number, or a number and a unit"),
        ({"jets": {"cuts": [1e9]}}, r"f: key 'jets.cuts\[0\]' is 1e\+09 without a unit"),
        ({"catalogue": {"../up": {}}}, "f: key 'catalogue.../up': '../up' is not allowed; give a name of letters"),
        ({"jets": {"radus": 1}}, "f: unknown key 'jets.radus'; did you mean 'radius'?"),
    ],
)
def test_units_names_and_lists(given: dict, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        build(given, Section, "f")


def test_an_integer_literal_is_no_declaration() -> None:
    """It would take ``true`` for 1."""
    with pytest.raises(TypeError, match=r"^Jets\.number: an integer Literal accepts true as 1; declare an int"):

        @record
        class Jets:
            """A section."""

            number: list[Literal[0, 1]] | None = key("Jets.", default=None)
