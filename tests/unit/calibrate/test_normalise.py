import dataclasses
import json
import logging

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from resonaut.calibrate import correction as files
from resonaut.calibrate.cli import app
from resonaut.calibrate.columns import JETS, column, notes
from resonaut.calibrate.counts import Counts
from resonaut.calibrate.jets import jets_of
from resonaut.calibrate.normalise import COLUMNS, JetBins, _distortion, apply, normalise
from resonaut.calibrate.settings import Settings, Systematics, WeightPair
from resonaut.calibrate.summary import summarise
from resonaut.calibrate.weights import Calibration
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.core.events import Dataset, write
from resonaut.core.files import write_json
from resonaut.core.record import build
from resonaut.core.weights import NOMINAL, Weights

from .conftest import correction_of


@pytest.fixture
def signal(make_dataset) -> Dataset:
    return Dataset.open(make_dataset("signal", "signal", [[400, 250], [300]], prongs=(3, 2)))


def uneven(bins):
    values = np.random.default_rng(1).uniform(0.7, 1.4, bins.shape)
    return correction_of(bins, values, error=0.1, systematics=[("shower", 1.1, 0.9)])


def friends_of(dataset, correction, settings) -> ak.Array:
    normalisation = normalise(dataset, correction, settings)
    source = dataset.results / "normalisation.json"
    for chunk in dataset.manifest.chunks:
        batches = apply(dataset, chunk, correction, normalisation, settings, source)
        write(dataset.path("calibrate", chunk), batches, {}, notes(Calibration.of(correction, settings).variations))
    columns = Weights.of(dataset, ("calibrate",)).columns
    flags = [f"lund_{flag}_{jet}" for flag in ("calibrated", "bad_match") for jet in JETS]
    return dataset.read([*columns, *flags, "j1_pt", "j2_pt"], friends=["calibrate"])


def test_every_variation_has_a_column_for_each_jet(signal, settings, bins):
    found = friends_of(signal, uneven(bins), settings)
    names = ["statistical", "pt_extrapolation"]
    names += [f"{s}_{w}" for s in ("shower", "b_quark", "prongs", "unclustered", "distortion") for w in ("up", "down")]
    weights = Weights.of(signal, ("calibrate",))
    assert {*weights.columns} == {column(name, jet) for name in ("nominal", *names) for jet in JETS}
    toys = [("lund", "statistical", "toys"), ("lund", "pt_extrapolation", "toys")]
    pairs = [("lund", *name.rsplit("_", 1)) for name in names[2:]]
    assert set(weights.variations) == {NOMINAL, ("lund", "", "without"), *toys, *pairs}
    assert found["lund_weight_statistical_j1"].type.content == ak.types.RegularType(
        ak.types.NumpyType("float32"), settings.toys
    )


def test_mean_is_one_for_each_prong_count_in_every_variation(signal, settings, bins):
    found = friends_of(signal, uneven(bins), settings)
    for name in found.fields:
        if name.startswith("lund_weight"):
            assert np.mean(ak.to_numpy(found[name]), axis=0) == pytest.approx(1, abs=1e-5), name
    assert np.std(found.lund_weight_j1) > 0.05
    toys = ak.to_numpy(found.lund_weight_statistical_j2)
    assert np.all(np.abs(toys - ak.to_numpy(found.lund_weight_j2)[:, None]).max(axis=0) > 0.01)


def test_the_jets_pt_spectrum_is_restored(signal, settings, bins):
    fine = dataclasses.replace(settings, jets_per_bin=50)
    found = friends_of(signal, uneven(bins), fine)
    edges = JetBins(normalise(signal, uneven(bins), fine).prongs["2"].bins)
    jets = jets_of(signal.read(COLUMNS), "j2")
    weight, bad = ak.to_numpy(found.lund_weight_j2), ak.to_numpy(found.lund_bad_match_j2)
    index = edges.index(jets.hard_scale, jets.pt) + 100 * bad
    occupied = np.unique(index)
    # All toys have one hard scale.
    assert len(occupied) == 2 * 10
    assert 0 < bad.sum() < len(bad)
    mean = np.bincount(index, weight)[occupied] / np.bincount(index)[occupied]
    assert mean[:10] == pytest.approx(1, rel=1e-5)
    # Badly matched jets are fewer than thirty in each bin: together they keep their number.
    assert np.ptp(mean[10:]) > 0.01
    assert weight[bad].mean() == pytest.approx(1, rel=1e-5)
    assert np.std(weight) > 0.05


