import dataclasses
import json

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from resonaut.calibrate import correction, weights
from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.cli import app
from resonaut.calibrate.correction import LundRatio
from resonaut.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.events import Dataset, write
from resonaut.files import write_json

ONE_BIN = LundBins((0.0, 1000.0), (0.0, 5.0), (-4.0, 4.0))


def flat_ratio(value: float, error: float = 0.0) -> LundRatio:
    return LundRatio(ONE_BIN, np.full(ONE_BIN.shape, value), np.full(ONE_BIN.shape, error))


def subjets(numbers_of_splittings: list[list[int]]) -> ak.Array:
    template = {"pt": 100.0, "splittings": [{"delta": 0.1, "kt": 1.0}]}
    return ak.Array(
        [
            [template],
            *[[template | {"splittings": template["splittings"] * n} for n in jet] for jet in numbers_of_splittings],
        ]
    )[1:]


@pytest.fixture
def signal(make_dataset) -> Dataset:
    return Dataset.open(make_dataset("signal", "signal", [[40, 25], [30]], prongs=(3, 2)))


def friends_of(dataset, ratio, settings) -> ak.Array:
    normalisation = weights.normalise(dataset, ratio, settings)
    source = dataset.results / "normalisation.json"
    for chunk in dataset.manifest.chunks:
        batches = weights.apply(dataset, chunk, ratio, normalisation, settings, source)
        write(dataset.path("calibrate", chunk), batches, {})
    columns = ["lund_weight_j1", "lund_weight_j2", "lund_weight_toys", "lund_calibrated_j1", "lund_calibrated_j2"]
    return dataset.read(columns, friends=["calibrate"])


def test_weight_is_the_product_over_splittings_and_clipped(settings):
    factors = weights.factor_tables(flat_ratio(2.0), dataclasses.replace(settings, toys=1))
    found = weights.jet_weights(subjets([[0], [1, 2], [], [0, 3], [4]]), ONE_BIN, factors, (0.1, 10.0))
    assert found[:, 0] == pytest.approx([1, 8, 1, 8, 10])
    # Without an error the toys are the nominal weight.
    assert np.array_equal(found[:, 1], found[:, 0])


@pytest.mark.parametrize(("value", "factor"), [(0.01, 0.2), (0.5, 0.5), (40.0, 5.0)])
def test_factors_are_clipped(settings, value, factor):
    assert weights.factor_tables(flat_ratio(value), settings)[0, 0] == factor


def test_toys_move_bins_by_their_error_with_one_pattern(settings):
    many = dataclasses.replace(settings, toys=4000)
    table = weights.factor_tables(flat_ratio(1.0, 0.1), many)
    assert table.shape == (4001, 1)
    assert table[1:].mean() == pytest.approx(1, abs=0.01)
    assert table[1:].std() == pytest.approx(0.1, rel=0.05)
    assert np.array_equal(table, weights.factor_tables(flat_ratio(1.0, 0.1), many))
    assert not np.array_equal(table, weights.factor_tables(flat_ratio(1.0, 0.1), dataclasses.replace(many, seed=8)))


def test_no_difference_gives_weights_of_one(signal, settings, bins):
    ratio = LundRatio(bins, np.ones(bins.shape), np.zeros(bins.shape))
    found = friends_of(signal, ratio, settings)
    for column in ("lund_weight_j1", "lund_weight_j2", "lund_weight_toys"):
        assert np.all(ak.to_numpy(found[column]) == 1)


def test_mean_is_one_for_each_prong_count_over_all_chunks(signal, settings, bins):
    ratio = LundRatio(bins, np.random.default_rng(1).uniform(0.7, 1.4, bins.shape), np.full(bins.shape, 0.1))
    found = friends_of(signal, ratio, settings)
    assert ak.mean(found.lund_weight_j1) == pytest.approx(1)  # the 3-prong jets
    assert ak.mean(found.lund_weight_j2) == pytest.approx(1)  # the 2-prong jets
    assert ak.std(found.lund_weight_j1) > 0.05
    assert found.lund_weight_toys.type == ak.types.ArrayType(
        ak.types.RegularType(ak.types.NumpyType("float64"), settings.toys), 95
    )
    # A toy's event weight has the size of the nominal one, but is another.
    toys = ak.to_numpy(found.lund_weight_toys)
    nominal = ak.to_numpy(found.lund_weight_j1 * found.lund_weight_j2)
    assert toys.mean() == pytest.approx(1, abs=0.15)
    assert np.all(np.abs(toys - nominal[:, None]).max(axis=0) > 0.01)


def test_both_jets_of_one_prong_count_share_the_mean_and_generator_weights_count(make_dataset, settings, bins):
    ratio = LundRatio(bins, np.random.default_rng(1).uniform(0.7, 1.4, bins.shape), np.full(bins.shape, 0.1))
    dataset = Dataset.open(make_dataset("same", "signal", [[50]], prongs=(2, 2), gen_weight=-2.0))
    found = friends_of(dataset, ratio, settings)
    both = np.concatenate([found.lund_weight_j1, found.lund_weight_j2])
    assert np.mean(both) == pytest.approx(1)
    assert abs(ak.mean(found.lund_weight_j1) - 1) > 1e-4


