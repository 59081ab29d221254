"""``resonaut tag apply``: the scores of a published network for the jets of a file, whatever its kind."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import events
from resonaut.core.errors import InputFileError
from resonaut.tag import files, skimmed
from resonaut.tag.published import Published

log = logging.getLogger(__name__)

UNITS = {"jet_pt": "GeV", "jet_mass": "GeV", "jet_phi": "rad"}


def _jets(path: Path, collection: str) -> list[str]:
    """The jets of a collection in skimmed events: those with candidates, or all where there is none of them."""
    notes = events.metadata(path)
    found = [name.removesuffix("_pf_pt") for name in notes if re.fullmatch(r"[A-Za-z]\w*[1-9]\d*_pf_pt", name)]
    if not found:
        raise InputFileError(path, "no column 'j1_pf_pt': no skimmed jets with candidates", "give a file of skim")
    of = {jet: notes.get(f"{jet}_pf_puppi_weight", {}).get(skimmed.COLLECTION, skimmed.LARGE) for jet in found}
    return [jet for jet in found if of[jet] == collection] or found


def apply(network: Published, path: Path, output: Path, batch_size: int) -> None:
    """Write the scores of all jets of a file: a row a jet, or, of skimmed events, the friend of its rows.

    Raises:
        InputFileError: the file is unreadable, of no kind that is known, or lacks what the network wants.
        NotFiniteError: the file holds NaN or infinity where they are used, or a score is.
    """
    total = none = 0

    def counted(scored: np.ndarray) -> np.ndarray:
        nonlocal total, none
        total, none = total + len(scored), none + int((~scored).sum())
        return scored

    def jets() -> Iterator[ak.Array]:
        for batch in files.batches(path, network.wanted):
            scores, scored = network.scores(batch.contents, batch_size)
            jet = {f"jet_{name}": values.astype(np.float32) for name, values in batch.contents.jet.items()}
            others = {**batch.columns, **jet, "scored": counted(scored)}
            # A network of JetClass has outputs with the names of the file's labels.
            begin = f"{network.model.name}_" if {*others} & {*network.model.outputs} else ""
            named = {f"{begin}{name}": scores[:, i].copy() for i, name in enumerate(network.model.outputs)}
            yield ak.zip(others | named, depth_limit=1)
        if not total:
            raise InputFileError(path, f"holds no jets {network.wanted.collection}", "give a file with some")

    def friend() -> Iterator[ak.Array]:
        present = events.columns(path)
        found = _jets(path, network.wanted.collection)
        skimmed.require(path, present, found, network.wanted)
        wanted = [name for jet in found for name in skimmed.columns(jet, network.wanted)]
        for batch in events.iterate([path], wanted):
            columns = {name: batch[name] for name in events.KEY}
            for jet in found:
                scores, scored = network.scores(skimmed.contents(batch, jet, network.wanted), batch_size)
                columns |= network.columns(jet, scores) | {f"{jet}_{network.model.name}_scored": counted(scored)}
            yield ak.zip(columns, depth_limit=1)

    events.write(output, friend() if path.suffix == ".parquet" else jets(), UNITS)
    log.info("scored %d jets of %s with %s; %d have no score", total, path, network.model.name, none)
