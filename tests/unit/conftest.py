"""Results of every kind, for tests that need some and mind only a few of their keys."""

import json
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import awkward as ak
import hist
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.files import write_json
from resonaut.core.record import hints, keys, plain
from resonaut.core.variations import PASSES
from resonaut.trigger.results import Format


def made(kind: Any, nulls: bool, name: str = "") -> Any:
    """A value of a type; ``nulls``: None wherever it may be."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if kind == Format:
        return "ap_fixed<16,6>"
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
    return {float: 0.5, int: 1, str: "x", bool: True, Any: "x"}[kind]


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


@pytest.fixture(scope="session")
def add_failing() -> Callable[[Path], int]:
    """A function: put events into a dataset that pass the selection only in the variation ``jes_up``.

    They are copies of the first and the last one of each batch with other numbers and a huge weight; their number is
    returned. Whoever reads the dataset must not notice.
    """

    def add(manifest: Path) -> int:
        content, added = json.loads(manifest.read_text()), 0
        for chunk in content["chunks"]:
            path = manifest.with_suffix("") / f"{chunk}.parquet"
            batches = []
            for group in range(pq.ParquetFile(path).num_row_groups):
                batch = ak.from_arrow(pq.ParquetFile(path).read_row_group(group))
                failing = batch[[0, -1]] if len(batch) else batch
                numbers = ak.to_numpy(failing.event) + 1_000_000 + np.arange(len(failing)) * 1_000_000
                failing = ak.with_field(failing, numbers, "event")
                if "gen_weight" in failing.fields:
                    failing = ak.with_field(failing, ak.to_numpy(failing.gen_weight) * 1000, "gen_weight")
                order = np.argsort(np.r_[np.arange(len(batch)) + 1, np.arange(len(failing)) * (len(batch) + 1)])
                passes = np.r_[np.ones(len(batch), bool), np.zeros(len(failing), bool)][order]
                whole = ak.with_field(ak.concatenate([batch, failing])[order], passes, PASSES)
                shifted = ak.mask(ak.Array(~passes), ~passes)
                batches.append(ak.with_field(whole, shifted, f"{PASSES}__jes_up"))
                added += len(failing)
            events.write(path, batches, {})
        write_json(manifest, content | {"variations": {"jes_up": "jets"}})
        return added

    return add
