"""What no search can have, to compare with what it can."""

from resonaut.select.catalogue import EVENT, Entry

METHODS = {
    "ideal": Entry("method.Ideal", EVENT, samples=("background",), bound=True),
    "supervised": Entry("method.Supervised", EVENT, samples=("background", "signal"), bound=True),
}
