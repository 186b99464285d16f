"""Rate-based backpropagation in torch, by autograd: golden gradients, and the preset nmnist
trained by the rule on the same samples.

    python tools/peer_rate.py                     writes tests/golden/rate.npz
    SYNOPS_DATA=... python tools/peer_rate.py 3   trains with three seeds

As in the published code (Yu et al., NeurIPS 2024; mode 'm', loss unscaled) a network first
runs over all steps without a graph, each neuron averaging eligibility times surrogate by the
paper's recursion; then once on means with a graph, where a neuron's value is its rate and its
slope that average, and a batch norm's statistics have the values of the first run and the
slopes of the second.
"""

import importlib.metadata
import json
import pathlib
import statistics
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def valued(value, slope):
    """The one's value, the other's gradient."""
    return value.detach() + slope - slope.detach()


class Lif(nn.Module):
    """h = leak v + gain x; threshold 1; the surrogate is that of a sigmoid of 4 x."""

    def __init__(self, leak, gain=1.0, reset="soft-detached"):
        super().__init__()
        self.leak, self.gain, self.reset = leak, gain, reset

    def spikes(self, x):
        v, factor, self.slope = torch.zeros_like(x[0]), torch.ones_like(x[0]), 0.0
        sent = []
        for now in x:
            h = self.leak * v + self.gain * now
            spike = (h >= 1).to(h)
            sigmoid = torch.sigmoid(4 * (h - 1))
            surrogate = 4 * sigmoid * (1 - sigmoid)
            self.slope = self.slope + self.gain * factor * surrogate / len(x)
            if self.reset == "hard":
                v, kept = h * (1 - spike), (1 - spike) - h * surrogate
            elif self.reset == "hard-detached":
                v, kept = h * (1 - spike), 1 - spike
            else:
                v, kept = h - spike, 1 - surrogate if self.reset == "soft" else 1.0
            factor = 1 + self.leak * factor * kept
            sent.append(spike)
        self.rate = torch.stack(sent).mean(0)
        return torch.stack(sent)

    def rates(self, x):
        return valued(self.rate, x * self.slope)


class Norm(nn.BatchNorm2d):
    def spikes(self, x):
        every = x.flatten(0, 1)
        if self.training:
            self.mean = every.mean((0, 2, 3), keepdim=True)
            self.variance = every.var((0, 2, 3), keepdim=True, unbiased=False)
        return self(every).unflatten(0, x.shape[:2])

    def rates(self, x):
        mean = valued(self.mean, x.mean((0, 2, 3), keepdim=True))
        variance = valued(self.variance, ((x - mean) ** 2).mean((0, 2, 3), keepdim=True))
        weight, bias = self.weight[:, None, None], self.bias[:, None, None]
        return weight * (x - mean) / torch.sqrt(variance + self.eps) + bias


class Network(nn.Sequential):
    def spikes(self, x):
        for layer in self:
            steps = layer.spikes if hasattr(layer, "spikes") else \
                lambda x, layer=layer: layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
            x = steps(x)
        return x

    def learn(self, x, labels):
        """The loss of the mean output, whose gradient the parameters then have."""
        with torch.no_grad():
            self.answer = self.spikes(x).mean(0)
        rate = x.mean(0)
        for layer in self:
            rate = layer.rates(rate) if hasattr(layer, "rates") else layer(rate)
        loss = F.cross_entropy(valued(self.answer, rate), labels)
        loss.backward()
        return loss


# golden gradients --------------------------------------------------------------------------------

STEPS, BATCH, CLASSES = 7, 3, 5


def golden(path):
    torch.manual_seed(3)
    torch.set_default_dtype(torch.float64)
    input = (torch.rand(STEPS, BATCH, 2, 12, 12) < torch.rand(STEPS, 1, 1, 1, 1) * 0.4).double()
    labels = torch.tensor([1, 4, 0])
    arrays = {"input": input.to(torch.uint8), "labels": labels}
    start = None
    for case, leak, gain in (("soft-detached", 0.5, 1.0), ("soft", 0.2, 1.0), ("hard", 0.5, 0.5)):
        net = Network(
            nn.Conv2d(2, 4, 3, padding=1, bias=False), Norm(4), Lif(leak, gain, case), nn.AvgPool2d(2),
            nn.Conv2d(4, 6, 3, bias=False), Norm(6), Lif(leak, gain, case), nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(24, CLASSES))
        if start is None:
            start = {name: (torch.randn_like(p) * 0.4).float().double() for name, p in net.named_parameters()}
            for name in ("1.weight", "1.bias", "5.weight", "5.bias"):
                start[name] = (start[name].abs() + 0.5).float().double()
            arrays |= {f"start.{name}": value for name, value in start.items()}
        for name, parameter in net.named_parameters():
            parameter.data.copy_(start[name])
        arrays[f"{case}.loss"] = net.learn(input, labels).detach()
        arrays |= {f"{case}.gradient.{name}": p.grad for name, p in net.named_parameters()}
        rates = [net[i].rate.mean().item() for i in (2, 6)]
        print(case, f"loss {arrays[f'{case}.loss']:.6f}", "rates", *(f"{rate:.3f}" for rate in rates))
        assert all(0.05 < rate < 0.9 for rate in rates)
    made_by = {"script": "tools/peer_rate.py", "torch": importlib.metadata.version("torch")}
    arrays["made_by"] = np.frombuffer(json.dumps(made_by).encode(), np.uint8)
    arrays = {name: np.asarray(value) for name, value in arrays.items()}
    np.savez(path, **{name: a.astype(np.float32) if a.dtype == np.float64 else a for name, a in arrays.items()})


# training ----------------------------------------------------------------------------------------

BATCH_TRAINED, EPOCHS, RATE = 32, 20, 2e-3


def score(net, x, y):
    net.eval()
    with torch.no_grad():
        answers = torch.cat([net.spikes(part).mean(0) for part in x.split(BATCH_TRAINED, 1)])
    return (answers.argmax(1) == y).float().mean().item(), -F.cross_entropy(answers, y).item()


def train(seed, parts):
    torch.manual_seed(seed)
    cells = lambda: Lif(0.5, 0.5, "hard-detached")
    net = Network(
        nn.Conv2d(2, 12, 5, bias=False), Norm(12), cells(), nn.AvgPool2d(2),
        nn.Conv2d(12, 32, 3, bias=False), Norm(32), cells(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(32 * 6 * 6, 10, bias=False), cells())
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    x, y = parts["train"]
    best, tested = (-1.0, 0.0), None
    for _ in range(EPOCHS):
        net.train()
        for at in torch.randperm(len(y)).split(BATCH_TRAINED):
            optimizer.zero_grad()
            loss = net.learn(x[:, at], y[at])
            optimizer.step()
        schedule.step()
        held = score(net, *parts["validation"])
        if held > best:
            best, tested = held, score(net, *parts["test"])[0]
    return tested, loss.item()


if __name__ == "__main__":
    if sys.argv[1:]:
        from peer_learn import load

        parts, accuracies = load(), []
        for seed in range(1, 1 + int(sys.argv[1])):
            tested, loss = train(seed, parts)
            accuracies.append(100 * tested)
            print(f"seed {seed}: test {accuracies[-1]:.1f} %, last loss {loss:.3f}", flush=True)
        spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
        print(f"test {statistics.mean(accuracies):.1f} ± {spread:.1f} %")
    else:
        golden(pathlib.Path(__file__).parent.parent / "tests/golden/rate.npz")
