"""Published networks: their inputs by name, in order and padded, and what is wrong with them in one sentence."""

import hashlib
import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core.errors import InputFileError, ResonautError
from resonaut.physics.declared_inputs import ABSENT
from resonaut.physics.tagger_variables import FAMILIES, VARIABLES
from resonaut.tag import card, files
from resonaut.tag.apply import apply
from resonaut.tag.preprocess import Transformation
from resonaut.tag.published import Published

from .published import CANDIDATES, flat, group, network, pfnano

LOG = np.log


@pytest.fixture(scope="module")
def nano(tmp_path_factory) -> Path:
    """The small file of PFNano as it is."""
    return pfnano(tmp_path_factory.mktemp("nano") / "nano.root")


@pytest.fixture
def score(tmp_path, nano):
    """A function: the columns of ``tag apply`` with a network of some variables."""

    def run(names: list[str], file: Path | None = None, batch_size: int = 64, **card_keys) -> dict[str, np.ndarray]:
        prefix = "sv" if names[0].startswith(("sv_", "jet_sv_")) else "pf"
        folder = network(tmp_path / "model", {f"{prefix}_features": group(names)}, names, **card_keys)
        apply(Published.of(card.load(folder)), file or nano, tmp_path / "scores.parquet", batch_size)
        return {k: np.array(v) for k, v in pq.read_table(tmp_path / "scores.parquet").to_pydict().items()}

    return run


# Of the electron that is the second jet's one candidate: pT 7, eta 0.6, phi 0.1, in a jet at 300 GeV, 0.5, 0, 30 GeV.
E = float(np.hypot(7 * np.cosh(0.6), 0.000511))
JET_E = float(np.hypot(300 * np.cosh(0.5), 30))
ONE = {
    "pfcand_mask": 1,
    "pfcand_puppiw": 1,
    "pfcand_pt_log_nopuppi": LOG(7),
    "pfcand_e_log_nopuppi": LOG(E),
    "pfcand_pt_log": LOG(7),
    "pfcand_ptrel": 7 / 300,
    "pfcand_ptrel_log": LOG(7 / 300),
    "pfcand_erel": E / JET_E,
    "pfcand_erel_log": LOG(E / JET_E),
    "pfcand_phirel": 0.1,
    "pfcand_etarel": 0.1,
    "pfcand_deltaR": 0.1 * 2**0.5,
    "pfcand_abseta": 0.6,
    "pfcand_charge": -1,
    "pfcand_isEl": 1,
    "pfcand_isMu": 0,
    "pfcand_isChargedHad": 0,
    "pfcand_isGamma": 0,
    "pfcand_isNeutralHad": 0,
    "pfcand_VTX_ass": 4,
    "pfcand_lostInnerHits": 0,
    "pfcand_quality": 1,
    "pfcand_normchi2": 2,
    "pfcand_dz": 0.05,
    "pfcand_dxy": -0.02,
    "pfcand_dzsig": 0,  # of an error of 0, which CMS replaces
    "pfcand_dxysig": -2,
    "pfcand_dxydxy": 1e-4,
    "pfcand_dzdz": 0,
    "pfcand_btagEtaRel": 2,
    "pfcand_btagPtRatio": 0.2,
    "pfcand_btagPParRatio": 0.9,
    "pfcand_btagSip3dVal": -0.05,
    "pfcand_btagSip3dSig": -4,
    "pfcand_btagJetDistVal": 0.1,
    "pfcand_drsubjet1": 0.1 * 2**0.5,  # of the harder one, which is the second in the file
    "pfcand_drsubjet2": 0.3,
    "pfcand_px": 7 * np.cos(0.1),
    "pfcand_py": 7 * np.sin(0.1),
    "pfcand_pz": 7 * np.sinh(0.6),
    "pfcand_energy": E,
}
EVALUATED = {
    "jet_pfcand_pt_log": LOG(7),
    "jet_pfcand_energy_log": LOG(E),
    "jet_pfcand_eta": 0.6,
    "jet_pfcand_deta": -0.1,
    "jet_pfcand_dphi": -0.1,
    "jet_pfcand_charge": -1,
    "jet_pfcand_id": 0,
    "jet_pfcand_dxysig": 2,
    "jet_pfcand_track_chi2": 2,
    "jet_pfcand_track_qual": 1,
    "jet_pfcand_trackjet_d3d": -0.05,
    "jet_pfcand_trackjet_d3dsig": 4,
    "jet_pfcand_trackjet_dist": -0.1,
    "jet_pfcand_nlostinnerhits": 0,
}
JETCLASS = {
    "part_px": 7 * np.cos(0.1),
    "part_py": 7 * np.sin(0.1),
    "part_pz": 7 * np.sinh(0.6),
    "part_energy": E,
    "part_logptrel": LOG(7 / 300),
    "part_deta": 0.1,
    "part_isElectron": 1,
    "part_isNeutralHadron": 0,
    "part_d0val": 0.2,
    "part_d0": np.tanh(0.2),
    "part_dzval": 0.5,
    "part_d0err": 0.1,
}


