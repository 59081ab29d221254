"""ANODE: the ratio of two densities."""

from resonaut.select.catalogue import FLOW, Entry

METHODS = {"anode": Entry("method.Anode", FLOW)}
