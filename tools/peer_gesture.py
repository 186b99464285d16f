"""The network of the preset gesture trained by SpikingJelly on the same recordings: accuracy
on the test users of the epoch that did best on users 21 to 23, seconds an epoch.

    synops synth twin --users 29 --lighting led --seconds 3
    synops train --preset gesture --data twin --set 'data.validation=["user21","user22","user23"]'
    python tools/peer_gesture.py twin [SEEDS [THREADS]]

Same layers, neurons (LIF, tau 2, atan(2), reset detached), loss, optimiser, schedule, batch,
epochs, bins, shifts and stretches; weights start from PyTorch's defaults, which are those of
the preset. Events are read by SpikingJelly's reader.
"""

import csv
import importlib.metadata
import pathlib
import statistics
import sys
import time

import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn

from check_aedat3 import with_spikingjelly

STEPS, BIN, SIDE, POOL, BATCH, EPOCHS, RATE, SHIFT, CROP = 20, 75_000, 128, 4, 16, 120, 4e-3, 8, 0.5
HELD = {"user21", "user22", "user23"}


def load(root):
    parts = {"train": [], "validation": [], "test": []}
    for part in ("train", "test"):
        for name in (root / f"trials_to_{part}.txt").read_text().split():
            t, x, y, on = (np.asarray(c).astype(np.int64) for c in with_spikingjelly(root / name))
            with open(root / name.replace(".aedat", "_labels.csv")) as labels:
                for row in csv.DictReader(labels):
                    at = slice(*np.searchsorted(t, [int(row["startTime_usec"]), int(row["endTime_usec"])]))
                    events = (t[at] - t[at][0], x[at], y[at], on[at])
                    which = "validation" if name.split("_")[0] in HELD else part
                    parts[which].append((events, int(row["class"]) - 1))
    return parts


def frames(events, random=None):
    """Counts [T, 2, 32, 32], each the mean of 4 x 4 pixels; changed at random in training."""
    t, x, y, on = events
    if random is not None:
        span = t[-1] + 1
        start = int((span - span * CROP) * random.random())
        dx, dy = random.integers(-SHIFT, SHIFT + 1, 2)
        keep = (t >= start) & (t < start + int(span * CROP))
        t, x, y, on = t[keep] - start, x[keep] + dx, y[keep] + dy, on[keep]
        keep = (x >= 0) & (x < SIDE) & (y >= 0) & (y < SIDE)
        t, x, y, on = t[keep], x[keep], y[keep], on[keep]
    keep = t < STEPS * BIN
    cells = SIDE // POOL
    at = (((t // BIN) * 2 + on) * cells + y // POOL) * cells + x // POOL
    counts = np.bincount(at[keep], minlength=STEPS * 2 * cells * cells)
    return (counts / POOL**2).astype(np.float32).reshape(STEPS, 2, cells, cells)


def batch(samples, random=None):
    x = np.stack([frames(events, random) for events, _ in samples], 1)
    return torch.from_numpy(x), torch.tensor([label for _, label in samples])


def network():
    lif = lambda: neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan(2.0), detach_reset=True)
    layers, channels = [], 2
    for outputs in (16, 32, 64):
        layers += [layer.Conv2d(channels, outputs, 3, padding=1, bias=False), layer.BatchNorm2d(outputs),
                   lif(), layer.AvgPool2d(2)]
        channels = outputs
    layers += [layer.Flatten(), layer.Linear(64 * 4 * 4, 128), lif(), layer.Linear(128, 11), lif()]
    net = nn.Sequential(*layers)
    functional.set_step_mode(net, "m")
    return net


def loss_of(rates, y):
    return nn.functional.mse_loss(rates, nn.functional.one_hot(y, 11).float())


def score(net, samples):
    net.eval()
    right, loss = 0, 0.0
    with torch.no_grad():
        for i in range(0, len(samples), BATCH):
            x, y = batch(samples[i:i + BATCH])
            functional.reset_net(net)
            rates = net(x).mean(0)
            right += (rates.argmax(1) == y).sum().item()
            loss += loss_of(rates, y).item() * len(y)
    return right / len(samples), -loss / len(samples)


def train(seed, parts):
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    best, tested, began = (-1.0, 0.0), None, time.perf_counter()
    for _ in range(EPOCHS):
        net.train()
        order = random.permutation(len(parts["train"]))
        for i in range(0, len(order), BATCH):
            x, y = batch([parts["train"][at] for at in order[i:i + BATCH]], random)
            functional.reset_net(net)
            loss = loss_of(net(x).mean(0), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        held = score(net, parts["validation"])
        if held > best:
            best, tested = held, score(net, parts["test"])[0]
    return tested, (time.perf_counter() - began) / EPOCHS


if __name__ == "__main__":
    seeds, threads = (list(map(int, sys.argv[2:])) + [3, torch.get_num_threads()][len(sys.argv) - 2:])[:2]
    torch.set_num_threads(threads)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "spikingjelly"))
    parts = load(pathlib.Path(sys.argv[1]))
    counts = ", ".join(f"{len(samples)} {part}" for part, samples in parts.items())
    print(f"{versions}, {threads} threads; {counts}", flush=True)
    results = []
    for seed in range(1, 1 + seeds):
        results.append(train(seed, parts))
        print(f"seed {seed}: test {100 * results[-1][0]:.1f} %, {results[-1][1]:.2f} s an epoch", flush=True)
    accuracies = [100 * accuracy for accuracy, _ in results]
    spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0.0
    print(f"test {statistics.mean(accuracies):.1f} ± {spread:.1f} %, "
          f"{statistics.median(seconds for _, seconds in results):.2f} s an epoch")
