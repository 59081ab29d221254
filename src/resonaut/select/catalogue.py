"""The methods by name: where their code is, and what the workflow must have for them. Imports nothing heavy."""

from dataclasses import dataclass

from resonaut.core.errors import ConfigError


@dataclass(frozen=True)
class Entry:
    """``place`` is "module.Class" in ``resonaut.select``.

    ``friends``: stages whose columns it reads. ``roles``: roles of the simulated datasets it cannot do without.
    ``keys``: of the section ``select``, beside those that the engine reads for every method.
    ``bound``: it knows what no search knows. ``candidates``: it sees those of the jets.
    """

    place: str
    keys: tuple[str, ...] = ()
    friends: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    bound: bool = False
    candidates: bool = False


# Keys of what methods share: the features of the event, those of a jet, and the ratio step.
EVENT = ("features", "mass_shift", "classifier")
JETS = ("jet_features", "mass_shift", "classifier", "pt_bins")
FLOW = (*EVENT, "density")
REGRESSED = ("classifier", "regression")

METHODS = {
    "inclusive": Entry("inclusive.Inclusive"),
    "tagger": Entry("tagger.Tagger", ("tagger",), friends=("tag",)),
    "cwola": Entry("cwola.Cwola", (*EVENT, *JETS, "cwola")),
    "cathode": Entry("cathode.Cathode", (*FLOW, "cathode")),
    "cathode_b": Entry("cathode.CathodeB", (*FLOW, "cathode")),
    "lacathode": Entry("lacathode.Lacathode", (*FLOW, "cathode")),
    "anode": Entry("anode.Anode", FLOW),
    "salad": Entry("salad.Salad", EVENT, roles=("background",)),
    "quak": Entry("quak.Quak", (*FLOW, "quak"), roles=("background", "signal")),
    "tnt": Entry("tnt.Tnt", (*JETS, "autoencoder", "tnt")),
    "vae_qr": Entry("vae_qr.VaeQr", (*REGRESSED, "vae_qr"), candidates=True),
    "nae": Entry("nae.Nae", (*EVENT, *REGRESSED, "autoencoder", "nae")),
    "ideal": Entry("bounds.Ideal", EVENT, roles=("background",), bound=True),
    "supervised": Entry("bounds.Supervised", EVENT, roles=("background", "signal"), bound=True),
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
