"""The methods by name: where their code is, and what the workflow must have for them. Imports nothing heavy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resonaut.core.errors import ConfigError
from resonaut.core.extensions import load


@dataclass(frozen=True)
class Entry:
    """``place`` is "folder.Class" in ``resonaut.select.methods``, or the name of a class in a user's own file.

    ``friends``: stages whose columns it reads. ``samples``: the simulated samples it cannot do without.
    ``keys``: of the section ``select``, beside those that the engine reads for every method.
    ``file``: the user's own file that it is in.
    ``bound``: it knows what no search knows. ``candidates``: it sees those of the jets.
    """

    place: str
    keys: tuple[str, ...] = ()
    friends: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    bound: bool = False
    candidates: bool = False
    file: str = ""

    @property
    def module(self) -> str:
        """The file of its code, relative to the package's folder or absolute."""
        return str(Path(self.file).resolve()) if self.file else f"select/methods/{self.place.split('.')[0]}/method.py"


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
    "salad": Entry("salad.Salad", EVENT, samples=("background",)),
    "quak": Entry("quak.Quak", (*FLOW, "quak"), samples=("background", "signal")),
    "tnt": Entry("tnt.Tnt", (*JETS, "autoencoder", "tnt")),
    "vae_qr": Entry("vae_qr.VaeQr", (*REGRESSED, "vae_qr"), candidates=True),
    "nae": Entry("nae.Nae", (*EVENT, *REGRESSED, "autoencoder", "nae")),
    "ideal": Entry("bounds.Ideal", EVENT, samples=("background",), bound=True),
    "supervised": Entry("bounds.Supervised", EVENT, samples=("background", "signal"), bound=True),
}


def methods(code: Sequence[str]) -> dict[str, Entry]:
    """All methods: those of the package, and those of ``METHODS`` in the user's own files.

    Raises:
        ConfigError: a file cannot be executed, or a name is there twice.
    """
    found = dict(METHODS)
    for path in code:
        for name, added in getattr(load(path), "METHODS", {}).items():
            if name in found:
                raise ConfigError(f"config: code: {path}: there is already a method {name!r}; rename this one.")
            found[name] = replace(added, file=path)
    return found


def entry(name: str, code: Sequence[str] = ()) -> Entry:
    """The method of that name.

    Raises:
        ConfigError: there is none, or a file of ``code`` is wrong.
    """
    known = methods(code)
    if name not in known:
        raise ConfigError(
            f"config: unknown method {name!r} in select.methods; there are {', '.join(known)}, and the keys of "
            "select.combinations."
        )
    return known[name]
