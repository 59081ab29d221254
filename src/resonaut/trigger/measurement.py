"""The measurement of a network: zero bias and signals, scored, and everything that is read of the scores."""

from collections.abc import Sequence

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.physics.level1.menu import Menu
from resonaut.trigger import measure
from resonaut.trigger.autoencoder import Autoencoder
from resonaut.trigger.emulator import check
from resonaut.trigger.results import Dependence, IntegerNetwork, Measurement, MenuUse
from resonaut.trigger.samples import Seen, Source, scored
from resonaut.trigger.settings import Measure

ZERO_BIAS = "zero bias"


def measurement(
    name: str,
    network: IntegerNetwork,
    floating: Autoencoder | None,
    zero_bias: Sequence[Source],
    signals: Sequence[Source],
    menu: Menu | None,
    settings: Measure,
) -> Measurement:
    """Measure the network ``name``.

    Args:
        name: its name.
        network: in integers.
        floating: of which it was made, if that is known.
        zero_bias: samples whose crossings count together.
        signals: samples, each on its own.
        menu: the menu beside it.
        settings: how.

    Raises:
        ConfigError: the network does not fit together, or a signal has the name of zero bias.
        EmptySelectionError: a sample has no crossing.
        InputFileError: a file is none.
    """
    check(network)
    if any(source.name == ZERO_BIAS for source in signals):
        raise ConfigError(f"a signal is called {ZERO_BIAS!r}; rename it.")
    of_model = None if floating is None else floating.score
    seen = scored(zero_bias, network, of_model, menu)
    known = {source.name: scored([source], network, of_model, menu).scored for source in signals}
    total = measure.total_rate(settings.bunches)
    return Measurement(
        name=name,
        crossings=len(seen.scored),
        saturated=seen.saturated,
        total_rate=total,
        menu=None if menu is None else _menu(menu, seen, total),
        areas={signal: measure.area(seen.scored.score, one.score) for signal, one in known.items()},
        points=[measure.working_point(seen.scored, known, target, total) for target in settings.rates],
        curve=measure.curve(seen.scored, total),
        dependences=_dependences(seen, total, settings),
        distributions=measure.distributions({ZERO_BIAS: seen.scored} | known, ZERO_BIAS, settings.bins),
    )


def _menu(menu: Menu, seen: Seen, total: float) -> MenuUse:
    every = np.ones(len(seen.scored), bool)
    return MenuUse(
        rate=measure.rate(every, total, 1 - seen.scored.missed),
        seeds=len(menu.prescales),
        evaluated=len(seen.evaluated),
        unknown=seen.unknown,
    )


def _dependences(seen: Seen, total: float, settings: Measure) -> list[Dependence]:
    """On the pile-up and the number of jets, at the largest of the rates, of which there are most crossings."""
    found = seen.scored
    at = measure.threshold(found.score, max(settings.rates) / total * len(found))
    known = {"pileup": found.pileup, "jets": found.jets}
    return [
        measure.dependence(of, numbers, found.score, np.inf if at is None else at, settings.bins)
        for of, numbers in known.items()
        if np.isfinite(numbers).all()
    ]
