"""Boosted trees on high-level observables, as for W jets (Y. Cui, Z. Han, M. Schwartz, arXiv:1012.2077)."""

from resonaut.tag.architectures import Network

NETWORKS = {
    "boosted_trees": Network(
        "trees.learn",
        graph="graph.model",
        observes="graph.observed",
        learner=True,
        title="observables, trees",
        year=2010,
    )
}