@pytest.mark.parametrize("expected", [ONE, EVALUATED, JETCLASS], ids=["offline", "evaluator", "jetclass"])
def test_variables_of_a_candidate_follow_from_their_names(score, expected):
    found = score(list(expected))
    for name, value in expected.items():
        assert found[name][1] == pytest.approx(value, abs=2e-6, rel=2e-6), name


def test_momenta_relative_to_the_jet_are_those_of_vectors(score):
    """``reco::btau::etaRel`` and the shares of the momentum, with the vectors written out."""
    found = score(["jet_pfcand_etarel", "jet_pfcand_pperp_ratio", "jet_pfcand_ppara_ratio"])
    axis = np.array([1, 0, np.sinh(0.5)]) / np.cosh(0.5)
    track = 7 * np.array([np.cos(0.1), np.sin(0.1), np.sinh(0.6)])
    parallel, size = axis @ track, np.linalg.norm(track)
    energy = np.hypot(size, 0.13957)
    assert found["jet_pfcand_etarel"][1] == pytest.approx(
        0.5 * LOG((energy + parallel) / (energy - parallel)), rel=1e-5
    )
    assert found["jet_pfcand_ppara_ratio"][1] == pytest.approx(parallel / size, rel=1e-6)
    perpendicular = np.linalg.norm(np.cross(axis, track)) / size
    assert found["jet_pfcand_pperp_ratio"][1] == pytest.approx(perpendicular, rel=1e-5)


def test_candidates_without_a_track_have_the_values_of_cms_and_not_the_sentinels_of_the_file(score):
    """The first jet: a track (chi2 1.7, so 1), a photon and a neutral hadron."""
    names = ["pfcand_normchi2", "pfcand_dz", "pfcand_dxy", "pfcand_dzsig", "pfcand_dxysig", "pfcand_quality"]
    found = score([*names, "jet_pfcand_track_chi2"])
    assert found["pfcand_normchi2"][0] == pytest.approx(1 + 2 * 999)
    assert found["jet_pfcand_track_chi2"][0] == pytest.approx(1.7)
    single = {"pfcand_dz": 0.03, "pfcand_dxy": 0.01, "pfcand_dzsig": 3, "pfcand_dxysig": 5, "pfcand_quality": 5}
    for name, value in single.items():
        assert found[name][0] == pytest.approx(value, rel=1e-5), name


