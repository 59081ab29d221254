"""A trained network in integers: weights and activations in given formats, accumulators that lose nothing."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from resonaut.core.errors import ConfigError
from resonaut.trigger.arithmetic import Raw, nearest
from resonaut.trigger.autoencoder import Autoencoder
from resonaut.trigger.emulator import INPUT, check
from resonaut.trigger.formats import MOST_BITS, Fixed, fixed
from resonaut.trigger.results import Cast, Dense, Dot, IntegerNetwork, Operation, Relu, Scaling
from resonaut.trigger.settings import Quantisation

# Hardware integers have up to 12 bits and a sign, and get bits after the point for the shifts to the right.
UNSCALED = Fixed(23, 7, signed=True)
OFFSET = Fixed(13, 0, signed=True)
MEAN, SCORE = "mean", "score"


def quantise(trained: Autoencoder, settings: Quantisation) -> IntegerNetwork:
    """The encoder's means and the sum of their squares in integers.

    Raises:
        ConfigError: the formats together need more bits than there are.
    """
    scaling = Scaling(
        unscaled=UNSCALED.text,
        offset=OFFSET.text,
        offsets=nearest(trained.scales.offsets.astype(np.float64), OFFSET).tolist(),
        shifts=trained.scales.shifts.tolist(),
    )
    found = IntegerNetwork(
        inputs=trained.inputs, scaling=scaling, input=settings.input, operations=list(_operations(trained, settings))
    )
    check(found)
    return found


def _operations(trained: Autoencoder, settings: Quantisation) -> Iterator[Operation]:
    state = {name: value.numpy() for name, value in trained.network.state_dict().items()}
    reads, form = INPUT, fixed(settings.input)
    for number in range(len(trained.settings.hidden)):
        name = f"hidden{number + 1}"
        yield _dense(name, reads, form, state[f"hidden.{number}.weight"], state[f"hidden.{number}.bias"], settings)
        yield Relu(kind="relu", name=f"{name}_relu", reads=name, result=settings.activation)
        reads, form = f"{name}_relu", fixed(settings.activation)
    yield _dense("code", reads, form, state["mean.weight"], state["mean.bias"], settings)
    yield Cast(kind="cast", name=MEAN, reads="code", result=settings.mean)
    mean = fixed(settings.mean)
    terms = trained.settings.latent
    squares = _holding(2 * mean.fraction, terms * max(abs(mean.least), mean.most) ** 2, SCORE)
    yield Dot(kind="dot", name=SCORE, reads=MEAN, other=MEAN, accumulator=squares.text, result=settings.score)


def _dense(
    name: str,
    reads: str,
    form: Fixed,
    weight: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    settings: Quantisation,
) -> Dense:
    weights, biases = nearest(weight.T, fixed(settings.weight)), nearest(bias, fixed(settings.bias))
    accumulator = _accumulator(name, form, weights, biases, settings).text
    return Dense(
        kind="dense",
        name=name,
        reads=reads,
        weight=settings.weight,
        weights=weights.tolist(),
        bias=settings.bias,
        biases=biases.tolist(),
        accumulator=accumulator,
        result=accumulator,
    )


def _accumulator(name: str, form: Fixed, weights: Raw, biases: Raw, settings: Quantisation) -> Fixed:
    """The smallest format that holds whatever a layer can add."""
    of_weights, of_biases = fixed(settings.weight).fraction, fixed(settings.bias).fraction
    fraction = max(form.fraction + of_weights, of_biases)
    largest = max(abs(form.least), form.most) * np.abs(weights).sum(axis=0)
    sums = (largest << (fraction - form.fraction - of_weights)) + (np.abs(biases) << (fraction - of_biases))
    return _holding(fraction, int(sums.max()), name)


def _holding(fraction: int, largest: int, name: str) -> Fixed:
    """The signed format with integers up to ``largest``."""
    width = largest.bit_length() + 1
    if width > MOST_BITS:
        raise ConfigError(
            f"config: trigger.models.<name>.quantisation: sums of {name!r} need {width} bits, and {MOST_BITS} is the "
            "most; give inputs, weights or activations fewer."
        )
    return Fixed(width, fraction, signed=True)
