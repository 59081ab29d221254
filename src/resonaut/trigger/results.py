"""The JSON files of the stage ``trigger``, as records; ``docs/trigger.md`` says what every key means."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from resonaut.core.errors import ConfigError
from resonaut.core.record import record
from resonaut.core.results import result
from resonaut.trigger.formats import fixed


def _require_format(text: str) -> str:
    try:
        fixed(text)
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return text


# As the firmware's source has it: ap_fixed<16,6>, ap_ufixed<10,6,AP_RND_CONV,AP_SAT>, ap_int<8>.
Format = Annotated[str, AfterValidator(_require_format)]


@record
class Scaling:
    """The network's inputs: (hardware integer - offset) >> shift, in the format ``unscaled``.

    ``offsets`` are integers of the format ``offset``; a negative shift is one to the left.
    """

    unscaled: Format
    offset: Format
    offsets: list[int]
    shifts: list[int]


@record
class Dense:
    """A layer: biases and products of inputs and weights, each cast to ``accumulator`` and added there.

    ``weights`` (inputs, outputs) and ``biases`` are integers of the formats ``weight`` and ``bias``.
    """

    kind: Literal["dense"]
    name: str
    reads: str
    weight: Format
    weights: list[list[int]]
    bias: Format
    biases: list[int]
    accumulator: Format
    result: Format


@record
class Relu:
    """What is negative becomes 0, and all is cast to ``result``."""

    kind: Literal["relu"]
    name: str
    reads: str
    result: Format


@record
class Cast:
    """All is cast to ``result``."""

    kind: Literal["cast"]
    name: str
    reads: str
    result: Format


@record
class Subtract:
    """``reads`` less ``other``, cast to ``result``."""

    kind: Literal["subtract"]
    name: str
    reads: str
    other: str
    result: Format


@record
class Dot:
    """The sum of the products of ``reads`` and ``other``, each cast to ``accumulator`` and added there."""

    kind: Literal["dot"]
    name: str
    reads: str
    other: str
    accumulator: Format
    result: Format


Operation = Annotated[Dense | Relu | Cast | Subtract | Dot, Field(discriminator="kind")]


@result("integer network", "trigger quantise")
class IntegerNetwork:
    """A network in integers: inputs by name, cast to ``input``, and operations, of which the last gives the score.

    An operation reads ``input`` or the name of one before it.
    """

    inputs: list[str]
    scaling: Scaling | None
    input: Format
    operations: list[Operation]


@result("verification of a network", "trigger verify")
class Verification:
    """Whether hls4ml's compiled C++ gives the emulator's scores: ``different`` of so many ``crossings``.

    ``largest`` is the largest difference of the scores' integers, ``scores`` how many different scores there are.
    """

    hls4ml: str
    crossings: int
    different: int
    largest: int
    scores: int


@result("resources of a network", "trigger resources")
class Resources:
    """What da4ml estimates that a network needs in firmware, and whether its logic gives the emulator's scores.

    ``luts`` are lookup tables of the device (LUT), ``registers`` are in bits; ``adders``, ``tables`` of squares and
    ``multipliers`` are operations. The longest way through the logic takes as long as ``depth`` adders in a row; with
    registers after every ``adders_per_cycle`` of these, so many ``cycles`` of the ``clock`` (MHz), a ``latency`` in ns.
    Of so many random ``crossings``, ``different`` have another score than the emulator's; ``scores`` is how many
    different scores there are.
    """

    da4ml: str
    luts: int
    registers: int
    adders: int
    tables: int
    multipliers: int
    depth: float
    adders_per_cycle: int
    clock: float
    cycles: int
    latency: float
    crossings: int
    different: int
    scores: int


@record
class Measured:
    """A number and its statistical error."""

    value: float
    error: float


@record
class Efficiency:
    """Of a signal: the share of all crossings that the threshold keeps, and of those that the menu does not keep.

    ``low`` and ``high`` are the shares where the threshold is off by its error; ``pure`` counts what the network keeps
    and no seed does.
    """

    signal: str
    value: float
    error: float
    low: float
    high: float
    pure: float


@record
class WorkingPoint:
    """A threshold that keeps at most ``target`` kHz of zero bias; scores above it are kept.

    ``threshold`` is null, with what follows from it, where no crossing would be left. ``low`` and ``high`` are those
    that keep more and fewer by one standard deviation of the kept number. ``halves`` are the thresholds of the two
    halves of the sample, ``drift`` the rate (kHz) of the second half above the threshold of the first. ``flipped`` is
    the share of all crossings that the network of floating-point numbers decides otherwise, at its own threshold,
    ``flipped_kept`` that share of the crossings it keeps.
    """

    target: float
    threshold: float | None
    low: float | None
    high: float | None
    kept: int
    rate: Measured | None
    pure_rate: Measured | None
    halves: list[float] | None
    drift: Measured | None
    flipped: float | None
    flipped_kept: float | None
    efficiencies: list[Efficiency]


@record
class Curve:
    """Rates (kHz) above thresholds, all and of what no seed keeps, with statistical errors."""

    thresholds: list[float]
    rates: list[float]
    errors: list[float]
    pure_rates: list[float]
    pure_errors: list[float]


@record
class Dependence:
    """In bins of a number: the mean score, its spread, and the share of crossings above a threshold of a rate."""

    of: str
    edges: list[float]
    crossings: list[int]
    mean: list[float]
    spread: list[float]
    kept: list[int]


@record
class Distribution:
    """Crossings in bins of the score between ``edges``; those beyond count in the last bin. ``pure``: of no seed."""

    sample: str
    crossings: int
    edges: list[float]
    all: list[float]
    pure: list[float]


@record
class MenuUse:
    """The menu: its rate (kHz), and how many of its seeds that are on are evaluated."""

    rate: Measured
    seeds: int
    evaluated: int
    unknown: list[str]


@result("measurement of a trigger", "trigger measure")
class Measurement:
    """What the decisions of a network on zero bias and signals are."""

    name: str
    crossings: int
    saturated: int
    total_rate: float
    menu: MenuUse | None
    areas: dict[str, float]
    points: list[WorkingPoint]
    curve: Curve
    dependences: list[Dependence]
    distributions: list[Distribution]