def test_a_jet_at_negative_eta_is_mirrored_and_azimuths_wrap(score):
    """The jet at -1 has candidates at -1.1, -0.9 and -1.04, and at azimuths 3.1, -3.1 and 3 around 3.1."""
    found = score(["pfcand_etarel", "pfcand_phirel", "jet_pfcand_deta"])
    assert found["pfcand_etarel"][0] == pytest.approx(0.1 - 0.1 + 0.04, abs=1e-6)
    assert found["jet_pfcand_deta"][0] == pytest.approx(0.1 - 0.1 + 0.04, abs=1e-6)
    assert found["jet_pfcand_deta"][1] == pytest.approx(-0.1, abs=1e-6)
    assert found["pfcand_phirel"][0] == pytest.approx(0 + (2 * np.pi - 6.2) - 0.1, abs=1e-5)


@pytest.mark.parametrize(("keys", "charges"), [({}, 1), ({"weighted": False}, 0)])
def test_candidates_are_ordered_by_momentum_times_weight(tmp_path, nano, keys, charges):
    """Two of three: the pion (100 GeV) and the hadron (150 GeV times 0.5), or, without weights, the hadron first."""
    groups = {"pf_features": group(["pfcand_charge"], var_length=1)}
    folder = network(tmp_path / "model", groups, ["charge"], jets=keys)
    apply(Published.of(card.load(folder)), nano, tmp_path / "o.parquet", 8)
    assert pq.read_table(tmp_path / "o.parquet")["charge"][0].as_py() == charges


def test_vertices_are_ordered_by_flight_significance_and_those_without_a_link_are_found(tmp_path, nano):
    names = ["sv_etarel", "sv_phirel", "sv_dxysig", "sv_costhetasvpv", "sv_pt_log"]
    folder = network(tmp_path / "model", {"sv_features": group(names, var_length=1)}, names)
    apply(Published.of(card.load(folder)), nano, tmp_path / "o.parquet", 8)
    found = pq.read_table(tmp_path / "o.parquet").to_pydict()
    expected = {"sv_etarel": -0.2, "sv_phirel": 0.1, "sv_dxysig": 20, "sv_costhetasvpv": -0.9, "sv_pt_log": LOG(11)}
    for name, value in expected.items():
        assert found[name][1] == pytest.approx(value, abs=1e-5), name


def test_variables_of_vertices_follow_from_their_names(score):
    names = ["sv_mask", "sv_mass", "sv_ntracks", "sv_d3dsig", "sv_etarel", "sv_abseta", "jet_sv_dxy", "jet_sv_deta"]
    found = score([*names, "sv_deltaR"])
    values = [2, 3.5, 5, 27, 0.05 - 0.2, 0.85, 0.5 - 0.2, 0.05 - 0.2]
    for name, value in zip(names, values, strict=True):
        assert found[name][1] == pytest.approx(value, abs=1e-5), name
    assert found["sv_deltaR"][1] == pytest.approx(np.hypot(0.05, 0.1) + np.hypot(0.2, 0.1), abs=1e-5)
    assert found["sv_mask"][0] == 0


def test_a_variable_is_replaced_shifted_scaled_and_clipped_in_this_order():
    change = Transformation(median=1, norm_factor=2, replace_inf_value=3, lower_bound=-5, upper_bound=5, pad=-1)
    found = change(np.array([1.5, np.inf, np.nan, 1e33, 100, -100, -np.inf]))
    assert found.tolist() == [1, 4, 4, 4, 5, -5, 4]


@pytest.mark.parametrize(("lengths", "expected"), [((0, 2), 2), ((4, 5), 3.5), ((5, 5), 4)])
def test_lengths_and_padding(tmp_path, nano, lengths, expected):
    """The sum over three candidates of 1, in between ``min_length`` and ``max_length``, filled with 0.5."""
    one = group(["pfcand_mask"], min_length=lengths[0], max_length=lengths[1])
    one["var_infos"]["pfcand_mask"]["pad"] = 0.5
    folder = network(tmp_path / "model", {"pf_mask": one}, ["sum"])
    apply(Published.of(card.load(folder)), nano, tmp_path / "o.parquet", 8)
    found = pq.read_table(tmp_path / "o.parquet")["sum"].to_pylist()
    assert found[0] == pytest.approx(expected)


