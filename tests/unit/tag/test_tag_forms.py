"""Forms in which published networks declare their inputs, with networks whose answers are known by hand."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from resonaut.core.errors import ResonautError
from resonaut.learn.onnx import Graph, sizes
from resonaut.tag import card
from resonaut.tag.apply import apply
from resonaut.tag.published import Published

from .published import group, network, pfnano


@pytest.fixture(scope="module")
def nano(tmp_path_factory) -> Path:
    return pfnano(tmp_path_factory.mktemp("nano") / "nano.root")


@pytest.fixture
def score(tmp_path, nano):
    """A function: the columns of ``tag apply`` with the network of a folder."""

    def run(folder: Path, file: Path | None = None, **trust) -> dict[str, list]:
        apply(Published.of(card.load(folder), **trust), file or nano, tmp_path / "scores.parquet", 8)
        return pq.read_table(tmp_path / "scores.parquet").to_pydict()

    return run


def rewritten(folder: Path, change) -> Path:
    """The folder with another ``preprocess.json``."""
    content = json.loads((folder / "preprocess.json").read_text())
    (folder / "preprocess.json").write_text(json.dumps(change(content) or content))
    return folder


def test_neutral_candidates_have_an_order_of_their_own(tmp_path, score):
    """Of three the photon (20 GeV) and the hadron (150 GeV times 0.5) are neutral: the hadron comes first."""
    names = ["npfcand_pt_log", "npfcand_isGamma", "npfcand_isNeutralHad", "npfcand_puppiw"]
    groups = {"npf": group(names, var_length=1), "mask": group(["npfcand_mask"]), "pf": group(["pfcand_charge"])}
    found = score(network(tmp_path / "model", groups, [*names, "number", "charge"]))
    assert found["npfcand_pt_log"][0] == pytest.approx(np.log(75), rel=1e-6)
    assert [found[name][0] for name in names[1:]] == [0, 1, 0.5]
    # The second jet's one candidate is charged.
    assert found["number"] == [2, 0, 0]
    assert found["charge"] == [1, -1, 0]


def test_vectors_of_vertices_and_numbers_of_jets(tmp_path, score):
    vectors, jets = ["sv_px", "sv_energy"], ["jet_pt_log", "jet_energy_log", "jet_mass", "jet_phi"]
    groups = {"sv": group(vectors, var_length=2), "jet": group(jets, var_length=1), "pf": group(["pfcand_mask"])}
    found = score(network(tmp_path / "model", groups, ["px", "energy", "pt", "all", "mass", "phi", "number"]))
    # The vertices: pT 20 at eta 0.55, phi -0.1, mass 2; and pT 11 at eta 0.3, phi 0.1, mass 1.5.
    assert found["px"][1] == pytest.approx(31 * np.cos(0.1), rel=1e-5)
    energies = np.hypot(20 * np.cosh(0.55), 2) + np.hypot(11 * np.cosh(0.3), 1.5)
    assert found["energy"][1] == pytest.approx(energies, rel=1e-5)
    assert found["pt"][1] == pytest.approx(np.log(300))
    assert found["all"][1] == pytest.approx(np.log(np.hypot(300 * np.cosh(0.5), 30)))
    assert (found["mass"][1], found["phi"][0]) == (30, pytest.approx(3.1))


def test_numbers_of_jets_may_be_an_input_of_two_sizes(tmp_path, score):
    """weaver's ``length: null``; and an input with more places than one has the number in the first."""
    folder = network(
        tmp_path / "model", {"jet": group(["jet_pt"], var_length=1), "pf": group(["pfcand_mask"])}, ["pt", "n"]
    )
    graph = Graph()
    total = graph.node("Concat", "jet", graph.node("ReduceSum", "pf", sizes(2), keepdims=0), axis=1)
    shapes = {"jet": (np.float32, ("n", 1)), "pf": (np.float32, ("n", 1, "p"))}
    (folder / "network.onnx").write_bytes(graph.model(shapes, {total: (np.float32, ("n", 2))}))
    assert score(folder)["pt"] == [500, 300, 0]
    assert score(rewritten(folder, lambda c: c["jet"].__setitem__("var_length", None)))["pt"] == [500, 300, 0]
    wide = network(
        tmp_path / "wide", {"jet": group(["jet_mass"], var_length=4), "pf": group(["pfcand_mask"])}, ["m", "n"]
    )
    assert score(wide)["m"] == [50, 30, 0]


