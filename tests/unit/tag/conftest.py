"""Small skimmed datasets with random jets, and the section `tag` cut down to train in a second."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core.record import build, plain
from resonaut.tag.sample import Simulation
from resonaut.tag.settings import TagConfig

ROOT = Path(__file__).parents[3]
SMALL = {
    "score_batch_size": 16,
    "training": {"max_jets": 40, "held_out_jets": 30, "pt_bins": 2, "epochs": 2, "batch_size": 16},
    "networks": {
        "part": {
            "architecture": "particle_transformer",
            "max_constituents": 10,
            "transformer": {"embed_dims": [8], "pair_embed_dims": [4], "layers": 1},
        },
        "particlenet": {
            "architecture": "particle_net",
            "max_constituents": 8,
            "edge_conv": {"neighbours": 3, "channels": [[4], [8]], "dense": [8]},
        },
    },
}


@pytest.fixture
def section():
    """The section as plain data, with the defaults."""
    return plain(build(SMALL, TagConfig, "tag"), TagConfig)


@pytest.fixture
def settings(section):
    return build(section, TagConfig, "tag")


@pytest.fixture
def section_file(section, tmp_path):
    path = tmp_path / "config" / "tag.json"
    path.parent.mkdir()
    path.write_text(json.dumps(section))
    return path


@pytest.fixture
def make_events():
    """A function: n random events, the jets' constituents pT-ordered, ``truth`` adds the decays."""

    def make(n: int, seed: int, truth: bool = True) -> ak.Array:
        rng = np.random.default_rng(seed)
        columns = {"run": np.ones(n, np.int64), "luminosityBlock": np.full(n, seed), "event": np.arange(n)}
        for jet in ("j1", "j2"):
            lengths = rng.integers(3, 15, n)
            total = lengths.sum()
            pt = ak.sort(ak.unflatten(rng.exponential(30, total).astype("f4") + 1, lengths), ascending=False)
            columns |= {
                f"{jet}_pt": rng.uniform(500, 1500, n).astype("f4"),
                f"{jet}_eta": rng.normal(0, 1, n).astype("f4"),
                f"{jet}_phi": rng.uniform(-3, 3, n).astype("f4"),
                f"{jet}_mass": rng.uniform(20, 300, n).astype("f4"),
                f"{jet}_softdrop_mass": np.linspace(0, 250, n, dtype="f4"),
                f"{jet}_pf_pt": pt,
            }
            for name in ("eta", "phi"):
                jet_axis = np.repeat(columns[f"{jet}_{name}"], lengths)
                columns[f"{jet}_pf_{name}"] = ak.unflatten((jet_axis + rng.normal(0, 0.2, total)).astype("f4"), lengths)
            columns[f"{jet}_pf_mass"] = ak.unflatten(np.full(total, 0.14, "f4"), lengths)
            if truth:
                prongs = rng.integers(1, 5, n)
                flavours = np.where(rng.uniform(size=prongs.sum()) < 0.3, 5, 1).astype("i1")
                columns[f"{jet}_decay_pdgid"] = ak.unflatten(flavours, prongs)
                columns[f"{jet}_decay_mass"] = columns[f"{jet}_softdrop_mass"] * rng.normal(1.1, 0.1, n).astype("f4")
        return ak.zip(columns, depth_limit=1)

    return make


@pytest.fixture
def write_dataset(tmp_path, write_skimmed):
    """A function: write one chunk of events in batches, and the manifest, whose path it gives."""

    def write(name: str, batches: list[ak.Array], nature: str = "simulation") -> Path:
        return write_skimmed(tmp_path, name, [batches], nature=nature)

    return write


@pytest.fixture
def simulation(make_events, write_dataset):
    """Manifests of a background and a signal with every class."""
    return [
        write_dataset("qcd", [make_events(80, 1)]),
        write_dataset("signal", [make_events(100, 2), make_events(100, 3)]),
    ]


@pytest.fixture
def labelled(simulation):
    """The same, opened."""
    return Simulation.open(simulation[:1], simulation[1:])


@pytest.fixture
def weaver(settings):
    """A function: weaver's own network of a name with the weights of ours."""
    from torch import nn
    from weaver.nn.model.ParticleNet import ParticleNet
    from weaver.nn.model.ParticleTransformer import ParticleTransformer

    class Plain(nn.Module):
        def __init__(self, name: str, own: nn.Module) -> None:
            super().__init__()
            network = settings.networks[name]
            edge, part = network.edge_conv, network.transformer
            if name == "particlenet":
                convolutions = [(edge.neighbours, tuple(channels)) for channels in edge.channels]
                dense = [(width, 0) for width in edge.dense]
                self.mod = ParticleNet(7, 4, convolutions, dense, use_fusion=False, trim=False)
            else:
                given = {"embed_dims": part.embed_dims, "pair_embed_dims": part.pair_embed_dims, "trim": False}
                layers = {"num_layers": part.layers, "num_cls_layers": part.class_layers}
                self.mod = ParticleTransformer(7, 4, num_heads=part.heads, **given, **layers)
            self.load_state_dict(own.state_dict())

        def forward(self, features, vectors, mask):
            if isinstance(self.mod, ParticleNet):
                return self.mod(features[:, 5:7], features, mask)
            return self.mod(features, v=vectors, mask=mask)

    return lambda name, own: Plain(name, own).eval()


@pytest.fixture
def other(make_events, write_dataset):
    """Manifests of another simulation: background, signal; and of data, which do not know their prongs."""
    return [
        write_dataset("qcd_other", [make_events(80, 4)]),
        write_dataset("signal_other", [make_events(150, 5)]),
        write_dataset("data", [make_events(60, 6, truth=False)], nature="data"),
    ]