def test_only_the_unclustered_jets_change_the_number_of_badly_matched_ones(signal, settings, bins):
    """Without any other factor they weigh five times (a fifth of) what the others do, and all together 1."""
    found = friends_of(signal, correction_of(bins), settings)
    up, down, prongs = (
        ak.to_numpy(found[f"lund_weight_{name}_j2"]) for name in ("unclustered_up", "unclustered_down", "prongs_up")
    )
    bad = ak.to_numpy(found.lund_bad_match_j2)
    assert up.mean() == pytest.approx(1, abs=1e-5)
    assert down.mean() == pytest.approx(1, abs=1e-5)
    # Compared bin by bin: normalised together, a lost jet keeps its factor relative to a good one.
    jets = jets_of(signal.read(COLUMNS), "j2")
    index = normalise(signal, correction_of(bins), settings).prongs["2"].bins
    index = JetBins(index).index(jets.hard_scale, jets.pt)
    for values, factor in ((up, 5.0), (down, 0.2)):
        for k in np.unique(index):
            good = values[(index == k) & ~bad]
            ratios = values[(index == k) & bad] / good[0]
            assert np.ptp(good) < 1e-6
            assert set(np.round(ratios.astype(float), 4)) == {1.0, factor}
    assert prongs[bad].mean() == pytest.approx(1, abs=1e-5)


def test_bins_hold_equally_many_jets_by_hard_scale_and_then_pt():
    rng = np.random.default_rng(1)
    scale, pt = rng.exponential(50, 6000), rng.uniform(300, 900, 6000)
    bins = JetBins.of(scale, pt, 1000)
    index = bins.index(scale, pt)
    assert bins.size == 6
    assert np.bincount(index).tolist() == [1000] * 6
    assert scale[index < 2].max() <= scale[index >= 2].min()
    assert pt[index == 2].max() <= pt[index == 3].min()
    assert bins.index(np.array([-1.0, 1e9]), np.array([0.0, 1e9])).tolist() == [0, 5]
    assert JetBins.of(scale, pt, 1).size == 100
    assert JetBins.of(scale[:5], pt[:5], 1000).size == 1


def test_one_prong_has_no_hard_scale():
    pt = np.linspace(300, 900, 600)
    bins = JetBins.of(np.zeros(600), pt, 100)
    assert bins.edges.hard_scale == []
    assert np.bincount(bins.index(np.zeros(600), pt)).tolist() == [100] * 6


def test_hard_scale_is_the_smallest_kt_distance_of_quarks_in_the_jet(make_dataset):
    dataset = Dataset.open(make_dataset("three", "signal", [[10]], prongs=(3, 1)))
    events = dataset.read(COLUMNS)
    # Quarks of 100 GeV at phi of -0.2, 0, 0.2.
    assert jets_of(events, "j1").hard_scale == pytest.approx(20.0)
    assert np.all(jets_of(events, "j2").hard_scale == 0)


def test_both_jets_of_one_prong_count_share_the_mean_and_generator_weights_count(make_dataset, settings, bins):
    dataset = Dataset.open(make_dataset("same", "signal", [[50]], prongs=(2, 2), gen_weight=-2.0))
    found = friends_of(dataset, uneven(bins), settings)
    assert np.mean(np.concatenate([found.lund_weight_j1, found.lund_weight_j2])) == pytest.approx(1, abs=1e-5)
    assert abs(ak.mean(found.lund_weight_j1) - 1) > 1e-4


