"""SALAD: data against simulation that was corrected in the sidebands."""

from resonaut.select.catalogue import EVENT, Entry

METHODS = {"salad": Entry("method.Salad", EVENT, samples=("background",))}
