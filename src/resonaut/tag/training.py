"""Training a network, and measuring it on jets it has not seen."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resonaut.core import events
from resonaut.core.errors import ConfigError, NotFiniteError
from resonaut.core.results import write
from resonaut.learn import processes, training
from resonaut.learn.checkpoint import Checkpoint
from resonaut.learn.progress import Progress
from resonaut.tag import networks
from resonaut.tag.adaptation import load_other, summarise
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.architectures import require_consistent
from resonaut.tag.balance import balancing_weights
from resonaut.tag.closure import closures
from resonaut.tag.fingerprint import fingerprint
from resonaut.tag.importance import importance
from resonaut.tag.inputs import Inputs
from resonaut.tag.learning import Labelled, learn
from resonaut.tag.objective import Jets, Objective, against
from resonaut.tag.performance import performance
from resonaut.tag.results import Attacked, Loss, Lost, Network
from resonaut.tag.roc import lost, measure
from resonaut.tag.sample import Sample, Simulation, Source, Stored, choose, count, load
from resonaut.tag.settings import NetworkConfig, RobustConfig, TagConfig
from resonaut.tag.stream import Stream
from resonaut.tag.tagger import EXPORT, Tagger, from_arrays

log = logging.getLogger(__name__)

# So many jets are scored with torch and with the graph, and by so much a score may differ.
COMPARED, AGREEMENT = 64, 1e-4


@dataclass(frozen=True)
class Run:
    """What accompanies a training, and changes nothing of its result.

    ``checkpoint``: the file from which it goes on; ``every``: steps between two of them; ``digest`` tells this training
    from others. ``progress`` is called after each epoch.
    """

    checkpoint: Path | None = None
    every: int = 200
    digest: str = ""
    progress: Progress | None = None


def make_model(
    settings: TagConfig,
    name: str,
    source: Source,
    output: Path,
    summary: Path,
    other: Simulation | None = None,
    run: Run = Run(),
) -> None:
    """Train the network ``name``, or take its published weights; write model and summary.

    The summary holds the number of parameters, the jets per class, the loss per epoch, and per signal
    class against QCD the ROC curve and its area, on held-out jets. ``other``: the domain to which it is adapted.
    Of several processes the first one writes.
    """
    network = settings.networks[name]
    require_consistent(name, network)
    device = networks.device(settings.device)
    if network.weights is not None:
        # First: a file that cannot be used is named before any jet is read.
        tagger, weights = networks.published(Path(network.weights), name, network, device)
    held_out = load(source, settings, network, "held_out")
    loss, train_jets, shifted, domain = Loss(train=[], held_out=[]), {}, None, None
    bins = settings.training.pt_bins, network.training.mass_bins
    if architectures()[network.architecture].learner:
        learnt = load(source, settings, network, "train")
        given = (Labelled(one.inputs, one.labels, _weights(one, *bins)) for one in (learnt, held_out))
        tagger, state, loss = learn(name, network, settings, *given)
        weights, train_jets = {key: torch.from_numpy(values) for key, values in state.items()}, count(learnt, network)
    elif network.weights is None:
        other = other or Simulation([], [])
        seen = choose(source, settings, network, "train")
        judged = held_out if settings.training.patience is None else load(source, settings, network, "validation")
        wanted = network.training.domain
        others = load_other(other, settings, network, wanted) if wanted else None
        read = [*seen.files, *other.files]
        run = replace(run, digest=fingerprint(settings, name, read)) if run.checkpoint else run
        module, loss = train(network, settings, seen, judged, others[0] if others else None, run)
        if processes.rank() > 0:
            return
        weights = {key: value.cpu() for key, value in module.state_dict().items()}
        tagger = networks.from_module(name, network, module, device)
        train_jets = seen.count(network)
        if wanted and others:
            domain = summarise(module, network, wanted, held_out, others, settings)
        shifted = _attacked(module, network, held_out, device, settings.score_batch_size)
    tagger = _as_it_scores(tagger, output, weights, held_out.inputs, device)
    scores, estimates = tagger.evaluated(held_out.inputs, settings.score_batch_size)
    for found in (scores, estimates):
        events.require_finite(found, f"score of {name}", "held-out jets")
    weights_held_out = _weights(held_out, *bins)
    result = Network(
        network=name,
        parameters=tagger.parameters,
        train_jets=train_jets,
        loss=loss,
        regression=closures(estimates, held_out, network, weights_held_out),
        domain=domain,
        **_measured(tagger, held_out, scores, shifted, settings),
    )
    for signal, area in result.auc.items():
        log.info("%s: AUC of %s against %s %.4f", name, signal, network.background, area)
    networks.save(output, name, network, weights)
    write(summary, result)
    if run.checkpoint is not None:
        run.checkpoint.unlink(missing_ok=True)


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
    network: NetworkConfig,
    settings: TagConfig,
    seen: Stored,
    judged: Sample,
    other: Sample | None = None,
    run: Run = Run(),
) -> tuple[torch.nn.Module, Loss]:
    """Minimise the weighted cross entropy, and what the network's own training adds, with AdamW.

    Returns the network and per epoch the mean loss of training jets and the cross entropy of ``judged`` ones. The same
    configuration gives the same weights, bit by bit, on the same machine with one thread, whether or not the training
    was killed on the way.

    Raises:
        NotFiniteError: the training diverged.
        ConfigError: batches are too small for what the network's training wants, or for so many processes.
    """
    training.deterministic(settings.seed)
    device, plan, seed = networks.device(settings.device), settings.training, settings.seed
    _require_shares(plan.batch_size)
    module = networks.build(network).to(device)
    if processes.rank():
        # Each process drops out other connections.
        torch.manual_seed(seed + processes.rank())
    stream = Stream(seen, plan, network.training.mass_bins, seed, device)
    objective = Objective(module, network, stream.begin(), plan.batch_size, seed)
    steps = plan.epochs * stream.steps
    if network.training.domain and other is not None:
        objective.adapt(network, network.training.domain, other, steps * plan.accumulate, seed)
    parameters = [*module.parameters(), *objective.helpers.parameters()]
    optimizer = torch.optim.AdamW(parameters, plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = training.one_cycle if plan.schedule == "one_cycle" else training.warm_up_cosine
    judges = Jets.of(judged, _weights(judged, plan.pt_bins, network.training.mass_bins), device)
    parts = torch.split(torch.arange(len(judged), device=device), plan.batch_size)
    checkpoint = Checkpoint.open(run.checkpoint, run.digest, run.every) if run.checkpoint else None
    history = training.fit(
        module,
        objective,
        stream.passes(*((checkpoint.epoch, checkpoint.batch) if checkpoint else (1, 0)), objective.see),
        optimizer,
        plan.epochs,
        rate=schedule(optimizer, plan.learning_rate, steps, plan.warm_up),
        held_out=lambda: sum(_cross_entropy(module, judges, rows) for rows in parts) / len(judged),
        keep_best=plan.patience is not None,
        patience=plan.patience,
        steps=training.Steps(plan.accumulate, getattr(torch, plan.precision)),
        checkpoint=checkpoint,
        parts={"objective": objective},
        watch=run.progress if processes.rank() == 0 else None,
        what=f"a {network.architecture}",
        key="tag.training.learning_rate",
    )
    return module, Loss(train=history.training, held_out=history.held_out)


def _require_shares(batch_size: int) -> None:
    """Stop where a process would have no two jets of each batch, of which batch normalisation wants a spread."""
    if batch_size < 2 * processes.world():
        raise ConfigError(
            f"tag.training.batch_size: {batch_size} jets for {processes.world()} processes; make it at least "
            f"{2 * processes.world()}, or start fewer."
        )


def _measured(
    tagger: Tagger, held_out: Sample, scores: np.ndarray, shifted: np.ndarray | None, settings: TagConfig
) -> dict[str, Any]:
    """What a summary says of held-out jets with these ``scores``, and with those of the ``shifted`` ones."""
    jets, told = held_out.known, (tagger.settings.classes, tagger.settings.background)

    def fallen(others: np.ndarray) -> dict[str, Lost]:
        return lost(scores, others, jets.labels, *told, jets.events, settings.seed)

    def exchanged(inputs: Inputs) -> dict[str, Lost]:
        return fallen(tagger.scores(inputs, settings.score_batch_size))

    found = performance(scores, jets, *told, settings, tagger.settings.training.mass_bins)
    found["importance"] = importance(held_out.inputs, exchanged, settings.seed)
    found["under_attack"] = None
    if shifted is not None:
        attack = measure(shifted, jets.labels, *told, jets.events, settings.seed)
        found["under_attack"] = Attacked(**vars(attack), auc_lost=fallen(shifted))
    return found


def _attacked(
    module: torch.nn.Module, network: NetworkConfig, held_out: Sample, device: str, batch_size: int
) -> np.ndarray | None:
    try:
        scores = attacked(module, held_out, device, batch_size)
        events.require_finite(scores, f"score of a {network.architecture}", "shifted jets")
        return scores
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
