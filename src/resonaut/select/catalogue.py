"""The methods by name: where their code is, and what the workflow must have for them. Imports nothing heavy."""

from dataclasses import dataclass

from resonaut.core.errors import ConfigError


@dataclass(frozen=True)
class Entry:
    """``place`` is "module.Class" in ``resonaut.select``.

    ``friends``: stages whose columns it reads. ``roles``: roles of the simulated datasets it cannot do without.
    ``bound``: it knows what no search knows. ``candidates``: it sees those of the jets.
    """

    place: str
    friends: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    bound: bool = False
    candidates: bool = False


METHODS = {
    "inclusive": Entry("inclusive.Inclusive"),
    "tagger": Entry("tagger.Tagger", friends=("tag",)),
    "cwola": Entry("cwola.Cwola"),
    "cathode": Entry("cathode.Cathode"),
    "cathode_b": Entry("cathode.CathodeB"),
    "lacathode": Entry("lacathode.Lacathode"),
    "anode": Entry("anode.Anode"),
    "salad": Entry("salad.Salad", roles=("background",)),
    "quak": Entry("quak.Quak", roles=("background", "signal")),
    "tnt": Entry("tnt.Tnt"),
    "vae_qr": Entry("vae_qr.VaeQr", candidates=True),
    "nae": Entry("nae.Nae"),
    "ideal": Entry("bounds.Ideal", roles=("background",), bound=True),
    "supervised": Entry("bounds.Supervised", roles=("background", "signal"), bound=True),
}


def entry(name: str) -> Entry:
    """The method of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in METHODS:
        raise ConfigError(
            f"config: unknown method {name!r} in select.methods; there are {', '.join(METHODS)}, and the keys of "
            "select.combinations."
        )
    return METHODS[name]
