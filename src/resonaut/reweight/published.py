"""A network that others have published as an ONNX file: its outputs as a ratio, in the direction that closes.

What such a file lacks is which of its two outputs belongs to which sample, what its inputs are and in which form. These
are declared; and the weighted events must look like the target, or they are refused.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2 as chi2_distribution

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.learn.ratio import CrossFit
from resonaut.learn.ratio.weights import Weigher
from resonaut.reweight.closure import compared
from resonaut.reweight.ratios import Events, halves
from resonaut.reweight.results import Feature
from resonaut.reweight.settings import DIRECTIONS, Published, RatioSettings

# Events that the network sees at once.
BATCH = 10_000
# The outputs of a softmax sum to one within this.
PROBABILITY = 1e-3
# A direction closes where no variable has a smaller p-value, or where the weights take this part of the sum of all
# chi2 - ndof away: three quarters are one half of the differences.
LEAST_P_VALUE, MENDED = 1e-3, 0.75


@dataclass(frozen=True)
class Network:
    """The network as a classifier: its output for the numerator, by ``direction``."""

    session: Any
    path: Path
    direction: str

    @classmethod
    def open(cls, settings: Published, direction: str) -> "Network":
        """Open the file.

        Raises:
            InputFileError: it is missing, or no ONNX file of a network with one input.
        """
        import onnxruntime  # type: ignore[import-untyped]

        path = Path(settings.file)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except OSError:
            raise InputFileError(path, "no such file", "correct reweight.ratios.<name>.published.file") from None
        except Exception as error:  # onnxruntime's exceptions share no public base class
            raise InputFileError(path, f"not a readable ONNX model ({_line(error)})", "fetch it again") from None
        if len(session.get_inputs()) != 1:
            names = ", ".join(one.name for one in session.get_inputs())
            raise InputFileError(path, f"the network takes several arrays ({names})", "give one that takes one")
        return cls(session, path, direction)

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The output for the numerator, shape (n,).

        Raises:
            InputFileError: the network refuses the inputs, or gives no probabilities.
        """
        name = self.session.get_inputs()[0].name
        parts = [self._outputs({name: features[i : i + BATCH]}) for i in range(0, len(features), BATCH)]
        outputs = np.concatenate(parts).astype(np.float64)
        if outputs.shape[1] == 1:
            outputs = np.column_stack([1 - outputs[:, 0], outputs[:, 0]])
        if not (outputs.shape[1] == 2 and outputs.min() >= 0 and np.abs(outputs.sum(axis=1) - 1).max() < PROBABILITY):
            raise InputFileError(self.path, "its outputs are no probabilities of two samples", "give another file")
        found: NDArray[np.float64] = outputs[:, 1 if self.direction == "p1/p0" else 0]
        return found

    def members(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The same as the only member, shape (1, n)."""
        return self.probability(features)[None]

    def _outputs(self, given: dict[str, NDArray[np.float32]]) -> NDArray[Any]:
        (values,) = given.values()
        try:
            found = np.asarray(self.session.run(None, {k: np.ascontiguousarray(v) for k, v in given.items()})[0])
        except Exception as error:  # as above
            remedy = "correct reweight.ratios.<name>.published.inputs"
            problem = f"the network refuses inputs of shape {values.shape} ({_line(error)})"
            raise InputFileError(self.path, problem, remedy) from None
        return found.reshape(len(values), -1)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def weigher(numerator: Events, denominator: Events, settings: RatioSettings) -> Weigher:
    """The ratio of the network's outputs, in the declared direction, or in that which closes where none is declared.

    Raises:
        ConfigError: the weighted denominator is not like the numerator in that direction, or is so in both and none is
            declared.
        InputFileError: the file is no network of these inputs.
    """
    published = settings.published
    assert published is not None
    made = {d: _weigher(Network.open(published, d), settings) for d in DIRECTIONS}
    closes = {direction: _closes(numerator, denominator, one, settings) for direction, one in made.items()}
    wanted = [published.direction] if published.direction else list(DIRECTIONS)
    good = [direction for direction in wanted if closes[direction]]
    if len(good) == 1:
        return made[good[0]]
    where = f"config: reweight.ratios.<name>.published: with {published.file} "
    if good:
        raise ConfigError(
            f"{where}the events look like the numerator in both directions; set the direction that its authors name, "
            "or compare a numerator that differs."
        )
    other = next((d for d in DIRECTIONS if closes[d]), None)
    if other:
        raise ConfigError(f"{where}the events look like the numerator as {other}, not {wanted[0]}; correct direction.")
    raise ConfigError(
        f"{where}the events look like the numerator in neither direction; correct inputs (their order, logarithms, "
        "scales, codes, and which copy of a particle they are), or the datasets."
    )


def _weigher(network: Network, settings: RatioSettings) -> Weigher:
    return Weigher(CrossFit([network], settings.classifier.seed), (), settings.clip)


def _closes(numerator: Events, denominator: Events, weigher: Weigher, settings: RatioSettings) -> bool:
    """Whether the weighted denominator is like the numerator in all variables, or much more so than before."""
    one, other = halves(numerator, denominator, settings)
    weights = other.sample.weights * weigher.nominal.ratio(other.sample.features).clip(*weigher.clip)
    total = one.sample.weights.sum()
    sets = {"before": other.sample.weights, "after": weights}
    samples = {when: other.named(w * (total / w.sum())) for when, w in sets.items()}
    folds = [np.zeros(len(events.values), np.int64) for events in (one, other)]
    shown = one.named(one.sample.weights)
    found = [
        compared(name, i, shown, samples, folds, settings.comparison.bins) for i, name in enumerate(settings.variables)
    ]
    p_values = [chi2_distribution.sf(feature.chi2_after, feature.ndof) for feature in found]
    before, after = (sum(_excess(feature, when) for feature in found) for when in ("before", "after"))
    return min(p_values) > LEAST_P_VALUE or after < (1 - MENDED) * before


def _excess(feature: Feature, when: str) -> float:
    return max(float(getattr(feature, f"chi2_{when}")) - feature.ndof, 0.0)
