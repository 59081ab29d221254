"""The LHC Olympics' table of two jets an event."""

from resonaut.core.formats import Format

FORMAT = Format("reader.opened", candidates=False, labels=True, truth=("label",))
