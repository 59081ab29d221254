"""Columns of weights, and what their variations do to the efficiency of a selection."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events
from resonaut.core import weights as weighting
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.weights import NOMINAL, Effect, Efficiency, Factor, Variation, Weights

ONES = np.ones(4)
FIRST = np.array([True, False, False, False])


class Friends:
    """A dataset of one chunk, whose friends lie in a folder."""

    name = "data"

    def __init__(self, folder):
        self.folder = folder
        self.manifest = type("Manifest", (), {"chunks": ["000"]})

    def path(self, verb, chunk):
        return self.folder / verb / f"{chunk}.parquet"


def factor(name: str, keeps_total: bool = True) -> Factor:
    """``nominal``, ``<source>_up``, ``<source>_down``, or the name of toys, of the group ``lund``."""
    if name == "nominal":
        return Factor("lund", keeps_total=keeps_total)
    source, _, way = name.rpartition("_")
    if way in ("up", "down"):
        return Factor("lund", source, way, keeps_total=keeps_total)
    return Factor("lund", name, "toys", keeps_total=keeps_total)


def weighted(keeps_total: bool = True, **columns) -> tuple[Weights, ak.Array]:
    """Weights by variation, lists of one value, or of several toys, an event; and the events with them."""
    factors = {factor(name, keeps_total): (name,) for name in columns}
    return Weights(("calibrate",), factors), ak.Array({name: np.asarray(v, float) for name, v in columns.items()})


def effect(found: tuple[Weights, ak.Array], weight=ONES, selected=FIRST) -> Effect:
    efficiency = Efficiency()
    efficiency.add(*found, weight, selected)
    return efficiency.effects()["lund"]


def test_weights_are_found_by_what_their_files_say(tmp_path) -> None:
    """Not by their names; columns of one group, source and way multiply, such as those of two jets."""
    key = {name: np.arange(2, dtype=np.int64) for name in events.KEY}
    columns = {"a_j1": [2.0, 3.0], "a_j2": [0.5, 1.0], "toys_j1": [[1.0, 2.0], [3.0, 4.0]], "weight_of": [7.0, 7.0]}
    notes = {name: Factor("lund").metadata() for name in ("a_j1", "a_j2")}
    notes["toys_j1"] = Factor("lund", "statistical", "toys").metadata()
    events.write(tmp_path / "calibrate/000.parquet", [ak.Array(key | columns)], {}, notes)
    pileup = {"nominal": Factor("pileup").metadata(), "more": Factor("pileup", "minimum_bias", "up").metadata()}
    events.write(tmp_path / "skim/000.parquet", [ak.Array(key | {"nominal": [2.0, 2], "more": [3.0, 3]})], {}, pileup)
    weights = Weights.of(Friends(tmp_path), ["calibrate"])
    assert weights.groups == ["lund", "pileup"]
    assert set(weights.columns) == {"a_j1", "a_j2", "toys_j1", "nominal", "more"}
    batch = ak.Array(columns | {"nominal": [2.0, 2.0], "more": [3.0, 3.0]})
    assert weights.nominal(batch).tolist() == [2 * 2.0 * 0.5, 2 * 3.0]
    # A variation of one group has the nominal weights of the others.
    assert weights.product(batch, Variation("lund", "statistical", "toys")).tolist() == [[2, 4], [6, 8]]
    assert weights.product(batch, Variation("pileup", "minimum_bias", "up"))[:, 0].tolist() == [3, 9]
    assert weights.product(batch, Variation("lund", way="without"))[:, 0].tolist() == [2, 2]
    assert weights.part("_j1").nominal(batch).tolist() == [2, 3]


@pytest.mark.parametrize(
    ("up", "down", "own", "both"),
    [
        (Factor("s", "s", "up"), Factor("s", "s", "down"), Factor("pileup"), None),
        (Factor("s", "s", "up"), Factor("s", "s", "up"), Factor("pileup"), "'down' and in 'up'"),
        (Factor("s", "s", "up"), Factor("s", "s", "down"), Factor("s"), "'skim' and in 'up'"),
        (Factor("s", "s", "up"), Factor("t", "t", "up"), Factor("t", "t", "up"), "'down' and in 'skim'"),
    ],
)
def test_two_stages_have_weights_of_one_name(tmp_path, up, down, own, both) -> None:
    """They would multiply, or those of one would stand for the nominal ones of the other."""
    key = {name: np.arange(2, dtype=np.int64) for name in events.KEY}
    for folder, factor in {"up": up, "down": down, "skim": own}.items():
        columns = ak.Array(key | {folder: np.ones(2)})
        events.write(tmp_path / folder / "000.parquet", [columns], {}, {folder: factor.metadata()})
    if both is None:
        assert len(Weights.of(Friends(tmp_path), ["up", "down"]).factors) == 3
    else:
        with pytest.raises(ConfigError, match=rf"^dataset 'data' has weights '.' in {both}; give the ratio of "):
            Weights.of(Friends(tmp_path), ["up", "down"])


def test_a_missing_and_a_broken_file_are_named(tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"000\.parquet: no such file; run the stage that makes it"):
        Weights.of(Friends(tmp_path), ["calibrate"])
    (tmp_path / "calibrate").mkdir()
    (tmp_path / "calibrate" / "000.parquet").write_text("broken")
    with pytest.raises(InputFileError, match=r"000\.parquet: not a readable Parquet file"):
        Weights.of(Friends(tmp_path), ["calibrate"])


def test_an_empty_batch_is_no_obstacle() -> None:
    weights, batch = weighted(nominal=np.ones(2), statistical=[[1.0, 2.0]] * 2)
    efficiency = Efficiency()
    for part in (batch[:0], batch, batch[:0]):
        efficiency.add(weights, part, np.ones(len(part)), np.arange(len(part)) == 0)
    assert efficiency.effects()["lund"].scale_factor == 1


def test_scale_factor_is_the_efficiency_with_weights_over_that_without() -> None:
    # 1.5 of 5 against 1 of 4.
    found = effect(weighted(nominal=[1.5, 1.0, 1.0, 1.5]))
    assert found.scale_factor == pytest.approx((1.5 / 5) / (1 / 4))
    assert found.uncertainties == {}
    assert found.total == 0


def test_weights_that_change_the_number_of_events_change_the_efficiency_with_it() -> None:
    # Of the same four generated events 1.5 are selected instead of 1.
    found = effect(
        weighted(keeps_total=False, nominal=[1.5, 1.0, 1.0, 1.5], b_quark_up=[3, 1, 1, 1], b_quark_down=ONES)
    )
    assert found.scale_factor == pytest.approx(1.5)
    assert found.uncertainties["b_quark"] == pytest.approx((3 / 1.5 - 1, 1 / 1.5 - 1))


def test_events_count_with_their_own_weight() -> None:
    weight = np.array([3.0, 1.0, 1.0, 0.0])
    found = effect(weighted(nominal=[0.5, 1.0, 1.0, 100.0]), weight)
    assert found.scale_factor == pytest.approx((1.5 / 3.5) / (3 / 5))


def test_each_way_of_a_variation_is_relative_to_the_nominal_efficiency() -> None:
    nominal, up, down = [1.2, 1.0, 1.0, 0.8], [1.5, 0.9, 0.9, 0.7], [1.1, 1.0, 1.0, 0.9]
    found = effect(weighted(nominal=nominal, b_quark_up=up, b_quark_down=down))
    assert found.uncertainties["b_quark"] == pytest.approx((1.5 / 1.2 - 1, 1.1 / 1.2 - 1))
    swapped = effect(weighted(nominal=nominal, b_quark_up=down, b_quark_down=up))
    assert swapped.uncertainties["b_quark"] == found.uncertainties["b_quark"][::-1]


def test_a_common_factor_on_all_weights_of_a_variation_changes_nothing() -> None:
    nominal, up = np.array([1.2, 1.0, 1.0, 0.8]), np.array([1.5, 0.9, 0.9, 0.7])
    toys = np.stack([nominal, 3 * nominal], axis=1)
    plain = effect(weighted(nominal=nominal, a_up=up, a_down=nominal))
    scaled = effect(weighted(nominal=7 * nominal, a_up=2 * up, a_down=5 * nominal, statistical=toys))
    assert scaled.scale_factor == pytest.approx(plain.scale_factor)
    assert scaled.uncertainties["a"] == pytest.approx(plain.uncertainties["a"])
    assert scaled.uncertainties["a"][1] == pytest.approx(0, abs=1e-12)
    assert scaled.uncertainties["statistical"] == pytest.approx((0, 0), abs=1e-12)


def test_toys_give_their_root_mean_square_about_the_nominal_weight() -> None:
    # Efficiencies 0.3, 0.35, 0.15 around 0.25; about their mean, 0.267, the spread would be smaller.
    first = np.array([1.2, 1.4, 0.6])
    toys = np.stack([first, *[(4 - first) / 3] * 3])
    found = effect(weighted(nominal=ONES, statistical=toys, pt_extrapolation=np.ones((4, 3))))
    rms = np.sqrt((0.2**2 + 0.4**2 + 0.4**2) / 3)
    assert found.uncertainties["statistical"] == pytest.approx((rms, -rms))
    assert found.uncertainties["pt_extrapolation"] == (0, 0)


def test_total_adds_the_larger_sides_in_quadrature() -> None:
    shifts = {"a": (0.03, -0.01), "b": (-0.04, -0.02), "statistical": (0.12, -0.12)}
    assert Effect(scale_factor=1.0, uncertainties=shifts).total == pytest.approx(0.13)


def test_batches_add_up() -> None:
    rng = np.random.default_rng(1)
    up = rng.random(10)
    weights, batch = weighted(nominal=rng.random(10), statistical=rng.random((10, 5)), a_up=up, a_down=2 - up)
    weight, selected = rng.random(10), rng.random(10) < 0.5
    parts = Efficiency()
    for where in (slice(0, 3), slice(3, 10)):
        parts.add(weights, batch[where], weight[where], selected[where])
    whole, found = effect((weights, batch), weight, selected), parts.effects()["lund"]
    assert found.scale_factor == pytest.approx(whole.scale_factor)
    assert found.uncertainties.keys() == whole.uncertainties.keys() == {"statistical", "a"}
    for name, shifts in whole.uncertainties.items():
        assert found.uncertainties[name] == pytest.approx(shifts)


def test_without_weights_all_is_as_it_is() -> None:
    weights, batch = Weights((), {}), ak.Array({"m_jj": ONES})
    assert weights.nominal(batch).tolist() == ONES.tolist()
    efficiency = Efficiency()
    efficiency.add(weights, batch, ONES, FIRST)
    assert efficiency.nominal().tolist() == [4, 4, 1]
    assert efficiency.effects() == {}
    assert efficiency.relative(NOMINAL).tolist() == [1]


def test_what_counts_events_refuses_data_with_weights(tmp_path) -> None:
    key = {name: np.arange(2, dtype=np.int64) for name in events.KEY}
    notes = {"weight_prescale": Factor("prescale").metadata()}
    for columns in ({}, {"weight_prescale": [8.0, 2.0]}):
        events.write(tmp_path / "skim/000.parquet", [ak.Array(key | columns)], {}, notes)
        if not columns:
            weighting.require_none([Friends(tmp_path)])
    with pytest.raises(ConfigError, match="dataset 'data' has the weights weight_prescale, and events of data count"):
        weighting.require_none([Friends(tmp_path)])


def test_one_weight_of_a_file_without_toys_stands_for_all() -> None:
    """A dataset may have files with and without them, whose events are in one batch."""
    weights = Weights((), {factor("pdf"): ("pdf",)})
    one = Variation("lund", "pdf", "toys")
    mixed = ak.Array({"pdf": [[1.0], [2.0, 3.0, 4.0], [5.0]]})
    assert weights.product(mixed, one).tolist() == [[1, 1, 1], [2, 3, 4], [5, 5, 5]]
    assert weights.product(mixed[:0], one).shape[0] == 0
    with pytest.raises(InputFileError, match=r"'pdf': has 2 equally likely weights in some events, and 3 in others"):
        weights.product(ak.Array({"pdf": [[1.0, 2.0], [2.0, 3.0, 4.0]]}), one)
    sums = Efficiency()
    sums.add(weights, ak.Array({"pdf": [[1.0, 2.0]]}), ONES[:1], FIRST[:1])
    sums.add(weights, ak.Array({"pdf": [[1.0]]}), ONES[:1], FIRST[:1])
    with pytest.raises(InputFileError, match=r"'lund_pdf_toys': has 2 equally likely weights in some events, and 3"):
        sums.add(weights, ak.Array({"pdf": [[1.0, 2.0, 3.0]]}), ONES[:1], FIRST[:1])
