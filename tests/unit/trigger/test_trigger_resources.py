"""Logic that da4ml makes of networks in integers: sizes that can be counted by hand, and the emulator's numbers."""

import importlib.util
import itertools
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import results
from resonaut.core.errors import ConfigError
from resonaut.trigger import arithmetic, logic, resources
from resonaut.trigger.cli import app
from resonaut.trigger.formats import ROUNDINGS, Fixed, fixed
from resonaut.trigger.results import Cast, Dense, Dot, IntegerNetwork, Relu, Resources

from .toy_networks import compared

needs_da4ml = pytest.mark.skipif(importlib.util.find_spec("da4ml") is None, reason="needs da4ml")


def layer(weights, biases=(0,), accumulator="ap_int<16>", **changes):
    made = Dense(
        kind="dense", name="sum", reads="input", weight="ap_int<8>", weights=weights, bias="ap_int<8>",
        biases=list(biases), accumulator=accumulator, result=accumulator,
    )  # fmt: skip
    return replace(made, **changes)


def network(inputs, *operations, form="ap_int<8>"):
    return IntegerNetwork(inputs=["zero"] * inputs, scaling=None, input=form, operations=list(operations))


@needs_da4ml
@pytest.mark.parametrize(
    ("weights", "adders", "depth"),
    [
        # 3 a + b = (a + 2 a) + b
        ([[3], [1]], 2, 2),
        # 7 a - b = 8 a - (a + b)
        ([[7], [-1]], 2, 2),
        # 3 a + 3 b = (a + b) + 2 (a + b)
        ([[3], [3]], 2, 2),
        # Powers of two are wires.
        ([[4], [-64]], 1, 1),
        ([[1]] * 8, 7, 3),
    ],
)
def test_products_are_as_few_adders_as_by_hand(weights, adders, depth):
    found = resources.estimate(network(len(weights), layer(weights)), clock=100, adders=1, crossings=200)
    assert (found.adders, found.depth, found.tables, found.multipliers) == (adders, depth, 0, 0)
    assert found.luts >= 8 * adders
    assert found.different == 0
    assert found.scores > 50


@needs_da4ml
def test_the_latency_is_that_of_the_registers():
    eight = network(8, layer([[1]] * 8))
    deep, flat = (resources.estimate(eight, clock=250, adders=adders, crossings=10) for adders in (1, 10))
    assert (flat.cycles, flat.latency) == (1, 4)
    assert deep.cycles in (3, 4)
    assert deep.latency == deep.cycles * 4
    assert deep.registers > flat.registers == 8 * 8 + 11


@needs_da4ml
@pytest.mark.parametrize("bits", [6, 8, 9, 13, 16])
def test_squares_are_tables(bits):
    form = f"ap_int<{bits}>"
    squared = Dot(
        kind="dot", name="square", reads="input", other="input", accumulator="ap_uint<32>", result="ap_uint<32>"
    )
    found = resources.estimate(network(1, squared, form=form), clock=200, adders=5, crossings=4000)
    assert (found.multipliers, found.different) == (0, 0)
    assert found.tables == {6: 1, 8: 1, 9: 3, 13: 3}.get(bits, found.tables)


@needs_da4ml
def test_products_of_two_numbers_are_counted():
    double = Cast(kind="cast", name="other", reads="input", result="ap_int<4>")
    product = Dot(kind="dot", name="dot", reads="input", other="other", accumulator="ap_int<16>", result="ap_int<16>")
    found = resources.estimate(network(3, double, product), clock=200, adders=5, crossings=500)
    assert (found.multipliers, found.tables, found.different) == (3, 0, 0)


