"""Branches of a TTree that wait until they are asked for."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from uproot.deserialization import DeserializationError

from resonaut.skim.formats.nanoaod import branches as module
from resonaut.skim.formats.nanoaod.branches import Later, branches
from resonaut.skim.formats.nanoaod.tree import Tree

LISTS = ak.Array([[1.0, 2.0], [], [3.0]])


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "a.root"
    with uproot.recreate(path) as out:
        numbers = {"run": np.array([1, 2, 3]), "event": np.array([7, 8, 9])}
        lists = {"Jet": ak.zip({"pt": LISTS, "eta": LISTS * 10}), "Muon": ak.zip({"pt": LISTS})}
        types = {name: values.dtype for name, values in numbers.items()}
        types |= {name: ak.type(values).content for name, values in lists.items()}
        out.mktree("Events", types).extend(numbers | lists)
    return path


def test_a_branch_is_read_with_those_that_it_refers_to(file) -> None:
    with uproot.open(file) as opened:
        tree, found = branches(opened, "Events")
        assert sorted(found) == ["Jet_eta", "Jet_pt", "Muon_pt", "event", "nJet", "nMuon", "run"]
        assert all(isinstance(one, Later) and one.found is None for one in found.values())
        assert tree.num_entries == 3
        assert found["Jet_eta"].read().array().to_list() == (LISTS * 10).to_list()
        assert found["Jet_eta"].read() is found["Jet_eta"].read()
        # The list's branch refers to that of its length, and the first branch is where the class of its leaves stands.
        assert {name for name, one in found.items() if one.found is None} >= {"event", "Jet_pt", "Muon_pt", "nMuon"}
        assert found["nJet"].found is not None


@pytest.mark.parametrize("name", ["run", "event", "nJet", "Jet_pt", "Jet_eta", "nMuon", "Muon_pt"])
def test_each_branch_is_what_uproot_makes_of_it(file, name) -> None:
    with uproot.open(file) as opened:
        mine, whole = branches(opened, "Events")[1][name].read(), opened["Events"][name]
        assert mine.array().to_list() == whole.array().to_list()
        assert (mine.title, mine.index, list(mine.entry_offsets)) == (whole.title, whole.index, whole.entry_offsets)


def test_a_tree_that_cannot_wait_is_read_at_once(file, monkeypatch) -> None:
    def fail(*arguments: object) -> None:
        raise DeserializationError("no", None, None, {"breadcrumbs": ()}, "a.root")

    monkeypatch.setattr(module._Postponing, "read", fail)
    with uproot.open(file) as opened:
        _, found = branches(opened, "Events")
        assert not any(isinstance(one, Later) for one in found.values())
        assert found["Jet_pt"].array().to_list() == LISTS.to_list()


def test_what_is_said_of_a_branch_is_that_of_an_rntuple_too(file, tmp_path, monkeypatch) -> None:
    path = tmp_path / "b.root"
    with uproot.recreate(path) as out:
        out.mkrntuple("Events", {"PSWeight": LISTS})
    monkeypatch.setattr(uproot.models.RNTuple.RField, "description", "[0] is ISR=2 FSR=1")
    for one, name, said in ((path, "PSWeight", "[0] is ISR=2 FSR=1"), (file, "run", "run/L")):
        with Tree(str(one)) as tree:
            assert tree.title(name) == said
