"""Boosted trees on high-level observables, as ATLAS's (arXiv:1808.07858)."""

from resonaut.tag.architectures import Network

NETWORKS = {
    "boosted_trees": Network("trees.learn", graph="graph.model", learner=True, title="observables, trees", year=2018)
}
