"""A dense network on high-level observables, as ATLAS's (arXiv:1808.07858)."""

from resonaut.tag.architectures import Network

NETWORKS = {
    "dense_network": Network(
        "network.learn",
        graph="graph.model",
        observes="graph.observed",
        learner=True,
        title="observables, dense",
        year=2018,
    )
}
