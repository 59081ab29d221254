"""LHC Olympics files: which labelled events form a dataset, and both layouts."""

import json

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from resonaut import events
from resonaut.dataset import LabelledEvents
from resonaut.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.lhco import wanted_events


@pytest.fixture
def features() -> pd.DataFrame:
    """100 dijet events, every fifth of them labelled as signal."""
    rng = np.random.default_rng(5)
    pt, phi = rng.uniform(400, 900, (100, 2)), rng.uniform(-np.pi, np.pi, 100)
    columns = {}
    for j in (0, 1):
        columns |= {
            f"pxj{j + 1}": pt[:, j] * np.cos(phi + np.pi * j),
            f"pyj{j + 1}": pt[:, j] * np.sin(phi + np.pi * j),
        }
        columns |= {f"pzj{j + 1}": pt[:, j] * np.sinh(rng.uniform(-1, 1, 100)), f"mj{j + 1}": rng.uniform(10, 300, 100)}
        columns |= {f"tau{n}j{j + 1}": rng.uniform(0, 0.5, 100) for n in (1, 2, 3)}
    return pd.DataFrame(columns | {"label": (np.arange(100) % 5 == 0).astype(float)})


@pytest.fixture
def skim(tmp_path, settings, dataset):
    def run(table: pd.DataFrame, layout: str = "fixed", name: str = "file.h5", region: dict | None = None, **fields):
        file = tmp_path / name
        table.to_hdf(file, key="df", mode="w", format=layout)
        fields = {"format": "lhco_features", "files": [str(file)]} | fields
        config = settings(regions={"dijet": region or {}}, batch_events=17)
        skim_chunk(config, dataset(**fields), "lhco", 1, [str(file)], tmp_path / "0.parquet", tmp_path / "0.json")
        columns = pq.ParquetFile(tmp_path / "0.parquet").schema_arrow.names
        rows = ak.concatenate(list(events.iterate([tmp_path / "0.parquet"], columns)))
        return rows, json.loads((tmp_path / "0.json").read_text())

    return run


def labelled(background: bool, first: int, last: int | None) -> dict:
    return {"background": [0, None if background else 0], "signal": [first, last], "seed": 3}


def test_slices_share_no_event() -> None:
    signal = np.arange(100) % 5 == 0
    rules = (((0, 50), (0, 8)), ((50, None), (8, None)))
    data, test = (wanted_events(signal, LabelledEvents(*rule, 3)) for rule in rules)
    assert (data[signal].sum(), data[~signal].sum()) == (8, 50)
    assert (data ^ test).all()
    other = wanted_events(signal, LabelledEvents((0, None), (0, 8), 4))
    assert other[~signal].all()
    assert (other[signal] != data[signal]).any()


@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_features_become_columns(skim, features, layout) -> None:
    rows, summary = skim(features, layout, role="data", labelled=labelled(True, 0, 5))
    assert summary["cutflow"][0]["events"] == summary["events"] == 85
    assert not [name for name in rows.fields if "label" in name or "pf" in name or "prongs" in name]
    row = rows[10]
    source = features.iloc[int(row.event)]
    light, heavy = sorted((1, 2), key=lambda j: source[f"mj{j}"])
    assert row.j1_mass == row.j1_softdrop_mass == np.float32(source[f"mj{heavy}"])
    assert row.j2_pt == pytest.approx(np.hypot(source[f"pxj{light}"], source[f"pyj{light}"]), rel=1e-6)
    assert row["j1_tau3"] == np.float32(source[f"tau3j{heavy}"])
    momenta = np.array([[source[f"{p}j{j}"] for p in ("px", "py", "pz")] for j in (1, 2)])
    energy = sum(np.sqrt((p**2).sum() + source[f"mj{j}"] ** 2) for j, p in zip((1, 2), momenta, strict=True))
    assert row.m_jj == pytest.approx(np.sqrt(energy**2 - (momenta.sum(axis=0) ** 2).sum()), rel=1e-6)


def test_data_does_not_depend_on_unused_labels(skim, features) -> None:
    """Blind: with all events used, the label column may hold anything."""
    rows, _ = skim(features, role="data")
    shuffled, _ = skim(features.assign(label=1.0), role="data")
    assert ak.array_equal(rows, shuffled)


