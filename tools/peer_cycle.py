"""The cycle of rules in torch: STDP while neurons inhibit each other, signed neurons, their
gradients, and dropout; every change of every weight beside that of `synops train`.

    python tools/peer_cycle.py target/release/synops

A run of one epoch is gone on with for another, whole batches each; the difference between its
two checkpoints is the change of one step, which is computed here again in 64 bits from the
equations at the head of src/learn/rule/stdp.rs, and by autograd. Prints the largest change and
the largest difference from it, which should be that of 32 bits.
"""

import json
import math
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F

STEPS, SAMPLES, ROWS, COLUMNS = 10, 24, 8, 12
PLUS, MINUS, TAU_PLUS, TAU_MINUS, INHIBITION, RATE = 3e-3, 2e-3, 3.0, 7.0, 0.5, 0.5

CONFIG = """
epochs = 1
batch = 64
loss = "rate"
[data]
path = "PATH"
sensor = "12x8"
steps = 10
slice = "1ms"
validation = 0
test = 0
[neuron]
tau = 2.0
surrogate = "atan:2"
[optimizer]
method = "sgd"
momentum = 0.0
"""
LAYERS = """layers=[
{ type = "Conv2d", channels = 4, kernel_size = 3, padding = 1, bias = true, gain = 4 },
{ type = "Neurons" }, { type = "SumPool2d", kernel_size = 2 }, { type = "Flatten" },
{ type = "Linear", outputs = 16, bias = true, gain = 4 }, { type = "Neurons" },
{ type = "Linear", outputs = 2, gain = 4 }, { type = "Neurons" }]""".replace("\n", "")


