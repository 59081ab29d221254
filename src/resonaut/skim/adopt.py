"""A dataset that another analysis has skimmed: its events are linked, so that friends are written here."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from resonaut.core.events import Dataset
from resonaut.core.files import atomic
from resonaut.core.results import write


def adopt(manifest: Path, output: Path) -> None:
    """Link the chunks of a dataset, and write its manifest with its name here.

    Raises:
        InputFileError: the manifest is none, or its chunks do not hold its events.
    """
    dataset, name = Dataset.open(manifest), output.stem
    for chunk in dataset.manifest.chunks:
        with atomic(output.with_suffix("") / f"{chunk}.parquet") as partial:
            try:
                os.link(dataset.path("skim", chunk), partial)
            except OSError:
                # Another disk, or one without links.
                shutil.copy2(dataset.path("skim", chunk), partial)
    write(output, replace(dataset.manifest, name=name))
