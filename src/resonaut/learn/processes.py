"""A training in several processes, as ``torchrun`` starts them: each takes its share of every batch.

All hold the same network, and their gradients are averaged before each step, as torch's DistributedDataParallel does;
unlike there a loss may use the network more than once, and other networks beside it. So the training is that of one
process, up to rounding, where the loss is a mean over the batch. Without ``torchrun`` nothing here does anything.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Be one of the processes that ``torchrun`` started, if it did: over gloo, and over NCCL between GPUs."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def world() -> int:
    """The number of processes."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def rank() -> int:
    """The number of this one; the first, 0, is the one that writes."""
    return distributed.get_rank() if world() > 1 else 0


def share(rows: Tensor) -> tuple[Tensor, float]:
    """This process's rows of a batch, and the factor with which their mean loss counts in the mean over processes."""
    if world() == 1:
        return rows, 1.0
    mine = rows[rank() :: world()]
    return mine, len(mine) * world() / len(rows)


def average(values: Iterable[Tensor]) -> None:
    """Put the mean over the processes in the place of some numbers."""
    values = list(values) if world() > 1 else []
    if not values:
        return
    flat = torch.cat([value.detach().flatten() for value in values])
    distributed.all_reduce(flat)
    means = torch.split(flat.div_(world()), [value.numel() for value in values])
    for value, mean in zip(values, means, strict=True):
        value.detach().copy_(mean.view_as(value))


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """The same of gradients; a process in which a parameter has none counts with 0."""
    if world() == 1:
        return
    parameters = list(parameters)
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    average(parameter.grad for parameter in parameters if parameter.grad is not None)


def gathered(state: Tensor) -> Tensor:
    """The states of all processes, shape (processes, *state)."""
    if world() == 1:
        return state[None]
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    found = [torch.empty_like(state, device=device) for _ in range(world())]
    distributed.all_gather(found, state.to(device))
    return torch.stack(found).cpu()