@needs_da4ml
@pytest.mark.parametrize("overflow", ["AP_WRAP", "AP_SAT", "AP_SAT_SYM"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_number_is_cast_as_by_the_emulator(rounding, overflow):
    from da4ml.trace import FixedVariable, comb_trace

    own = Fixed(7, 4, signed=True)
    raw = np.arange(own.least, own.most + 1)
    number = FixedVariable(own.least / 16, own.most / 16, 1 / 16, hwconf=resources.HARDWARE)
    shapes = itertools.product((3, 5, 9), (-1, 0, 1, 3, 4, 6), (True, False))
    forms = [Fixed(width, fraction, signed, rounding, overflow) for width, fraction, signed in shapes]
    made = comb_trace([number], [logic.cast(number, form) for form in forms])
    found = made.predict(arithmetic.values(raw, own)[:, None], n_threads=1)
    for column, form in enumerate(forms):
        expected = arithmetic.values(arithmetic.cast(raw, own.fraction, form), form)
        np.testing.assert_array_equal(found[:, column], expected, err_msg=form.text)
        constants = [logic.cast(number.from_const(value, resources.HARDWARE), form).low for value in (-2.1875, 0, 1.5)]
        cast = arithmetic.cast(np.array([-35, 0, 24]), own.fraction, form)
        assert [float(low) for low in constants] == arithmetic.values(cast, form).tolist()


@needs_da4ml
def test_the_logic_gives_the_emulators_scores():
    found = resources.estimate(compared(), clock=200, adders=5, crossings=2000)
    assert (found.different, found.multipliers) == (0, 0)
    assert found.scores > 1500


@needs_da4ml
def test_a_wrong_score_is_counted(monkeypatch):
    """Logic with other weights than the emulator's; they agree where the first input is 0."""
    monkeypatch.setattr(resources, "_score", lambda _, inputs: inputs[0] + inputs[1])
    right = network(2, layer([[3], [1]]))
    first = resources._random(right, 200)[:, 0]
    found = resources.estimate(right, clock=200, adders=5, crossings=200)
    assert found.different == np.count_nonzero(first)
    assert 100 < found.different < 200


@needs_da4ml
@pytest.mark.parametrize("accumulator", ["ap_int<9>", "ap_fixed<9,10>", "ap_fixed<9,9,AP_TRN,AP_SAT>"])
def test_accumulators_lose_bits_at_both_ends(accumulator):
    """And units that are never on, and weights that are all 0, need no logic."""
    made = network(
        3,
        layer([[5, 0, 1], [-3, 0, 1], [2, 0, 1]], (1, -1, 4), accumulator),
        Relu(kind="relu", name="relu", reads="sum", result="ap_fixed<8,9,AP_RND_CONV,AP_SAT>"),
        replace(layer([[1], [7], [-3]], (2,), accumulator), name="score", reads="relu"),
    )
    found = resources.estimate(made, clock=200, adders=5, crossings=500)
    assert found.different == 0
    assert found.scores > 20


@needs_da4ml
def test_the_command_writes_the_estimate(tmp_path):
    results.write(tmp_path / "network.json", network(2, layer([[3], [1]])))
    paths = ["--network", str(tmp_path / "network.json"), "--output", str(tmp_path / "resources.json")]
    run = CliRunner().invoke(app, ["resources", *paths, "--clock", "40", "--adders", "25", "--crossings", "7"])
    assert run.exit_code == 0, run.output
    found = results.read(tmp_path / "resources.json", Resources)
    assert (found.clock, found.adders_per_cycle, found.cycles, found.latency) == (40, 25, 1, 25)
    assert (found.adders, found.crossings, found.different) == (2, 7, 0)


def test_a_format_without_logic_is_named():
    form = fixed("ap_fixed<8,4,AP_RND,AP_SAT_ZERO>")
    with pytest.raises(ConfigError, match=r"no logic for AP_SAT_ZERO, which ap_fixed<8,4,AP_RND,AP_SAT_ZERO> has"):
        logic.cast(None, form)


@needs_da4ml
def test_too_many_bits_are_refused():
    wide = layer([[1]], weight="ap_fixed<25,25>")
    with pytest.raises(ConfigError, match="'sum': da4ml has weights of 24 bits, not ap_fixed<25,25>"):
        resources.estimate(network(1, wide), clock=200, adders=5, crossings=1)
    squared = Dot(kind="dot", name="dot", reads="input", other="input", accumulator="ap_uint<40>", result="ap_uint<40>")
    with pytest.raises(ConfigError, match="squares of 24 bits"):
        resources.estimate(network(1, squared, form="ap_int<25>"), clock=200, adders=5, crossings=1)


def test_without_da4ml_a_sentence_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"da4ml.* is missing; pip install 'resonaut\[firmware\]'"):
        resources.estimate(network(2, layer([[3], [1]])), clock=200, adders=5, crossings=1)
