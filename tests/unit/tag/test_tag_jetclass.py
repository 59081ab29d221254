"""Training jets from ROOT files with JetClass's layout."""

import dataclasses
import json

import awkward as ak
import numpy as np
import pytest
import uproot

from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError, NotFiniteError
from resonaut.core.record import build
from resonaut.tag import jetclass, sample, training
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.settings import JetFilesConfig

LABELS = {"qcd": ["label_QCD"], "2prong": ["label_Hbb", "label_Wqq"], "3prong": ["label_Tbqq"], "4prong": ["label_H4q"]}
ALL = [label for several in LABELS.values() for label in several] + ["label_Tbl"]


def write(path, n, seed, **changed):
    """A file of random jets of all labels; ``changed`` are branches in the place of others, None for none."""
    rng = np.random.default_rng(seed)
    lengths, label = rng.integers(3, 15, n), rng.integers(len(ALL), size=n)
    momenta = rng.normal(0, 20, (3, lengths.sum()))
    parts = dict(zip(("px", "py", "pz"), momenta, strict=True)) | {"energy": np.linalg.norm(momenta, axis=0) + 0.1}
    branches = {f"part_{name}": ak.unflatten(values.astype("f4"), lengths) for name, values in parts.items()}
    px, py, pz, energy = (ak.to_numpy(ak.sum(values, axis=1)) for values in branches.values())
    pt = np.hypot(px, py)
    branches |= {"jet_pt": pt, "jet_eta": np.arcsinh(pz / pt), "jet_phi": np.arctan2(py, px), "jet_energy": energy}
    branches["jet_sdmass"] = rng.uniform(0, 200, n)
    branches |= {name: label == i for i, name in enumerate(ALL)}
    kind = rng.integers(len(jetclass.KINDS), size=lengths.sum())
    tracks = {name: (kind == i).astype("i4") for i, name in enumerate(jetclass.KINDS)}
    tracks["part_charge"] = np.where(kind % 2 == 0, rng.choice([-1, 1], len(kind)), 0).astype("i4")
    tracks |= {f"part_{name}": rng.normal(0, 0.3, len(kind)).astype("f4") for name in ("d0val", "dzval")}
    tracks |= {f"part_{name}": rng.uniform(0, 2, len(kind)).astype("f4") for name in ("d0err", "dzerr")}
    branches |= {name: ak.unflatten(values, lengths) for name, values in tracks.items()}
    branches = {name: values for name, values in (branches | changed).items() if values is not None}
    kinds = {
        name: f"var * {values.layout.content.dtype}" if isinstance(values, ak.Array) else values.dtype
        for name, values in branches.items()
    }
    with uproot.recreate(path) as file:
        file.mktree("tree", kinds)
        file["tree"].extend(branches)
    return branches


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two files, and their source, which reads 100 jets at once."""
    monkeypatch.setattr(jetclass, "JETS", 100)
    written = [write(tmp_path / f"{name}.root", 350, seed) for seed, name in enumerate("ab")]
    entry = build({"files": [str(tmp_path / "*.root")], "labels": LABELS}, JetFilesConfig, "")
    return jetclass.JetFiles(entry), written


def test_all_jets_with_a_label_are_read_as_those_of_skimmed_events(files, settings):
    source, written = files
    network = settings.networks["part"]
    parts = source.parts(1, network)
    assert len(parts) == 8
    found = sample.Sample.concatenate([jets for part in parts for jets in part.read(0.0, np.ones(4))])
    whole = {name: ak.concatenate([one[name] for one in written]) for name in written[0]}
    known = np.array(
        [
            next((i for i, c in enumerate(LABELS) if any(row[x] for x in LABELS[c])), -1)
            for row in [{name: bool(whole[name][i]) for name in ALL} for i in range(700)]
        ]
    )
    np.testing.assert_array_equal(found.labels, known[known >= 0])
    np.testing.assert_allclose(found.softdrop_mass, whole["jet_sdmass"][known >= 0])
    # The first jet, by hand.
    jet = int(np.flatnonzero(known >= 0)[0])
    px, py, pz, energy = (np.array(whole[f"part_{name}"][jet], np.float64) for name in ("px", "py", "pz", "energy"))
    pt = np.hypot(px, py)
    order = np.argsort(-pt, kind="stable")
    vectors = np.stack([px, py, pz, energy])[:, order][:, :10]
    np.testing.assert_allclose(found.inputs.vectors[0][:, : vectors.shape[1]], vectors, rtol=1e-4, atol=1e-4)
    mass = np.sqrt(energy**2 - px**2 - py**2 - pz**2)
    columns = {"jet_pt": whole["jet_pt"], "jet_eta": whole["jet_eta"], "jet_phi": whole["jet_phi"]}
    columns = {name: np.array([values[jet]]) for name, values in columns.items()}
    momentum = columns["jet_pt"] * np.cosh(columns["jet_eta"])
    columns["jet_mass"] = np.sqrt(whole["jet_energy"][jet] ** 2 - momentum**2)
    of = {"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px), "mass": mass}
    columns |= {f"jet_pf_{name}": ak.Array([values[order]]) for name, values in of.items()}
    expected = jet_inputs(ak.zip(columns, depth_limit=1), "jet", 10)
    np.testing.assert_allclose(found.inputs.features[0], expected.features[0], rtol=1e-3, atol=1e-3)


def test_networks_with_full_inputs_see_jetclass_s_own_features(files, settings):
    source, written = files
    network = dataclasses.replace(settings.networks["part"], inputs="full")
    found = sample.Sample.concatenate(
        [jets for part in source.parts(1, network) for jets in part.read(0.0, np.ones(4))]
    )
    labelled = np.flatnonzero(np.any([written[0][name] for name in ALL if name != "label_Tbl"], axis=0))
    jet = {name: np.array(written[0][name][int(labelled[0])]) for name in written[0] if name.startswith("part_")}
    order = np.argsort(-np.hypot(jet["part_px"], jet["part_py"]), kind="stable")[: network.max_constituents]
    # Table 2 of arXiv:2202.03772, as weaver's configurations of the published networks have it.
    flags = ("isChargedHadron", "isNeutralHadron", "isPhoton", "isElectron", "isMuon")
    expected = [jet["part_charge"], *(jet[f"part_{name}"] for name in flags)]
    for name in ("d0", "dz"):
        expected += [np.tanh(jet[f"part_{name}val"]), np.clip(jet[f"part_{name}err"], 0, 1)]
    features = found.inputs.features[0][7:, : len(order)]
    np.testing.assert_allclose(features, np.stack(expected)[:, order], rtol=1e-5, atol=1e-6)


def test_networks_train_on_them(files, settings, tmp_path):
    plan = dataclasses.replace(settings.training, jets_in_memory=50)
    settings = dataclasses.replace(settings, training=plan)
    training.make_model(settings, "particlenet", files[0], tmp_path / "m.npz", tmp_path / "m.json")
    summary = json.loads((tmp_path / "m.json").read_text())
    assert summary["train_jets"] == dict.fromkeys(LABELS, 40)
    assert sum(summary["held_out_jets"].values()) >= 100


def test_the_choice_depends_on_the_files_name_and_not_on_its_folder(files, settings, tmp_path):
    network = settings.networks["part"]
    (tmp_path / "moved").mkdir()
    for name in "ab":
        (tmp_path / f"{name}.root").rename(tmp_path / "moved" / f"{name}.root")
    moved = jetclass.JetFiles(build({"files": [str(tmp_path / "moved/*")], "labels": LABELS}, JetFilesConfig, ""))
    first, again = moved.parts(1, network)[0].labels(), moved.parts(1, network)[0].labels()
    np.testing.assert_array_equal(first, again)
    assert not np.isin(first[0], moved.parts(1, network)[4].labels()[0]).any()
    write(tmp_path / "a.root", 350, 0)
    here = jetclass.JetFiles(build({"files": [str(tmp_path / "a.root")], "labels": LABELS}, JetFilesConfig, ""))
    np.testing.assert_array_equal(here.parts(1, network)[0].labels(), first)


EMPTY = {f"part_{name}": ak.Array([[0.0] * 3] * 500) for name in ("px", "pz", "energy")}


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        ({"label_Wqq": None}, InputFileError, r"c\.root: no label 'label_Wqq'; correct tag\.jet_files\.labels"),
        ({"part_px": None}, InputFileError, r"c\.root: no branch 'part_px'; give files of JetClass's layout"),
        ({"label_Hbb": np.ones(500, bool)}, InputFileError, r"c\.root: has jets with two labels"),
        ({"jet_sdmass": np.full(500, np.nan)}, NotFiniteError, r"c\.root: NaN or infinity in 'jet_sdmass'"),
        ({"part_py": ak.Array([[0.0] * 3] * 500), **EMPTY}, InputFileError, r"c\.root: has jets without constituents"),
        ({"jet_pt": np.zeros(500)}, InputFileError, r"c\.root: has jets of jet_pt 0 or less; take them out"),
        ({"label_H4q": np.zeros(500, bool)}, EmptySelectionError, r"only 0 jets of class '4prong' \(train\)"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(changed, error, sentence, settings, tmp_path):
    write(tmp_path / "c.root", 500, 3, **changed)
    entry = build({"files": [str(tmp_path / "c.root")], "labels": LABELS}, JetFilesConfig, "")
    with pytest.raises(error, match=sentence):
        sample.load(jetclass.JetFiles(entry), settings, settings.networks["part"], "train")


def test_what_is_no_file_of_jets_is_named(settings, tmp_path):
    network = settings.networks["part"]
    path = tmp_path / "x.root"

    def parts(labels=LABELS):
        return jetclass.JetFiles(build({"files": [str(path)], "labels": labels}, JetFilesConfig, "")).parts(1, network)

    with pytest.raises(ConfigError, match=r"tag\.jet_files\.files: no file '.*x\.root'; correct it"):
        parts()
    path.write_text("no file of ROOT")
    with pytest.raises(InputFileError, match=r"x\.root: not a readable ROOT file .*; replace it, or correct"):
        parts()
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": "f4"})
    with pytest.raises(InputFileError, match=r"x\.root: has no tree named tree, as JetClass has; correct tag\.jet_"):
        parts()
    with pytest.raises(ConfigError, match=r"tag\.jet_files\.labels: none for the class '4prong'; name its branches"):
        parts({name: labels for name, labels in LABELS.items() if name != "4prong"})