def test_an_input_may_have_a_fourth_size_of_one_and_a_single_output_none(tmp_path, score):
    """As CMS's first networks have it, and a regression."""
    folder = network(tmp_path / "model", {"pf": group(["pfcand_abseta", "pfcand_mask"], var_length=5)}, ["all"])
    graph = Graph()
    total = graph.node("ReduceSum", "pf", sizes(1, 2, 3), keepdims=0)
    content = graph.model({"pf": (np.float32, ("n", 2, 5, 1))}, {total: (np.float32, ("n",))})
    (folder / "network.onnx").write_bytes(content)
    assert score(folder)["all"] == pytest.approx([3.04 + 3, 1.6, 0], rel=1e-6)
    assert score(rewritten(folder, lambda c: c["pf"].update(input_shape=[1, 2, 5, 1])))["all"][1] == pytest.approx(1.6)


def test_the_kind_tells_the_charge_where_the_file_does_not(tmp_path, score):
    file = pfnano(tmp_path / "n.root", PFCands_charge=None)
    folder = network(tmp_path / "model", {"pf": group(["pfcand_charge"]), "n": group(["npfcand_mask"])}, ["q", "n"])
    found = score(folder, file)
    # A pion, a photon and a neutral hadron; and an electron.
    assert (found["q"], found["n"]) == ([1, -1, 0], [2, 0, 0])


def test_inputs_may_stand_together_and_have_values_of_null(tmp_path, score):
    folder = network(tmp_path / "model", {"pf": group(["pfcand_abseta"])}, ["eta"])
    expected = score(folder)["eta"]

    def together(content):
        content["pf"]["var_infos"]["pfcand_abseta"] |= {"replace_inf_value": None, "pad": None}
        content["pf"] |= {"min_length": None, "input_shape": None}
        return {"input_names": ["pf"], "inputs": {"pf": content["pf"]}, "output_names": ["eta"]}

    assert score(rewritten(folder, together))["eta"] == expected


@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), (-1e32, 1e32), ("absent", "absent")])
def test_a_variable_without_bounds(tmp_path, score, bounds):
    """300 GeV stays what it is; where the file has no bounds at all CMS's first files mean -5 and 5."""
    folder = network(
        tmp_path / "model", {"jet": group(["jet_pt"], var_length=1), "pf": group(["pfcand_mask"])}, ["pt", "n"]
    )

    def change(content):
        info = content["jet"]["var_infos"]["jet_pt"]
        for name, value in zip(("lower_bound", "upper_bound"), bounds, strict=True):
            info[name] = value
            if value == "absent":
                del info[name]

    assert score(rewritten(folder, change))["pt"][1] == (5 if bounds[0] == "absent" else 300)


def test_a_factor_of_zero_makes_a_constant(tmp_path, score):
    folder = network(
        tmp_path / "model", {"jet": group(["jet_pt"], var_length=1), "pf": group(["pfcand_mask"])}, ["pt", "n"]
    )
    assert score(rewritten(folder, lambda c: c["jet"]["var_infos"]["jet_pt"].update(norm_factor=0)))["pt"] == [0, 0, 0]


