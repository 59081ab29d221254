"""Formulas of variables: arithmetic as NumPy does it, and nothing else."""

import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.physics.expressions import LONGEST, Expression
from resonaut.physics.tagger_variables import VARIABLES

X, Y = np.array([0.5, 2.0, -3.0]), np.array([4.0, 1.0, 2.0])

RIGHT = {
    "np.hypot(x, y)": np.hypot(X, Y),
    "numpy.log(np.abs(x) / y)": np.log(np.abs(X) / Y),
    "np.tanh(x) ** 2 - 1": np.tanh(X) ** 2 - 1,
    "-x + +y * 2e0": -X + Y * 2,
    "ak.ones_like(x)": np.ones(3),
    "np.where(x > 0, x, y)": [0.5, 2, 2],
    "(x > 0) & (y >= 2)": [1, 0, 0],
    "~(x == 2)": [1, 0, 1],
    "1 - (x < y)": [0, 1, 0],
    "np.clip(x, -1, 1)": [0.5, 1, -1],
    "math.pi * x": np.pi * X,
    "abs(x)": np.abs(X),
    "9.0 ** 9 ** 9 ** 9 + x": [np.inf] * 3,
}


@pytest.mark.parametrize("text", RIGHT)
def test_formulas_are_those_of_numpy(text):
    np.testing.assert_allclose(Expression.of(text, "here")({"x": X, "y": Y}), RIGHT[text])


WRONG = [
    "__import__('os').system('true')",
    "x.__class__",
    "np.load('x')",
    "np.fromfile(x)",
    "(lambda: 1)()",
    "[x for x in y]",
    "x[y]",
    "ak.argsort(x, axis=-1)",
    "np.hypot(x)",
    "np.hypot(*x)",
    "f'{x}'",
    "'text'",
    "x if y else x",
    "x < y < x",
    "x +",
    "x; y",
    "(" * 500 + "x" + ")" * 500,
    "x + " * LONGEST + "x",
    "1" * 1000 + "* x",
    "os.path",
    None,
]


@pytest.mark.parametrize("text", WRONG, ids=lambda text: str(text)[:30])
def test_anything_else_is_refused_in_a_sentence(text):
    with pytest.raises(InputFileError, match="cannot be read") as caught:
        Expression.of(text, "file: new_variables.a")
    assert str(caught.value).startswith("file: new_variables.a")
    assert str(caught.value).count("\n") == 0


def test_a_variable_of_others_needs_their_fields_and_has_their_kind():
    formula = Expression.of("np.log(part_d0val / jet_pt)", "here")
    made = formula.variable({name: VARIABLES[name] for name in formula.names})
    assert (made.kind, made.fields) == ("candidate", ("d0",))
    of = {"pt": np.ones(2), "d0": np.array([-1.0, -2.0])}
    np.testing.assert_allclose(made.formula(of, {"pt": np.array([5.0, 10.0])}), np.log([2.0, 2.0]))
    mixed = Expression.of("part_pt + sv_pt", "here")
    with pytest.raises(InputFileError, match="mixes candidate and vertex"):
        mixed.variable({name: VARIABLES[name] for name in mixed.names})
    assert Expression.of("np.log(jet_pt)", "here").variable({"jet_pt": VARIABLES["jet_pt"]}).kind == "jet"
