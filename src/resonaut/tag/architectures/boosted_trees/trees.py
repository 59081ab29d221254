"""scikit-learn's boosted trees on high-level observables, and their nodes as arrays."""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from resonaut.tag.architectures.observables import observed
from resonaut.tag.learning import OPERATIONS, Labelled, Learned
from resonaut.tag.results import Loss
from resonaut.tag.settings import NetworkConfig, TrainingConfig


def learn(seen: Labelled, held_out: Labelled, settings: NetworkConfig, training: TrainingConfig, seed: int) -> Learned:
    """Minimise the weighted cross entropy tree by tree; a tenth of the jets, chosen by ``seed``, says when to stop.

    The losses are those of the two parts of ``seen``: held-out jets must not choose the number of trees.
    """
    del held_out, training
    chosen = settings.boosted_trees
    trees = HistGradientBoostingClassifier(
        learning_rate=chosen.learning_rate,
        max_iter=chosen.max_iterations,
        max_leaf_nodes=chosen.max_leaf_nodes,
        min_samples_leaf=chosen.min_leaf_jets,
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change=chosen.patience,
        random_state=seed,
    )
    trees.fit(observed(seen.inputs), seen.labels, sample_weight=seen.weights)
    state = nodes(trees)
    losses = ((-scores[1:]).tolist() for scores in (trees.train_score_, trees.validation_score_))
    return Learned(
        state,
        # A threshold of each inner node, a value of each leaf.
        len(state["leaf"]),
        lambda inputs: trees.predict_proba(observed(inputs)),
        Loss(**dict(zip(("train", "held_out"), losses, strict=True))),
    )


def nodes(trees: HistGradientBoostingClassifier) -> dict[str, NDArray[np.generic]]:
    """All nodes of all trees, one after the other.

    ``tree``, ``node`` (number within the tree), ``output`` (which logit the tree adds to), ``leaf``, ``feature``,
    ``threshold`` (at most this goes to ``left``), ``left``, ``right``, ``value``; and ``baseline`` of each logit.
    A jet's operations are the comparisons that it passes, in the mean of the training jets.
    """
    # scikit-learn has no public name for them; converters to other formats read the same.
    made = [(k, one.nodes) for several in trees._predictors for k, one in enumerate(several)]
    sizes = [len(one) for _, one in made]
    joined = np.concatenate([one for _, one in made])
    inner = joined["is_leaf"] == 0
    roots = np.cumsum([0, *sizes[:-1]])
    jets = joined["count"].astype(float) / np.repeat(joined["count"][roots], sizes)
    return {
        "tree": np.repeat(np.arange(len(sizes)), sizes),
        "node": np.concatenate([np.arange(size) for size in sizes]),
        "output": np.repeat([k for k, _ in made], sizes),
        "leaf": ~inner,
        "feature": joined["feature_idx"].astype(np.int64),
        "threshold": rounded_down(joined["num_threshold"]),
        "left": joined["left"].astype(np.int64),
        "right": joined["right"].astype(np.int64),
        "value": joined["value"].astype(np.float32),
        "baseline": np.ravel(trees._baseline_prediction).astype(np.float32),
        OPERATIONS: np.array(jets[inner].sum()),
    }


def rounded_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """In single precision, not above: numbers of single precision lie on the same side as before."""
    single = values.astype(np.float32)
    lower: NDArray[np.float32] = np.where(single > values, np.nextafter(single, np.float32(-np.inf)), single)
    return lower