@pytest.mark.parametrize(
    ("shape", "right"), [([1, 1, 5], True), ([-1, 1, -1], True), ([1, 2, 5], False), ([1, 1, 6], False)]
)
def test_a_shape_in_the_file_must_be_that_of_the_input(tmp_path, score, shape, right):
    folder = network(tmp_path / "model", {"pf": group(["pfcand_mask"])}, ["n"])
    rewritten(folder, lambda c: c["pf"].update(input_shape=shape))
    if right:
        assert score(folder)["n"] == [3, 1, 0]
    else:
        with pytest.raises(ResonautError, match="input_shape"):
            score(folder)


def test_inputs_that_the_network_does_not_use_may_be_missing_in_it(tmp_path, score):
    """An export leaves out the points of a network without neighbours; other inputs may not be too many."""
    names = ["pfcand_etarel", "pfcand_phirel"]
    folder = network(tmp_path / "model", {"features": group([*names, "pfcand_mask"])}, [*names, "n"])
    rewritten(folder, lambda c: c | {"input_names": ["points", "features"], "points": group(names)})
    assert score(folder)["n"] == [3, 1, 0]
    rewritten(folder, lambda c: c | {"input_names": ["points", "features"], "points": group(["pfcand_puppiw"])})
    with pytest.raises(ResonautError, match="wants the inputs features, and its card has points, features"):
        score(folder)


@pytest.mark.parametrize("kind", [np.float32, np.float64, bool])
def test_inputs_of_other_types(tmp_path, score, kind):
    """A mask of bools, as many exports have it: its number is what is counted."""
    folder = network(tmp_path / "model", {"mask": group(["pfcand_mask"])}, ["n"])
    graph = Graph()
    total = graph.node("ReduceSum", graph.node("Cast", "mask", to=1), sizes(2), keepdims=0)
    (folder / "network.onnx").write_bytes(graph.model({"mask": (kind, ("n", 1, "p"))}, {total: (np.float32, ("n", 1))}))
    assert score(folder)["n"] == [3, 1, 0]


def test_a_range_of_pseudorapidity(tmp_path, score):
    """The jets are at -1, 0.5 and 0.2; the last has no candidates."""
    folder = network(tmp_path / "model", {"pf": group(["pfcand_mask"])}, ["n"], jets={"eta_max": 0.9})
    assert score(folder)["scored"] == [False, True, False]
    network(folder, {"pf": group(["pfcand_mask"])}, ["n"], jets={"eta_min": 0.9})
    assert score(folder)["scored"] == [True, False, False]


def test_collections_of_the_first_pfnano_and_of_other_radii(tmp_path, score):
    """``FatJetAK15`` has vertices in ``JetSVsAK15``, within 1.5, and its own subjets; links may have other names."""
    from .published import flat

    renamed = {
        "FatJetPFCands": "JetPFCandsAK15",
        "FatJetSVs": "JetSVsAK15",
        "FatJet": "FatJetAK15",
        "SubJet": "FatJetAK15SubJet",
    }
    branches, gone = {}, {}
    for name, lists in flat().items():
        collection, field = name.split("_")
        if collection in renamed:
            gone[name] = None
            field = {"pFCandsIdx": "candIdx", "sVIdx": "svIdx"}.get(field, field)
            branches[f"{renamed[collection]}_{field}"] = lists
    file = pfnano(tmp_path / "n.root", **gone, **branches)
    groups = {"pf": group(["pfcand_mask", "pfcand_drsubjet2"]), "sv": group(["sv_mask"])}
    outputs = ["n", "away", "vertices"]
    folder = network(tmp_path / "model", groups, outputs, jets={"collection": "FatJetAK15"})
    assert card.load(folder).radius == 1.5
    found = score(folder, file)
    assert (found["n"], found["vertices"]) == ([3, 1, 0], [0, 2, 0])
    assert found["away"] == pytest.approx([-3, 0.3, 0], abs=1e-6)
    other = {"collection": "FatJetAK15", "links": "JetPFCandsAK15", "vertices": "JetSVsAK15"}
    assert score(network(folder, groups, outputs, jets=other), file)["n"] == [3, 1, 0]
    with pytest.raises(ResonautError, match="no branch 'X_jetIdx'"):
        score(network(folder, groups, outputs, jets=other | {"links": "X"}), file)


