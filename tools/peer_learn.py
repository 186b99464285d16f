"""The network of the preset nmnist trained by SpikingJelly on the same samples: accuracy
on the test part of the epoch that did best in validation, seconds an epoch.

    SYNOPS_DATA=... python tools/peer_learn.py [SEEDS]

Same layers, neurons (LIF, tau 2, atan(2), reset detached), loss, optimiser, schedule,
batch and epochs; weights start from PyTorch's defaults, which are those of the preset.
"""

import csv
import importlib.metadata
import os
import pathlib
import statistics
import sys
import time

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

ROOT = pathlib.Path(os.environ["SYNOPS_DATA"]) / "nmnist"
PARTS = pathlib.Path(__file__).parent.parent / "data/nmnist-parts.csv"
STEPS, BIN, SIDE, BATCH, EPOCHS, RATE = 30, 10_000, 34, 32, 20, 2e-3


def frames(path):
    """Counts [T, 2, 34, 34] of bins of 10 ms from the first event on."""
    raw = np.fromfile(path, np.uint8).reshape(-1, 5).astype(np.int64)
    t = (raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]
    step = (t - t[0]) // BIN
    keep = (step < STEPS) & (raw[:, 0] < SIDE) & (raw[:, 1] < SIDE)
    out = np.zeros((STEPS, 2, SIDE, SIDE), np.float32)
    np.add.at(out, (step[keep], raw[keep, 2] >> 7, raw[keep, 1], raw[keep, 0]), 1)
    return out


def load():
    parts = {"train": [], "validation": [], "test": []}
    for row in csv.DictReader(PARTS.open()):
        parts[row["part"]].append((frames(ROOT / row["file"]), int(row["class"])))
    return {part: (torch.tensor(np.stack([x for x, _ in samples], 1)), torch.tensor([y for _, y in samples]))
            for part, samples in parts.items()}


def network():
    lif = lambda: neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan(2.0), detach_reset=True)
    net = nn.Sequential(
        layer.Conv2d(2, 12, 5, bias=False), layer.BatchNorm2d(12), lif(), layer.AvgPool2d(2),
        layer.Conv2d(12, 32, 3, bias=False), layer.BatchNorm2d(32), lif(), layer.AvgPool2d(2),
        layer.Flatten(), layer.Linear(32 * 6 * 6, 10, bias=False), lif())
    functional.set_step_mode(net, "m")
    return net


def score(net, x, y):
    net.eval()
    right, loss = 0, 0.0
    with torch.no_grad():
        for i in range(0, len(y), BATCH):
            functional.reset_net(net)
            rates = net(x[:, i:i + BATCH]).mean(0)
            right += (rates.argmax(1) == y[i:i + BATCH]).sum().item()
            loss += nn.functional.cross_entropy(rates, y[i:i + BATCH], reduction="sum").item()
    return right / len(y), -loss / len(y)


def train(seed, parts):
    torch.manual_seed(seed)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    x, y = parts["train"]
    best, tested, began = (-1.0, 0.0), None, time.perf_counter()
    for _ in range(EPOCHS):
        net.train()
        order = torch.randperm(len(y))
        for i in range(0, len(y), BATCH):
            at = order[i:i + BATCH]
            functional.reset_net(net)
            loss = nn.functional.cross_entropy(net(x[:, at]).mean(0), y[at])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        held = score(net, *parts["validation"])
        if held > best:
            best, tested = held, score(net, *parts["test"])[0]
    return tested, (time.perf_counter() - began) / EPOCHS


if __name__ == "__main__":
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "spikingjelly"))
    print(f"{versions}, {torch.get_num_threads()} threads")
    parts = load()
    results = []
    for seed in range(1, 1 + int((sys.argv[1:] or [3])[0])):
        results.append(train(seed, parts))
        print(f"seed {seed}: test {100 * results[-1][0]:.1f} %, {results[-1][1]:.2f} s an epoch", flush=True)
    accuracies = [100 * accuracy for accuracy, _ in results]
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    print(f"test {statistics.mean(accuracies):.1f} ± {spread:.1f} %, "
          f"{statistics.median(seconds for _, seconds in results):.2f} s an epoch")