def test_a_jet_without_candidates_or_momentum_has_no_score_as_in_cms(score):
    found = score(["pfcand_mask", "pfcand_abseta"])
    assert found["scored"].tolist() == [True, True, False]
    assert found["pfcand_mask"].tolist() == [3, 1, 0]
    found = score(["pfcand_mask"], jets={"pt_min": 400})
    assert found["scored"].tolist() == [True, False, False]
    assert found["pfcand_mask"][1] == 0
    assert found["event"].tolist() == [0, 0, 2]
    assert found["jet"].tolist() == [0, 1, 0]


def test_jets_of_another_collection(tmp_path, nano):
    """AK4 jets of Run 2: no PUPPI weights, so the hadron of 150 GeV comes first, and vertices are within 0.4."""
    small = {branch.replace("FatJet", "Jet"): lists for branch, lists in flat().items() if branch.startswith("FatJet")}
    names = ["pfcand_charge", "pfcand_pt_log"]
    groups = {"pf": group(names, var_length=1), "sv": group(["sv_mask"])}
    folder = network(tmp_path / "model", groups, [*names, "vertices"])
    model = Published.of(card.load(folder, "Jet"))
    apply(model, pfnano(tmp_path / "n.root", **small), tmp_path / "o.parquet", 8)
    found = pq.read_table(tmp_path / "o.parquet").to_pydict()
    assert found["pfcand_charge"] == [0, -1, 0]
    assert found["pfcand_pt_log"][0] == pytest.approx(LOG(150))
    assert found["vertices"] == [0, 2, 0]
    narrow = network(tmp_path / "narrow", groups, [*names, "vertices"], jets={"radius": 0.2})
    apply(Published.of(card.load(narrow)), nano, tmp_path / "o.parquet", 8)
    # One is at a distance of 0.11, the other at 0.22.
    assert pq.read_table(tmp_path / "o.parquet")["vertices"].to_pylist() == [0, 1, 0]


@pytest.mark.parametrize("jets_at_once", ["n", 1])
def test_a_network_for_one_jet_at_once_gets_them_one_by_one(score, jets_at_once):
    assert score(["pfcand_mask"], jets_at_once=jets_at_once)["pfcand_mask"].tolist() == [3, 1, 0]


def test_momenta_for_a_network_of_jetclass_are_weighted_as_those_that_skim_keeps(score, tmp_path):
    """The sum of 100, 20 and 150 GeV times 0.5; with CMS's least weight the 20 GeV would not count at all."""
    assert score(["part_pt"])["part_pt"][0] == pytest.approx(195)
    faint = pfnano(tmp_path / "n.root", PFCands_puppiWeight=[[1.0, 0.005, 0.5, 1.0], [], []])
    assert score(["part_pt"], faint)["part_pt"][0] == pytest.approx(175.1)
    assert score(["pfcand_mask"], faint)["pfcand_mask"][0] == 2


