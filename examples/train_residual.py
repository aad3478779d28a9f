"""Trains a small residual network on the bundled digits and records it: a network that branches.

    python examples/train_residual.py [RUN]        (default: runs/residual)

Three blocks after He and others (2016), 346 units. Half a minute on two cores. Recorded after every
epoch: the units' values for 300 digits. What flows where is found by the recorder. Needs PyTorch and
safetensors.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import dnnviz

EPOCHS = 6
BATCH = 64
SEEN = 300
DIGITS = Path(__file__).parent.parent / "assets" / "digits" / "digits.safetensors"


class Block(nn.Module):
    """Two convolutions, and a way past them."""

    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(out)
        same = channels == out and stride == 1
        self.down = nn.Identity() if same else nn.Conv2d(channels, out, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))) + self.down(x))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, 1, 1)
        self.a, self.b, self.c = Block(16, 16), Block(16, 32, 2), Block(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.c(self.b(self.a(F.relu(self.stem(x))))).mean((2, 3)))


def main() -> None:
    run = sys.argv[1] if len(sys.argv) > 1 else "runs/residual"
    torch.manual_seed(0)
    digits = load_file(DIGITS)
    x, y = digits["images"].unsqueeze(1) / 16, digits["labels"].long()
    model = Residual()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with dnnviz.Recorder(run, model, inputs=(x[:SEEN], y[:SEEN])) as recorder:
        for epoch in range(EPOCHS):
            model.train()
            # The recorded digits are not learned from.
            for batch in (SEEN + torch.randperm(len(x) - SEEN)).split(BATCH):
                optimizer.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                output = model(x[:SEEN])
            accuracy = (output.argmax(1) == y[:SEEN]).float().mean().item()
            recorder.epoch(epoch, accuracy=accuracy, loss=F.cross_entropy(output, y[:SEEN]).item())
            print(f"epoch {epoch}  {accuracy:6.1%}", flush=True)


if __name__ == "__main__":
    main()