@pytest.mark.parametrize("prongs", [0, 30])
def test_a_jet_that_cannot_be_declustered_has_weight_one_and_a_flag(make_dataset, settings, bins, prongs):
    dataset = Dataset.open(make_dataset("odd", "signal", [[20]], prongs=(prongs, 2)))
    found = friends_of(dataset, correction_of(bins, 1.3, 0.2), settings)
    assert not ak.any(found.lund_calibrated_j1)
    assert np.all(found.lund_weight_j1 == 1)
    assert ak.all(found.lund_calibrated_j2)
    count = normalise(dataset, correction_of(bins, 1.3, 0.2), settings).prongs[str(prongs)]
    assert (count.jets, count.uncalibrated_jets, count.bad_fraction) == (20, 20, 0.0)


def test_a_chunk_without_events(make_dataset, settings, bins):
    dataset = Dataset.open(make_dataset("gaps", "signal", [[0], [5]]))
    found = friends_of(dataset, correction_of(bins, 1.3, 0.2), settings)
    assert len(found) == 5
    columns = ["lund_weight_j1", "lund_weight_statistical_j1"]
    empty = next(dataset.iterate_chunk("000", columns, friends=["calibrate"]))
    assert empty[columns].type.content == found[columns].type.content


def test_generator_weights_that_cancel_are_an_error(make_dataset, settings, bins):
    dataset = Dataset.open(make_dataset("zero", "signal", [[20]], gen_weight=0.0))
    with pytest.raises(NotFiniteError, match="zero: the generator weights of jets with 2 prongs cancel in a bin; give"):
        normalise(dataset, correction_of(bins, 1.3), settings)


def test_a_normalisation_of_something_else_is_refused(signal, settings, bins, tmp_path):
    correction, path = correction_of(bins, 1.3), tmp_path / "n.json"
    normalisation = normalise(signal, correction, settings)
    more = dataclasses.replace(settings, toys=9)
    with pytest.raises(InputFileError, match=r"n\.json: not made for these variations of jets with 3 prongs"):
        list(apply(signal, "000", correction, normalisation, more, path))
    without = dataclasses.replace(normalisation, prongs={n: c for n, c in normalisation.prongs.items() if n != "2"})
    with pytest.raises(InputFileError, match=r"n\.json: not made for .* 2 prongs"):
        list(apply(signal, "000", correction, without, settings, path))
    with pytest.raises(InputFileError, match=r"n\.json: not made for the correction's bins"):
        list(apply(signal, "000", correction, dataclasses.replace(normalisation, distortion=[1.0]), settings, path))
    with pytest.raises(InputFileError, match=r"n\.json: not made for this correction, but for another one"):
        list(apply(signal, "000", dataclasses.replace(correction, checksum="other"), normalisation, settings, path))
    of_another = dataclasses.replace(normalisation, dataset="other")
    with pytest.raises(InputFileError, match=r"n\.json: not made for '\w+', but for 'other'"):
        list(apply(signal, "000", correction, of_another, settings, path))


def test_many_bad_matches_are_a_warning(make_dataset, settings, bins, caplog):
    """Quarks of the toys stand in a row, three of them where there are two axes."""
    dataset = Dataset.open(make_dataset("rows", "signal", [[200]], prongs=(3, 2)))
    with caplog.at_level(logging.WARNING):
        found = normalise(dataset, correction_of(bins), settings)
    assert found.prongs["3"].bad_fraction > 0.3
    assert "with 3 prongs, 0 uncalibrated" in caplog.text
    assert "more than 30 %: their calibration is doubtful" in caplog.text


def test_distortion_is_the_ratio_to_the_simulated_w_jets(signal, settings, bins):
    """The dataset's own plane as that of W jets is no distortion; a plane tilted in k_t is one."""
    seen = np.array(normalise(signal, correction_of(bins), settings).distortion).reshape(bins.shape)
    assert np.any(seen != 1)
    assert np.all((seen >= 0.2) & (seen <= 5))


