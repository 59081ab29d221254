"""Training a network, and measuring it on jets it has not seen."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from resonaut.core import events
from resonaut.core.errors import ConfigError, NotFiniteError
from resonaut.core.results import write
from resonaut.learn import training
from resonaut.tag import networks
from resonaut.tag.adaptation import load_other, summarise
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.architectures import require_consistent
from resonaut.tag.closure import closures
from resonaut.tag.inputs import Inputs
from resonaut.tag.learning import Labelled, learn
from resonaut.tag.objective import Jets, Objective, against
from resonaut.tag.results import Loss, Measured, Network
from resonaut.tag.roc import measure, sculpted
from resonaut.tag.sample import Sample, Simulation, count, load
from resonaut.tag.settings import NetworkConfig, RobustConfig, TagConfig
from resonaut.tag.tagger import EXPORT, Tagger, from_arrays

log = logging.getLogger(__name__)

# So many jets are scored with torch and with the graph, and by so much a score may differ.
COMPARED, AGREEMENT = 64, 1e-4


def make_model(
    settings: TagConfig,
    name: str,
    simulation: Simulation,
    output: Path,
    summary: Path,
    other: Simulation | None = None,
) -> None:
    """Train the network ``name``, or take its published weights; write model and summary.

    The summary holds the number of parameters, the jets per class, the loss per epoch, and per signal
    class against QCD the ROC curve and its area, on held-out jets. ``other``: the domain to which it is adapted.
    """
    network = settings.networks[name]
    require_consistent(name, network)
    device = networks.device(settings.device)
    if network.weights is not None:
        # First: a file that cannot be used is named before any jet is read.
        tagger, weights = networks.published(Path(network.weights), name, network, device)
    held_out = load(simulation, settings, network, "held_out")
    loss, train_jets, under_attack, domain = Loss(train=[], held_out=[]), {}, None, None
    if architectures()[network.architecture].learner:
        seen = load(simulation, settings, network, "train")
        bins = settings.training.pt_bins, network.training.mass_bins
        given = (Labelled(one.inputs, one.labels, _weights(one, *bins)) for one in (seen, held_out))
        tagger, state, loss = learn(name, network, settings, *given)
        weights, train_jets = {key: torch.from_numpy(values) for key, values in state.items()}, count(seen, network)
    elif network.weights is None:
        seen = load(simulation, settings, network, "train")
        wanted = network.training.domain
        others = load_other(other or Simulation([], []), settings, network, wanted) if wanted else None
        module, loss = train(network, settings, seen, held_out, others[0] if others else None)
        weights = {key: value.cpu() for key, value in module.state_dict().items()}
        tagger = networks.from_module(name, network, module, device)
        train_jets = count(seen, network)
        if wanted and others:
            domain = summarise(module, network, wanted, held_out, others, settings)
        under_attack = _under_attack(module, network, held_out, device, settings.score_batch_size)
    tagger = _as_it_scores(tagger, output, weights, held_out.inputs, device)
    scores, estimates = tagger.evaluated(held_out.inputs, settings.score_batch_size)
    for found in (scores, estimates):
        events.require_finite(found, f"score of {name}", "held-out jets")
    weights_held_out = _weights(held_out, settings.training.pt_bins, network.training.mass_bins)
    told = network.classes, network.background
    result = Network(
        network=name,
        classes=network.classes,
        background=network.background,
        parameters=tagger.parameters,
        train_jets=train_jets,
        held_out_jets=count(held_out, network),
        loss=loss,
        sculpting=sculpted(scores, held_out.labels, held_out.softdrop_mass, *told, settings.seed),
        regression=closures(estimates, held_out, network, weights_held_out),
        under_attack=under_attack,
        domain=domain,
        **vars(measure(scores, held_out.labels, *told)),
    )
    for signal, area in result.auc.items():
        log.info("%s: AUC of %s against %s %.4f", name, signal, network.background, area)
    networks.save(output, name, network, weights)
    write(summary, result)


def _as_it_scores(tagger: Tagger, output: Path, weights: dict[str, Tensor], inputs: Inputs, device: str) -> Tagger:
    """The tagger as ``tag score`` will run it: where there is no GPU, as the graph of its architecture, if it has one.

    Raises:
        ConfigError: the graph gives other scores than the module.
    """
    architecture = tagger.settings.architecture
    entry = architectures()[architecture]
    if (device != "cpu" and not entry.learner) or EXPORT in weights or entry.maker is None:
        return tagger
    graph = from_arrays(output, tagger.name, tagger.settings, {name: value.numpy() for name, value in weights.items()})
    jets = inputs.take(np.arange(min(len(inputs), COMPARED)))
    pairs = zip(graph.evaluated(jets, COMPARED), tagger.evaluated(jets, COMPARED), strict=True)
    difference = np.concatenate([np.abs(one - other) for one, other in pairs], axis=1).max(axis=1)
    if np.median(difference) > AGREEMENT:
        raise ConfigError(
            f"config: tag.networks.{tagger.name}.architecture: the graph of {architecture} gives other scores than its "
            f"module, by {np.median(difference):.1g}; correct or leave out its graph."
        )
    return replace(graph, parameters=tagger.parameters)


def train(
    network: NetworkConfig, settings: TagConfig, seen: Sample, held_out: Sample, other: Sample | None = None
) -> tuple[torch.nn.Module, Loss]:
    """Minimise the weighted cross entropy, and what the network's own training adds, with AdamW in one cycle.

    Returns the network and per epoch the mean loss of training jets and the cross entropy of held-out ones. The same
    configuration gives the same weights, bit by bit, on the same machine with one thread.

    Raises:
        NotFiniteError: the training diverged.
        ConfigError: batches are too small for what the network's training wants.
    """
    training.deterministic(settings.seed)
    device = networks.device(settings.device)
    plan = settings.training
    module = networks.build(network).to(device)
    seen_jets, held_out_jets = (
        Jets.of(sample, _weights(sample, plan.pt_bins, network.training.mass_bins), device)
        for sample in (seen, held_out)
    )
    n_batches = max(len(seen) // plan.batch_size, 1)
    objective = Objective(module, network, seen_jets, plan.batch_size, settings.seed)
    if network.training.domain and other is not None:
        objective.adapt(network, network.training.domain, other, plan.epochs * n_batches, settings.seed)
    parameters = [*module.parameters(), *objective.helpers.parameters()]
    optimizer = torch.optim.AdamW(parameters, plan.learning_rate, weight_decay=plan.weight_decay)
    parts = torch.split(torch.arange(len(held_out), device=device), plan.batch_size)
    history = training.fit(
        module,
        objective,
        _passes(len(seen), n_batches, settings.seed, device),
        optimizer,
        plan.epochs,
        rate=training.one_cycle(optimizer, plan.learning_rate, plan.epochs * n_batches),
        held_out=lambda: sum(_cross_entropy(module, held_out_jets, rows) for rows in parts) / len(held_out),
        what=f"a {network.architecture}",
        key="tag.training.learning_rate",
    )
    return module, Loss(train=history.training, held_out=history.held_out)


def _passes(n: int, batches: int, seed: int, device: str) -> Iterator[list[Tensor]]:
    """The jets' numbers in so many batches, in another order each epoch."""
    rng = np.random.default_rng(seed)
    while True:
        yield [torch.from_numpy(rows).to(device) for rows in np.array_split(rng.permutation(n), batches)]


