"""Networks of torchvision, timm and transformers, small and with random weights."""

import os
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import pytest
import torch
import torch_networks as networks
from readers import info, manifest
from torch import nn
from torch.utils.data import DataLoader

import dnnviz
from dnnviz import Recorder, RecordingWarning
from dnnviz._torch import TorchCapture

torchvision = pytest.importorskip("torchvision")
timm = pytest.importorskip("timm")
transformers = pytest.importorskip("transformers")

#: A third of the positions is padding.
IDS = torch.randint(3, 50, (6, 9), generator=torch.Generator().manual_seed(1))
MASK = (torch.arange(9) < torch.tensor([9, 4, 6, 3, 9, 5])[:, None]).long()
WORDS = {"input_ids": IDS, "attention_mask": MASK}
LABELS = np.arange(6) % 3
#: The sizes of a small transformer.
SMALL = {
    "vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 24, "max_position_embeddings": 32, "num_labels": 3, "pad_token_id": 0,
}  # fmt: skip


def seeded(make):
    torch.manual_seed(0)
    return make().eval()


def images(size):
    return torch.randn(4, 3, size, size, generator=torch.Generator().manual_seed(1))


def outputs(model, inputs):
    """The outputs of all modules that are called once, by name."""
    found, handles = {}, []
    for name, module in model.named_modules():
        handles.append(
            module.register_forward_hook(
                lambda _m, _a, output, name=name: found.setdefault(name, []).append(output)
            )
        )
    with torch.no_grad():
        model(**inputs) if isinstance(inputs, dict) else model(inputs)
    for handle in handles:
        handle.remove()
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def names(capture):
    return [layer.name for layer in capture.layers]


# Layers that evaluation does not call.

VISION = torchvision.models
UNCALLED = {
    "GoogLeNet": (
        lambda: VISION.googlenet(weights=None, num_classes=3, init_weights=False),
        lambda: images(48),
        r"aux1, aux2 \(not called in evaluation\); exclude=\['aux1', 'aux2'\]",
        ["aux1", "aux2"],
    ),
    "Inception v3": (
        lambda: VISION.inception_v3(weights=None, num_classes=3, init_weights=False),
        lambda: images(80),
        r"AuxLogits \(not called in evaluation\); exclude='AuxLogits'",
        ["AuxLogits"],
    ),
    "BEiT": (
        lambda: timm.create_model("beit_base_patch16_224", img_size=32, depth=3, embed_dim=16, num_heads=2),
        lambda: images(32),
        r"blocks\.\*\.attn\.qkv \(not called in evaluation\); exclude='blocks\.\*\.attn\.qkv'",
        ["blocks.*.attn.qkv"],
    ),
    "T5": (
        lambda: transformers.T5ForConditionalGeneration(
            transformers.T5Config(vocab_size=60, d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2)
        ),
        lambda: WORDS | {"decoder_input_ids": IDS[:, :5]},
        r"shared \(not called in evaluation\); exclude='shared'",
        ["shared"],
    ),
}


@pytest.mark.parametrize("network", UNCALLED)
def test_layers_that_evaluation_does_not_call_are_left_out_with_one_warning(network):
    make, inputs, message, exclude = UNCALLED[network]
    model, inputs = seeded(make), inputs()
    with pytest.warns(RecordingWarning, match=f"^not recorded: {message} ") as caught:
        capture = TorchCapture(model, inputs)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names(TorchCapture(model, inputs, exclude=exclude)) == names(capture)
    first = next(
        name
        for name, module in model.named_modules()
        if name.endswith(("qkv", "shared", "aux1.fc1", "AuxLogits.fc"))
    )
    with pytest.raises(dnnviz.RecorderError, match=rf"^layer {first} is not called in evaluation"):
        TorchCapture(model, inputs, layers=first)


