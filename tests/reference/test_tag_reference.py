"""The published ParticleNet on JetClass jets, through the stage's own inputs and loading."""

import os
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.tag import networks
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.settings import EdgeConvConfig, NetworkConfig, TransformerConfig
from resonaut.tag.tagger import load

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data") / "jetclass").resolve()

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no reference data at {DATA} (RESONAUT_REFERENCE_DATA)")

# JetClass's order: QCD, Hbb, Hcc, Hgg, H4q, Hqql, Zqq, Wqq, Tbqq, Tbl.
OUTPUTS = ["qcd", "2prong", "2prong", "2prong", "4prong", "ignore", "2prong", "2prong", "3prong", "ignore"]
PUBLISHED = NetworkConfig(
    architecture="particle_net",
    max_constituents=128,
    dropout=0.1,
    transformer=TransformerConfig(embed_dims=[1], pair_embed_dims=[1], heads=1, layers=1, class_layers=1),
    edge_conv=EdgeConvConfig(neighbours=16, channels=[[64] * 3, [128] * 3, [256] * 3], dense=[256]),
    outputs=OUTPUTS,
    weights=str(DATA / "ParticleNet_kin.pt"),
)


def jets():
    """The 500 jets as skimmed events with one jet, and their JetClass labels."""
    vectors = np.load(DATA / "SMALLpfVectors.npy").astype(np.float64)
    lengths = np.load(DATA / "SMALLpfMask.npy").astype(bool).sum(axis=(1, 2))
    labels = np.load(DATA / "SMALLlabels.npy").argmax(axis=1)
    real = np.arange(vectors.shape[2]) < lengths[:, None]

    def kinematics(px, py, pz, energy):
        pt = np.hypot(px, py)
        mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0))
        return {"pt": pt, "eta": np.arcsinh(pz / pt), "phi": np.arctan2(py, px), "mass": mass}

    constituents = kinematics(*vectors.transpose(1, 0, 2)[:, real])
    jet = kinematics(*np.where(real[:, None], vectors, 0).sum(axis=2).T)
    columns = {f"j1_{name}": values for name, values in jet.items()}
    columns |= {f"j1_pf_{name}": ak.unflatten(values, lengths) for name, values in constituents.items()}
    return ak.zip(columns, depth_limit=1), labels


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The file that `tag train` makes of the published weights, and the tagger that made it."""
    tagger, weights = networks.published(Path(str(PUBLISHED.weights)), "particlenet", PUBLISHED, "cpu")
    path = tmp_path_factory.mktemp("tag") / "particlenet.npz"
    networks.save(path, "particlenet", PUBLISHED, weights)
    return path, tagger


def probabilities(tagger, inputs, size):
    """The network's ten outputs, in batches of so many jets of like length."""
    found = np.empty((len(inputs), 10), np.float32)
    order = np.argsort(inputs.counts, kind="stable")
    for first in range(0, len(order), size):
        part = order[first : first + size]
        found[part] = tagger.outputs(inputs.take(part, max(int(inputs.counts[part].max()), tagger.shortest)))
    return found


def test_the_published_particlenet_has_its_published_accuracy(model):
    events, labels = jets()
    found = probabilities(load(model[0], "cpu"), jet_inputs(events, "j1", 128), 2)
    assert np.mean(found.argmax(axis=1) == labels) == pytest.approx(0.718, abs=1e-9)


def test_torch_and_onnxruntime_agree_whatever_the_batch(model):
    inputs = jet_inputs(jets()[0][::10], "j1", 128)
    path, tagger = model
    expected = tagger.outputs(inputs)  # at once, each padded to 128
    for size in (1, 7, 64):
        np.testing.assert_allclose(probabilities(load(path, "cpu"), inputs, size), expected, atol=1e-5)


def test_its_ten_outputs_become_four_classes(model):
    events, labels = jets()
    chosen = (labels == 0) | (labels == 8)
    subset = np.flatnonzero(chosen)[:60]
    scores = load(model[0], "cpu").scores(jet_inputs(events[subset], "j1", 128), batch_size=16)
    assert scores.shape == (60, 4)
    qcd, top = labels[subset] == 0, labels[subset] == 8
    of = dict(zip(PUBLISHED.classes, scores.T, strict=True))
    assert (of["3prong"][top] > 0.5).mean() > 0.6
    assert (of["qcd"][qcd] > 0.5).mean() > 0.6
