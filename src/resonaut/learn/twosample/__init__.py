"""How alike two weighted samples are: histograms, tests, divergences, and a classifier that tries to part them."""

from resonaut.learn.twosample.compare import compare
from resonaut.learn.twosample.results import TwoSample
from resonaut.learn.twosample.settings import Settings

__all__ = ["Settings", "TwoSample", "compare"]
