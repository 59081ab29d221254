"""The scores of a published network beside those of our own, for each of its outputs and each of our classes."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.tag import card, skimmed
from resonaut.tag.published import Published
from resonaut.tag.sample import JETS
from resonaut.tag.settings import PublishedConfig


@dataclass(frozen=True)
class Classes:
    """A published network, and which of its outputs count for which class; none for the outputs alone.

    ``objects``: the name of the objects whose jets it scores; None for the two large-radius jets.
    """

    network: Published
    outputs: dict[str, list[int]]
    objects: str | None

    @classmethod
    def of(cls, name: str, entry: PublishedConfig, device: str) -> "Classes":
        """The network of ``tag.published.<name>``.

        Raises:
            ConfigError: a class names an output that the network does not have.
            InputFileError: its card, or a file that this names, is wrong.
        """
        model = replace(card.load(card.source(entry.card)), name=name)
        known = model.outputs
        for wanted in entry.classes.values():
            for output in wanted:
                if output not in known:
                    raise ConfigError(
                        f"config: tag.published.{name}.classes: no output {output!r}; there are {', '.join(known)}."
                    )
        places: dict[str, list[int]] = {
            of: [known.index(output) for output in wanted] for of, wanted in entry.classes.items()
        }
        return cls(Published.of(model, trust=entry.trust, device=device), places, entry.jets)

    def jets(self, present: Collection[str]) -> list[str]:
        """The jets that it scores in events with some columns."""
        return (
            [jet for jet in JETS if f"{jet}_pt" in present]
            if self.objects is None
            else skimmed.kept(self.objects, present)
        )

    def columns(self, batch: ak.Array, jet: str, batch_size: int) -> dict[str, NDArray[Any]]:
        """The columns of one jet of each event; of other objects, of which events may have fewer, 0 for no jet.

        Raises:
            InputFileError: a large-radius jet has no candidates, or is none that the network is of.
        """
        scores, scored = self.network.scores(skimmed.contents(batch, jet, self.network.wanted), batch_size)
        if self.objects is None and not scored.all():
            name, least = self.network.model.name, self.network.model.card.jets.pt_min
            raise InputFileError(
                f"column {jet}_pf_pt",
                f"{(~scored).sum()} jets have no constituents for {name}, or less than {least:g} GeV",
                "cut those events in skim",
            )
        found: dict[str, NDArray[Any]] = dict(self.network.columns(jet, scores))
        if self.objects is not None:
            found[f"{jet}_{self.network.model.name}_scored"] = scored
        sums = {of: scores[:, places].sum(axis=1) for of, places in self.outputs.items()}
        whole = np.where(scored, sum(sums.values()), 1)
        return found | {f"{jet}_{self.network.model.name}_{of}": values / whole for of, values in sums.items()}
