"""The LHC Olympics' table of two jets an event."""

from resonaut.core.formats import Format

FORMATS = {"lhco_features": Format("reader.opened", candidates=False, labels=True, truth=("label",))}
