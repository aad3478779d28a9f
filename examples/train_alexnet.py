"""Trains an AlexNet-shaped network on the bundled digits and records it: this made assets/demo.

    python examples/train_alexnet.py [RUN]        (default: runs/alexnet)

64-192-384-256-256-4096-4096-10: 9 354 units. Two minutes on two cores. Recorded before the training and
after every epoch: means, variances and firing rates of all 1 797 digits and of every class, and the
units' values for one digit of each class. Needs PyTorch and safetensors.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import dnnviz

EPOCHS = 12
BATCH = 64
DIGITS = Path(__file__).parent.parent / "assets" / "digits" / "digits.safetensors"


class AlexNet(nn.Module):
    """AlexNet (Krizhevsky 2014) with the strides that 32 × 32 pixels call for."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=5, stride=2, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 192, kernel_size=5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(192, 384, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(1024, 4096),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, 10),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x).flatten(1))


def digits() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Network inputs [n, 1, 32, 32], labels [n], and pictures [n, 8, 8, 1] as bytes."""
    data = load_file(DIGITS)
    scans, labels = data["images"], data["labels"].long()
    x = F.interpolate(scans.unsqueeze(1) / 16, size=(32, 32), mode="bilinear", align_corners=False)
    pictures = (scans.int() * 255 // 16).byte().unsqueeze(-1)
    return (x - x.mean()) / x.std(), labels, pictures


@torch.no_grad()
def evaluate(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Accuracy, as a share, and loss."""
    model.eval()
    output = model(x)
    return (output.argmax(1) == y).float().mean().item(), F.cross_entropy(output, y).item()


def main() -> None:
    run = sys.argv[1] if len(sys.argv) > 1 else "runs/alexnet"
    torch.manual_seed(0)
    x, y, pictures = digits()
    order = torch.randperm(len(x))
    train, test = order[:1500], order[1500:]
    model = AlexNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    steps = -(-len(train) // BATCH)
    # It begins slowly, so that the classes can be seen to part.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=4e-3, div_factor=25, total_steps=EPOCHS * steps, pct_start=0.5, cycle_momentum=False
    )
    one_of_each = [int((y[test] == digit).nonzero()[0]) for digit in range(10)]
    recorder = dnnviz.Recorder(
        run,
        model,
        inputs=(x, y),
        name="AlexNet",
        classes=[str(digit) for digit in range(10)],
        keep=test[one_of_each].tolist(),
        statistics=["variance", "rate"],
        dtype="float16",
        pictures=pictures.numpy(),
    )
    for epoch in range(EPOCHS + 1):
        if epoch > 0:
            model.train()
            for batch in train[torch.randperm(len(train))].split(BATCH):
                optimizer.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
                schedule.step()
        accuracy, loss = evaluate(model, x[test], y[test])
        recorder.epoch(epoch, accuracy=accuracy, loss=loss, step=epoch * steps)
        print(f"epoch {epoch:2}  {accuracy:6.1%}  loss {loss:.3f}", flush=True)
    recorder.close()


if __name__ == "__main__":
    main()