# The data configuration of a network of JetClass in weaver's form, as published with the Particle Transformer.
WEAVER = """
selection: (jet_pt > 500)
new_variables:
  part_mask: ak.ones_like(part_energy)
  part_pt: np.hypot(part_px, part_py)
  part_pt_log: np.log(part_pt)
  part_logptrel: np.log(part_pt / jet_pt)
  part_deltaR: np.hypot(part_deta, part_dphi)
  part_d0: np.tanh(part_d0val)
preprocess: {method: manual}
inputs:
  pf_features:
    length: 4
    pad_mode: wrap
    vars:
      - [part_pt_log, 1.7, 0.7]
      - [part_logptrel, -4.7, 0.7, -1e32, 1e32]
      - [part_deltaR, null]
      - part_d0
      - [part_dzerr, 0, 1, 0, 1]
  pf_mask:
    length: 4
    vars: [[part_mask, null]]
labels:
  type: simple
  value: [label_QCD, label_Hbb, label_Hcc, label_Hgg, label_H4q, label_Hqql]
observers: [jet_pt]
"""


def weaver(folder: Path, text: str = WEAVER) -> Path:
    """A folder with weaver's file and a network of its inputs' sums."""
    content = yaml.safe_load(text)
    names = ["part_pt_log", "part_logptrel", "part_deltaR", "part_d0", "part_dzerr"]
    outputs = content["labels"]["value"] if content["labels"]["type"] == "simple" else []
    groups = {"pf_features": group(names, var_length=4), "pf_mask": group(["part_mask"], var_length=4)}
    network(folder, groups, outputs or ["a"] * 6, preprocess="data.yaml", name="w")
    (folder / "preprocess.json").unlink()
    (folder / "data.yaml").write_text(text)
    return folder


def test_the_configuration_of_weaver_is_read_as_it_is(tmp_path, score):
    """The second jet's electron stands four times for itself.

    It has 7 GeV, deta = dphi = 0.1, d0 -0.2 mm with CMS's sign, and an error of dz of 0.
    """
    found = score(weaver(tmp_path / "w"))
    expected = {
        "label_QCD": 4 * (np.log(7) - 1.7) * 0.7,
        "label_Hbb": 4 * (np.log(7 / 300) + 4.7) * 0.7,
        "label_Hcc": 4 * 0.1 * 2**0.5,
        "label_Hgg": 4 * np.tanh(0.2),
        "label_H4q": 0,
        "label_Hqql": 1,  # the mask, which is not repeated
    }
    for name, value in expected.items():
        assert found[name][1] == pytest.approx(value, rel=1e-5, abs=1e-6), name
    assert found["label_Hqql"] == [3, 1, 0]
    # Three candidates: the first, the pion of 100 GeV with d0 0.1 mm, comes once more.
    assert found["label_Hgg"][0] == pytest.approx(-2 * np.tanh(0.1), rel=1e-5)


def test_a_formula_of_the_file_counts_and_not_the_known_one(tmp_path, score):
    found = score(weaver(tmp_path / "w", WEAVER.replace("np.tanh(part_d0val)", "np.tanh(part_d0val) * 2 + jet_pt * 0")))
    assert found["label_Hgg"][1] == pytest.approx(4 * np.tanh(0.2) * 2, rel=1e-5)


