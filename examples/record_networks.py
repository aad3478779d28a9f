"""Records well-known networks with random weights, so that their pictures can be looked at.

    python examples/record_networks.py OUT [NAME…]        (each to OUT/NAME; without names, all)
    python examples/record_networks.py --list

The networks have their published sizes, or half of the width, and small inputs: the bundled digits, or
made-up texts. Nothing is downloaded. Recorded before the training and twice during it: the units' values for
30 inputs, three of each class. The training is a few steps, so that the values change; several networks learn
hardly anything in them. Each takes seconds to a minute on one core, and up to 4 GB of memory. Needs PyTorch
and safetensors, and torchvision, timm or transformers for their networks.
"""

import argparse
import itertools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

# Set before transformers is imported: nothing is looked up on the Hugging Face Hub.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

import dnnviz

EPOCHS = 3
STEPS = 8
BATCH = 16
CLASSES = 10
#: Inputs; the first ones are recorded, the others are learned from.
ROWS, SEEN = 190, 30
DIGITS = Path(__file__).parent.parent / "assets" / "digits" / "digits.safetensors"

#: The arguments of a network: a tensor, or several by name.
Inputs: TypeAlias = Tensor | dict[str, Tensor]
#: The loss for inputs and their classes.
Loss: TypeAlias = Callable[[Any, Tensor], Tensor]


@dataclass
class Example:
    """A network, and how it is trained and recorded."""

    model: nn.Module
    #: `ROWS` inputs and their classes.
    x: Inputs
    y: Tensor
    #: Returns the scores `[n, CLASSES]` in an output of the network.
    scores: Callable[[Any], Tensor] = lambda output: getattr(output, "logits", output)
    #: Parts that are trained in turn, and their losses; by default all of it, for the classes.
    goals: list[tuple[nn.Module, Loss]] = field(default_factory=list)
    #: The learning rate.
    rate: float = 1e-3
    #: Further options of the recorder.
    options: dict[str, Any] = field(default_factory=dict)


def rows(x: Inputs, index: Tensor | slice) -> Inputs:
    return {name: value[index] for name, value in x.items()} if isinstance(x, dict) else x[index]


def call(model: nn.Module, x: Inputs) -> Any:
    return model(**x) if isinstance(x, dict) else model(x)


