"""The inclusive selection: every event."""

from resonaut.select.catalogue import Entry

METHODS = {"inclusive": Entry("method.Inclusive")}