def test_an_attention_that_uses_only_the_weights_of_its_layers_is_one_layer():
    model = seeded(
        lambda: VISION.SwinTransformer(
            [4, 4], 8, [1, 1], [2, 2], [4, 4], num_classes=3, stochastic_depth_prob=0.0
        )
    )
    x = images(32)
    capture = TorchCapture(model, x)
    assert names(capture) == [
        "features.0.0", "features.1.0.attn", "features.1.0.mlp.0", "features.1.0.mlp.3",
        "features.2.reduction", "features.3.0.attn", "features.3.0.mlp.0", "features.3.0.mlp.3", "head",
    ]  # fmt: skip
    with capture.open():
        values = dict(zip(names(capture), capture.batch(x).values, strict=True))
    expected = outputs(model, x)["features.3.0.attn"].mean((1, 2))
    torch.testing.assert_close(values["features.3.0.attn"], expected)


# Experts.


def switch():
    return transformers.SwitchTransformersEncoderModel(
        transformers.SwitchTransformersConfig(
            vocab_size=60, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_sparse_encoder_layers=1,
            num_heads=2, num_experts=5, expert_capacity=64,
        )
    )  # fmt: skip


def test_experts_of_a_switch_transformer_have_no_value_where_no_position_reaches_them(run):
    model = seeded(switch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Recorder(run, model, (WORDS, LABELS), exclude="shared", batch_size=4) as recorder:
            recorder.epoch(0)
    found = networks.recorded(run)
    block = "encoder.block.1.layer.1.mlp"
    whole = outputs(model, WORDS)
    to = whole[f"{block}.router.classifier"].softmax(-1).argmax(-1)
    experts = [name for name in found if ".experts." in name]
    assert experts == [
        f"{block}.experts.expert_{number}.{part}" for number in range(5) for part in ("wi", "wo")
    ]
    rows = whole[f"{block}.router.classifier"].new_tensor([0.0])
    missing = 0
    for number in range(5):
        name = f"{block}.experts.expert_{number}.wo"
        # The rows of an expert are those that reach it, in order.
        rows = whole.get(name)
        places = (to == number).nonzero()
        for row in range(6):
            chosen = (places[:, 0] == row) & MASK[places[:, 0], places[:, 1]].bool()
            if not chosen.any():
                assert found[name][row].isnan().all()
                missing += 1
                continue
            torch.testing.assert_close(found[name][row], rows[chosen].mean(0), rtol=1e-4, atol=1e-5)
    assert 0 < missing < 30
    assert info(run)["warnings"] == [] and "not_finite" not in manifest(run)["epochs"][0]


@pytest.mark.parametrize("experts", ["eager", "batched_mm", "grouped_mm"])
def test_a_mixture_of_one_module_is_one_layer(experts):
    config = transformers.MixtralConfig(
        **SMALL,
        num_key_value_heads=1,
        num_local_experts=4,
        num_experts_per_tok=2,
        experts_implementation=experts,
    )
    model = seeded(lambda: transformers.MixtralForSequenceClassification(config))
    capture = TorchCapture(model, WORDS)
    assert len(capture.layers) == 14 and "model.layers.1.mlp.experts" in names(capture)
    with capture.open():
        values = dict(zip(names(capture), capture.batch(WORDS).values, strict=True))
    whole = outputs(model, WORDS)["model.layers.1.mlp.experts"].view(6, 9, -1)
    expected = (whole * MASK[:, :, None]).sum(1) / MASK.sum(1, keepdim=True)
    torch.testing.assert_close(values["model.layers.1.mlp.experts"], expected, rtol=1e-4, atol=1e-5)


def test_idle_experts_are_recorded_like_their_siblings():
    model = seeded(
        lambda: transformers.NllbMoeModel(
            transformers.NllbMoeConfig(
                vocab_size=60, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, num_experts=6,
                encoder_sparse_step=1, decoder_sparse_step=1,
            )
        )
    )  # fmt: skip
    capture = TorchCapture(model, WORDS | {"decoder_input_ids": IDS[:, :5]}, exclude="shared")
    experts = [layer for layer in capture.layers if ".ffn.experts." in layer.name]
    assert [layer.name for layer in experts] == [
        f"{part}.layers.0.ffn.experts.expert_{number}.fc{layer}"
        for part in ("encoder", "decoder")
        for number in range(6)
        for layer in (1, 2)
    ]
    assert {layer.units for layer in experts} == {16, 24}


# Graphs.


def gpt2():
    config = transformers.GPT2Config(vocab_size=60, n_embd=16, n_layer=12, n_head=2, n_positions=32)
    config.bos_token_id = config.eos_token_id = 0
    return transformers.GPT2Model(config)


@pytest.mark.parametrize(
    ("make", "inputs", "operation", "joints"),
    [
        (lambda: VISION.resnet50(weights=None), images(32), "add", 16),
        (lambda: VISION.densenet121(weights=None), images(32), "concat", 58),
        (gpt2, WORDS, "add", 24),
    ],
)
def test_the_edges_of_deep_networks_are_few(make, inputs, operation, joints):
    capture = TorchCapture(seeded(make), inputs)
    assert capture.joints == [operation] * joints
    assert len(capture.edges) == len(set(capture.edges)) <= len(capture.layers) + 2 * joints
    nodes = len(capture.layers) + joints
    into, out = (np.bincount([edge[end] for edge in capture.edges], minlength=nodes) for end in (1, 0))
    assert (into[-joints:] == 2).all() and (out[-joints:] >= 1).all()


def test_the_modules_around_the_layers_of_a_resnet_and_a_gpt2():
    modules = TorchCapture(seeded(lambda: VISION.resnet50(weights=None)), images(32)).modules
    blocks = [
        f"layer{stage}.{block}" for stage, count in enumerate((3, 4, 6, 3), 1) for block in range(count)
    ]
    expected = {f"layer{stage}": "Sequential" for stage in range(1, 5)}
    expected |= dict.fromkeys(blocks, "Bottleneck")
    expected |= {f"layer{stage}.0.downsample": "Sequential" for stage in range(1, 5)}
    assert modules == expected
    modules = TorchCapture(seeded(gpt2), WORDS).modules
    assert (modules["h"], modules["h.11"]) == ("ModuleList", "GPT2Block")
    assert (modules["h.11.attn"], modules["h.11.mlp"]) == ("GPT2Attention", "GPT2MLP")


def test_the_graph_of_a_llama_block():
    model = seeded(
        lambda: transformers.LlamaModel(
            transformers.LlamaConfig(**SMALL | {"num_hidden_layers": 1}, num_key_value_heads=1)
        )
    )
    capture = TorchCapture(model, WORDS, layers=nn.Linear)
    # q, k, v, o, gate, up, down; the second sum leads to no layer.
    assert [name.rpartition(".")[2][0] for name in names(capture)] == list("qkvogud")
    assert capture.joints == ["attention", "mul"]
    assert capture.edges == [
        (7, 3), (3, 4), (3, 5), (8, 6), (0, 7), (1, 7), (2, 7), (4, 8), (5, 8)
    ]  # fmt: skip


# Padding.


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_means_of_a_padded_batch_leave_out_padding(run, attention):
    model = seeded(
        lambda: transformers.BertForSequenceClassification(
            transformers.BertConfig(**SMALL, attn_implementation=attention)
        )
    )
    with Recorder(run, model, (WORDS, LABELS), after_activation=False, batch_size=4) as recorder:
        recorder.epoch(0)
    found, whole = networks.recorded(run), outputs(model, WORDS)
    assert len(found) == 17
    for name, value in found.items():
        expected = whole[name]
        if expected.ndim == 3:
            expected = (expected * MASK[:, :, None]).sum(1) / MASK.sum(1, keepdim=True)
        torch.testing.assert_close(
            value, expected, rtol=1e-4, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    assert torch.equal(networks.stored(run)["predictions"], whole["classifier"].argmax(1))


def test_padding_does_not_change_the_values(run):
    """Each input alone, without padding, has the values that it has in the padded batch."""
    model = seeded(lambda: transformers.BertModel(transformers.BertConfig(**SMALL)))
    Recorder(run, model, (WORDS, None)).epoch(0)
    found = networks.recorded(run)
    for row, length in enumerate(MASK.sum(1).tolist()):
        alone = run.with_name(f"input {row}")
        Recorder(alone, model, (IDS[row : row + 1, :length], None)).epoch(0)
        for name, value in networks.recorded(alone).items():
            torch.testing.assert_close(found[name][row], value[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", ["last", "first", -1])
def test_one_position_of_a_decoder(run, positions):
    config = transformers.GPT2Config(vocab_size=60, n_embd=16, n_layer=2, n_head=2, n_positions=32)
    config.bos_token_id = config.eos_token_id = 0
    model = seeded(lambda: transformers.GPT2Model(config))
    Recorder(run, model, (WORDS, None), positions=positions, batch_size=4).epoch(0)
    at = {"last": MASK.sum(1) - 1, "first": torch.zeros(6).long(), -1: torch.full((6,), 8)}[positions]
    found, whole = networks.recorded(run), outputs(model, WORDS)
    for name in ("wte", "h.0.attn.c_attn", "h.1.mlp.c_proj"):
        torch.testing.assert_close(found[name], whole[name][torch.arange(6), at], rtol=1e-4, atol=1e-5)


# Inputs.


def test_a_loader_of_dicts_with_labels(run):
    model = seeded(lambda: transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL)))
    rows = [
        {"input_ids": ids, "attention_mask": mask, "labels": int(label)}
        for ids, mask, label in zip(IDS, MASK, LABELS, strict=True)
    ]
    with Recorder(run, model, DataLoader(rows, 4), keep=6) as recorder:
        recorder.epoch(0)
    other = run.with_name("arrays")
    with Recorder(other, model, (WORDS, LABELS), keep=6, batch_size=4) as recorder:
        recorder.epoch(0)
    found, expected = networks.stored(run), networks.stored(other)
    assert list(found) == list(expected) and "predictions" in found
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, equal_nan=True)
    assert found["counts"].tolist() == [6, 2, 2, 2]


def test_settings_among_the_arguments(run):
    config = {
        name: value for name, value in SMALL.items() if name not in ("vocab_size", "max_position_embeddings")
    }
    model = seeded(
        lambda: transformers.ViTForImageClassification(
            transformers.ViTConfig(**config, image_size=32, patch_size=8)
        )
    )
    inputs = {
        "pixel_values": images(40),
        "interpolate_pos_encoding": True,
        "head_mask": None,
        "return_dict": False,
    }
    with Recorder(run, model, (inputs, [0, 1, 2, 0])) as recorder:
        recorder.epoch(0)
    with torch.no_grad():
        expected = model(images(40), interpolate_pos_encoding=True).logits
    torch.testing.assert_close(networks.recorded(run)["classifier"], expected)
    assert torch.equal(networks.stored(run)["predictions"], expected.argmax(1))


def test_the_encoding_of_a_tokenizer_is_a_dict_of_inputs(run):
    encoding = transformers.BatchEncoding(dict(WORDS))
    model = seeded(lambda: transformers.BertModel(transformers.BertConfig(**SMALL)))
    Recorder(run, model, (encoding, LABELS), batch_size=4).epoch(0)
    assert networks.recorded(run)["embeddings.word_embeddings"].shape == (6, 16)


# Quantised networks.


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::UserWarning:torch", "ignore::UserWarning:torchvision"
)
def test_a_quantised_network_has_the_layers_of_its_original(run):
    quantization = pytest.importorskip("torch.ao.quantization")
    model = seeded(lambda: VISION.quantization.mobilenet_v2(weights=None, width_mult=0.25, num_classes=3))
    original = names(TorchCapture(model, images(32)))
    model.fuse_model(is_qat=False)
    model.qconfig = quantization.get_default_qconfig(torch.backends.quantized.engine)
    quantization.prepare(model, inplace=True)
    model(images(32))
    quantization.convert(model, inplace=True)
    capture = TorchCapture(model, images(32))
    assert names(capture) == original
    with capture.open():
        values = capture.batch(images(32)).values
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in values)
