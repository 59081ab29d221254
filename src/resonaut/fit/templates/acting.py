"""On which parts of a model's samples its nuisances act; a name that none has is a mistake."""

from collections.abc import Iterator, Sequence

from resonaut.core.errors import ConfigError
from resonaut.fit.results.models import ChannelHistograms, Part
from resonaut.fit.templates.settings import Effect, Model


def eras(histograms: Sequence[ChannelHistograms]) -> list[str]:
    """The eras of all parts."""
    parts = [part for one in histograms for found in one.samples.values() for part in found]
    return sorted(filter(None, {part.era for part in parts}))


def require(where: str, model: Model, histograms: Sequence[ChannelHistograms]) -> None:
    """Stop at a variation or an era that no part has on which a nuisance would act.

    Args:
        where: the keys of the model.
        model: its settings.
        histograms: of all of its channels.

    Raises:
        ConfigError: one sentence with the nuisance and what there is.
    """
    known = eras(histograms)
    for name, nuisance in model.nuisances.items():
        here = f"{where}.nuisances.{name}"
        for effect in (nuisance, *nuisance.also):
            for era in effect.eras or ():
                if era not in known:
                    there = ", ".join(known) or "none"
                    raise ConfigError(f"{here}: nothing is of the era {era!r} (there are {there}); correct it.")
            _require_variation(here, effect, list(_acted(effect, histograms)))
        if nuisance.each_era and not known:
            raise ConfigError(f"{here}.each_era: nothing is of an era; take it out.")


def _require_variation(where: str, effect: Effect, parts: Sequence[Part]) -> None:
    if effect.variation is None or any(effect.variation in part.varied for part in parts):
        return
    there = ", ".join(sorted({source for part in parts for source in part.varied})) or "none of those asked for"
    raise ConfigError(
        f"{where}: no dataset or histogram of its samples has the variation {effect.variation!r} (they have {there}); "
        "correct it, or have an earlier stage store it."
    )


def _acted(effect: Effect, histograms: Sequence[ChannelHistograms]) -> Iterator[Part]:
    for channel in histograms:
        if effect.channels is None or channel.channel in effect.channels:
            for sample, parts in channel.samples.items():
                if effect.samples is None or sample in effect.samples:
                    yield from (one for one in parts if effect.eras is None or one.era in effect.eras)