def test_few_jets_inflate_the_distortion(settings, bins):
    """What is not known of one bin is known of its k_t, and the logarithms grow as the statistical error does."""
    counts = Counts(bins)
    tilt = np.array([1.0, 1.5, 0.8])
    counts.weights[0] = counts.squares[0] = 1000 * tilt * np.ones(bins.shape)
    exact = tilt.mean() / tilt * np.ones(bins.shape)
    many, few = (_distortion(counts, jets, correction_of(bins), settings) for jets in (1000, 250))
    assert many == pytest.approx(exact)
    assert few == pytest.approx(exact**2)
    for values in (counts.weights, counts.squares):
        values[0, 1] *= 1e-4
    assert settings.minimum_entries > 0.15
    unknown = _distortion(counts, 250, correction_of(bins), settings)
    assert unknown == pytest.approx(exact**2, rel=0.01)
    assert _distortion(counts, 1000, correction_of(bins), settings)[1] == pytest.approx(1.0)
    # Nothing to inflate, and nothing that breaks.
    assert np.all(_distortion(Counts(bins), 0, correction_of(bins), settings) == 1)


@pytest.mark.parametrize("name", ["background", "unclustered", "fsr_up"])
def test_a_systematic_source_needs_a_name_of_its_own(settings, name):
    systematics = Systematics(background=0.3, weights={name: WeightPair(column="shower_weight", up=0, down=1)})
    with pytest.raises(ConfigError, match=rf"calibrate\.systematics\.weights\.{name}: choose another name"):
        dataclasses.replace(settings, systematics=systematics)


@pytest.mark.parametrize("bad", [[1.2, 5], [0.2, 0.9], [0, 5]])
def test_a_range_must_enclose_one(bad):
    with pytest.raises(ConfigError, match="factor_range"):
        build({"factor_range": bad}, Settings, "config: calibrate")


def test_a_direct_range_must_rise_within_the_bins(settings):
    with pytest.raises(ConfigError, match=r"calibrate\.direct_pt_range: \[400, 350\] must rise"):
        dataclasses.replace(settings, direct_pt_range=(400.0, 350.0))


def test_summary_has_scale_factors_histograms_and_matching(signal, settings, bins):
    correction = uneven(bins)
    friends_of(signal, correction, settings)
    found = summarise(signal, normalise(signal, correction, settings), False, settings)
    row = found.selections["tau21"]
    assert row.efficiency == pytest.approx(0.4, abs=0.01)
    assert row.scale_factor == pytest.approx(1, abs=0.2)
    sizes = {name: max(map(abs, pair)) for name, pair in row.uncertainties.items()}
    assert row.total == pytest.approx(np.sqrt(sum(size**2 for size in sizes.values())))
    assert set(sizes) > {"statistical", "pt_extrapolation", "shower", "unclustered"}
    pair = found.histograms["tau21"]
    before, after = (one.sum(flow=True).value for one in (pair.before, pair.after))
    assert before == pytest.approx(2 * signal.manifest.events)
    assert after == pytest.approx(before, rel=1e-4)
    assert set(found.prongs) == {"2", "3"}


def test_an_empty_selection_has_no_scale_factor(signal, settings, bins):
    friends_of(signal, uneven(bins), settings)
    none = dataclasses.replace(settings, selections={"none": {"tau21": (2.0, None)}})
    row = summarise(signal, normalise(signal, uneven(bins), settings), False, none).selections["none"]
    assert row.efficiency == 0
    assert row.scale_factor is None


def test_an_unknown_observable_is_named(signal, settings, bins):
    friends_of(signal, uneven(bins), settings)
    wrong = dataclasses.replace(settings, selections={"cut": {"part_9prong": (0.5, None)}})
    with pytest.raises(InputFileError, match="no column 'j1_part_9prong'"):
        summarise(signal, normalise(signal, uneven(bins), settings), False, wrong)


