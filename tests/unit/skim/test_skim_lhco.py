"""LHC Olympics files: which labelled events form a dataset, both layouts, and that no file runs code."""

import json
import pickle
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.datasets import LabelledEvents
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.tables import wanted_events


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


class Payload:
    """Runs code when it is unpickled."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple:
        return Path.touch, (self.sign,)


def labelled(background: bool, first: int, last: int | None) -> dict:
    return {"background": [0, None if background else 0], "signal": [first, last], "seed": 3}


def test_slices_share_no_event() -> None:
    signal = np.arange(100) % 5 == 0
    rules = (((0, 50), (0, 8)), ((50, None), (8, None)))
    data, test = (wanted_events(signal, LabelledEvents(background=b, signal=s, seed=3)) for b, s in rules)
    assert (data[signal].sum(), data[~signal].sum()) == (8, 50)
    assert (data ^ test).all()
    other = wanted_events(signal, LabelledEvents(background=(0, None), signal=(0, 8), seed=4))
    assert other[~signal].all()
    assert (other[signal] != data[signal]).any()


@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_features_become_columns(skim, features, layout) -> None:
    rows, summary = skim(features, layout, nature="data", labelled=labelled(True, 0, 5))
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
    rows, _ = skim(features, nature="data")
    shuffled, _ = skim(features.assign(label=1.0), nature="data")
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


def test_broken_values_that_nothing_reads_do_not_matter(skim, features) -> None:
    clean, _ = skim(features)
    rows, _ = skim(features.assign(extra=np.nan, label=np.nan))
    assert ak.array_equal(clean, rows)
    # One jet is kept: the other's are not read either; and a rejected event may hold anything.
    one = {"jets": 1, "delta_eta_max": None}
    clean, _ = skim(features, region=one)
    second = np.hypot(features.pxj2, features.pyj2) < np.hypot(features.pxj1, features.pyj1)
    rows, _ = skim(features.assign(tau1j2=features.tau1j2.mask(second, np.inf)), region=one)
    assert ak.array_equal(clean, rows)


@pytest.mark.parametrize("column", ["pxj1", "mj2", "tau3j2"])
def test_broken_events_are_left_out_alone(settings, dataset, tmp_path, features, column) -> None:
    features.loc[::4, column] = np.nan
    file = tmp_path / "a.h5"
    features.to_hdf(file, key="df", format="table")
    keys = {"bad_files": {"action": "skip", "retry_wait": 0}, "batch_events": 17}
    fields = {"format": "lhco_features", "files": [str(file)]}
    skim_chunk(settings(**keys), dataset(**fields), "x", 1, [str(file)], tmp_path / "0.parquet", tmp_path / "0.json")
    summary = json.loads((tmp_path / "0.json").read_text())
    (lost,) = summary["broken"]
    assert f"'{column}' ({lost['events']} selected events)" in lost["reason"]
    assert summary["cutflow"][-2]["events"] - summary["selected"] == lost["events"] > 5
    rows = ak.concatenate(list(events.iterate([tmp_path / "0.parquet"], ["m_jj"])))
    assert not (rows.event.to_numpy() % 4 == 0).any()


@pytest.mark.parametrize(("kind", "last", "there"), [("signal", 21, 20), ("background", 9000, 80)])
def test_slice_longer_than_the_file_is_named(skim, features, kind, last, there) -> None:
    rule = {"background": [0, 0], "signal": [0, 0], "seed": 1, kind: [0, last]}
    with pytest.raises(InputFileError, match=rf"has {there} {kind} events, .*'labelled\.{kind}' is \[0, {last}\]"):
        skim(features, labelled=rule)
    rows, _ = skim(features, labelled=rule | {kind: [0, there]})
    assert len(rows) > 5


def test_slice_upside_down_is_named(skim, features) -> None:
    with pytest.raises(ConfigError, match=r"labelled\.signal is \[9, 5\]; give the first event first"):
        skim(features, labelled={"background": [0, 0], "signal": [9, 5], "seed": 1})


@pytest.mark.parametrize(
    ("label", "sentence"),
    [("signal", "'label' is not a column of numbers"), (np.nan, "'label' is not a number in some events")],
)
@pytest.mark.parametrize("layout", ["fixed", "table"])
@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning")
def test_label_that_is_no_number(skim, features, layout, label, sentence) -> None:
    rows, _ = skim(features.assign(label=label), layout)
    assert len(rows) > 50
    with pytest.raises(InputFileError, match=rf"file\.h5: {sentence}"):
        skim(features.assign(label=label), layout, labelled=labelled(True, 0, 1))


@pytest.mark.parametrize("library", ["zlib", "bzip2", "blosc", "blosc:zstd", "blosc2"])
@pytest.mark.parametrize("layout", ["fixed", "table"])
def test_compressed_files(settings, dataset, tmp_path, features, layout, library) -> None:
    found = []
    for name, options in (("a", {}), ("b", {"complib": library, "complevel": 9})):
        features.to_hdf(tmp_path / f"{name}.h5", key="df", format=layout, **options)
        fields = {"format": "lhco_features", "files": [str(tmp_path / f"{name}.h5")]}
        output = tmp_path / f"{name}.parquet"
        skim_chunk(settings(), dataset(**fields), "x", 1, fields["files"], output, output.with_suffix(".json"))
        found.append(output.read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["data_columns", "float32", "big_endian", "mixed", "columns", "order"])
def test_other_layouts_of_the_same_numbers(settings, dataset, tmp_path, features, kind) -> None:
    """Bits of float32 features are those of the same table in single precision, with any layout."""
    plain = features.astype(np.float32)
    for column in plain:
        plain[column] = plain[column].astype(np.float64)
    other = tmp_path / "other.h5"
    plain.to_hdf(tmp_path / "plain.h5", key="df")
    if kind == "data_columns":
        plain.to_hdf(other, key="df", format="table", data_columns=True)
    elif kind == "float32":
        plain.astype(np.float32).to_hdf(other, key="df", format="table")
    elif kind == "mixed":
        plain.astype({name: np.float32 for name in plain if "tau" in name} | {"label": int}).to_hdf(other, key="df")
    elif kind == "order":
        plain[sorted(plain)].to_hdf(other, key="some/where", format="table")
    else:
        with h5py.File(other, "w") as file:
            for name in plain:
                file[name] = plain[name].to_numpy().astype(">f8" if kind == "big_endian" else "<f8")
    found = []
    for path in (tmp_path / "plain.h5", other):
        output = tmp_path / "0.parquet"
        fields = {"format": "lhco_features", "files": [str(path)], "labelled": labelled(True, 0, 7)}
        skim_chunk(settings(), dataset(**fields), "x", 1, fields["files"], output, output.with_suffix(".json"))
        found.append(pq.read_table(output).to_pandas())
    pd.testing.assert_frame_equal(*found, rtol=1e-12, atol=1e-3 if kind == "float32" else 0)


@pytest.mark.filterwarnings("ignore::pandas.errors.PerformanceWarning", "ignore::tables.NaturalNameWarning")
@pytest.mark.parametrize("layout", ["fixed", "table"])
@pytest.mark.parametrize("place", ["object", "index", "columns", "group", "table", "root"])
def test_no_file_runs_code(skim, settings, dataset, tmp_path, features, layout, place) -> None:
    """pandas runs a pickle in each of these places; here the file is read without it, or refused."""
    sign, file = tmp_path / "ran", tmp_path / "evil.h5"
    if place == "object" and layout == "fixed":
        features["label"] = [Payload(sign)] * 100
    features.to_hdf(file, key="df", format=layout)
    evil = np.bytes_(pickle.dumps(Payload(sign), 0))
    with h5py.File(file, "a") as content:
        group = content["df"]
        part = group["table"] if layout == "table" else group["block0_items"]
        names = {
            "object": (group, "info"),
            "index": (group if layout == "table" else group["axis1"], "index_cols" if layout == "table" else "name"),
            "columns": (part, "values_block_0_kind" if layout == "table" else "name"),
            "group": (group, "non_index_axes" if layout == "table" else "encoding"),
            "table": (part, "TITLE"),
            "root": (content, "TITLE"),
        }
        where, name = names[place]
        where.attrs[name] = evil
    fields = {"format": "lhco_features", "files": [str(file)]}
    skimmed = settings(), dataset(**fields), "x", 1, fields["files"], tmp_path / "0.parquet", tmp_path / "0.json"
    if layout == "table" and place in ("columns", "group"):
        with pytest.raises(InputFileError, match=r"evil\.h5: the names of its columns are not a plain list"):
            skim_chunk(*skimmed)
    else:
        skim_chunk(*skimmed)
        assert json.loads((tmp_path / "0.json").read_text())["selected"] > 50
    assert not sign.exists()
    pickle.loads(bytes(evil))  # the payload does work
    assert sign.exists()


def test_broken_particle_makes_the_event_unknown(settings, dataset, tmp_path) -> None:
    """Its jets cannot be known, so that neither can be whether it passes the cuts."""
    table, file = two_prong_table(20), tmp_path / "a.h5"
    table.iloc[3, 3] = np.nan  # a particle's pT
    table.iloc[4, 7] = np.inf
    table.iloc[5, 2000] = np.nan  # the direction of none
    table.to_hdf(file, key="df")
    fields = {"format": "lhco_raw", "files": [str(file)], "nature": "data"}
    output = tmp_path / "0.parquet"
    with pytest.raises(NotFiniteError, match=r"a\.h5: NaN, .* in the particles of 2 events"):
        skim_chunk(settings(), dataset(**fields), "x", 1, [str(file)], output, output.with_suffix(".json"))
    keys = {"bad_files": {"action": "skip", "retry_wait": 0}}
    skim_chunk(settings(**keys), dataset(**fields), "x", 1, [str(file)], output, output.with_suffix(".json"))
    summary = json.loads(output.with_suffix(".json").read_text())
    assert (summary["events"], summary["selected"], summary["lost"][0]["events"]) == (18, 18, 2)


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
    with pytest.raises(ConfigError, match="or variations, which files of the format lhco_features lack"):
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
    rows, summary = skim(two_prong_table(20), format="lhco_raw", nature="data")
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
    rows, _ = skim(two_prong_table(3).iloc[:, :2100], format="lhco_raw", nature="data")
    assert len(rows) == 3
