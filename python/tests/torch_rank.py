"""One rank of distributed recordings: `torch_rank.py RANK WORLD FOLDER`. Prints the outcome of each."""

import os
import resource
import sys
import warnings
from pathlib import Path

import torch
import torch_networks as networks
from torch import distributed, nn
from torch.utils.data import DataLoader, TensorDataset

import dnnviz

COUNT = 23
#: Recordings, and their options.
TASKS = {
    "all": {},
    "some": {"keep": 7},
    "none": {"keep": 0},
    "loaders": {},
    "full disk": {},
    "failing model": {"keep": 7},
}


def model_and_inputs():
    """The same on every rank."""
    return networks.seeded(networks.Cnn), networks.images(COUNT), networks.labels(COUNT)


def record(rank, world, folder, task):
    model, x, y = model_and_inputs()
    wrapped = nn.parallel.DistributedDataParallel(model)
    inputs = (x, y)
    if task == "loaders":
        # Parts of unequal size: the second rank has fewer batches.
        shares = TensorDataset(x, torch.from_numpy(y))
        inputs = DataLoader(shares, 4, sampler=range(rank, COUNT, world))
    with dnnviz.Recorder(folder / task, wrapped, inputs, batch_size=5, **TASKS[task]) as rec:
        for epoch in range(3):
            fails, limits = rank == 1 and epoch == 1, resource.getrlimit(resource.RLIMIT_FSIZE)
            if fails and task == "full disk":
                resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
            if fails and task == "failing model":
                handle = model.conv2.register_forward_pre_hook(lambda *_: 1 / 0)
            try:
                rec.epoch(epoch, accuracy=0.5)
            except ZeroDivisionError:
                print(f"{task}: raised at epoch {epoch}")
                handle.remove()
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        print(f"{task}: last epoch {rec.last_epoch}")


def main():
    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=world
    )
    for task in TASKS:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            record(rank, world, folder, task)
        for warning in caught:
            print(f"{task}: warned: {warning.message}")
    distributed.destroy_process_group()
    # The threads of gloo may outlive it and abort a process whose interpreter is being torn down:
    # https://github.com/pytorch/pytorch/pull/179291
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