def digits(size: int, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Images `[ROWS, channels, size, size]` from -1 to 1, and their classes."""
    data = load_file(DIGITS)
    scans, labels = data["images"][:ROWS, None], data["labels"][:ROWS].long()
    x = F.interpolate(scans / 8 - 1, size=(size, size), mode="bilinear")
    return x.expand(-1, channels, -1, -1).contiguous(), labels


def texts(length: int) -> tuple[dict[str, Tensor], Tensor]:
    """Word ids `[ROWS, length]` with the mask of padding, and their classes; half of the words of a text are
    from a hundred of its class."""
    y = torch.arange(ROWS) % CLASSES
    common, own = torch.randint(1100, 2000, (ROWS, length)), torch.randint(100, 200, (ROWS, length))
    words = torch.where(torch.rand(ROWS, length) < 0.5, own + 100 * y[:, None], common)
    mask = (torch.arange(length) < torch.randint(length // 2, length + 1, (ROWS, 1))).long()
    return {"input_ids": words * mask, "attention_mask": mask}, y


# Networks of torchvision and timm.


def vision(name: str, size: int = 64, rate: float = 1e-3, options: Any = None, **config: Any) -> Example:
    import torchvision

    model = torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **config)
    return Example(model, *digits(size), rate=rate, options=options or {})


def vision_transformer(name: str, size: int) -> Example:
    import timm

    return Example(timm.create_model(name, num_classes=CLASSES, img_size=size), *digits(size), rate=1e-4)


#: Records every module without parts. By default, the recorder leaves out normalisations, activations and
#: poolings, and records a layer after its activation, which is a layer of its own here.
ALL = {"layers": lambda name, module: not any(module.children()), "after_activation": False}


# Networks of transformers.


def gpt2(length: int = 16, **options: Any) -> Example:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    model = GPT2ForSequenceClassification(GPT2Config(num_labels=CLASSES, pad_token_id=0))
    return Example(model, *texts(length), rate=1e-4, options=options)


def bert() -> Example:
    from transformers import BertConfig, BertForSequenceClassification

    return Example(BertForSequenceClassification(BertConfig(num_labels=CLASSES)), *texts(16), rate=1e-4)


def t5() -> Example:
    """From a text to four words that depend on its class."""
    from transformers import T5Config, T5ForConditionalGeneration

    x, y = texts(16)
    first = 10 + 10 * torch.arange(CLASSES)
    targets = first[:, None] + torch.arange(4)
    # The decoder is given a start, and then the words before the one that it predicts.
    x["decoder_input_ids"] = F.pad(targets[y, :-1], (1, 0))
    model = T5ForConditionalGeneration(T5Config())

    def loss(x: Any, y: Tensor) -> Tensor:
        return F.cross_entropy(model(**x).logits.flatten(0, 1), targets[y].flatten())

    # It is not called: the encoder and the decoder have embeddings of their own, with its weights.
    options = {"exclude": "shared"}
    return Example(model, x, y, lambda output: output.logits[:, 0, first], [(model, loss)], 1e-4, options)


# Networks that are written out.


def convolutions(channels: int, out: int) -> nn.Sequential:
    parts: list[nn.Module] = []
    for before in (channels, out):
        parts += [nn.Conv2d(before, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    return nn.Sequential(*parts)


class UNet(nn.Module):
    """U-Net (Ronneberger and others 2015): four levels and the bottom, padded and half as wide."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        widths = [32, 64, 128, 256]
        self.down = nn.ModuleList(map(convolutions, [channels, *widths], widths))
        self.bottom = convolutions(256, 512)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, 2) for width in widths[::-1])
        self.merge = nn.ModuleList(convolutions(2 * width, width) for width in widths[::-1])
        self.out = nn.Conv2d(32, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        skipped = []
        for down in self.down:
            skipped.append(down(x))
            x = F.max_pool2d(skipped[-1], 2)
        x = self.bottom(x)
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([skipped.pop(), up(x)], 1))
        return self.out(x)


def unet() -> Example:
    """Pixels of ink have the class of their digit, and paper is a class of its own."""
    model = UNet(3, CLASSES + 1)

    def loss(x: Any, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x), torch.where(x[:, 0] > 0, y[:, None, None], CLASSES))

    return Example(model, *digits(64), lambda output: output[:, :CLASSES].mean((2, 3)), [(model, loss)])


