"""``resonaut tag apply``: the scores of a published network for the jets of a file, whatever its kind."""

import logging
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import events
from resonaut.tag import files
from resonaut.tag.published import Published

log = logging.getLogger(__name__)


def apply(network: Published, path: Path, output: Path, batch_size: int) -> None:
    """Write the scores of all jets of a file: a row a jet, or, of skimmed events, the friend of its rows."""
    total, none = 0, 0

    def rows() -> Iterator[ak.Array]:
        nonlocal total, none
        for batch in files.batches(path, wanted(network)):
            scores, scored = network.scores(batch.contents, batch_size)
            total, none = total + len(scored), none + int((~scored).sum())
            jet = {f"jet_{name}": values.astype(np.float32) for name, values in batch.contents.jet.items()}
            named = {name: scores[:, i].copy() for i, name in enumerate(network.model.outputs)}
            yield ak.zip({**batch.columns, **jet, "scored": scored, **named}, depth_limit=1)

    units = {"jet_pt": "GeV", "jet_mass": "GeV", "jet_phi": "rad"}
    events.write(output, rows(), units)
    log.info("scored %d jets of %s with %s; %d have no score", total, path, network.model.name, none)


def wanted(network: Published) -> files.Wanted:
    """What a network needs of a file."""
    preprocess = network.model.preprocess
    vertices = any(preprocess.kind(name) == "vertex" for name in preprocess.groups)
    order = ("dxy_significance",) if vertices else ()
    vertex = tuple(dict.fromkeys((*preprocess.fields("vertex"), *order)))
    return files.Wanted(network.model.card.jets.collection, preprocess.fields("candidate"), vertex, True)