@pytest.mark.parametrize("prongs", [0, 30])
def test_a_jet_that_cannot_be_declustered_has_weight_one_and_a_flag(make_dataset, settings, prongs):
    dataset = Dataset.open(make_dataset("odd", "signal", [[20]], prongs=(prongs, 2)))
    found = friends_of(dataset, flat_ratio(1.3, 0.2), settings)
    assert not ak.any(found.lund_calibrated_j1)
    assert np.all(found.lund_weight_j1 == 1)
    assert ak.all(found.lund_calibrated_j2)
    count = weights.normalise(dataset, flat_ratio(1.3, 0.2), settings).prongs[str(prongs)]
    assert (count.jets, count.uncalibrated_jets, count.mean_weight) == (20, 20, 1.0)


def test_a_chunk_without_events(make_dataset, settings):
    dataset = Dataset.open(make_dataset("gaps", "signal", [[0], [5]]))
    found = friends_of(dataset, flat_ratio(1.3, 0.2), settings)
    assert len(found) == 5
    empty = next(dataset.iterate_chunk("000", ["lund_weight_toys"], friends=["calibrate"]))
    assert empty.type.content == found[["run", "luminosityBlock", "event", "lund_weight_toys"]].type.content


def test_generator_weights_that_cancel_are_an_error(make_dataset, settings):
    dataset = Dataset.open(make_dataset("zero", "signal", [[20]], gen_weight=0.0))
    with pytest.raises(NotFiniteError, match="zero: 'mean Lund weight of jets with 2 prongs'"):
        weights.normalise(dataset, flat_ratio(1.3), settings)


def test_a_normalisation_of_other_toys_or_events_is_refused(signal, settings, tmp_path):
    normalisation = weights.normalise(signal, flat_ratio(1.3), settings)
    more = dataclasses.replace(settings, toys=9)
    with pytest.raises(InputFileError, match=r"n\.json: no 9 toys of jets with 3 prongs"):
        list(weights.apply(signal, "000", flat_ratio(1.3), normalisation, more, tmp_path / "n.json"))
    without = weights.Normalisation({n: c for n, c in normalisation.prongs.items() if n != "2"})
    with pytest.raises(InputFileError, match=r"n\.json: no 3 toys of jets with 2 prongs"):
        list(weights.apply(signal, "000", flat_ratio(1.3), without, settings, tmp_path / "n.json"))


@pytest.mark.parametrize("bad", [(1.2, 5.0), (0.2, 0.9), (0.0, 5.0)])
def test_a_range_must_enclose_one(settings, bad):
    with pytest.raises(ConfigError, match=r"calibrate\.factor_range"):
        dataclasses.replace(settings, factor_range=bad)


def test_the_three_commands(make_dataset, settings, tmp_path):
    config = tmp_path / "config" / "calibrate.json"
    write_json(config, dataclasses.asdict(settings))
    data = make_dataset("w_data", "w_data", [[80]], softness=1.5)
    simulation = make_dataset("w_sim", "w_sim", [[80]])
    signal = make_dataset("signal", "signal", [[30], [20, 10]])
    folder = tmp_path / "calibrate"
    files = {"correction": folder / "correction.json", "normalisation": folder / "signal" / "normalisation.json"}

    def run(command, *arguments):
        CliRunner().invoke(app, [command, "--config", str(config), *map(str, arguments)], catch_exceptions=False)

    run(
        "measure",
        "--data",
        data,
        "--simulation",
        simulation,
        "--output",
        files["correction"],
        "--planes",
        folder / "planes.json",
    )
    common = ["--correction", files["correction"], "--dataset", signal]
    run("normalise", *common, "--output", files["normalisation"])
    for chunk in ("000", "001"):
        output = folder / "signal" / f"{chunk}.parquet"
        run("apply", *common, "--normalisation", files["normalisation"], "--chunk", chunk, "--output", output)
    assert correction.read(files["correction"]).bins == settings.bins
    assert json.loads((folder / "planes.json").read_text())["data"]["jets"] == 80
    assert json.loads(files["normalisation"].read_text())["prongs"]["2"]["jets"] == 120
    weight = Dataset.open(signal).read(["lund_weight_j1", "lund_weight_j2"], friends=["calibrate"])
    assert len(weight) == 60
    assert np.mean([weight.lund_weight_j1, weight.lund_weight_j2]) == pytest.approx(1)
    assert pq.ParquetFile(folder / "signal" / "001.parquet").num_row_groups == 2
    before = output.read_bytes()
    run("apply", *common, "--normalisation", files["normalisation"], "--chunk", "001", "--output", output)
    assert output.read_bytes() == before
