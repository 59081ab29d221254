"""Training a network, and measuring it on jets it has not seen."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from resonaut.core import events
from resonaut.core.errors import ConfigError
from resonaut.core.results import write
from resonaut.learn import training
from resonaut.learn.losses import cross_entropy
from resonaut.tag import networks
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.architectures import require_consistent
from resonaut.tag.inputs import Inputs
from resonaut.tag.results import Loss, Network
from resonaut.tag.roc import measure
from resonaut.tag.sample import Sample, Simulation, load
from resonaut.tag.settings import NetworkConfig, TagConfig
from resonaut.tag.tagger import EXPORT, Tagger, from_arrays

log = logging.getLogger(__name__)

# So many jets are scored with torch and with the graph, and by so much a score may differ.
COMPARED, AGREEMENT = 64, 1e-4


def make_model(settings: TagConfig, name: str, simulation: Simulation, output: Path, summary: Path) -> None:
    """Train the network ``name``, or take its published weights; write model and summary.

    The summary holds the number of parameters, the jets per class, the loss per epoch, and per signal
    class against QCD the ROC curve and its area, on held-out jets.
    """
    network = settings.networks[name]
    require_consistent(name, network)
    device = networks.device(settings.device)
    if network.weights is not None:
        # First: a file that cannot be used is named before any jet is read.
        tagger, weights = networks.published(Path(network.weights), name, network, device)
    held_out = load(simulation, settings, network, "held_out")
    loss, train_jets = Loss(train=[], held_out=[]), {}
    if network.weights is None:
        seen = load(simulation, settings, network, "train")
        module, loss = train(network, settings, seen, held_out)
        weights = {key: value.cpu() for key, value in module.state_dict().items()}
        tagger = networks.from_module(name, network, module, device)
        train_jets = _count(seen, network)
    tagger = _as_it_scores(tagger, output, weights, held_out.inputs, device)
    scores = tagger.scores(held_out.inputs, settings.score_batch_size)
    events.require_finite(scores, f"score of {name}", "held-out jets")
    result = Network(
        network=name,
        classes=list(network.classes),
        parameters=tagger.parameters,
        train_jets=train_jets,
        held_out_jets=_count(held_out, network),
        loss=loss,
        **vars(measure(scores, held_out.labels, network.classes)),
    )
    for signal, area in result.auc.items():
        log.info("%s: AUC of %s against qcd %.4f", name, signal, area)
    networks.save(output, name, network, weights)
    write(summary, result)


def _as_it_scores(tagger: Tagger, output: Path, weights: dict[str, Tensor], inputs: Inputs, device: str) -> Tagger:
    """The tagger as ``tag score`` will run it: where there is no GPU, as the graph of its architecture, if it has one.

    Raises:
        ConfigError: the graph gives other scores than the module.
    """
    architecture = tagger.settings.architecture
    if device != "cpu" or EXPORT in weights or architectures()[architecture].maker is None:
        return tagger
    graph = from_arrays(output, tagger.name, tagger.settings, {name: value.numpy() for name, value in weights.items()})
    jets = inputs.take(np.arange(min(len(inputs), COMPARED)))
    difference = np.abs(graph.scores(jets, COMPARED) - tagger.scores(jets, COMPARED)).max(axis=1)
    if np.median(difference) > AGREEMENT:
        raise ConfigError(
            f"config: tag.networks.{tagger.name}.architecture: the graph of {architecture} gives other scores than its "
            f"module, by {np.median(difference):.1g}; correct or leave out its graph."
        )
    return replace(graph, parameters=tagger.parameters)


def _count(sample: Sample, network: NetworkConfig) -> dict[str, int]:
    return {name: int((sample.labels == i).sum()) for i, name in enumerate(network.classes)}


def train(network: NetworkConfig, settings: TagConfig, seen: Sample, held_out: Sample) -> tuple[torch.nn.Module, Loss]:
    """Minimise the weighted cross entropy with AdamW under a one-cycle learning rate.

    Returns the network and the mean loss per epoch on both samples. The same configuration gives the
    same weights, bit by bit, on the same machine with one thread.

    Raises:
        NotFiniteError: the training diverged.
    """
    training.deterministic(settings.seed)
    device = networks.device(settings.device)
    plan = settings.training
    module = networks.build(network).to(device)
    optimizer = torch.optim.AdamW(module.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    n_batches = max(len(seen) // plan.batch_size, 1)
    loss_of, held_out_loss = (_loss_of(module, sample, plan.pt_bins, device) for sample in (seen, held_out))
    jets = torch.split(torch.arange(len(held_out), device=device), plan.batch_size)
    history = training.fit(
        module,
        lambda rows: loss_of(rows).mean(),
        _passes(len(seen), n_batches, settings.seed, device),
        optimizer,
        plan.epochs,
        rate=training.one_cycle(optimizer, plan.learning_rate, plan.epochs * n_batches),
        held_out=lambda: sum(held_out_loss(rows).mean().item() * len(rows) for rows in jets) / len(held_out),
        what=f"a {network.architecture}",
        key="tag.training.learning_rate",
    )
    return module, Loss(train=history.training, held_out=history.held_out)


def _passes(n: int, batches: int, seed: int, device: str) -> Iterator[list[Tensor]]:
    """The jets' numbers in so many batches, in another order each epoch."""
    rng = np.random.default_rng(seed)
    while True:
        yield [torch.from_numpy(rows).to(device) for rows in np.array_split(rng.permutation(n), batches)]


def balancing_weights(labels: np.ndarray, pt: np.ndarray, bins: int) -> np.ndarray:
    """Weights (n,) of mean one that give every class the same sum in each bin of jet pT.

    So a network cannot tell the classes by the jet's pT, which would sculpt m_jj. The bins hold equal
    numbers of jets. Where a class has less than a tenth of a bin's fair share, it is weighted as if it
    had that much, lest a few jets stand for a whole bin.
    """
    edges = np.quantile(pt, np.linspace(0, 1, bins + 1)[1:-1])
    n_classes = labels.max() + 1
    cell = np.digitize(pt, edges) * n_classes + labels
    weights = 1.0 / np.maximum(np.bincount(cell), 0.1 * len(cell) / (bins * n_classes))[cell]
    balanced: np.ndarray = weights / weights.mean()
    return balanced


def _loss_of(module: torch.nn.Module, sample: Sample, bins: int, device: str) -> Callable[[Tensor], Tensor]:
    """A function: the weighted cross entropy of the jets of some rows, shape (rows,)."""
    inputs = networks.tensors(sample.inputs, device)
    labels = torch.from_numpy(sample.labels).to(device)
    weights = torch.from_numpy(balancing_weights(sample.labels, sample.pt, bins).astype(np.float32)).to(device)
    return lambda rows: cross_entropy(module(*(tensor[rows] for tensor in inputs)), labels[rows], weights[rows])
