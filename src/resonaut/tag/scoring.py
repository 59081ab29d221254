"""Scoring: every network's class probabilities for both jets of every event."""

import logging
from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
from tqdm import tqdm

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.tag import skimmed
from resonaut.tag.classes import Classes
from resonaut.tag.inputs import Inputs, columns, jet_inputs, widest
from resonaut.tag.sample import in_training, kept
from resonaut.tag.settings import TagConfig
from resonaut.tag.skimmed import KEEP
from resonaut.tag.tagger import Tagger, applied, load

log = logging.getLogger(__name__)


def score_chunk(
    settings: TagConfig, models: list[Path], manifest: Path, chunk: str, output: Path, trained: bool
) -> None:
    """Write the scores of one chunk, streaming its row groups: the friend file of ``tag``.

    ``trained``: a part of the dataset trains the networks.

    Raises:
        InputFileError: a model is of another network than the configuration's, such as one of other classes.
        NotFiniteError: a score is NaN or infinite; nothing is written.
    """
    taggers = [load(model, settings.device) for model in models]
    for path, tagger in zip(models, taggers, strict=True):
        wanted = settings.networks.get(tagger.name)
        if wanted is None or applied(wanted) != applied(tagger.settings):
            raise InputFileError(
                path,
                f"made with other settings than tag.networks.{tagger.name}",
                "make it again with resonaut tag train",
            )
    if repeated := len(taggers) - len({tagger.name for tagger in taggers}):
        raise ConfigError(f"tag: {repeated} of the models repeat a network's name; give each network once.")
    others = [Classes.of(name, entry, settings.device) for name, entry in settings.published.items()]
    dataset = events.Dataset.open(manifest)
    path = dataset.path("skim", chunk)
    for one in others:
        present = events.columns(path)
        if not (jets := one.jets(present)):
            raise InputFileError(path, f"no column '{one.objects}1_pf_pt', which {one.network.model.name} wants", KEEP)
        skimmed.require(path, present, jets, one.network.wanted)
    events.write(output, _score(dataset, chunk, taggers, others, settings, trained), units={})
    names = [*(tagger.name for tagger in taggers), *settings.published]
    log.info("scored %s/%s with %s", dataset.name, chunk, ", ".join(names))


def _score(
    dataset: events.Dataset,
    chunk: str,
    taggers: list[Tagger],
    others: list[Classes],
    settings: TagConfig,
    trained: bool,
) -> Iterator[ak.Array]:
    longest = max((tagger.settings.max_constituents for tagger in taggers), default=0)
    inputs = widest(tagger.settings.inputs for tagger in taggers)
    own = kept(dataset, chunk) if taggers else []
    wanted = [column for jet in own for column in columns(jet, inputs)]
    jets = {one.network.model.name: one.jets(events.columns(dataset.path("skim", chunk))) for one in others}
    for one in others:
        mine = jets[one.network.model.name]
        wanted += [column for jet in mine for column in skimmed.columns(jet, one.network.wanted)]
    batches = dataset.iterate_chunk(chunk, wanted, every=True)
    for batch in tqdm(batches, desc=f"{dataset.name}/{chunk}", unit="row group", disable=None):
        scored = {name: batch[name] for name in events.KEY}
        for jet in own:
            given = jet_inputs(batch, jet, longest, inputs)
            scored |= score_jets(given, jet, taggers, settings.score_batch_size)
        for one in others:
            for jet in jets[one.network.model.name]:
                scored |= one.columns(batch, jet, settings.score_batch_size)
        scored["tag_train"] = in_training(batch, settings) if trained else np.zeros(len(batch), bool)
        yield ak.zip(scored, depth_limit=1)


def score_jets(inputs: Inputs, jet: str, taggers: list[Tagger], batch_size: int) -> dict[str, ak.Array]:
    """The columns ``<jet>_<network>_<class>`` of all taggers, and those of their regressions."""
    scored = {}
    for tagger in taggers:
        scores, estimates = tagger.evaluated(inputs, batch_size)
        columns = dict(zip(tagger.settings.classes, scores.T, strict=True))
        columns |= dict(zip(tagger.settings.estimates, estimates.T, strict=True))
        for name in tagger.settings.regression:
            columns[f"{name}_resolution"] = (columns[f"{name}_q84"] - columns[f"{name}_q16"]) / 2
        for name, values in columns.items():
            scored[f"{jet}_{tagger.name}_{name}"] = ak.Array(values.copy())  # Arrow wants contiguous memory
    return scored