def test_the_commands(make_dataset, settings, tmp_path):
    config = tmp_path / "config" / "calibrate.json"
    write_json(config, dataclasses.asdict(settings))
    data = make_dataset("w_data", "w_data", [[80]], softness=1.5)
    simulation = make_dataset("w_sim", "w_sim", [[80]])
    signal = make_dataset("signal", "signal", [[30]])
    out = tmp_path / "calibrate"
    runner = CliRunner()

    def run(*arguments: object) -> None:
        result = runner.invoke(app, [str(a) for a in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output

    shared = ("--config", config)
    measured = ("--output", out / "correction.json", "--planes", out / "planes.json")
    run("measure", *shared, "--data", data, "--simulation", simulation, *measured)
    given = (*shared, "--correction", out / "correction.json", "--dataset", signal)
    run("normalise", *given, "--output", out / "normalisation.json")
    means = ("--normalisation", out / "normalisation.json")
    run("apply", *given, *means, "--chunk", "000", "--output", out / "signal" / "000.parquet")
    run("summarise", *shared, *means, "--dataset", signal, "--output", out / "summary.json")
    assert pq.read_table(out / "signal" / "000.parquet").num_rows == 30
    assert json.loads((out / "summary.json").read_text())["selections"]["tau21"]["scale_factor"] > 0
    assert files.metadata_path(out / "correction.json").exists()


def test_a_correction_of_another_declustering_is_refused(bins, settings, tmp_path):
    files.write(tmp_path / "c.json", dataclasses.replace(correction_of(bins), declustering="kt"), {})
    with pytest.raises(
        ConfigError, match=r"c\.json was measured with declustering 'kt', but calibrate.declustering is"
    ):
        files.read_for(tmp_path / "c.json", settings)
    kt = dataclasses.replace(settings, declustering="kt")
    assert files.read_for(tmp_path / "c.json", kt).declustering == "kt"
    with pytest.raises(ConfigError, match=r"with minimum_kt 0.02, but calibrate.minimum_kt is 1.0; set it to 0.02"):
        files.read_for(tmp_path / "c.json", dataclasses.replace(kt, minimum_kt=1.0))


def test_events_that_pass_only_in_a_variation_get_weights_and_change_none(signal, settings, bins, add_failing):
    correction = uneven(bins)
    before = normalise(signal, correction, settings), friends_of(signal, correction, settings).to_list()
    summary = summarise(signal, before[0], False, settings)
    path = signal.results / "skim" / "signal.json"
    added = add_failing(path)
    varied = Dataset.open(path)
    assert normalise(varied, correction, settings) == before[0]
    assert friends_of(varied, correction, settings).to_list() == before[1]
    assert summarise(varied, before[0], False, settings) == summary
    assert sum(len(one) for one in varied.iterate([], ["calibrate"], every=True)) == len(before[1]) + added


def test_jets_with_prongs_that_no_nominal_event_has_keep_their_weight(make_dataset, settings, bins, add_failing):
    path = make_dataset("signal", "signal", [[100]], prongs=(3, 3))
    add_failing(path)
    other = Dataset.open(make_dataset("other", "signal", [[2]], prongs=(3, 2)))
    (whole,) = Dataset.open(path).iterate([*COLUMNS, "gen_weight", "passes"], every=True)
    (two,) = other.iterate([*COLUMNS, "gen_weight"])
    nominal = whole[whole.passes]
    numbered = ak.with_field(ak.with_field(two, two.event + 10_000, "event"), np.zeros(2, bool), "passes")
    write(Dataset.open(path).path("skim", "000"), [ak.concatenate([nominal, numbered[nominal.fields]])], {})
    found = friends_of(Dataset.open(path), uneven(bins), settings)
    assert len(found) == 100
    (every,) = Dataset.open(path).iterate(["lund_calibrated_j2"], ["calibrate"], every=True)
    assert len(every) == 102
    of_two = dataclasses.replace(normalise(Dataset.open(path), uneven(bins), settings), prongs={})
    with pytest.raises(InputFileError, match="these variations of jets with 3 prongs"):
        list(apply(Dataset.open(path), "000", uneven(bins), of_two, settings, path))
