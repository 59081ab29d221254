"""The LHC Olympics' table of 700 particles an event."""

from resonaut.core.formats import Format

FORMAT = Format("reader.opened", labels=True, truth=("label",))
