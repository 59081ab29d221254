"""The LHC Olympics' table of 700 particles an event."""

from resonaut.core.formats import Format

FORMATS = {"lhco_raw": Format("reader.opened", labels=True, truth=("label",))}
