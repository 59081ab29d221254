"""Formulas of variables, as weaver's data configurations have them, read as arithmetic: no code of the file runs."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.physics.momenta import Fields, Numbers
from resonaut.physics.tagger_variables import Variable

# Longest formula: the published ones are shorter by far.
LONGEST = 2000
MODULES = ("np", "numpy", "ak", "awkward", "math")
OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.divide,
    ast.Pow: np.power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.BitAnd: np.logical_and,
    ast.BitOr: np.logical_or,
    ast.Invert: np.logical_not,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ONE = [
    *("log", "log10", "log1p", "log2", "exp", "expm1", "sqrt", "square", "abs", "absolute", "fabs", "sign"),
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
    *("floor", "ceil", "isfinite", "isnan", "ones_like", "zeros_like", "nan_to_num"),
]
_MORE = {"hypot": 2, "arctan2": 2, "minimum": 2, "maximum": 2, "power": 2, "where": 3, "clip": 3}
ARGUMENTS = dict.fromkeys(_ONE, 1) | _MORE
CONSTANTS = {"pi": np.pi, "e": np.e}


@dataclass(frozen=True)
class Expression:
    """A formula, and the names of the variables in it.

    >>> import numpy as np
    >>> formula = Expression.of("np.log(part_pt / jet_pt)", "here")
    >>> formula.names
    ('part_pt', 'jet_pt')
    >>> formula({"part_pt": np.array([10.0]), "jet_pt": np.array([10.0])}).tolist()
    [0.0]
    """

    tree: ast.expr
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: Any, where: str) -> "Expression":
        """Read a formula.

        Raises:
            InputFileError: it is anything but arithmetic and NumPy's functions of numbers.
        """
        remedy = "write it with + - * / **, comparisons and NumPy's functions of numbers"
        try:
            if len(str(text)) > LONGEST:
                raise ValueError("too long")
            tree = ast.parse(str(text).strip(), mode="eval").body
            names = _names(tree)
        except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
            said = "no arithmetic" if isinstance(error, SyntaxError) else str(error)
            raise InputFileError(where, f"the formula {str(text)[:80]!r} cannot be read ({said})", remedy) from None
        return cls(tree, tuple(dict.fromkeys(names)))

    def __call__(self, values: Mapping[str, Numbers]) -> Numbers:
        """Its value for those of its variables, all of one shape."""
        with np.errstate(all="ignore"):
            return np.asarray(_value(self.tree, values), np.float64)

    def variable(self, parts: Mapping[str, Variable]) -> Variable:
        """The variable that it makes of others; numbers of the jet stand beside those of its objects.

        Raises:
            InputFileError: it mixes kinds of objects.
        """
        kinds = {one.kind for one in parts.values() if one.kind != "jet"}
        if len(kinds) > 1:
            text = ast.unparse(self.tree)
            raise InputFileError(f"the formula {text!r}", f"mixes {' and '.join(sorted(kinds))}", "take one kind")
        fields = tuple(dict.fromkeys(field for one in parts.values() for field in one.fields))

        def formula(of: Fields, jet: Fields) -> Numbers:
            found = self({name: np.asarray(one.formula(of, jet), np.float64) for name, one in parts.items()})
            return np.broadcast_to(found, of["pt"].shape)

        return Variable(kinds.pop() if kinds else "jet", formula, fields)


def _names(node: ast.AST) -> list[str]:
    """The variables of a formula; ``ValueError`` for what is none."""
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            float(value)
            return []
        case ast.Name(id=name):
            return [name]
        case ast.UnaryOp(op=op, operand=inner) if type(op) in OPERATORS:
            return _names(inner)
        case ast.BinOp(op=op, left=left, right=right) if type(op) in OPERATORS:
            return [*_names(left), *_names(right)]
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return [*_names(left), *_names(right)]
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES and name in CONSTANTS:
            return []
        case ast.Call(func=function, args=inner, keywords=[]) if (name := _function(function)) in ARGUMENTS:
            if len(inner) != ARGUMENTS[name]:
                raise ValueError(f"{name} takes {ARGUMENTS[name]} arguments")
            return [one for argument in inner for one in _names(argument)]
    raise ValueError(f"{ast.unparse(node)[:40]} is no arithmetic")


def _function(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES:
            return name
        case ast.Name(id="abs"):
            return "abs"
    return ""


def _value(node: ast.AST, values: Mapping[str, Numbers]) -> Any:
    match node:
        case ast.Constant(value=value):
            return np.float64(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=inner):
            return np.asarray(OPERATORS[type(op)](_value(inner, values)), np.float64)
        case ast.BinOp(op=op, left=left, right=right) | ast.Compare(left=left, ops=[op], comparators=[right]):
            return np.asarray(OPERATORS[type(op)](_value(left, values), _value(right, values)), np.float64)
        case ast.Attribute(attr=name):
            return np.float64(CONSTANTS[name])
        case ast.Call(func=function, args=inner):
            return getattr(np, _function(function))(*(_value(one, values) for one in inner))
    raise AssertionError(node)
