"""Formulas of columns: what they may be, and that all others are one sentence."""

import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.formulas import evaluate

COLUMNS = {"a": np.array([1.0, -2.0, 3.0]), "b": np.array([3.0, 4.0, 5.0])}


@pytest.mark.parametrize("formula", ["1 / 0", "10 ** 1000", "(-1) ** 0.5", "a * (-8) ** (1 / 3)"])
def test_numbers_without_a_finite_result_are_not_finite(formula):
    found = evaluate(formula, COLUMNS)
    assert found.dtype == float
    assert not np.isfinite(found).any()


@pytest.mark.parametrize("formula", ["log(a, b)", "hypot(a, b, b)", "hypot(a)", "max()"])
def test_a_function_takes_as_many_columns_as_it_has(formula):
    before = COLUMNS["b"].copy()
    with pytest.raises(ConfigError, match="no column, number or operation"):
        evaluate(formula, COLUMNS)
    np.testing.assert_array_equal(COLUMNS["b"], before)


@pytest.mark.parametrize(
    "formula",
    ["a & b", "~a", "-(a > 1)", "(a > 1) - (b > 1)", "1" + 400 * "0", 90_000 * "-" + "a", 900 * "-" + "a"],
    ids=["and", "not", "minus", "difference", "large", "unparsed", "deep"],
)
def test_what_cannot_be_calculated_is_one_sentence(formula):
    with pytest.raises(ConfigError, match=r"cannot be calculated|is no formula"):
        evaluate(formula, COLUMNS)
