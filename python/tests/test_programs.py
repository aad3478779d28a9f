"""Programs, whose layers cannot be watched: errors say what can be recorded instead."""

import pytest
import torch
import torch_networks as networks
from torch import nn

import dnnviz
from dnnviz import RecorderError
from dnnviz._torch import TorchCapture

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

ADVICE = (
    r"record the nn\.Module before it is scripted, traced or exported .*torch\.export\.unflatten.*"
    r"leave the model out and give its arrays to rec\.layer$"
)
X = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))


def network():
    return networks.seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)))


def exported(model):
    return torch.export.export(model, (X,), dynamic_shapes=({0: torch.export.Dim("batch")},))


@pytest.mark.parametrize("options", [{}, {"layers": "0"}, {"exclude": "2"}, {"layers": 1}])
@pytest.mark.parametrize("make", [torch.jit.script, lambda model: torch.jit.trace(model, X)])
def test_a_scripted_model_is_refused_with_what_to_do(run, make, options):
    with pytest.raises(
        RecorderError, match=f"^the layers of a TorchScript program cannot be watched; {ADVICE}"
    ):
        dnnviz.Recorder(run, make(network()), (X, None), **options)


def test_a_frozen_program_is_refused_with_what_to_do(run):
    frozen = torch.jit.freeze(torch.jit.script(network().eval()))
    with pytest.raises(
        RecorderError, match=f"^the layers of a TorchScript program cannot be watched; {ADVICE}"
    ):
        dnnviz.Recorder(run, frozen, (X, None))


def test_a_scripted_part_is_left_out_unless_it_is_named():
    model = nn.Sequential(nn.Linear(4, 4), torch.jit.script(network()), nn.Linear(3, 2))
    with pytest.warns(
        dnnviz.RecordingWarning, match=r"^not recorded: 1 \(TorchScript, which cannot be watched\)"
    ):
        capture = TorchCapture(model, X)
    assert [layer.name for layer in capture.layers] == ["0", "2"]
    with pytest.raises(
        RecorderError, match=rf"^layer 1\.2 is TorchScript, which cannot be watched; {ADVICE}"
    ):
        TorchCapture(model, X, layers="1.2")
    with pytest.raises(
        RecorderError, match=f"^no layer can be recorded: layer 0.0 is TorchScript.*; {ADVICE}"
    ):
        TorchCapture(nn.Sequential(torch.jit.script(network())), X)


def test_an_exported_program_is_refused_with_what_to_do(run):
    program = exported(network())
    with pytest.raises(RecorderError, match=f"^model is an ExportedProgram, .* cannot be watched; {ADVICE}"):
        dnnviz.Recorder(run, program, (X, None))
    with pytest.raises(RecorderError, match=f"^GraphModule calls none of its layers, .*; {ADVICE}"):
        dnnviz.Recorder(run, program.module(), (X, None))
    assert not run.exists()


def test_the_advice_works(run):
    model = network()
    with dnnviz.Recorder(run, model, (X, None)) as recorder:
        recorder.epoch(0)
    unflattened = run.with_name("unflattened")
    with dnnviz.Recorder(unflattened, torch.export.unflatten(exported(model)), (X, None)) as recorder:
        recorder.epoch(0)
    by_hand = run.with_name("arrays")
    program = torch.jit.script(model)
    with dnnviz.Recorder(by_hand) as recorder, torch.no_grad():
        recorder.layer("0", getattr(program, "0")(X).relu())
        recorder.layer("2", program(X))
        recorder.epoch(0)
    expected = networks.recorded(run)
    for other in (unflattened, by_hand):
        found = networks.recorded(other)
        assert list(found) == ["0", "2"]
        torch.testing.assert_close(found["2"], expected["2"])
    torch.testing.assert_close(networks.recorded(by_hand)["0"], expected["0"])