class GAN(nn.Module):
    """DCGAN (Radford and others 2016), half as wide and for classes. Generator and discriminator are parts of
    one network, because a recorder watches one."""

    def __init__(self, noise: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(CLASSES, noise)
        widths = [width, 2 * width, 4 * width, 8 * width]
        up: list[nn.Module] = [nn.ConvTranspose2d(noise, widths[-1], 4, bias=False)]
        for inner, outer in zip(widths[:0:-1], widths[-2::-1], strict=True):
            up += [nn.BatchNorm2d(inner), nn.ReLU(), nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=False)]
        up += [nn.BatchNorm2d(width), nn.ReLU(), nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh()]
        down: list[nn.Module] = [nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for outer, inner in itertools.pairwise(widths):
            down += [nn.Conv2d(outer, inner, 4, 2, 1, bias=False), nn.BatchNorm2d(inner), nn.LeakyReLU(0.2)]
        # Generated images are a class more (Salimans and others 2016).
        down += [nn.Flatten(), nn.Linear(16 * widths[-1], CLASSES + 1)]
        self.generator, self.discriminator = nn.Sequential(*up), nn.Sequential(*down)

    def generate(self, noise: Tensor, digit: Tensor) -> Tensor:
        return self.generator((noise * self.embed(digit))[:, :, None, None])

    def forward(self, noise: Tensor, digit: Tensor) -> Tensor:
        return self.discriminator(self.generate(noise, digit))


def gan() -> Example:
    model = GAN(noise=100, width=64)
    images, labels = digits(64, channels=1)

    def discriminator_loss(x: Any, y: Tensor) -> Tensor:
        index = torch.randint(SEEN, ROWS, (len(y),))
        real, fake = model.discriminator(images[index]), model.discriminator(model.generate(**x).detach())
        return F.cross_entropy(real, labels[index]) + F.cross_entropy(fake, torch.full_like(y, CLASSES))

    def generator_loss(x: Any, y: Tensor) -> Tensor:
        return F.cross_entropy(model(**x), y)

    generator = nn.ModuleList([model.embed, model.generator])
    goals: list[Any] = [(model.discriminator, discriminator_loss), (generator, generator_loss)]
    y = torch.arange(ROWS) % CLASSES
    x = {"noise": torch.randn(ROWS, 100), "digit": y}
    return Example(model, x, y, lambda output: output[:, :CLASSES], goals, rate=3e-4)


NETWORKS: dict[str, Callable[[], Example]] = {
    # Larger steps would silence most units of the two networks without normalisations.
    "alexnet": lambda: vision("alexnet", rate=1e-4),
    "resnet50": lambda: vision("resnet50"),
    "vgg16": lambda: vision("vgg16", rate=1e-4),
    "densenet121": lambda: vision("densenet121"),
    "densenet121-all": lambda: vision("densenet121", options=ALL),
    # Its least size is 75. Evaluation does not call the auxiliary classifier.
    "inception_v3": lambda: vision("inception_v3", 96, aux_logits=False, init_weights=True),
    "mobilenet_v3_large": lambda: vision("mobilenet_v3_large"),
    "unet": unet,
    "vit_tiny": lambda: vision_transformer("vit_tiny_patch16_224", 64),
    "swin_tiny": lambda: vision_transformer("swin_tiny_patch4_window7_224", 64),
    "gpt2": gpt2,
    # A million units: 84 490 at each of twelve positions.
    "gpt2-positions": lambda: gpt2(12, positions="keep", dtype="float16"),
    "bert": bert,
    "t5_small": t5,
    "gan": gan,
}


def evaluate(example: Example) -> tuple[Tensor, Tensor]:
    """Accuracy, as a share, and loss for the recorded inputs."""
    model, x, y = example.model, example.x, example.y[:SEEN]
    # The training is too short for the running statistics: they are those of one batch.
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        call(model.train(), rows(x, slice(SEEN, SEEN + 64)))
        scores = example.scores(call(model.eval(), rows(x, slice(SEEN))))
    return (scores.argmax(1) == y).float().mean(), F.cross_entropy(scores, y)


def record(path: Path, example: Example) -> None:
    """Trains the network, and records it before and meanwhile."""
    model, x, y = example.model, example.x, example.y
    goals = example.goals or [(model, lambda x, y: F.cross_entropy(example.scores(call(model, x)), y))]
    optimizers = [torch.optim.Adam(part.parameters(), example.rate) for part, _ in goals]
    probe = (rows(x, slice(SEEN)), y[:SEEN])
    with dnnviz.Recorder(path, model, probe, predictions=example.scores, **example.options) as recorder:
        for epoch in range(EPOCHS):
            model.train()
            for _ in range(STEPS if epoch > 0 else 0):
                batch = torch.randint(SEEN, ROWS, (BATCH,))
                for (_, loss), optimizer in zip(goals, optimizers, strict=True):
                    optimizer.zero_grad()
                    loss(rows(x, batch), y[batch]).backward()
                    optimizer.step()
            accuracy, error = evaluate(example)
            recorder.epoch(epoch, accuracy=accuracy, loss=error, step=STEPS * epoch)


def main() -> None:
    parser = argparse.ArgumentParser(description="Records well-known networks with random weights.")
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT", help="folder of the recordings")
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks, as --list names them")
    parser.add_argument("--list", action="store_true", help="print the names of the networks")
    arguments = parser.parse_args()
    if arguments.list:
        print(*NETWORKS, sep="\n")
        return
    unknown = [name for name in arguments.names if name not in NETWORKS]
    if arguments.out is None or unknown:
        parser.error(f"no network {', '.join(unknown)}; see --list" if unknown else "OUT is missing")
    for name in arguments.names or NETWORKS:
        start = time.monotonic()
        torch.manual_seed(0)
        record(arguments.out / name, NETWORKS[name]())
        print(f"{name}  {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
