"""Formulas of columns, such as ``tau2_trackj1 / tau1_trackj1``: arithmetic, comparisons and a few functions, no code.

>>> evaluate("log(a / 2) + b ** 2", {"a": np.array([2.0]), "b": np.array([3.0])})
array([9.])
>>> evaluate("(a > 1) & (b != 0)", {"a": np.array([2.0, 0.0]), "b": np.array([3.0, 3.0])})
array([ True, False])
"""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from resonaut.core.errors import ConfigError

OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
FUNCTIONS: dict[str, np.ufunc] = {
    name: getattr(np, name)
    for name in ("abs", "sqrt", "log", "log10", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "arctan2")
} | {"min": np.minimum, "max": np.maximum}


def names(formula: str) -> list[str]:
    """The columns that a formula reads.

    Raises:
        ConfigError: it is no formula.
    """
    found = [node.id for node in ast.walk(_parsed(formula)) if isinstance(node, ast.Name)]
    return [name for name in dict.fromkeys(found) if name not in FUNCTIONS]


def evaluate(formula: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of a formula for each event; where it divides by 0 it is not finite.

    Raises:
        ConfigError: it is no formula, or one of something else than numbers, columns and the functions above.
    """
    tree = _parsed(formula)
    try:
        with np.errstate(all="ignore"):
            return np.asarray(_value(tree.body, columns, formula))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(
            f"{formula!r} cannot be calculated ({error}); join conditions as in '(a > 1) & (b < 2)', and use "
            "arithmetic for numbers."
        ) from None


def _parsed(formula: str) -> ast.Expression:
    try:
        return ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(f"{formula!r} is no formula; write one such as 'tau2_trackj1 / tau1_trackj1'.") from None


def _value(node: ast.expr, columns: Mapping[str, np.ndarray], formula: str) -> Any:
    def of(part: ast.expr) -> Any:
        return _value(part, columns, formula)

    match node:
        case ast.Constant(value=int() | float() as number):
            # As in a column: 1 / 0 is infinite, and the square root of -1 is NaN.
            return np.float64(number)
        case ast.Name(id=name) if name in columns:
            return columns[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](of(left), of(right))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](of(operand))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return OPERATORS[type(op)](of(left), of(right))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
            name in FUNCTIONS and len(args) == FUNCTIONS[name].nin
        ):
            return FUNCTIONS[name](*map(of, args))
    raise ConfigError(
        f"the formula {formula!r} has {ast.unparse(node)!r}, which is no column, number or operation; there are the "
        f"functions {', '.join(FUNCTIONS)}, and conditions are joined as in '(a > 1) & (b < 2)'."
    )
