"""Two processes over gloo record what one process records."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch_networks as networks
from readers import left_over, manifest
from torch_rank import COUNT, TASKS, model_and_inputs

import dnnviz

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    """The folder with the runs of all tasks, and what each of two processes printed."""
    folder = tmp_path_factory.mktemp("ranks")
    paths = [str(HERE), str(Path(dnnviz.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    processes = [
        subprocess.Popen(
            [sys.executable, HERE / "torch_rank.py", str(rank), "2", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for rank in range(2)
    ]
    try:
        done = [process.communicate(timeout=180) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, done, strict=True):
        assert process.returncode == 0, errors
    assert not left_over(folder)
    return folder, [out.splitlines() for out, _ in done]


def said(lines, task):
    return [line.removeprefix(f"{task}: ") for line in lines if line.startswith(f"{task}: ")]


def assert_equal(together, alone):
    assert sorted(alone) == sorted(together)
    for name, value in alone.items():
        # Batches are cut elsewhere, so sums differ in their last bits.
        torch.testing.assert_close(together[name], value, rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("task", ["all", "some", "none"])
def test_two_processes_record_the_same_as_one(ranks, run, task):
    folder, printed = ranks
    assert [said(lines, task) for lines in printed] == [["last epoch 2"]] * 2
    model, x, y = model_and_inputs()
    with dnnviz.Recorder(run, model, (x, y), batch_size=5, **TASKS[task]) as rec:
        for epoch in range(3):
            rec.epoch(epoch, accuracy=0.5)
    one, two = manifest(run), manifest(folder / task)
    assert [len(epoch["files"]) for epoch in two["epochs"]] == [1 if task == "none" else 2] * 3
    for document in (one, two):
        for epoch in document["epochs"]:
            del epoch["files"], epoch["time"]
    assert one == two
    for epoch in range(3):
        alone, together = networks.stored(run, epoch), networks.stored(folder / task, epoch)
        inputs = together.pop("inputs", torch.empty(0))
        assert inputs.tolist() == list(range({"all": COUNT, "some": 7, "none": 0}[task]))
        assert ("0/units" in alone, "predictions" in alone) == (task != "none",) * 2
        assert ("0/mean" in alone) == (task != "all")
        assert_equal(together, alone)


def test_ranks_with_loaders_of_their_own_are_aggregated_together(ranks, run):
    folder, _ = ranks
    model, x, y = model_and_inputs()
    dnnviz.Recorder(run, model, (x, y), keep=0).epoch(0)
    together = networks.stored(folder / "loaders")
    assert together["counts"].tolist() == [23, 8, 8, 7]
    assert_equal(together, networks.stored(run))


@pytest.mark.parametrize(
    ("task", "outcome"), [("full disk", "warned"), ("failing model", "raised at epoch 1")]
)
def test_a_rank_that_fails_does_not_stop_the_others(ranks, task, outcome):
    folder, printed = ranks
    first, second = (said(lines, task) for lines in printed)
    assert "last epoch 2" in first and "last epoch 2" in second
    assert any(line.startswith("warned") and "epoch 1" in line for line in first), first
    assert any(line.startswith(outcome) for line in second), second
    assert [epoch["number"] for epoch in manifest(folder / task)["epochs"]] == [0, 2]
    listed = {file for epoch in manifest(folder / task)["epochs"] for file in epoch["files"]}
    assert {f"epochs/{path.name}" for path in (folder / task / "epochs").iterdir()} == listed
