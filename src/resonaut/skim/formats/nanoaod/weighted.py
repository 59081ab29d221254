"""The columns of weights: which a dataset has by its era, and their values in a batch.

A source that a file has no weights for has the weight 1 there.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.lists import unpacked
from resonaut.core.variations import GROUP, only_different, shifted_name
from resonaut.core.weights import Factor
from resonaut.skim.columns import Column
from resonaut.skim.corrections import identification, parametrised, theory, weights
from resonaut.skim.corrections.settings import COLLECTIONS, SimulatedCorrections, SimulatedHem
from resonaut.skim.corrections.tables import FloatArray, Table
from resonaut.skim.corrections.weights import Way
from resonaut.skim.formats.nanoaod import counters
from resonaut.skim.formats.nanoaod.corrected import Corrected, Corrections
from resonaut.skim.formats.nanoaod.tree import Batch, Tree

PREFIRING: dict[Way, str] = {"": "L1PreFiringWeight_Nom", "up": "L1PreFiringWeight_Up", "down": "L1PreFiringWeight_Dn"}
INTERACTIONS = "Pileup_nTrueInt"
PARTICLE = ("pdgId", "statusFlags", "pt", "eta", "phi", "mass")
PRESCALE, HEM = "prescale", "hem"


def ways(made: Corrections, prescaled: bool = False) -> dict[str, tuple[Way, ...]]:
    """The sources of weights of a dataset, each with its columns; ``prescaled``: data with triggers that are."""
    settings = made.simulated
    if settings is None:
        return {PRESCALE: ("",)} if prescaled else {}
    found: dict[str, tuple[Way, ...]] = {}
    for source in settings.weights:
        if source in settings.particles:
            one = settings.particles[source]
            sides: dict[Way, str | None] = {"": one.nominal, "up": one.up, "down": one.down}
            found[source] = tuple(way for way, word in sides.items() if word is not None)
        elif source in ("pileup", "prefiring"):
            found[source] = ("", "up", "down")
        elif source == HEM:
            found[source] = ("",)
        else:
            found[source] = ("toys",) if source == "pdf" else ("up", "down")
    return found


def columns(made: Corrections, prescaled: bool = False) -> dict[str, Column]:
    """The columns of weights, with what each is."""
    found = {}
    for source, sides in ways(made, prescaled).items():
        name = made.stored(source)
        for way in sides:
            factor = Factor(name, name if way else "", way)
            found[column(name, way)] = Column("float32", "1", way == "toys", factor.metadata())
    if (hem := column(made.stored(HEM), "")) in found:
        found |= {
            shifted_name(hem, variation): Column("float32", notes={GROUP: group}, nullable=True)
            for variation, group in made.groups().items()
        }
    return found


def column(name: str, way: Way) -> str:
    """The name of a column.

    >>> column("pileup", ""), column("pileup", "up")
    ('weight_pileup', 'weight_pileup_up')
    """
    return f"weight_{name}{'_' * bool(way)}{way}"


def needed(made: Corrections) -> dict[str, str]:
    """The branches that a file must have, each with the remedy where it lacks one."""
    settings, where = made.simulated, f"skim.eras.{made.era}.corrections.simulation"
    if settings is None:
        return {}
    found = {}
    if settings.pileup is not None:
        found[INTERACTIONS] = f"set {where}.pileup to null"
    if settings.prefiring:
        found |= dict.fromkeys(PREFIRING.values(), f"set {where}.prefiring to false")
    for one in settings.object_weights.values():
        fields = ("pt", *one.where, *one.passes)
        found |= {f"{COLLECTIONS[one.object]}_{field}": f"correct {where}.object_weights" for field in fields}
    if settings.particles:
        found |= {f"GenPart_{field}": f"take the sources out of {where}.particles" for field in PARTICLE}
    return found


def without(made: Corrections, present: frozenset[str]) -> list[str]:
    """What is noted of a file that lacks some of the generator's weights."""
    settings = made.simulated
    if settings is None:
        return []
    wanted = {"LHEScaleWeight": settings.scale, "PSWeight": settings.shower, "LHEPdfWeight": settings.pdf}
    return [
        f"no branch {branch!r}, whose weights count as 1"
        for branch, asked in wanted.items()
        if asked and branch not in present
    ]


