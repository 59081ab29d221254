"""Training a network, and measuring it on jets it has not seen."""

import logging
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from resonaut.core import events
from resonaut.core.errors import NotFiniteError
from resonaut.core.results import write
from resonaut.tag import networks
from resonaut.tag.results import Loss, Network
from resonaut.tag.roc import measure
from resonaut.tag.sample import Sample, load
from resonaut.tag.settings import NetworkConfig, TagConfig, require_consistent

log = logging.getLogger(__name__)


def make_model(settings: TagConfig, name: str, manifests: list[Path], output: Path, summary: Path) -> None:
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
    datasets = [events.Dataset.open(manifest) for manifest in manifests]
    held_out = load(datasets, settings, network, "held_out")
    loss, train_jets = Loss(train=[], held_out=[]), {}
    if network.weights is None:
        seen = load(datasets, settings, network, "train")
        module, loss = train(network, settings, seen, held_out)
        weights = {key: value.cpu() for key, value in module.state_dict().items()}
        tagger = networks.from_module(name, network, module, device)
        train_jets = _count(seen, network)
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


def _count(sample: Sample, network: NetworkConfig) -> dict[str, int]:
    return {name: int((sample.labels == i).sum()) for i, name in enumerate(network.classes)}


def train(
    network: NetworkConfig, settings: TagConfig, seen: Sample, held_out: Sample
) -> tuple[networks.PairTransformer | networks.PointNet, Loss]:
    """Minimise the weighted cross entropy with AdamW under a one-cycle learning rate.

    Returns the network and the mean loss per epoch on both samples. The same configuration gives the
    same weights, bit by bit, on the same machine with one thread.

    Raises:
        NotFiniteError: the training diverged.
    """
    deterministic(settings.seed)
    device = networks.device(settings.device)
    plan = settings.training
    module = networks.build(network).to(device)
    optimizer = torch.optim.AdamW(module.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    n_batches = max(len(seen) // plan.batch_size, 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.learning_rate, plan.epochs * n_batches)
    targets = {
        kind: _targets(sample, plan.pt_bins, device) for kind, sample in (("train", seen), ("held_out", held_out))
    }
    inputs = {"train": networks.tensors(seen.inputs, device), "held_out": networks.tensors(held_out.inputs, device)}
    shuffle = np.random.default_rng(settings.seed)
    train_loss: list[float] = []
    held_out_loss: list[float] = []
    for epoch in tqdm(range(plan.epochs), desc=network.architecture, unit="epoch", disable=None):
        module.train()
        total = 0.0
        for part in np.array_split(shuffle.permutation(len(seen)), n_batches):
            jets = torch.from_numpy(part).to(device)
            optimizer.zero_grad()
            value = _loss(module, inputs["train"], targets["train"], jets)
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += value.item() / n_batches
        train_loss.append(total)
        held_out_loss.append(_held_out_loss(module, inputs["held_out"], targets["held_out"], plan.batch_size))
        log.info("epoch %d: loss %.4f, held out %.4f", epoch + 1, total, held_out_loss[-1])
        if not np.isfinite([total, held_out_loss[-1]]).all():
            raise NotFiniteError(
                f"tag: the training of a {network.architecture} diverged in epoch {epoch + 1}; "
                "lower tag.training.learning_rate."
            )
    return module, Loss(train=train_loss, held_out=held_out_loss)


def deterministic(seed: int) -> None:
    """Seed torch and forbid its operations whose result varies from run to run."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # asked for by cuBLAS, before its first use
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)


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


def _targets(sample: Sample, bins: int, device: str) -> tuple[Tensor, Tensor]:
    weights = balancing_weights(sample.labels, sample.pt, bins).astype(np.float32)
    return torch.from_numpy(sample.labels).to(device), torch.from_numpy(weights).to(device)


def _loss(module: torch.nn.Module, inputs: tuple[Tensor, ...], targets: tuple[Tensor, Tensor], jets: Tensor) -> Tensor:
    labels, weights = targets
    logits = module(*(tensor[jets] for tensor in inputs))
    each = torch.nn.functional.cross_entropy(logits, labels[jets], reduction="none")
    return (each * weights[jets]).mean()


def _held_out_loss(
    module: torch.nn.Module, inputs: tuple[Tensor, ...], targets: tuple[Tensor, Tensor], batch_size: int
) -> float:
    module.eval()
    n = len(targets[0])
    total = 0.0
    with torch.inference_mode():
        for first in range(0, n, batch_size):
            jets = torch.arange(first, min(first + batch_size, n))
            total += _loss(module, inputs, targets, jets).item() * len(jets)
    return total / n
