"""A small search on disk: data with a resonance, background, signal, and the friends that select can read."""

import json
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.calibrate import columns
from resonaut.core import events
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.core.record import build, composed, plain
from resonaut.core.weights import Factor
from resonaut.select import catalogue
from resonaut.select import settings as select_settings


def toy_events(n: int, seed: int, signal: bool = False, first: int = 0) -> ak.Array:
    """Dijet events with the features' columns: a falling spectrum, or a 3.5 TeV resonance to 500 and 100 GeV."""
    rng = np.random.default_rng(seed)
    number = np.arange(first, first + n, dtype=np.int64)
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": number // 100, "event": number}
    columns["gen_weight"] = np.ones(n)
    m_jj = rng.normal(3500, 80, n) if signal else 2400 + rng.exponential(600, n)
    masses = rng.normal([500, 100], [20, 8], (n, 2)) if signal else np.sort(rng.exponential(90, (n, 2)) + 20)[:, ::-1]
    tau21 = rng.uniform(0.1, 0.4, (n, 2)) if signal else rng.uniform(0.2, 0.95, (n, 2))
    columns["m_jj"] = m_jj.astype(np.float32)
    # Not where the other columns are drawn, so that those stay what they were.
    pt = np.random.default_rng([seed, 1])
    balanced = m_jj / 2 / np.cosh(pt.uniform(0, 1.3, n) / 2)
    for jet in ("j1", "j2"):
        columns[f"{jet}_pt"] = (balanced * pt.normal(1, 0.05, n)).astype(np.float32)
    for i, jet in enumerate(("j1", "j2")):
        columns[f"{jet}_softdrop_mass"] = masses[:, i].astype(np.float32)
        columns[f"{jet}_tau1"] = np.full(n, 0.5, np.float32)
        columns[f"{jet}_tau2"] = (0.5 * tau21[:, i]).astype(np.float32)
    return ak.Array(columns)


@pytest.fixture
def write_dataset(tmp_path, write_skimmed) -> Callable[..., Path]:
    """Write chunks of events as ``skim`` does; returns the manifest."""

    def write(name: str, kind: str, chunks: list[ak.Array], **manifest) -> Path:
        halves = [
            [chunk[: len(chunk) // 2], chunk[len(chunk) // 2 :]] if len(chunk) > 1 else [chunk] for chunk in chunks
        ]
        known = {"nature": kind if kind in ("data", "pseudo_data") else "simulation"}
        known |= {"luminosity": 10.0, "cross_section": None} if kind == "data" else {}
        known |= {"mass": 3500.0} if kind == "signal" else {}
        return write_skimmed(tmp_path, name, halves, **(known | manifest))

    return write


@pytest.fixture
def write_friend() -> Callable[..., None]:
    """Write friends of a dataset: ``make(events)`` gives the new columns of a batch.

    Those of ``calibrate`` are Lund weights of the ``variations``, that of ``reweight`` is a weight, too.
    """

    def write(manifest: Path, folder: str, make: Callable[[ak.Array], dict], variations=()) -> None:
        dataset = Dataset.open(manifest)
        notes = {"reweight": Factor("reweight").metadata()} if folder == "reweight" else columns.notes(variations)
        for chunk in dataset.manifest.chunks:
            batches = [
                ak.Array({name: ak.to_numpy(batch[name]) for name in events.KEY} | make(batch))
                for batch in dataset.iterate_chunk(chunk, ["m_jj"])
            ]
            events.write(dataset.path(folder, chunk), batches, {}, notes)

    return write


@pytest.fixture
def section() -> dict:
    """The section ``select`` with all defaults but small models, and without the keys of a method's own."""
    trees = {"learning_rate": 0.02, "max_iterations": 15, "max_leaf_nodes": 7, "patience": 30, "validation_parts": 2}
    small = {"folds": 2, "trees": trees, "network": {"validation_parts": 2}}
    section = {"classifier": small, "jet_features": ["m", "tau21"]}
    full = plain(build(section, select_settings.Settings, "test"), select_settings.Settings)
    full["windows"] = {"w3500": {"signal_region": [3250, 3750], "sidebands": [[3000, 3250], [3750, 4250]]}}
    return full


@pytest.fixture
def config(tmp_path, section) -> Path:
    """The frozen section on disk."""
    path = tmp_path / "config" / "select.json"
    write_json(path, section)
    return path


@pytest.fixture
def settings(section) -> select_settings.Settings:
    """Those of all methods at once."""
    return build(section, composed(select_settings.Settings, catalogue.parts()), "test")


@pytest.fixture
def manifests(write_dataset) -> dict[str, Path]:
    """Data (two chunks, 60 signal events), background, and signal, of which 1 fb are 1000 events."""
    data = ak.concatenate([toy_events(6000, 1), toy_events(60, 2, signal=True)])
    return {
        "data": write_dataset("data", "data", [data[:2500], data[2500:]]),
        "qcd": write_dataset("qcd", "background", [toy_events(3000, 3)], weight_scale=2.0, cross_section=6000.0),
        "signal": write_dataset("signal", "signal", [toy_events(800, 4, signal=True)], weight_scale=1e-3),
    }


@pytest.fixture
def toys() -> Callable[..., ak.Array]:
    return toy_events


@pytest.fixture
def summary_of() -> Callable[[Path], dict]:
    return lambda path: json.loads(path.read_text())
