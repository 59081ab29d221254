"""Networks in integers: against one number after the other in fractions, and against hls4ml's compiled C++."""

import shutil
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from resonaut.core import results
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.trigger import arithmetic, emulator
from resonaut.trigger.formats import fixed
from resonaut.trigger.results import Cast, Dense, Dot, IntegerNetwork, Relu

from .toy_networks import compared, dense, encoder, hardware


def cast(value: Fraction, text: str) -> Fraction:
    """A number in a format; the cast itself is tested on its own."""
    form = fixed(text)
    raw = arithmetic.cast(np.array([int(value * 2**40)]), 40, form)[0]
    return Fraction(int(raw)) / Fraction(2) ** form.fraction


def by_hand(network: IntegerNetwork, integers: list[int]) -> Fraction:
    """One crossing, one product after the other, as the C++ reads."""
    scaling, found = network.scaling, {}
    values = []
    for integer, offset, shift in zip(integers, scaling.offsets, scaling.shifts, strict=True):
        moved = cast(cast(Fraction(integer), scaling.unscaled) - number(offset, scaling.offset), scaling.unscaled)
        step = Fraction(1, 2 ** fixed(scaling.unscaled).fraction)
        shifted = (moved / 2**shift // step) * step if shift > 0 else cast(moved * 2**-shift, scaling.unscaled)
        values.append(cast(shifted, network.input))
    found["input"] = values
    for one in network.operations:
        read = found[one.reads]
        if isinstance(one, Dense):
            sums = []
            for column, bias in enumerate(one.biases):
                total = cast(number(bias, one.bias), one.accumulator)
                for value, row in zip(read, one.weights, strict=True):
                    product = cast(value * number(row[column], one.weight), one.accumulator)
                    total = cast(total + product, one.accumulator)
                sums.append(cast(total, one.result))
            found[one.name] = sums
        elif isinstance(one, Relu | Cast):
            found[one.name] = [cast(max(v, 0) if isinstance(one, Relu) else v, one.result) for v in read]
        elif isinstance(one, Dot):
            total = Fraction(0)
            for left, right in zip(read, found[one.other], strict=True):
                total = cast(total + cast(left * right, one.accumulator), one.accumulator)
            found[one.name] = [cast(total, one.result)]
        else:
            both = zip(read, found[one.other], strict=True)
            found[one.name] = [cast(left - right, one.result) for left, right in both]
    return found[network.operations[-1].name][0]


def number(raw: int, text: str) -> Fraction:
    return Fraction(raw) / Fraction(2) ** fixed(text).fraction


@pytest.mark.parametrize("network", [encoder(), compared()], ids=["encoder", "compared"])
def test_the_emulator_is_one_product_after_the_other(network):
    emulator.check(network)
    integers = hardware(4)
    found = arithmetic.values(emulator.score(network, integers), emulator.score_format(network))
    assert len(set(found)) == 4
    assert [Fraction(value) for value in found] == [by_hand(network, row) for row in integers.tolist()]


def test_parts_of_the_crossings_give_the_same_as_all():
    network, integers = compared(), hardware(50)
    np.testing.assert_array_equal(emulator.score(network, integers, rows=7), emulator.score(network, integers))


def test_a_network_is_read_as_written(tmp_path):
    results.write(tmp_path / "network.json", encoder())
    assert results.read(tmp_path / "network.json", IntegerNetwork) == encoder()
    text = (tmp_path / "network.json").read_text().replace("ap_fixed<21,16>", "ap_fixed<99,16>", 1)
    (tmp_path / "network.json").write_text(text)
    with pytest.raises(InputFileError, match="has too many bits"):
        results.read(tmp_path / "network.json", IntegerNetwork)


def _changed(place, **changes):
    network = encoder()
    operations = list(network.operations)
    operations[place] = replace(operations[place], **changes)
    return replace(network, operations=operations)


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (replace(encoder(), inputs=["zero"]), "one offset and one shift for each input"),
        (_changed(1, reads="two"), "operation 'one_relu' reads 'two', which is none before it"),
        (_changed(1, name="one"), "two operations 'one'"),
        (_changed(0, biases=[0]), "weights must be 57 rows, of one number for each bias"),
        (_changed(0, weight="ap_fixed<3,3>"), "weights are from -.* beyond ap_fixed<3,3>"),
        (
            _changed(0, weight="ap_fixed<30,27>", accumulator="ap_fixed<40,0>"),
            "'one' needs numbers of more than 63 bits",
        ),
        (_changed(5, result="ap_fixed<40,0>"), "'score' needs numbers of more than 63 bits"),
        (_changed(6, other="two"), "reads numbers of two sizes"),
        (replace(encoder(), operations=encoder().operations[:-1]), "must give one number"),
    ],
)
def test_what_does_not_fit_together_is_refused(network, sentence):
    with pytest.raises(ConfigError, match=sentence):
        emulator.check(network)


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
@pytest.mark.parametrize("network", [encoder(), compared()], ids=["encoder", "compared"])
def test_the_emulator_agrees_with_hls4ml_bit_for_bit(network):
    pytest.importorskip("hls4ml")
    from resonaut.trigger import firmware

    integers = hardware(5000, seed=7)
    found = emulator.score(network, integers)
    assert len(np.unique(found)) > 3000
    np.testing.assert_array_equal(firmware.score(network, integers), found)


def test_a_layer_saturates_at_every_step():
    """What is added after a saturation counts, as in a counter of the firmware."""
    rng = np.random.default_rng(0)
    one = dense(rng, "one", "input", 3, 1, "ap_fixed<4,4,AP_TRN,AP_SAT>")
    one = replace(one, weight="ap_int<3>", bias="ap_int<3>", weights=[[3], [3], [-3]], biases=[0])
    network = IntegerNetwork(inputs=["zero"] * 3, scaling=None, input="ap_int<4>", operations=[one])
    assert emulator.score(network, np.array([[2, 2, 2], [1, 1, 1]])).tolist() == [1, 3]
