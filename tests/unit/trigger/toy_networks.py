"""Networks in integers with random weights, with the formats of the published ones."""

import numpy as np

from resonaut.trigger.formats import fixed
from resonaut.trigger.inputs import names
from resonaut.trigger.results import Cast, Dense, Dot, IntegerNetwork, Relu, Scaling, Subtract

INPUTS = names({"egammas": 4, "muons": 4, "jets": 10})
HIDDEN = "ap_ufixed<10,6,AP_RND_CONV,AP_SAT>"


def dense(rng, name, reads, inputs, outputs, accumulator, weight="ap_fixed<6,3>", bias="ap_fixed<10,7>"):
    def drawn(text, *shape):
        form = fixed(text)
        return np.rint(np.clip(rng.normal(0, (form.most + 1) / 4, shape), form.least, form.most)).astype(int).tolist()

    weights, biases = drawn(weight, inputs, outputs), drawn(bias, outputs)
    return Dense(
        kind="dense", name=name, reads=reads, weight=weight, weights=weights, bias=bias, biases=biases,
        accumulator=accumulator, result=accumulator,
    )  # fmt: skip


def scaling(rng):
    """Half units of energies, shifts to both sides, as in AXOL1TL."""
    kind = np.arange(len(INPUTS)) % 3
    offsets = np.where(kind == 0, rng.integers(0, 60, len(kind)), np.where(kind == 2, 144, 0))
    shifts = np.choose(kind, [rng.integers(-1, 5, len(kind)), 5 + 0 * kind, 6 + 0 * kind])
    return Scaling(
        unscaled="ap_fixed<18,13>", offset="ap_fixed<10,9>", offsets=offsets.tolist(), shifts=shifts.tolist()
    )


def encoder(seed: int = 1) -> IntegerNetwork:
    """Three layers and the sum of the squares of their last numbers, with the formats of AXOL1TL's third version."""
    rng = np.random.default_rng(seed)
    squared = "ap_ufixed<18,14>"
    operations = [
        dense(rng, "one", "input", 57, 32, "ap_fixed<21,16>"),
        Relu(kind="relu", name="one_relu", reads="one", result=HIDDEN),
        dense(rng, "two", "one_relu", 32, 16, "ap_fixed<22,15>"),
        Relu(kind="relu", name="two_relu", reads="two", result=HIDDEN),
        dense(rng, "three", "two_relu", 16, 8, "ap_fixed<21,14>"),
        Cast(kind="cast", name="mean", reads="three", result="ap_fixed<10,7,AP_RND_CONV,AP_SAT>"),
        Dot(kind="dot", name="score", reads="mean", other="mean", accumulator=squared, result=squared),
    ]
    own = "ap_fixed<8,6,AP_RND_CONV,AP_SAT>"
    return IntegerNetwork(inputs=INPUTS, scaling=scaling(rng), input=own, operations=operations)


def compared(seed: int = 2) -> IntegerNetwork:
    """A code compared with what is made of it, whose accumulators lose bits at both ends, as in the sixth version."""
    rng = np.random.default_rng(seed)
    short = "ap_fixed<16,6>"
    operations = [
        dense(rng, "one", "input", 57, 12, short),
        Relu(kind="relu", name="one_relu", reads="one", result=HIDDEN),
        dense(rng, "two", "one_relu", 12, 10, "ap_fixed<16,9,AP_RND,AP_SAT>"),
        Relu(kind="relu", name="code", reads="two", result=HIDDEN),
        dense(rng, "three", "code", 10, 4, "ap_fixed<20,13>", weight="ap_fixed<5,2>"),
        dense(rng, "four", "three", 4, 10, "ap_fixed<25,12>", bias="ap_fixed<8,3>"),
        Subtract(kind="subtract", name="difference", reads="four", other="code", result=short),
        Dot(
            kind="dot", name="score", reads="difference", other="difference",
            accumulator="ap_fixed<18,14,AP_RND_CONV,AP_SAT>", result="ap_ufixed<18,14>",
        ),
    ]  # fmt: skip
    own = "ap_fixed<14,6,AP_RND_CONV,AP_SAT>"
    return IntegerNetwork(inputs=INPUTS, scaling=scaling(rng), input=own, operations=operations)


def hardware(events: int, seed: int = 3) -> np.ndarray:
    """Inputs in hardware integers, of which the energies fall steeply."""
    rng = np.random.default_rng(seed)
    found = rng.integers(-115, 115, (events, len(INPUTS)))
    found[:, 0::3] = np.minimum(rng.exponential(60, found[:, 0::3].shape), 2047).astype(int)
    found[:, 2::3] = rng.integers(0, 576, found[:, 2::3].shape)
    found[:, 1] = 0
    return found
