"""The scores of a published network beside those of our own, for each of its outputs and each of our classes."""

from dataclasses import dataclass, replace
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.tag import card, skimmed
from resonaut.tag.published import Published
from resonaut.tag.settings import PublishedConfig


@dataclass(frozen=True)
class Classes:
    """A published network, and which of its outputs count for which class; none for the outputs alone."""

    network: Published
    outputs: dict[str, list[int]]

    @classmethod
    def of(cls, name: str, entry: PublishedConfig, device: str) -> "Classes":
        """The network of ``tag.published.<name>``.

        Raises:
            ConfigError: a class names an output that the network does not have.
            InputFileError: its card, or a file that this names, is wrong.
        """
        model = replace(card.load(Path(entry.card)), name=name)
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
        return cls(Published.of(model, trust=entry.trust, device=device), places)

    def columns(self, batch: ak.Array, jet: str, batch_size: int) -> dict[str, NDArray[np.float32]]:
        """The columns of one jet of each event.

        Raises:
            InputFileError: a jet has no candidates, or less momentum than the network's jets.
        """
        scores, scored = self.network.scores(skimmed.contents(batch, jet, self.network.wanted), batch_size)
        if not scored.all():
            name, least = self.network.model.name, self.network.model.card.jets.pt_min
            raise InputFileError(
                f"column {jet}_pf_pt",
                f"{(~scored).sum()} jets have no constituents for {name}, or less than {least:g} GeV",
                "cut those events in skim",
            )
        found = self.network.columns(jet, scores)
        sums = {of: scores[:, places].sum(axis=1) for of, places in self.outputs.items()}
        whole = sum(sums.values())
        return found | {f"{jet}_{self.network.model.name}_{of}": values / whole for of, values in sums.items()}