def test_numbers_that_weaver_has_found_are_taken(tmp_path, score):
    params = {"center": 1.0, "scale": 2.0, "min": -5, "max": 5, "pad_value": 0, "length": 4, "pad_mode": "wrap"}
    plain = {"center": None, "scale": 1, "min": -5, "max": 5, "pad_value": 0}
    names = ["part_pt_log", "part_logptrel", "part_deltaR", "part_d0", "part_dzerr", "part_mask"]
    content = yaml.safe_load(WEAVER)
    content["preprocess"] = {"method": "auto", "params": dict.fromkeys(names, plain) | {"part_deltaR": params}}
    found = score(weaver(tmp_path / "w", yaml.safe_dump(content)))
    assert found["label_Hcc"][1] == pytest.approx(4 * (0.1 * 2**0.5 - 1) * 2, rel=1e-5)
    assert found["label_QCD"][1] == pytest.approx(4 * np.log(7), rel=1e-5)
    del content["preprocess"]["params"]
    content["inputs"]["pf_features"]["vars"] = ["part_deltaR"]
    with pytest.raises(ResonautError, match=r"no numbers of its standardisation; give weaver's \*\.auto\.yaml"):
        card.load(weaver(tmp_path / "w", yaml.safe_dump(content)))


WRONG = {
    "code": ("np.tanh(part_d0val)", "__import__('os').system('touch ran')", "cannot be read"),
    "unknown": ("np.tanh(part_d0val)", "np.tanh(part_d0vall)", "did you mean 'part_d0val'"),
    "circle": ("np.tanh(part_d0val)", "part_d0 + part_pt", "needs itself"),
    "kinds": ("np.tanh(part_d0val)", "part_d0val + sv_mass", "mixes candidate and vertex"),
    "vars": ("- part_d0\n", "- [part_d0, 0, 1, 2, 3, 4, 5]\n", "is no variable with up to five numbers"),
    "length": ("    length: 4\n    vars: [[part_mask", "    vars: [[part_mask", "has no length and list of vars"),
    "pad": ("pad_mode: wrap", "pad_mode: reflect", "pad_mode"),
    "outputs": ("type: simple", "type: custom", "names no outputs"),
    "YAML": ("inputs:", "inputs: [", "is no YAML"),
    "no inputs": ("\ninputs:", "\ninput:", "has no list input_names"),
    "number": ("1.7, 0.7", "1.7, x", "norm_factor"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_configurations_of_weaver_end_in_a_sentence(tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    old, new, words = WRONG[case]
    assert old in WEAVER
    folder = weaver(tmp_path / "w")
    (folder / "data.yaml").write_text(WEAVER.replace(old, new))
    with pytest.raises(ResonautError, match=words) as caught:
        card.load(folder)
    assert str(caught.value).count("\n") == 0
    assert not Path("ran").exists()


def test_targets_of_weaver_in_place_of_output_names_are_none(tmp_path):
    """As in CMS's network of AK15 jets for the trigger: formulas of targets by name, and no names of classes."""
    folder = network(tmp_path / "model", {"pf": group(["pfcand_mask"])}, ["n"])
    rewritten(folder, lambda c: c.update(output_names={"truth_label": "fj_label", "mass": "np.log(fj_mass)"}))
    with pytest.raises(ResonautError, match="names no outputs"):
        card.load(folder)


def test_scores_with_the_names_of_other_columns_have_that_of_the_network(tmp_path, score):
    folder = network(
        tmp_path / "model", {"pf": group(["pfcand_mask", "pfcand_charge"])}, ["scored", "jet_pt"], name="w"
    )
    found = score(folder)
    assert (found["scored"], found["jet_pt"]) == ([True, True, False], [500, 300, 250])
    assert (found["w_scored"], found["w_jet_pt"]) == ([3, 1, 0], [1, -1, 0])


def test_logits(tmp_path, score):
    folder = network(tmp_path / "model", {"pf": group(["pfcand_mask", "pfcand_charge"])}, ["a", "b"], softmax=True)
    found = score(folder)
    assert found["a"][:2] == pytest.approx([np.exp(3) / (np.exp(3) + np.exp(1)), np.exp(1) / (np.exp(1) + np.exp(-1))])