def test_a_networks_scores_need_no_torch(tmp_path, nano):
    folder = network(tmp_path / "model", {"pf_mask": group(["pfcand_mask"])}, ["sum"])
    words = ["tag", "apply", "--model", str(folder), "--output", str(tmp_path / "o.parquet"), str(nano)]
    program = (
        "import sys\nfrom resonaut.cli import main\n"
        f"sys.argv = ['resonaut', *{words!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'torch', 'weaver'} & set(sys.modules), 'torch was imported'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert (tmp_path / "o.parquet").exists()


def test_every_variable_has_its_fields_from_pfnano_or_says_what_is_missing():
    from resonaut.physics import pfnano as branches

    known = {*branches.CANDIDATE, *branches.LINK, *branches.SUBJETS}
    for name, variable in VARIABLES.items():
        wanted = {"vertex": set(branches.VERTEX), "jet": set()}.get(variable.kind, known)
        assert set(variable.fields) <= wanted, name
    assert not set(VARIABLES) & set(ABSENT)
    assert all(family for family in FAMILIES.values())


SAME = {"median": 0, "norm_factor": 1}
WRONG = {
    "no median": (lambda c: c["pf"]["var_infos"]["pfcand_mask"].pop("median"), "median"),
    "unknown variable": (
        lambda c: c["pf"]["var_names"].__setitem__(0, "pfcand_etarell"),
        "did you mean 'pfcand_etarel'",
    ),
    "covariance": (lambda c: c["pf"]["var_names"].__setitem__(0, "pfcand_dptdpt"), "covariance of the track's fit"),
    "lost tracks": (lambda c: c["pf"]["var_names"].__setitem__(0, "cpfcandlt_dz"), "tracks that are no candidates"),
    "no var_infos": (lambda c: c["pf"]["var_infos"].pop("pfcand_mask"), "var_infos has no pfcand_mask"),
    "no length": (lambda c: c["pf"].pop("var_length"), "neither var_length nor"),
    "no input": (lambda c: c.pop("pf"), "no input 'pf'"),
    "no names": (lambda c: c.pop("input_names"), "no list input_names"),
    "pad": (lambda c: c["pf"]["var_infos"]["pfcand_mask"].__setitem__("pad", 1e5), "outside"),
    "kinds": (
        lambda c: c["pf"]["var_names"].append("sv_mass") or c["pf"]["var_infos"].__setitem__("sv_mass", SAME),
        "mixes",
    ),
    "input of the network": (
        lambda c: c.__setitem__("input_names", ["qf"]) or c.__setitem__("qf", c["pf"]),
        "wants the inputs pf",
    ),
    "number of variables": (
        lambda c: c["pf"]["var_names"].append("pfcand_dz") or c["pf"]["var_infos"].__setitem__("pfcand_dz", SAME),
        "wants 1 variables in pf, and its card has 2",
    ),
    "number of outputs": (lambda c: c["output_names"].append("more"), "has 1 outputs, and its card 2 names"),
    "no outputs": (lambda c: c.pop("output_names"), "names no outputs"),
    "outputs twice": (lambda c: c.__setitem__("output_names", ["a", "a"]), "two outputs of one name"),
    "names of no text": (lambda c: c.__setitem__("input_names", [["pf"]]), "has no input"),
    "too long": (lambda c: c["pf"].__setitem__("var_length", 10**9), "var_length"),
    "name of an output": (lambda c: c.__setitem__("output_names", ["a/b"]), "no name of letters, digits and _"),
    "factor": (lambda c: c["pf"]["var_infos"]["pfcand_mask"].__setitem__("norm_factor", np.inf), "finite"),
    "bounds": (lambda c: c["pf"]["var_infos"]["pfcand_mask"].__setitem__("lower_bound", 2e4), "is above upper_bound"),
    "muons": (lambda c: c["pf"]["var_names"].__setitem__(0, "jet_pfcand_muon_chi2"), "leptons and photons"),
    "shape": (lambda c: c["pf"].__setitem__("input_shape", [1, 2, 5]), "input_shape"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_inputs_end_in_a_sentence(tmp_path, case):
    change, words = WRONG[case]
    folder = network(tmp_path / "model", {"pf": group(["pfcand_mask"])}, ["sum"])
    content = json.loads((folder / "preprocess.json").read_text())
    change(content)
    (folder / "preprocess.json").write_text(json.dumps(content))
    with pytest.raises(ResonautError, match=words) as caught:
        Published.of(card.load(folder))
    assert str(caught.value).count("\n") == 0


def test_wrong_cards_and_weights_end_in_a_sentence(tmp_path):
    folder = network(tmp_path / "model", {"pf": group(["pfcand_mask"])}, ["sum"], name="small")

    def problem(**keys) -> str:
        network(folder, {"pf": group(["pfcand_mask"])}, ["sum"], **({"name": "small"} | keys))
        with pytest.raises(ResonautError) as caught:
            Published.of(card.load(folder))
        return str(caught.value)

    right = hashlib.sha256((folder / "network.onnx").read_bytes()).hexdigest()
    network(folder, {"pf": group(["pfcand_mask"])}, ["sum"], sha256={"network.onnx": right})
    Published.of(card.load(folder))
    assert "has the checksum" in problem(sha256={"network.onnx": "0" * 64})
    assert "whose checksum the card has" in problem(sha256={"other.onnx": "0" * 64})
    assert "no such file of weights" in problem(weights="none.onnx")
    assert "unknown" in problem(wights="network.onnx")
    (folder / "broken.onnx").write_bytes((folder / "network.onnx").read_bytes()[:-40])
    assert "not a readable ONNX model" in problem(weights="broken.onnx")
    (folder / "weights.bin").write_bytes(b"")
    assert "of an unknown form" in problem(weights="weights.bin")
    (folder / "network.ts").write_bytes(b"anything")
    assert "a program of whoever published it" in problem(weights="network.ts")
    assert "hexadecimal" in problem(sha256={"network.onnx": "abc"})
    (folder / "card.yaml").write_text("weights: network.onnx\nweights: other.onnx\n")
    with pytest.raises(ResonautError, match="the key 'weights' stands in lines 1 and 2"):
        card.load(folder)
    (folder / "card.yaml").write_text("[")
    with pytest.raises(InputFileError, match="no card of a model"):
        card.load(folder)
    with pytest.raises(InputFileError, match=r"neither card\.yaml nor one \.onnx file"):
        card.load(tmp_path)


def test_keys_that_only_other_programs_read_do_not_matter(tmp_path):
    folder = network(tmp_path / "model", {"pf": group(["pfcand_mask"])}, ["sum"])
    content = json.loads((folder / "preprocess.json").read_text())
    content["pf"] |= {"note": "of weaver"}
    content["pf"]["var_infos"]["pfcand_mask"]["comment"] = "one"
    (folder / "preprocess.json").write_text(json.dumps(content | {"more": []}))
    Published.of(card.load(folder))


def test_torchscript_runs_if_the_user_trusts_it(tmp_path, nano):
    """A program that gives its two inputs' sums in their order; of another form it is no TorchScript."""
    torch = pytest.importorskip("torch")

    class Sums(torch.nn.Module):
        def forward(self, first, second):
            return torch.cat([first.sum(dim=2), second.sum(dim=2)], dim=1)

    groups = {"b": group(["pfcand_abseta"]), "a": group(["pfcand_mask"])}
    folder = network(tmp_path / "model", groups, ["eta", "number"], weights="network.ts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Sums()).save(str(folder / "network.ts"))
    with pytest.raises(InputFileError, match="a program of whoever published it"):
        Published.of(card.load(folder))
    apply(Published.of(card.load(folder), trust=True), nano, tmp_path / "o.parquet", 8)
    found = pq.read_table(tmp_path / "o.parquet").to_pydict()
    assert found["number"] == [3, 1, 0]
    assert found["eta"] == pytest.approx([3.04, 0.6, 0], rel=1e-6)
    (folder / "network.ts").write_bytes(b"anything")
    with pytest.raises(InputFileError, match="no TorchScript file"):
        Published.of(card.load(folder), trust=True)


class Foreign:
    """What a pickle would make when it is read."""

    def __reduce__(self):
        return (Path.touch, (Path("ran"),))


def test_a_foreign_pickle_is_refused_and_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sizes = {"architecture": "particle_net", "edge_conv": {"neighbours": 2, "channels": [[4]], "dense": [4]}}
    groups = {"pf_features": group(["part_pt_log"]), "pf_mask": group(["part_mask"])}
    folder = network(tmp_path / "model", groups, ["a", "b"], weights="network.pt", network=sizes)
    (folder / "network.pt").write_bytes(pickle.dumps(Foreign()))
    with pytest.raises(InputFileError, match="not a file of torch weights"):
        Published.of(card.load(folder))
    assert not Path("ran").exists()


def test_numbers_of_tracks_that_are_nan_are_replaced_and_counted(tmp_path, caplog):
    """As in CMS; PFNano divides by errors of 0. The first jet has one of them and two zeros."""
    one = group(["pfcand_btagSip3dSig"])
    one["var_infos"]["pfcand_btagSip3dSig"]["replace_inf_value"] = -2
    folder = network(tmp_path / "model", {"pf": one}, ["sum"])
    file = pfnano(tmp_path / "n.root", FatJetPFCands_btagSip3dSig=[[np.nan, 0, 0, np.inf], [], []])
    apply(Published.of(card.load(folder)), file, tmp_path / "o.parquet", 8)
    assert pq.read_table(tmp_path / "o.parquet")["sum"].to_pylist() == [-2, -2, 0]
    assert "2 of 4 numbers in 'FatJetPFCands_btagSip3dSig' are NaN or infinite" in caplog.text


def test_wrong_files_end_in_a_sentence(tmp_path):
    names = ["pfcand_btagSip3dSig", "pfcand_dz"]
    model = Published.of(card.load(network(tmp_path / "model", {"pf": group(names)}, names)))

    def problem(**changed) -> str:
        with pytest.raises(ResonautError) as caught:
            list(files.batches(pfnano(tmp_path / "n.root", **changed), model.wanted))
        return str(caught.value)

    assert "no branch 'FatJetPFCands_btagSip3dSig'" in problem(FatJetPFCands_btagSip3dSig=None)
    assert "no branch 'PFCands_trkChi2'" in problem(PFCands_trkChi2=None)
    assert "no branch 'FatJet_pt'" in problem(FatJet_pt=None)
    assert "no branch 'PFCands_puppiWeight'" in problem(PFCands_puppiWeight=None)
    for field in ("eta", "puppiWeight"):
        broken = [[np.nan, *CANDIDATES[field][0][1:]], [], []]
        assert f"NaN or infinity in 'PFCands_{field}'" in problem(**{f"PFCands_{field}": broken})
    assert "NaN or infinity in 'FatJet_phi'" in problem(FatJet_phi=[[0.0, np.inf], [], [1.0]])
    assert "out of range in 'FatJetPFCands_pFCandsIdx'" in problem(FatJetPFCands_pFCandsIdx=[[0, 1, 2, 4], [], []])
    assert "out of range in 'FatJetPFCands_jetIdx'" in problem(FatJetPFCands_jetIdx=[[0, 0, 2, 1], [], []])
    none = {name: [[], [], []] for name in flat() if not name.startswith("SV")}
    with pytest.raises(InputFileError, match="holds no jets FatJet"):
        apply(model, pfnano(tmp_path / "n.root", **none), tmp_path / "o.parquet", 8)
    (tmp_path / "text.root").write_text("no ROOT file")
    (tmp_path / "half.root").write_bytes((tmp_path / "n.root").read_bytes()[:3000])
    for name in ("text.root", "half.root"):
        with pytest.raises(InputFileError, match="not a readable ROOT file"):
            list(files.batches(tmp_path / name, model.wanted))
    with pytest.raises(InputFileError, match="no such file"):
        list(files.batches(tmp_path / "none.root", model.wanted))
    subjets = network(tmp_path / "subjets", {"pf": group(["pfcand_drsubjet1"])}, ["away"])
    with pytest.raises(InputFileError, match="out of range in 'FatJet_subJetIdx1'"):
        list(
            files.batches(
                pfnano(tmp_path / "n.root", FatJet_subJetIdx1=[[7, 0], [], [0]]),
                Published.of(card.load(subjets)).wanted,
            )
        )
