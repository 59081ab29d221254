"""The JSON file of a chunk, as a record; that of a dataset is ``core.events.Manifest``."""

from resonaut.core.manifest import Cut, Lost
from resonaut.core.record import record
from resonaut.core.results import result


@record
class Note:
    """What was missing in a file, and what counts in its place."""

    file: str
    note: str


@result("summary of a chunk", "skim chunk")
class Summary:
    """What one chunk gave: ``<results>/skim/<dataset>/<chunk>.json``.

    ``generated``: number and summed weights of generated events, also those no longer in the files.
    ``lost`` is not in ``events``; ``broken`` are events that pass all cuts and are left out as not readable.
    ``variations`` of the objects, each with its group; all numbers are those of the nominal selection.
    """

    chunk: str
    files: int
    events: int
    selected: int
    generated: tuple[int, float]
    cutflow: list[Cut]
    lost: list[Lost]
    broken: list[Lost]
    notes: list[Note]
    variations: dict[str, str]
