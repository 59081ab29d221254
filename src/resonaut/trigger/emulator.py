"""Runs a network in integers, bit for bit as hls4ml's C++ does (``io_parallel``, strategy ``latency``).

Every number is an int64 with the fractional bits of its format. Matrix products go through floating-point numbers where
these hold all integers exactly, below 2^53.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.trigger.arithmetic import Raw, cast, shifted
from resonaut.trigger.formats import Fixed, fixed
from resonaut.trigger.results import Cast, Dense, Dot, IntegerNetwork, Operation, Relu, Scaling, Subtract

INPUT = "input"
EXACT = 2**53
# Of an int64, without its sign.
BITS = 63
# Products that are held at once.
HELD = 2**22


@dataclass(frozen=True)
class Numbers:
    """Integers (n, size) of a format."""

    raw: Raw
    format: Fixed


def check(network: IntegerNetwork) -> None:
    """Stop with ``ConfigError`` where sizes, names or numbers of bits of a network do not fit together."""
    sizes, formats = {INPUT: len(network.inputs)}, {INPUT: fixed(network.input)}
    scaling = network.scaling
    if scaling is not None and {len(scaling.offsets), len(scaling.shifts)} != {len(network.inputs)}:
        raise ConfigError("an integer network needs one offset and one shift for each input; correct its scaling.")
    for one in network.operations:
        reads = [one.reads, one.other] if isinstance(one, Subtract | Dot) else [one.reads]
        if unknown := [name for name in reads if name not in sizes]:
            raise ConfigError(f"operation {one.name!r} reads {unknown[0]!r}, which is none before it; correct it.")
        if one.name in sizes:
            raise ConfigError(f"an integer network has two operations {one.name!r}; rename one.")
        if len({sizes[name] for name in reads}) > 1:
            raise ConfigError(f"operation {one.name!r} reads numbers of two sizes; correct what it reads.")
        if isinstance(one, Dense):
            _check_numbers(one, sizes[one.reads])
        if _bits(one, [formats[name] for name in reads], sizes[one.reads]) > BITS:
            raise ConfigError(f"operation {one.name!r} needs numbers of more than {BITS} bits; give its formats fewer.")
        formats[one.name] = fixed(one.result)
        sizes[one.name] = len(one.biases) if isinstance(one, Dense) else 1 if isinstance(one, Dot) else sizes[one.reads]
    if not network.operations or sizes[network.operations[-1].name] != 1:
        raise ConfigError("the last operation of an integer network must give one number, the score.")


def _check_numbers(one: Dense, size: int) -> None:
    if len(one.weights) != size or {len(row) for row in one.weights} != {len(one.biases)}:
        raise ConfigError(f"operation {one.name!r}: weights must be {size} rows, of one number for each bias.")
    for what, values, text in (("weights", one.weights, one.weight), ("biases", [one.biases], one.bias)):
        raw, form = np.asarray(values, np.int64), fixed(text)
        if raw.min() < form.least or raw.max() > form.most:
            raise ConfigError(f"operation {one.name!r}: {what} are from {raw.min()} to {raw.max()}, beyond {text}.")


def _bits(one: Operation, read: list[Fixed], terms: int) -> int:
    """Of the largest numbers in an operation, before they are cast: sums of products, and what gets bits at the end."""

    def room(width: int, fraction: int, form: Fixed) -> int:
        return width + max(form.fraction - fraction, 0)

    result = fixed(one.result)
    if isinstance(one, Subtract):
        fraction = max(form.fraction for form in read)
        return room(max(form.width + fraction - form.fraction for form in read) + 1, fraction, result)
    if not isinstance(one, Dense | Dot):
        return room(read[0].width, read[0].fraction, result)
    accumulator = fixed(one.accumulator)
    factors = [*read, fixed(one.weight)] if isinstance(one, Dense) else read
    products = sum(form.width for form in factors), sum(form.fraction for form in factors)
    found = room(*products, accumulator) + terms.bit_length()
    if isinstance(one, Dense):
        found = max(found, room(fixed(one.bias).width, fixed(one.bias).fraction, accumulator))
    return max(found, room(accumulator.width, accumulator.fraction, result))


def run(network: IntegerNetwork, integers: Raw) -> dict[str, Numbers]:
    """What each operation gives, by name.

    Args:
        network: checked by ``check``.
        integers: the inputs in hardware integers, (n, inputs).
    """
    found = {INPUT: _scaled(network.scaling, fixed(network.input), integers)}
    for one in network.operations:
        found[one.name] = _apply(one, found)
    return found


def score(network: IntegerNetwork, integers: Raw, rows: int = 20000) -> Raw:
    """The score in integers of its format, (n,); ``rows`` crossings at once."""
    last = network.operations[-1].name
    parts = [run(network, integers[begin : begin + rows])[last].raw[:, 0] for begin in range(0, len(integers), rows)]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def score_format(network: IntegerNetwork) -> Fixed:
    """The format of the score."""
    return fixed(network.operations[-1].result)


def _scaled(scaling: Scaling | None, form: Fixed, integers: Raw) -> Numbers:
    if scaling is None:
        return Numbers(cast(integers, 0, form), form)
    unscaled, offset = fixed(scaling.unscaled), fixed(scaling.offset)
    fraction = max(unscaled.fraction, offset.fraction)
    less = np.asarray(scaling.offsets, np.int64) << (fraction - offset.fraction)
    moved = cast((cast(integers, 0, unscaled) << (fraction - unscaled.fraction)) - less, fraction, unscaled)
    found = shifted(moved, np.asarray(scaling.shifts, np.int64), unscaled)
    return Numbers(cast(found, unscaled.fraction, form), form)


def _apply(one: Operation, found: Mapping[str, Numbers]) -> Numbers:
    form, read = fixed(one.result), found[one.reads]
    if isinstance(one, Dense):
        return Numbers(cast(_dense(one, read), fixed(one.accumulator).fraction, form), form)
    if isinstance(one, Relu | Cast):
        raw = np.maximum(read.raw, 0) if isinstance(one, Relu) else read.raw
        return Numbers(cast(raw, read.format.fraction, form), form)
    other = found[one.other]
    if isinstance(one, Subtract):
        fraction = max(read.format.fraction, other.format.fraction)
        left, right = (side.raw << (fraction - side.format.fraction) for side in (read, other))
        return Numbers(cast(left - right, fraction, form), form)
    return Numbers(cast(_dot(one, read, other), fixed(one.accumulator).fraction, form), form)


def _dense(one: Dense, read: Numbers) -> Raw:
    """Biases and products in the accumulator, (n, outputs)."""
    weight, accumulator = fixed(one.weight), fixed(one.accumulator)
    weights = np.asarray(one.weights, np.int64)
    biases = cast(np.asarray(one.biases, np.int64), fixed(one.bias).fraction, accumulator)
    fraction = read.format.fraction + weight.fraction
    # What is added may be wrapped once in the end, if nothing is rounded before.
    whole = accumulator.overflow == "AP_WRAP" and fraction <= accumulator.fraction
    largest = len(weights) * 2 ** (read.format.width + weight.width)
    if whole and largest < EXACT:
        sums = (read.raw.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)
        return cast((sums << (accumulator.fraction - fraction)) + biases, accumulator.fraction, accumulator)
    rows = max(HELD // weights.size, 1)
    parts = []
    for begin in range(0, len(read.raw), rows):
        products = read.raw[begin : begin + rows, :, None] * weights
        parts.append(_summed(cast(products, fraction, accumulator), biases, accumulator))
    return np.concatenate(parts) if parts else np.zeros((0, len(biases)), np.int64)


def _dot(one: Dot, read: Numbers, other: Numbers) -> Raw:
    accumulator = fixed(one.accumulator)
    products = cast(read.raw * other.raw, read.format.fraction + other.format.fraction, accumulator)
    return _summed(products[:, :, None], np.zeros(1, np.int64), accumulator)


def _summed(products: Raw, first: Raw, accumulator: Fixed) -> Raw:
    """Products (n, size, outputs) of the accumulator's format added to ``first`` (outputs,), one after the other."""
    if accumulator.overflow == "AP_WRAP":
        return cast(products.sum(axis=1) + first, accumulator.fraction, accumulator)
    total = np.broadcast_to(first, products[:, 0].shape)
    for place in range(products.shape[1]):
        total = cast(total + products[:, place], accumulator.fraction, accumulator)
    return total