@pytest.mark.parametrize(
    ("change", "fields", "sentence"),
    [
        ({"drop": "tau2j1"}, {}, "no column 'tau2j1'; correct the dataset's 'format'"),
        ({"drop": "label"}, {"labelled": labelled(True, 0, 1)}, "no column of labels; set the dataset's 'labelled'"),
        ({}, {"format": "lhco_raw"}, "only 15 of 2100 columns"),
    ],
)
def test_wrong_columns_are_named(skim, features, change, fields, sentence) -> None:
    table = features.drop(columns=change["drop"]) if change else features
    with pytest.raises(InputFileError, match=rf"file\.h5: {sentence}"):
        skim(table, **fields)


def test_nan_is_named(skim, features) -> None:
    features.loc[40, "tau1j2"] = np.nan
    with pytest.raises(NotFiniteError, match=r"file\.h5: NaN, .* in 'tau1j2' \(1 selected"):
        skim(features)


def test_truncated_file_is_unreadable(settings, dataset, tmp_path, features) -> None:
    file = tmp_path / "file.h5"
    features.to_hdf(file, key="df")
    file.write_bytes(file.read_bytes()[:9000])
    for path in (file, tmp_path / "none.h5"):
        fields = {"format": "lhco_features", "files": [str(path)]}
        with pytest.raises(InputFileError, match=rf"{path.name}: cannot be read"):
            skim_chunk(settings(), dataset(**fields), "x", 1, [str(path)], tmp_path / "0.parquet", tmp_path / "0.json")


def test_configuration_that_cannot_be_met(skim, features, settings, dataset) -> None:
    with pytest.raises(ConfigError, match="asks for triggers"):
        skim(features, region={"trigger": ["HLT_A"]})
    with pytest.raises(ConfigError, match="or variations, which LHC Olympics files lack"):
        skim(features, region={"variations": True})
    with pytest.raises(ConfigError, match="give it just one"):
        skim(features, labelled=labelled(True, 0, 1), files=["a.h5", "b.h5"])


def test_files_of_a_dataset_have_distinct_identifiers(skim, features, tmp_path) -> None:
    files = [str(tmp_path / "file.h5"), str(tmp_path / "second.h5")]
    first, _ = skim(features, files=files)
    second, _ = skim(features, files=files, name="second.h5")
    assert set(first.luminosityBlock.to_list()) == {1}
    assert set(second.luminosityBlock.to_list()) == {2}


def two_prong_table(events_: int) -> pd.DataFrame:
    """Back-to-back pairs of jets: one of two equal particles 0.4 apart, one of a single particle."""
    table = np.zeros((events_, 700, 3))
    table[:, 0] = (400, 0.2, 1.0)
    table[:, 1] = (400, -0.2, 1.0)
    table[:, 2] = (790, 0.0, 1.0 - np.pi)
    table[:, 3] = (5, 1.1, 2.5)
    return pd.DataFrame(np.hstack([table.reshape(events_, -1), np.zeros((events_, 1))]))


def test_raw_particles_are_clustered(skim) -> None:
    rows, summary = skim(two_prong_table(20), format="lhco_raw", role="data")
    assert summary["selected"] == 20
    mass = np.sqrt(2 * 400 * 400 * (np.cosh(0.4) - 1))
    assert rows.j1_softdrop_mass.to_numpy() == pytest.approx(np.full(20, mass), rel=1e-5)
    assert rows.j1_n_constituents.to_list() == [2] * 20
    assert rows.j1_pf_eta.to_list() == [[np.float32(0.2), np.float32(-0.2)]] * 20
    assert rows.j2_pt.to_numpy() == pytest.approx(np.full(20, 790), rel=1e-6)
    assert rows["j1_tau2"].to_numpy() == pytest.approx(np.zeros(20), abs=1e-6)
    assert rows["j1_tau1"][0] > 0.1
    assert set(np.asarray(ak.flatten(rows.j1_pf_charge))) == {0}


def test_raw_file_without_labels(skim) -> None:
    rows, _ = skim(two_prong_table(3).iloc[:, :2100], format="lhco_raw", role="data")
    assert len(rows) == 3
