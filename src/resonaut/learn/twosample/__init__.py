"""How alike two weighted samples are: histograms, tests, divergences, and a classifier that tries to part them."""