def _under_attack(
    module: torch.nn.Module, network: NetworkConfig, held_out: Sample, device: str, batch_size: int
) -> Measured | None:
    try:
        scores = attacked(module, held_out, device, batch_size)
        events.require_finite(scores, f"score of a {network.architecture}", "shifted jets")
        return measure(scores, held_out.labels, network.classes, network.background)
    except NotFiniteError as error:
        log.warning("not measured under attack: %s", error)
        return None


def attacked(module: torch.nn.Module, sample: Sample, device: str, batch_size: int) -> np.ndarray:
    """The scores (n, classes) of jets whose inputs are shifted against the network (see ``learn.adversarial``).

    The shift has the length that robust trainings have by default, whatever this network's was: one measure for all.

    Raises:
        NotFiniteError: the network has no finite gradient.
    """
    size, jets = RobustConfig().size, Jets.of(sample, np.ones(len(sample)), device)
    found = []
    for rows in torch.split(torch.arange(len(sample), device=device), batch_size):
        _, given = against(module, jets, rows, size)
        with torch.no_grad():
            found.append(module(*given).softmax(dim=1).cpu())
    scores: np.ndarray = torch.cat(found).numpy()
    return scores


def _cross_entropy(module: torch.nn.Module, jets: Jets, rows: Tensor) -> float:
    """The sum over some jets."""
    return jets.loss(module(*jets.given(rows)), rows).mean().item() * len(rows)


def _weights(sample: Sample, pt_bins: int, mass_bins: int) -> np.ndarray:
    return balancing_weights(sample.labels, sample.pt, pt_bins, sample.softdrop_mass, mass_bins)


def balancing_weights(
    labels: np.ndarray, pt: np.ndarray, bins: int, mass: np.ndarray | None = None, mass_bins: int = 1
) -> np.ndarray:
    """Weights (n,) of mean one that give every class the same sum in each bin of jet pT, and of mass.

    So a network cannot tell the classes by the jet's pT, which would sculpt m_jj, nor by the mass where that has bins.
    All cells of pT and mass have the same sum, too: with bins of equal numbers of jets each class is flat in them.
    Where a class has less than a tenth of a cell's fair share, it is weighted as if it had that much, lest a few jets
    stand for a whole cell.
    """
    cell = _bin(pt, bins)
    if mass is not None and mass_bins > 1:
        # In each bin of pT of its own: heavy jets are hard ones.
        within = np.zeros_like(cell)
        for i in range(bins):
            within[cell == i] = _bin(mass[cell == i], mass_bins)
        cell, bins = cell * mass_bins + within, bins * mass_bins
    n_classes = labels.max() + 1
    cell = cell * n_classes + labels
    weights = 1.0 / np.maximum(np.bincount(cell), 0.1 * len(cell) / (bins * n_classes))[cell]
    balanced: np.ndarray = weights / weights.mean()
    return balanced


def _bin(values: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each value, of so many with equal numbers of them."""
    if not len(values):
        return np.zeros(0, int)
    place: np.ndarray = np.digitize(values, np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return place
