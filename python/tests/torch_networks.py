"""PyTorch networks for the tests, and their activations computed independently in double precision:
from the weights, by plain tensor arithmetic, without the modules and without hooks."""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from readers import manifest
from safetensors import safe_open
from torch import nn

torch.set_num_threads(1)


def stored(run, number=0):
    """Every array of an epoch, with the rows of all shards in the order of the inputs."""
    entry = next(entry for entry in manifest(run)["epochs"] if entry["number"] == number)
    parts = []
    for file in entry["files"]:
        with safe_open(Path(run) / file, framework="pt") as shard:
            arrays = {name: shard.get_tensor(name) for name in shard.keys()}  # noqa: SIM118 (no mapping)
        parts.append((arrays.get("inputs", torch.zeros(1)).min().item(), len(parts), arrays))
    found = {}
    for _, _, arrays in sorted(parts, key=lambda part: part[:2]):
        for name, value in arrays.items():
            found.setdefault(name, []).append(value)
    return {name: torch.cat(values) for name, values in found.items()}


def recorded(run, number=0):
    """Unit values of an epoch by layer name, in the order of the inputs."""
    arrays = stored(run, number)
    names = [layer["name"] for layer in manifest(run)["layers"]]
    return {name: arrays[f"{index}/units"] for index, name in enumerate(names)}


def wide(module):
    """Weights and buffers of `module` in double precision, by name."""
    return {name: value.detach().double() for name, value in module.state_dict().items()}


def normalised(x, weights, prefix, eps=1e-5):
    """Batch normalisation as in evaluation."""
    shape = (1, -1, 1, 1)
    mean, variance = weights[f"{prefix}.running_mean"], weights[f"{prefix}.running_var"]
    scale, shift = weights[f"{prefix}.weight"], weights[f"{prefix}.bias"]
    rooted = torch.sqrt(variance.view(shape) + eps)
    return (x - mean.view(shape)) / rooted * scale.view(shape) + shift.view(shape)


def with_statistics(model, seed=5):
    """Sets the running statistics of batch normalisations to values other than the defaults."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.num_features, generator=generator) / 4)
            module.running_var.copy_(0.5 + torch.rand(module.num_features, generator=generator))
    return model


class Cnn(nn.Module):
    """Activations as a module in place, a function and a method in place."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(6, 8, 3, padding=1)
        self.conv3 = nn.Conv2d(8, 5, 1)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(20, 10)

    def forward(self, x):
        x = self.pool(self.relu(self.bn1(self.conv1(x))))
        x = F.relu(self.conv2(x))
        x = self.conv3(x).sigmoid_()
        x = self.dropout(F.max_pool2d(x, 2).flatten(1))
        x = self.fc(x)
        # A change in place after the layer is not part of its output.
        return x.mul_(3).add_(1)


def cnn_reference(model, x):
    w, x = wide(model), x.double()
    one = normalised(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=1), w, "bn1").clamp(min=0)
    two = F.conv2d(F.max_pool2d(one, 2), w["conv2.weight"], w["conv2.bias"], padding=1).clamp(min=0)
    three = 1 / (1 + torch.exp(-F.conv2d(two, w["conv3.weight"], w["conv3.bias"])))
    fc = F.max_pool2d(three, 2).flatten(1) @ w["fc.weight"].T + w["fc.bias"]
    means = {"conv1": one, "conv2": two, "conv3": three}
    return {name: value.mean((2, 3)) for name, value in means.items()} | {"fc": fc}, 3 * fc + 1


