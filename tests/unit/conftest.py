"""Results of every kind, for tests that need some and mind only a few of their keys."""

import types
import typing
from typing import Annotated, Any, Literal

import hist
import pytest

from resonaut.core.record import hints, keys, plain


def made(kind: Any, nulls: bool, name: str = "") -> Any:
    """A value of a type; ``nulls``: None wherever it may be."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Annotated, typing.Union, types.UnionType):
        return None if nulls and types.NoneType in inside else made(inside[0], nulls, name)
    if origin is Literal:
        return inside[0]
    if origin is dict:
        # Jets of a tagger are counted of QCD, too.
        return {key: made(inside[1], nulls) for key in ("qcd", "x")}
    if origin is tuple:
        return tuple(made(one, nulls) for one in inside)
    if origin is list:
        # One bin has two edges.
        return [made(inside[0], nulls)] * (2 if name == "edges" else 1)
    if kind is hist.Hist:
        return hist.Hist(hist.axis.Regular(2, 0, 1, name="m_jj"), storage=hist.storage.Weight()).fill([0.2, 0.3])
    if keys(kind):
        return kind(**{name: made(hint, nulls, name) for name, hint in hints(kind).items()})
    return {float: 0.5, int: 1, str: "x", bool: True}[kind]


@pytest.fixture(scope="session")
def example():
    """``example(kind)`` is a record of any kind, all of whose keys have a value; ``nulls``: None where it may be."""
    return lambda kind, nulls=False: made(kind, nulls)


@pytest.fixture(scope="session")
def content_of(example):
    """``content_of(kind, key=value)`` is what the file of such a record holds, changed; ``...`` takes a key out."""

    def content(kind, **changes):
        whole = plain(example(kind), kind) | changes
        return {name: value for name, value in whole.items() if value is not ...}

    return content
