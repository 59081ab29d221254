"""Columns of Lund weights, and what their variations do to the efficiency of a selection."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core import events, lund_weights
from resonaut.core.errors import InputFileError
from resonaut.core.lund_weights import Efficiency, ScaleFactor

ONES = np.ones(4)
FIRST = np.array([True, False, False, False])


def weighted(**variations) -> dict:
    """Weights by variation as ``weights`` gives them, from lists of one value, or several toys, an event."""
    return {name: np.asarray(values, float).reshape(len(values), -1) for name, values in variations.items()}


def scale_factor(found, weight=ONES, selected=FIRST) -> ScaleFactor:
    efficiency = Efficiency()
    efficiency.add(found, weight, selected)
    return efficiency.scale_factor()


def test_columns_of_a_variation() -> None:
    assert lund_weights.column("nominal", "j1") == "lund_weight_j1"
    assert lund_weights.column("b_quark_up", "j2") == "lund_weight_b_quark_up_j2"


def test_variations_of_a_file(tmp_path) -> None:
    key = {name: np.arange(2, dtype=np.int64) for name in events.KEY}
    names = ["lund_weight_j1", "lund_weight_a_up_j1", "lund_weight_a_down_j1", "lund_calibrated_j1"]
    names += [name.replace("j1", "j2") for name in names]
    # A column of the event is no variation of a jet.
    columns = {name: np.ones(2) for name in [*names, "lund_weight_toys"]}
    events.write(tmp_path / "000.parquet", [ak.Array(key | columns)], {})
    assert lund_weights.variations(tmp_path / "000.parquet") == ["nominal", "a_up", "a_down"]


def test_a_missing_and_a_broken_file_are_named(tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"000\.parquet: no such file; run the stage that makes it"):
        lund_weights.variations(tmp_path / "000.parquet")
    (tmp_path / "000.parquet").write_text("broken")
    with pytest.raises(InputFileError, match=r"000\.parquet: not a readable Parquet file"):
        lund_weights.variations(tmp_path / "000.parquet")


def test_the_weight_of_an_event_is_the_product_of_its_jets() -> None:
    batch = ak.Array(
        {
            "lund_weight_j1": [2.0, 3.0],
            "lund_weight_j2": [0.5, 1.0],
            # As lists of any length come out of a file.
            "lund_weight_statistical_j1": ak.Array([[1.0, 2.0], [3.0, 4.0]]),
            "lund_weight_statistical_j2": ak.Array([[10.0, 1.0], [1.0, 10.0]]),
        }
    )
    found = lund_weights.weights(batch, ["nominal", "statistical"])
    assert found["nominal"].tolist() == [[1.0], [3.0]]
    assert found["statistical"].tolist() == [[10.0, 2.0], [3.0, 40.0]]
    alone = lund_weights.weights(batch, ["nominal", "statistical"], ["j1"])
    assert alone["nominal"].tolist() == [[2.0], [3.0]]
    assert alone["statistical"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_an_empty_batch_is_no_obstacle() -> None:
    batch = ak.Array(
        {name: np.ones(2) for name in ("lund_weight_j1", "lund_weight_j2")}
        | {f"lund_weight_statistical_{jet}": ak.Array([[1.0, 2.0]] * 2) for jet in ("j1", "j2")}
    )
    efficiency = Efficiency()
    for part in (batch[:0], batch, batch[:0]):
        found = lund_weights.weights(part, ["nominal", "statistical"])
        assert len(found["statistical"]) == len(part)
        efficiency.add(found, np.ones(len(part)), np.arange(len(part)) == 0)
    assert efficiency.scale_factor().value == 1


def test_scale_factor_is_the_efficiency_with_weights_over_that_without() -> None:
    # 1.5 of 5 against 1 of 4.
    found = scale_factor(weighted(nominal=[1.5, 1.0, 1.0, 1.5]))
    assert found.value == pytest.approx((1.5 / 5) / (1 / 4))
    assert found.uncertainties == {}
    assert found.total == 0


def test_events_count_with_their_own_weight() -> None:
    weight = np.array([3.0, 1.0, 1.0, 0.0])
    found = scale_factor(weighted(nominal=[0.5, 1.0, 1.0, 100.0]), weight)
    assert found.value == pytest.approx((1.5 / 3.5) / (3 / 5))


def test_each_way_of_a_variation_is_relative_to_the_nominal_efficiency() -> None:
    nominal, up, down = [1.2, 1.0, 1.0, 0.8], [1.5, 0.9, 0.9, 0.7], [1.1, 1.0, 1.0, 0.9]
    found = scale_factor(weighted(nominal=nominal, b_quark_up=up, b_quark_down=down))
    assert found.uncertainties["b_quark"] == pytest.approx((1.5 / 1.2 - 1, 1.1 / 1.2 - 1))
    assert found.size("b_quark") == pytest.approx(0.25)
    swapped = scale_factor(weighted(nominal=nominal, b_quark_up=down, b_quark_down=up))
    assert swapped.uncertainties["b_quark"] == found.uncertainties["b_quark"][::-1]
    assert swapped.size("b_quark") == found.size("b_quark")


def test_a_common_factor_on_all_weights_of_a_variation_changes_nothing() -> None:
    nominal, up = np.array([1.2, 1.0, 1.0, 0.8]), np.array([1.5, 0.9, 0.9, 0.7])
    toys = np.stack([nominal, 3 * nominal], axis=1)
    plain = scale_factor(weighted(nominal=nominal, a_up=up, a_down=nominal))
    scaled = scale_factor(weighted(nominal=7 * nominal, a_up=2 * up, a_down=5 * nominal, statistical=toys))
    assert scaled.value == pytest.approx(plain.value)
    assert scaled.uncertainties["a"] == pytest.approx(plain.uncertainties["a"])
    assert scaled.uncertainties["a"][1] == pytest.approx(0, abs=1e-12)
    assert scaled.size("statistical") == pytest.approx(0, abs=1e-12)


def test_toys_give_their_root_mean_square_about_the_nominal_weight() -> None:
    # Efficiencies 0.3, 0.35, 0.15 around 0.25; about their mean, 0.267, the spread would be smaller.
    first = np.array([1.2, 1.4, 0.6])
    toys = np.stack([first, *[(4 - first) / 3] * 3])
    found = scale_factor(weighted(nominal=ONES, statistical=toys, pt_extrapolation=np.ones((4, 3))))
    rms = np.sqrt((0.2**2 + 0.4**2 + 0.4**2) / 3)
    assert found.uncertainties["statistical"] == pytest.approx((rms, -rms))
    assert found.size("pt_extrapolation") == 0


def test_total_adds_the_larger_sides_in_quadrature() -> None:
    found = ScaleFactor(1.0, {"a": (0.03, -0.01), "b": (-0.04, -0.02), "statistical": (0.12, -0.12)})
    assert found.total == pytest.approx(0.13)


def test_batches_add_up() -> None:
    rng = np.random.default_rng(1)
    found = {"nominal": rng.random((10, 1)), "statistical": rng.random((10, 5)), "a_up": rng.random((10, 1))}
    found["a_down"] = 2 - found["a_up"]
    weight, selected = rng.random(10), rng.random(10) < 0.5
    parts = Efficiency()
    for where in (slice(0, 3), slice(3, 10)):
        parts.add({name: values[where] for name, values in found.items()}, weight[where], selected[where])
    whole = scale_factor(found, weight, selected)
    assert parts.scale_factor().value == pytest.approx(whole.value)
    assert parts.scale_factor().uncertainties.keys() == whole.uncertainties.keys() == {"statistical", "a"}
    for name, shifts in whole.uncertainties.items():
        assert parts.scale_factor().uncertainties[name] == pytest.approx(shifts)


def test_nothing_selected_or_no_event_is_nan() -> None:
    assert np.isnan(scale_factor(weighted(nominal=ONES, a_up=ONES, a_down=ONES), selected=np.zeros(4, bool)).value)
    assert np.isnan(Efficiency().scale_factor().value)