class Residual(nn.Module):
    """A block with a shortcut, then one whose shortcut is a convolution."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.a = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4)
        self.b = nn.Conv2d(4, 4, 3, padding=1)
        self.c = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.short = nn.Conv2d(4, 6, 1, stride=2)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        y = self.b(F.relu(self.bn(self.a(x))))
        y += x
        x = F.relu(y, inplace=True)
        x = F.gelu(self.c(x)) + self.short(x)
        return {"features": x, "logits": self.head(x.mean((2, 3)))}


RESIDUAL_EDGES = [
    ("stem", "a"), ("a", "b"), ("stem", "add 0"), ("b", "add 0"), ("add 0", "c"), ("add 0", "short"),
    ("c", "add 1"), ("short", "add 1"), ("add 1", "head"),
]  # fmt: skip


def residual_reference(model, x):
    w, x = wide(model), x.double()
    stem = F.conv2d(x, w["stem.weight"], w["stem.bias"], padding=1).clamp(min=0)
    a = normalised(F.conv2d(stem, w["a.weight"], padding=1), w, "bn").clamp(min=0)
    b = F.conv2d(a, w["b.weight"], w["b.bias"], padding=1)
    block = (b + stem).clamp(min=0)
    c = F.conv2d(block, w["c.weight"], w["c.bias"], stride=2, padding=1)
    c = c * 0.5 * (1 + torch.erf(c / math.sqrt(2)))
    short = F.conv2d(block, w["short.weight"], w["short.bias"], stride=2)
    means = {
        name: value.mean((2, 3))
        for name, value in (("stem", stem), ("a", a), ("b", b), ("c", c), ("short", short))
    }
    head = (c + short).mean((2, 3)) @ w["head.weight"].T + w["head.bias"]
    return means | {"head": head}, head


class Transformer(nn.Module):
    """The encoder of `torch.nn`, with a fused path in evaluation."""

    def __init__(self, batch_first):
        super().__init__()
        self.batch_first = batch_first
        self.embed = nn.Embedding(11, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.2, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=batch_first)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens):
        x = self.embed(tokens)
        if self.batch_first:
            return self.head(self.encoder(x)[:, 0])
        return self.head(self.encoder(x.transpose(0, 1))[0])


def transformer_reference(model, tokens, heads=2):
    w = wide(model)
    x = w["embed.weight"][tokens]
    values = {"embed": x.mean(1)}
    inputs, positions, width = x.shape

    def norm(x, prefix):
        centred = x - x.mean(-1, keepdim=True)
        rooted = torch.sqrt(centred.square().mean(-1, keepdim=True) + 1e-5)
        return centred / rooted * w[f"{prefix}.weight"] + w[f"{prefix}.bias"]

    for number in range(2):
        p = f"encoder.layers.{number}"
        qkv = x @ w[f"{p}.self_attn.in_proj_weight"].T + w[f"{p}.self_attn.in_proj_bias"]
        q, k, v = (part.view(inputs, positions, heads, -1).transpose(1, 2) for part in qkv.chunk(3, -1))
        scores = q @ k.transpose(2, 3) / math.sqrt(width // heads)
        weights = torch.exp(scores) / torch.exp(scores).sum(-1, keepdim=True)
        mixed = (weights @ v).transpose(1, 2).reshape(inputs, positions, width)
        attention = mixed @ w[f"{p}.self_attn.out_proj.weight"].T + w[f"{p}.self_attn.out_proj.bias"]
        x = norm(x + attention, f"{p}.norm1")
        one = (x @ w[f"{p}.linear1.weight"].T + w[f"{p}.linear1.bias"]).clamp(min=0)
        two = one @ w[f"{p}.linear2.weight"].T + w[f"{p}.linear2.bias"]
        x = norm(x + two, f"{p}.norm2")
        parts = {"self_attn": attention, "linear1": one, "linear2": two}
        values |= {f"{p}.{name}": value.mean(1) for name, value in parts.items()}
    head = x[:, 0] @ w["head.weight"].T + w["head.bias"]
    return values | {"head": head}, head


class Lstm(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        self.batch_first = batch_first
        self.lstm = nn.LSTM(4, 5, batch_first=batch_first)
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        _, (hidden, _) = self.lstm(x if self.batch_first else x.transpose(0, 1))
        return self.fc(hidden[-1])


def lstm_outputs(weights, x, prefix="lstm."):
    """`[inputs, positions, hidden]` of a one-layer LSTM."""
    hidden = cell = torch.zeros(len(x), weights[f"{prefix}weight_hh_l0"].shape[1], dtype=torch.float64)
    outputs = []
    for at in range(x.shape[1]):
        gates = x[:, at] @ weights[f"{prefix}weight_ih_l0"].T + weights[f"{prefix}bias_ih_l0"]
        gates = gates + hidden @ weights[f"{prefix}weight_hh_l0"].T + weights[f"{prefix}bias_hh_l0"]
        i, f, g, o = gates.chunk(4, 1)
        i, f, o = (1 / (1 + torch.exp(-gate)) for gate in (i, f, o))
        cell = f * cell + i * torch.tanh(g)
        hidden = o * torch.tanh(cell)
        outputs.append(hidden)
    return torch.stack(outputs, 1)


def lstm_reference(model, x):
    w = wide(model)
    outputs = lstm_outputs(w, x.double())
    fc = outputs[:, -1] @ w["fc.weight"].T + w["fc.bias"]
    return {"lstm": outputs.mean(1), "fc": fc}, fc


def seeded(make, *arguments):
    torch.manual_seed(0)
    return with_statistics(make(*arguments))


def images(count=11, size=10):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def labels(count=11, classes=3):
    return np.arange(count) % classes


def assert_values(found, expected):
    """Checks recorded values, by layer and in order, against those computed in double precision."""
    assert list(found) == list(expected)
    for name in expected:
        torch.testing.assert_close(
            found[name].double(),
            expected[name],
            rtol=2e-5,
            atol=2e-6,
            equal_nan=True,
            msg=lambda text, name=name: f"{name}: {text}",
        )
