"""The words for what is wrong in parsed JSON."""

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.shape import problem, require

SHAPE = {
    "name": str,
    "luminosity": (float, None),
    "good": bool,
    "scan": [{"mass": float, "ndf": int}],
    "by": {str: [float]},
}
GOOD = {
    "name": "a",
    "luminosity": 1,
    "good": True,
    "scan": [{"mass": 3500.5, "ndf": 3}],
    "by": {"x": [1, 2.5]},
    "more": 1,
}


@pytest.mark.parametrize("change", [{}, {"luminosity": None}, {"scan": []}, {"by": {}}])
def test_good(change):
    assert problem(GOOD | change, SHAPE) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": None}, "name is None, not a text"),
        ({"luminosity": "1"}, "luminosity is '1', not a number"),
        ({"luminosity": True}, "luminosity is True, not a number"),
        ({"good": 1}, "good is 1, not true or false"),
        ({"scan": {}}, "scan is {}, not a list"),
        ({"scan": [{"mass": 1.0, "ndf": 1}, {"mass": 1.0}]}, "it has no scan[1].ndf"),
        ({"scan": [{"mass": 1.0, "ndf": 1.5}]}, "scan[0].ndf is 1.5, not a whole number"),
        ({"scan": [None]}, "scan[0] is None, not a mapping"),
        ({"by": {"x": [1, None]}}, "by.x[1] is None, not a number"),
    ],
)
def test_wrong(change, words):
    assert problem(GOOD | change, SHAPE) == words


def test_something_else_entirely():
    assert problem([], SHAPE) == "it is [], not a mapping"
    assert problem({}, SHAPE) == "it has no name"


def test_a_function_reads_the_value():
    assert problem({"a": "0.5"}, {"a": float.fromhex}) is None
    assert problem({"a": "x"}, {"a": float.fromhex}) == "a is 'x', which cannot be read (ValueError)"


def test_a_required_shape():
    assert require([1], [float], "a.json", "list", "make it") == [1]
    with pytest.raises(InputFileError, match=r"a\.json: no list \(it is \{\}, not a list\); make it\."):
        require({}, [float], "a.json", "list", "make it")
