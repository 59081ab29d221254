"""What a nuisance does to a template: a change of its yield and one of its shape, by stated rules.

1. Parts (eras) that the nuisance acts on are varied, the others stay nominal. A way that is missing, or equal to the
   nominal histogram while the other is not, is the other one mirrored, 2 nominal - other.
2. ``symmetric``: both ways become nominal plus and minus half of their difference.
3. Negative bins become 0, as in the nominal template.
4. ``smooth``: the ratio to the nominal bins is smoothed, and the yield stays.
5. The yield's change is a factor (``normsys``, log-normal); what is left, with the nominal yield, is the change of
   shape (``histosys``). A yield that changes by more than a factor ``SPLIT`` is not split off, as no exponential
   describes it.
6. Changes that are not larger than ``prune`` says are left out; those below ``NOTHING`` always.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.results.models import Part, Treatment, What
from resonaut.fit.templates.parts import varied_part
from resonaut.fit.templates.settings import Effect, Model, Nuisance, Sample
from resonaut.fit.templates.smoothing import FEWEST, smooth

Array = NDArray[np.float64]

# Relative changes that are rounding.
NOTHING = 1e-9
# Largest change of a yield that is a log-normal factor.
SPLIT = 10.0
WAYS = ("down", "up")


@dataclass
class Template:
    """A sample in a channel.

    ``parts``: in events. ``nominal``, ``error``: contents (N,) and their errors by statistics, after negative bins are
    set to 0. ``treatments``: what was done, to which is added.
    """

    channel: str
    sample: str
    parts: Sequence[Part]
    nominal: Array
    error: Array
    settings: Sample
    treatments: list[Treatment] = field(default_factory=list)

    @classmethod
    def of(cls, channel: str, sample: str, parts: Sequence[Part], settings: Sample) -> "Template":
        """The template of some parts."""
        values = np.sum([one.values for one in parts], axis=0)
        error = np.sqrt(np.sum([one.variances for one in parts], axis=0))
        made = cls(channel, sample, parts, values, error, settings)
        made.nominal = made._clipped(values)
        if (made.nominal != values).any():
            size = float(-values[values < 0].sum() / max(abs(values.sum()), np.finfo(float).tiny))
            made.say("clipped", None, size, "bins below 0 are set to 0, the others scaled to the same sum")
        return made

    @property
    def empty(self) -> bool:
        """Whether no event is expected."""
        return not self.nominal.any()

    def _clipped(self, values: Array) -> Array:
        """Without bins below 0, of the same sum; one whose sum is not positive is empty."""
        if self.settings.negative == "keep" or not (values < 0).any():
            return values
        kept = np.maximum(values, 0.0)
        total = max(float(values.sum()), 0.0)
        return kept * (total / kept.sum()) if kept.any() else kept

    def say(self, what: What, nuisance: str | None, size: float | None, why: str) -> None:
        """Note what was done to it."""
        self.treatments.append(
            Treatment(what=what, channel=self.channel, sample=self.sample, nuisance=nuisance, size=size, why=why)
        )

    def modifiers(self, name: str, nuisance: Nuisance, era: str | None, model: Model) -> list[dict[str, object]]:
        """The HistFactory modifiers of a nuisance, none where it has no effect; ``era``: it acts on this one alone."""
        effects = [one for one in (nuisance, *nuisance.also) if self._acts(one)]
        if not effects:
            return []
        ways = self._ways(name, effects, era)
        if nuisance.symmetric:
            half = (ways["up"] - ways["down"]) / 2
            ways = {"up": self.nominal + half, "down": self.nominal - half}
            self.say("symmetrised", name, None, "half of the difference both ways")
        ways = {way: self._clipped(values) for way, values in ways.items()}
        if model.smooth != "none" and nuisance.smooth and any(one.variation for one in effects):
            ways = self._smoothed(name, ways)
        return self._split(name, ways, model)

    def _acts(self, effect: Effect) -> bool:
        if effect.size is None and effect.variation is None:
            return False
        here = effect.channels is None or self.channel in effect.channels
        return here and (effect.samples is None or self.sample in effect.samples)

    def _ways(self, name: str, effects: Sequence[Effect], era: str | None) -> dict[str, Array]:
        """The contents (N,) down and up; one that does not differ from nominal is the other one mirrored."""
        plain = np.sum([one.values for one in self.parts], axis=0)
        found = {way: np.sum([_varied(one, effects, way, era) for one in self.parts], axis=0) for way in WAYS}
        moved = {way: self._largest(values, plain) for way, values in found.items()}
        given = [self._given(one, effects, era) for one in self.parts]
        for way, other in (WAYS, WAYS[::-1]):
            if moved[way] <= NOTHING < moved[other] and all(one.size is None for one in effects):
                found[way] = 2 * plain - found[other]
                self.say(
                    "mirrored", name, moved[other], f"{way} does not differ from nominal, and is 2 nominal - {other}"
                )
            elif any(way not in ways and other in ways for ways in given):
                self.say("mirrored", name, moved[other], f"there is no {way}, which is 2 nominal - {other}")
        return found

    def _given(self, part: Part, effects: Iterable[Effect], era: str | None) -> list[str]:
        """The ways of the variations that a part has."""
        sources = [part.varied.get(one.variation) for one in effects if one.variation and _meant(part, one, era)]
        return [way for one in sources if one for way in WAYS if getattr(one, way) is not None]

    def _largest(self, values: Array, nominal: Array) -> float:
        """The largest change of a bin relative to it; of one without content, to the mean bin."""
        scale = np.where(nominal > 0, nominal, np.abs(nominal).mean())
        change = np.abs(values - nominal)
        return float(np.max(np.divide(change, scale, out=np.where(change > 0, np.inf, 0.0), where=scale > 0)))

    def _smoothed(self, name: str, ways: Mapping[str, Array]) -> dict[str, Array]:
        filled = self.nominal > 0
        still = max(self._largest(values, self.nominal) for values in ways.values()) <= NOTHING
        if still or np.count_nonzero(filled) < FEWEST:
            return dict(ways)
        found = {}
        for way, values in ways.items():
            ratio = smooth(values[filled] / self.nominal[filled])
            found[way] = values.copy()
            found[way][filled] = ratio * self.nominal[filled]
            after, before = found[way][filled].sum(), values[filled].sum()
            found[way][filled] *= before / after if after > 0 else 1.0
        change = max(self._largest(found[way], ways[way]) for way in WAYS)
        self.say("smoothed", name, change, "the ratio to nominal by 353QH, twice")
        return found

    def _split(self, name: str, ways: Mapping[str, Array], model: Model) -> list[dict[str, object]]:
        """A ``normsys`` and a ``histosys``, as far as they are larger than what is left out."""
        total = float(self.nominal.sum())
        factors = {way: float(values.sum()) / total if total > 0 else 1.0 for way, values in ways.items()}
        split = all(1 / SPLIT < one < SPLIT for one in factors.values())
        if not split:
            self.say("unsplit", name, max(factors.values()), "the yield changes too much for a factor; all is shape")
            factors = dict.fromkeys(factors, 1.0)
        shapes = {way: values / factors[way] for way, values in ways.items()}
        rate = max(abs(one - 1) for one in factors.values())
        shape = max(self._largest(values, self.nominal) for values in shapes.values())
        found: list[dict[str, object]] = []
        if self._kept("pruned_normalisation", name, rate, model.prune.normalisation):
            found.append({"name": name, "type": "normsys", "data": {"hi": factors["up"], "lo": factors["down"]}})
            if (factors["up"] - 1) * (factors["down"] - 1) > 0:
                self.say("same_side", name, rate, "the yield changes to the same side both ways")
        if self._kept("pruned_shape", name, shape, model.prune.shape):
            contents = {"hi_data": shapes["up"].tolist(), "lo_data": shapes["down"].tolist()}
            found.append({"name": name, "type": "histosys", "data": contents})
        return found

    def _kept(self, what: What, name: str, size: float, limit: float) -> bool:
        kept: bool = size > max(limit, NOTHING)
        if not kept and size > NOTHING:
            self.say(what, name, size, f"not larger than {limit:g}")
        return kept


def _meant(part: Part, effect: Effect, era: str | None) -> bool:
    """Whether an effect acts on a part; that of a nuisance of one era on its part alone."""
    if era is not None and part.era != era:
        return False
    return effect.eras is None or part.era in effect.eras


def _varied(part: Part, effects: Iterable[Effect], way: str, era: str | None) -> Array:
    """The contents (N,) of a part with a nuisance ``way``: variations add, sizes multiply their sum."""
    nominal = np.array(part.values)
    meant = [one for one in effects if _meant(part, one, era)]
    changes = [varied_part(part, one.variation, way) - nominal for one in meant if one.variation is not None]
    factors = [one.size[way == "up"] for one in meant if one.size is not None]
    varied: Array = np.sum([nominal, *changes], axis=0) * np.prod(factors)
    return varied
