"""What a network in integers needs in firmware, as da4ml estimates it: logic of adders, without multiplier blocks.

Products with weights become sums of shifted inputs, which share what they have in common (distributed arithmetic, Sun
et al., doi:10.1145/3777387), and squares become tables. The package ``da4ml`` is optional: ``pip install
'resonaut[firmware]'``.
"""

import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from math import ceil, floor

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.trigger import arithmetic, emulator
from resonaut.trigger.arithmetic import Raw, values
from resonaut.trigger.emulator import INPUT
from resonaut.trigger.formats import Fixed, fixed
from resonaut.trigger.logic import Variable, cast, square
from resonaut.trigger.results import Dense, Dot, IntegerNetwork, Operation, Relu, Resources, Subtract

# As da4ml's own command has it, an adder costs a LUT for each bit and takes one unit of time however wide it is.
# A matrix may have one more adder in a row than it must, so that its adders share more.
HARDWARE, SOLVER = (1, -1, -1), {"hard_dc": 1}
# da4ml's weights are floating-point numbers of single precision.
WEIGHT_BITS = 24
# Codes of da4ml's operations.
ADDERS, TABLE, PRODUCT = (0, 1, 4), 8, 7


def estimate(network: IntegerNetwork, clock: float, adders: int, crossings: int) -> Resources:
    """What a network needs with registers after so many ``adders`` in a row, at a ``clock`` in MHz.

    The logic is run on random ``crossings``, and its scores are compared with the emulator's.

    Args:
        network: checked by ``emulator.check``.
        clock: in MHz.
        adders: in a row, that a cycle of the clock has time for.
        crossings: their number.

    Raises:
        ConfigError: da4ml is missing, or has no logic for a format.
    """
    if importlib.util.find_spec("da4ml") is None:
        raise ConfigError("da4ml, which estimates what a network needs, is missing; pip install 'resonaut[firmware]'.")
    from da4ml.trace import comb_trace, to_pipeline

    inputs = _inputs(network)
    logic = comb_trace(inputs, [_score(network, inputs)])
    stages = to_pipeline(logic, adders, verbose=False)
    integers = _random(network, crossings)
    scores = emulator.score(network, integers)
    found = np.ldexp(logic.predict(integers.astype(float), n_threads=1)[:, 0], emulator.score_format(network).fraction)
    operations = [one.opcode for one in logic.ops]
    return Resources(
        da4ml=importlib.metadata.version("da4ml"),
        luts=round(logic.cost),
        registers=int(stages.reg_bits),
        adders=sum(operations.count(code) for code in ADDERS),
        tables=operations.count(TABLE),
        multipliers=operations.count(PRODUCT),
        depth=float(max(logic.latency)),
        adders_per_cycle=adders,
        clock=clock,
        cycles=len(stages.solutions),
        latency=1000 * len(stages.solutions) / clock,
        crossings=crossings,
        different=int((found != scores).sum()),
        scores=len(np.unique(scores)),
    )


def _range(network: IntegerNetwork) -> tuple[int, int]:
    """The smallest and the largest hardware integer that an input may be: those of the first format."""
    form = fixed(network.input if network.scaling is None else network.scaling.unscaled)
    return ceil(form.least * 2.0**-form.fraction), floor(form.most * 2.0**-form.fraction)


def _random(network: IntegerNetwork, crossings: int, seed: int = 1) -> Raw:
    """Hardware integers, (crossings, inputs): some all small, and some beyond what the network's inputs hold."""
    rng, form, size = np.random.default_rng(seed), fixed(network.input), len(network.inputs)
    scale = np.exp2(rng.uniform(-2, form.width - form.fraction, (crossings, 1)))
    found = scale * rng.normal(size=(crossings, size))
    if network.scaling is not None:
        offsets = values(np.array(network.scaling.offsets), fixed(network.scaling.offset))
        found = offsets + found * np.exp2(network.scaling.shifts)
    return np.clip(np.rint(found).astype(np.int64), *_range(network))


def _inputs(network: IntegerNetwork) -> list[Variable]:
    from da4ml.trace import FixedVariable

    return [FixedVariable(*_range(network), 1, hwconf=HARDWARE) for _ in network.inputs]


def _score(network: IntegerNetwork, inputs: list[Variable]) -> Variable:
    found = {INPUT: _scaled(network, inputs)}
    for one in network.operations:
        found[one.name] = [cast(number, fixed(one.result)) for number in _apply(one, found)]
    return found[network.operations[-1].name][0]


def _scaled(network: IntegerNetwork, inputs: list[Variable]) -> list[Variable]:
    scaling, form = network.scaling, fixed(network.input)
    if scaling is None:
        return [cast(number, form) for number in inputs]
    unscaled = fixed(scaling.unscaled)
    bits = replace(unscaled, rounding="AP_TRN", overflow="AP_WRAP")
    offsets = values(np.array(scaling.offsets), fixed(scaling.offset)).tolist()
    moved = (cast(cast(number, unscaled) - offset, unscaled) for number, offset in zip(inputs, offsets, strict=True))
    shifted = (cast(number * 2.0**-shift, bits) for number, shift in zip(moved, scaling.shifts, strict=True))
    return [cast(number, form) for number in shifted]


def _apply(one: Operation, found: Mapping[str, list[Variable]]) -> list[Variable]:
    read = found[one.reads]
    if isinstance(one, Dense):
        return _dense(one, read)
    if isinstance(one, Relu):
        return [number.relu() for number in read]
    if isinstance(one, Subtract):
        return [left - right for left, right in zip(read, found[one.other], strict=True)]
    if isinstance(one, Dot):
        pairs = zip(read, found[one.other], strict=True)
        products = [square(left) if one.reads == one.other else left * right for left, right in pairs]
        return [_summed(products, 0.0, fixed(one.accumulator))]
    return read


def _dense(one: Dense, read: list[Variable]) -> list[Variable]:
    """As the emulator has it: where the accumulator cuts no bits of a product, it may wrap once in the end."""
    from da4ml.trace import FixedVariableArray

    weight, accumulator = fixed(one.weight), fixed(one.accumulator)
    if weight.width > WEIGHT_BITS:
        raise ConfigError(f"operation {one.name!r}: da4ml has weights of {WEIGHT_BITS} bits, not {one.weight}.")
    weights = values(np.array(one.weights), weight)
    raw = arithmetic.cast(np.array(one.biases), fixed(one.bias).fraction, accumulator)
    biases = values(raw, accumulator).tolist()
    finest = max(-np.log2(float(number.step)) for number in read) + weight.fraction
    if accumulator.overflow == "AP_WRAP" and finest <= accumulator.fraction:
        sums = FixedVariableArray(np.array(read), SOLVER, HARDWARE) @ weights
        return [cast(total + bias, accumulator) for total, bias in zip(sums, biases, strict=True)]
    columns = zip(weights.T.tolist(), biases, strict=True)
    return [
        _summed([number * factor for number, factor in zip(read, column, strict=True)], bias, accumulator)
        for column, bias in columns
    ]


def _summed(products: Sequence[Variable], first: float, accumulator: Fixed) -> Variable:
    """Products added to ``first`` (in the accumulator already), one after the other if it saturates."""
    terms = [cast(product, accumulator) for product in products]
    if accumulator.overflow != "AP_WRAP":
        return reduce(lambda total, term: cast(total + term, accumulator), terms, first)
    while len(terms) > 1:
        terms = [sum(terms[place : place + 2]) for place in range(0, len(terms), 2)]
    return cast(terms[0] + first, accumulator)
