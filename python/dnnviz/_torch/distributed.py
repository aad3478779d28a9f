"""The ranks of a distributed training, or a single process."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import distributed

T = TypeVar("T")


def is_distributed() -> bool:
    """Returns whether a process group is initialised."""
    return distributed.is_available() and distributed.is_initialized()


def rank() -> int:
    return distributed.get_rank() if is_distributed() else 0


def world() -> int:
    return distributed.get_world_size() if is_distributed() else 1


def device() -> torch.device:
    """Returns the device of tensors that are sent: the CPU, unless the backend sends only GPU memory."""
    backend = str(distributed.get_backend())
    accelerator = torch.accelerator.current_accelerator()
    if accelerator is None or "gloo" in backend or "mpi" in backend:
        return torch.device("cpu")
    return torch.device(accelerator.type, torch.accelerator.current_device_index())


def all_ok(ok: bool) -> bool:
    """Waits for all ranks and returns the conjunction of their `ok`."""
    if not is_distributed():
        return ok
    failed = torch.tensor([0 if ok else 1], device=device())
    distributed.all_reduce(failed)
    return int(failed.item()) == 0


def gather(value: T) -> list[T]:
    """Returns `value` of every rank, in rank order, on every rank."""
    if not is_distributed():
        return [value]
    values: list[Any] = [None] * world()
    distributed.all_gather_object(values, value)
    return values
