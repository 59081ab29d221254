"""What the collections and fields are called: versions of NanoAOD differ, and so do private productions.

No version is asked for. Of the names that a key may have, the first one that the file has counts, so that a production
that mixes them, and files of several versions in one dataset, need no configuration.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from resonaut.skim.settings import Branches

# By key of the configuration. A collection is in a file that has a branch `<name>_pt`, or else one of its links.
COLLECTIONS = {
    "jets": ("FatJet",),
    "candidates": ("PFCands", "PFCand"),
    "met": ("PuppiMET", "MET", "PFMET"),
}
LINKS = ("FatJetPFCands", "FatJetPFCand")
LINK_CANDIDATE = ("pFCandsIdx", "pfCandIdx")
RHO = ("Rho_fixedGridRhoFastjetAll", "fixedGridRhoFastjetAll")
PUPPI_WEIGHT = "puppiWeight"
# Candidates whose momenta are weighted already: those of the official NanoAOD.
WEIGHTED = ("PFCand",)


@dataclass(frozen=True)
class Names:
    """The names in one file; ``puppi_weight`` and ``b_tag`` are None where there is none to use."""

    jets: str
    candidates: str
    links: str
    link_jet: str
    link_candidate: str
    softdrop_mass: str
    jet_id: str
    met: str
    rho: str
    b_tag: str | None
    puppi_weight: str | None
    notes: tuple[str, ...]

    def links_of(self, jets: str) -> str:
        """The collection that links another collection of jets with candidates, called like that of ``self.jets``."""
        return jets + self.links.removeprefix(self.jets) if self.links.startswith(self.jets) else f"{jets}PFCands"


@lru_cache(maxsize=8)
def resolve(given: Branches, present: frozenset[str]) -> Names:
    """The names that the configuration gives, and for the others those that are ``present`` in the file."""
    notes = []

    def first(key: str, names: tuple[str, ...], form: str = "{}") -> str:
        chosen: str | None = getattr(given, key)
        if chosen is not None:
            return chosen
        found = [name for name in names if form.format(name) in present] or list(names[:1])
        if len(found) > 1 and key == "candidates":
            notes.append(f"has {' and '.join(found)}, of which {found[0]} count; skim.branches.candidates chooses")
        return found[0]

    collections = {key: first(key, names, "{}_pt") for key, names in COLLECTIONS.items()}
    candidates = collections["candidates"]
    links = first("links", LINKS, "{}_" + given.link_jet)
    weight: str | None = given.puppi_weight
    if weight is None and candidates not in WEIGHTED and f"{candidates}_{PUPPI_WEIGHT}" in present:
        weight = PUPPI_WEIGHT
    return Names(
        **collections,
        links=links,
        link_jet=given.link_jet,
        link_candidate=first("link_candidate", LINK_CANDIDATE, links + "_{}"),
        softdrop_mass=given.softdrop_mass,
        jet_id=given.jet_id,
        rho=first("rho", RHO),
        b_tag=given.b_tag,
        puppi_weight=weight or None,
        notes=tuple(notes),
    )


def generated(names: Names) -> Names:
    """Those of generated objects."""
    return replace(names, met="GenMET")