def simulated(corrected: Corrected, mask: np.ndarray) -> dict[str, Any]:
    """The weights of simulation in the events of ``mask``, by column.

    Raises:
        InputFileError: a table, or the weights of the file, are not what the era says.
    """
    batch, made = corrected.batch, corrected.made
    settings = made.simulated
    if settings is None:
        return {}
    found: theory.Sources = {}
    if settings.pileup is not None:
        table = Table.of(settings.pileup.file, settings.pileup.table)
        found["pileup"] = weights.pileup(table, batch.flat(INTERACTIONS, mask).astype(np.float64))
    if settings.prefiring:
        found["prefiring"] = {way: batch.flat(name, mask) for way, name in PREFIRING.items()}
    if settings.hem is not None:
        found[HEM] = {"": _without_hem(corrected.small_jets[""], settings.hem, mask)}
    if settings.particles:
        particles = batch.collection("GenPart", PARTICLE, mask)
        found |= {name: weights.of_particles(particles, one) for name, one in settings.particles.items()}
    for name, weight in settings.object_weights.items():
        fields = list(dict.fromkeys(["pt", *weight.where, *weight.passes]))
        objects = batch.collection(COLLECTIONS[weight.object], fields, mask)
        found[name] = parametrised.weights(*unpacked(objects), weight)
    found |= _theory(batch, settings, mask)
    ones = np.ones(int(mask.sum()))
    values: dict[str, Any] = {}
    for source, sides in ways(made).items():
        for way in sides:
            numbers = found.get(source, {}).get(way, ones[:, None] if way == "toys" else ones)
            values[column(made.stored(source), way)] = ak.from_regular(ak.Array(numbers)) if way == "toys" else numbers
    return values


def shifted(corrected: Corrected, mask: np.ndarray) -> dict[str, Any]:
    """What shifted jets make of the weights in the events of ``mask``: null where nothing, by column."""
    made, settings = corrected.made, corrected.made.simulated
    if settings is None or settings.hem is None:
        return {}
    nominal, found = _without_hem(corrected.small_jets[""], settings.hem, mask), {}
    for variation in made.groups():
        jets = corrected.small_jets.get(variation, corrected.small_jets[""])
        values = _without_hem(jets, settings.hem, mask)
        if (values != nominal).any():
            found[shifted_name(column(made.stored(HEM), ""), variation)] = only_different(values, nominal)
    return found


def _without_hem(jets: ak.Array, settings: SimulatedHem, mask: np.ndarray) -> FloatArray:
    """The part of the luminosity in which an event with such jets would have been kept."""
    return np.where(identification.in_hem(jets, settings)[mask], 1 - settings.fraction, 1.0)


def _theory(batch: Batch, settings: SimulatedCorrections, mask: np.ndarray) -> theory.Sources:
    """The generator's own weights, where the file has them."""
    path, means = batch.tree.path, _means(batch.tree)
    found: theory.Sources = {}

    def given(branch: str) -> tuple[ak.Array, FloatArray | None]:
        return batch.array(branch, mask), means.get(branch)

    if settings.scale and batch.has("LHEScaleWeight"):
        found |= theory.scales(*given("LHEScaleWeight"), path)
    if settings.shower is not None and batch.has("PSWeight"):
        found |= theory.shower(*given("PSWeight"), settings.shower, batch.tree.title("PSWeight"), path)
    if settings.pdf is not None and batch.has("LHEPdfWeight"):
        found |= theory.pdf(*given("LHEPdfWeight"), settings.pdf, batch.tree.title("LHEPdfWeight"), path)
    return found


@lru_cache(maxsize=1)
def _means(tree: Tree) -> Mapping[str, FloatArray]:
    """The means of the generator's weights over all generated events; batches of a file come one after the other."""
    return counters.means(tree.file)