class Spike(torch.autograd.Function):
    """A step, whose derivative is that of atan:2."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return (x >= 0).to(x)

    @staticmethod
    def backward(context, gradient):
        (x,) = context.saved_tensors
        return gradient / (1 + (math.pi * x) ** 2)


def neurons(x, sends, detach):
    """LIF of tau = 2 and a threshold of 1; `sends` is none for a reset to 0 and spikes of 1."""
    v, sent = torch.zeros_like(x[0]), []
    for now in x:
        u = v + (now - v) / 2
        positive = Spike.apply(u - 1)
        negative = -Spike.apply(-u - 1)
        spike = {"negative": negative, "both": positive + negative}.get(sends, positive)
        taken = spike.detach() if detach else spike
        v = u - taken if sends else u * (1 - taken)
        sent.append(spike)
    return torch.stack(sent)


def convolved(x, weights):
    """[T, B, C, H, W] through the first layer."""
    y = F.conv2d(x.flatten(0, 1), weights["0.weight"], weights["0.bias"], padding=1)
    return y.unflatten(0, x.shape[:2])


def pooled(x):
    return (4 * F.avg_pool2d(x.flatten(0, 1), 2)).unflatten(0, x.shape[:2]).flatten(2)


def dense(x, layer, weights):
    return x @ weights[f"{layer}.weight"].T + weights.get(f"{layer}.bias", 0)


def by_spikes(weights, x, sends):
    """What STDP adds to each weight."""

    def heard(y):
        largest = y.argmax(2, keepdim=True)
        peers = torch.ones_like(y).scatter(2, largest, 0)
        return neurons(y - INHIBITION * peers, sends, True)

    def traces(spikes, tau):
        trace = [torch.zeros_like(spikes[0])]
        for before in spikes[:-1]:
            trace.append(math.exp(-1 / tau) * (trace[-1] + before))
        return torch.stack(trace)

    def owed(product, sent, y):
        gained, lost = product(traces(sent, TAU_PLUS), y), product(sent, traces(y, TAU_MINUS))
        return (PLUS * gained - MINUS * lost) / sent.shape[1]

    def kernels(sent, y):
        shape = weights["0.weight"].shape
        return torch.nn.grad.conv2d_weight(sent.flatten(0, 1), shape, y.flatten(0, 1), padding=1)

    def rows(sent, y):
        return torch.einsum("tbo,tbi->oi", y, sent)

    first = heard(convolved(x, weights))
    second = heard(dense(pooled(first), 4, weights))
    third = heard(dense(second, 6, weights))
    return {
        "0.weight": owed(kernels, x, first),
        "4.weight": owed(rows, pooled(first), second),
        "6.weight": owed(rows, second, third),
    }


def by_gradients(weights, x, labels, sends, detach):
    """What a step of SGD adds to each parameter."""
    weights = {name: values.requires_grad_() for name, values in weights.items()}
    y = neurons(convolved(x, weights), sends, detach)
    for layer in (4, 6):
        y = neurons(dense(pooled(y) if layer == 4 else y, layer, weights), sends, detach)
    F.cross_entropy(y.mean(0), labels).backward()
    return {name: -RATE * values.grad for name, values in weights.items()}


def recordings(root):
    """Random ones of two classes; gives their counts, [T, B, 2, H, W]."""
    random, frames = np.random.default_rng(1), np.zeros((STEPS, SAMPLES, 2, ROWS, COLUMNS))
    for sample in range(SAMPLES):
        folder = root / "data" / ("left" if sample < SAMPLES // 2 else "right")
        folder.mkdir(parents=True, exist_ok=True)
        # times since the first event count
        t = np.sort(random.integers(0, 1000 * STEPS, 300))
        t[0] = 0
        x, y, on = (random.integers(most, size=300) for most in (COLUMNS, ROWS, 2))
        np.add.at(frames, (t // 1000, sample, on, y, x), 1)
        rows = [x, y, on << 7 | t >> 16, t >> 8 & 255, t & 255]
        (folder / f"{sample:02}.bin").write_bytes(np.stack(rows, 1).astype(np.uint8).tobytes())
    return torch.from_numpy(frames)


def parameters(file):
    """Those of a checkpoint, a file of safetensors."""
    data = file.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    found = {}
    for name, tensor in json.loads(data[8 : 8 + size]).items():
        if name.startswith("parameters/"):
            begin, end = tensor["data_offsets"]
            values = np.frombuffer(data[8 + size :][begin:end], np.float32)
            shape = tensor["shape"]
            found[name[11:]] = torch.from_numpy(values.astype(np.float64)).reshape(shape)
    return found


def step(program, root, name, changes):
    """Parameters before and behind the second epoch of a run."""
    out = root / name.replace(" ", "-")
    changes = [word for change in changes for word in ("--set", change)]
    train = [program, "train", root / "config.toml", "--out", out, *changes]
    checkpoints = []
    for more in ([], ["--resume", "--set", "epochs=2"]):
        subprocess.run([*train, *more], check=True, stdout=subprocess.DEVNULL)
        checkpoints.append(parameters(out / "last.safetensors"))
    return checkpoints


def compare(name, before, after, expected):
    for parameter, values in before.items():
        change = after[parameter] - values
        should = expected.get(parameter, torch.zeros_like(change))
        most, off = should.abs().max().item(), (change - should).abs().max().item()
        print(f"{name:32} {parameter:9} {most:.2e}, off by {off:.1e}")


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        x = recordings(root)
        labels = torch.arange(SAMPLES) // (SAMPLES // 2)
        (root / "config.toml").write_text(CONFIG.replace("PATH", str(root / "data")))
        is_signed = ["neuron.signed=true", "neuron.reset=subtract"]
        stdp = f"plus = {PLUS}, minus = {MINUS}, tau_plus = {TAU_PLUS}, tau_minus = {TAU_MINUS}"
        for signed, phase, sends in [
            ([], "inhibitory", None),
            (is_signed, "inhibitory", "negative"),
            (is_signed, "joint", "both"),
        ]:
            name = f"STDP, {phase}{', signed' if signed else ''}"
            phases = f'phases = [{{ phase = "excitatory" }}, {{ phase = "{phase}" }}]'
            rule = f"rule.cycle={{ {phases}, stdp = {{ {stdp}, inhibition = {INHIBITION} }} }}"
            changes = [LAYERS, rule, "optimizer.rate=1e-30", *signed]
            before, after = step(program, root, name, changes)
            compare(name, before, after, by_spikes(before, x, sends))
        for signed, phase, sends in [
            ([], "excitatory", None),
            (is_signed, "excitatory", "positive"),
            (is_signed, "joint", "both"),
        ]:
            for detach in (True, False):
                name = f"{phase}{', signed' if signed else ''}{', detached' if detach else ''}"
                stdp = "stdp = { plus = 0.0, minus = 0.0 }"
                rule = f'rule.cycle={{ phases = [{{ phase = "{phase}" }}], {stdp} }}'
                kept = f"neuron.detach_reset={str(detach).lower()}"
                changes = [LAYERS, rule, f"optimizer.rate={RATE}", kept, *signed]
                before, after = step(program, root, name, changes)
                copies = {name: values.clone() for name, values in before.items()}
                compare(name, before, after, by_gradients(copies, x, labels, sends, detach))
        dropout(program, root, x)


def dropout(program, root, x):
    """Of one sample, each input is heard with all its steps, 1/(1 − p) times, or not at all."""
    p = 0.3
    files = "left/00.bin,left,train\nright/12.bin,right,test\n"
    (root / "list.csv").write_text(f"file,class,part\n{files}")
    dropped, read = f'{{ type = "Dropout", p = {p} }}', '{ type = "Linear", outputs = 2 }'
    layers = f'layers=[{{ type = "Flatten" }}, {dropped}, {read}]'
    changes = [layers, f"optimizer.rate={RATE}", f"data.list={root / 'list.csv'}"]
    before, after = step(program, root, "dropout", changes)
    (name,) = before
    mean = x[:, 0].mean(0).flatten()
    change = after[name] - before[name]
    kept = (change[0].abs() > 1e-9).to(mean) * mean / (1 - p)
    wrong = torch.softmax(before[name] @ kept, 0) - torch.tensor([1.0, 0.0])
    compare("dropout", before, after, {name: -RATE * torch.outer(wrong, kept)})
    print(f"{int((kept > 0).sum())} of {int((mean > 0).sum())} inputs heard, p = {p}")


if __name__ == "__main__":
    main(sys.argv[1])
