"""Makes tests/golden/torch: what torch and SpikingJelly write, and what they compute.

layers.json      max pool, voting and batch norm, one at a time

Needs torch, spikingjelly and numpy from PyPI; run from the repository's root:
    python tools/make_torch_golden.py
"""

import importlib.metadata
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import layer

FOLDER = pathlib.Path("tests/golden/torch")
VERSIONS = {p: importlib.metadata.version(p) for p in ("torch", "spikingjelly", "numpy")}
HEAD = dict(made_by="tools/make_torch_golden.py", versions=VERSIONS)
rng = np.random.default_rng(12)
torch.manual_seed(12)


def write_json(name, **content):
    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in (HEAD | content).items())
    (FOLDER / name).write_text("{" + rows + "}\n")


# layers ------------------------------------------------------------------------------------------


def eighths(*shape):
    return torch.tensor((rng.integers(-16, 17, shape) / 8).astype(np.float32))


def spikes(*shape):
    """Small whole numbers, most of them 0."""
    return torch.tensor(rng.integers(1, 4, shape) * (rng.random(shape) < 0.3)).float()


def max_pool(x, kernel, stride, padding):
    fields = dict(kernel_size=kernel, stride=stride, padding=padding)
    return dict(layer="MaxPool2d", fields=fields), F.max_pool2d(x[None], kernel, stride, padding)[0]


def voting(x, size):
    return dict(layer="Voting", fields=dict(size=[size])), layer.VotingLayer(size)(x[None])[0]


def batch_norm(x, variance, eps, affine=True):
    channels = x.shape[0]
    fields = dict(running_mean=eighths(channels), running_var=variance)
    if affine:
        fields |= dict(weight=eighths(channels), bias=eighths(channels))
    y = F.batch_norm(x[None], fields["running_mean"], variance, fields.get("weight"), fields.get("bias"), eps=eps)[0]
    return dict(layer="BatchNorm", fields={k: v.tolist() for k, v in fields.items()} | dict(eps=[eps])), y


def layers():
    values = eighths(2, 6, 6)
    dense = torch.where(values == 0, torch.tensor(-0.5), values)
    cases = dict(
        max_pool=(x := spikes(3, 6, 6), *max_pool(x, [2, 2], [2, 2], [0, 0])),
        max_pool_uneven=(x := spikes(2, 7, 8), *max_pool(x, [3, 2], [2, 1], [1, 1])),
        max_pool_rest=(x := spikes(2, 7, 7), *max_pool(x, [2, 2], [2, 2], [0, 0])),
        max_pool_values=(values, *max_pool(values, [2, 2], [2, 2], [0, 0])),
        max_pool_negative=(x := -dense.abs(), *max_pool(x, [3, 3], [2, 2], [1, 1])),
        max_pool_all_negative_but_one=(x := torch.cat([torch.zeros(1), -dense.abs().flatten()[1:]]).reshape(2, 6, 6),
                                       *max_pool(x, [2, 2], [2, 2], [0, 0])),
        voting=(x := spikes(60), *voting(x, 4)),
        # square roots that are whole, so that the result is exact in any order
        batch_norm=(x := spikes(4, 3, 5), *batch_norm(x, torch.tensor([0.75, 3.75, 15.75, 0.0]), 0.25)),
        batch_norm_flat=(x := spikes(3), *batch_norm(x, torch.tensor([0.75, 3.75, 0.0]), 0.25)),
        batch_norm_plain=(x := spikes(2, 4, 4), *batch_norm(x, torch.tensor([0.75, 3.75]), 0.25, affine=False)),
    )
    out = {}
    for name, (x, case, y) in cases.items():
        out[name] = case | dict(input_shape=list(x.shape), input=x.flatten().tolist(),
                                output_shape=list(y.shape), output=y.double().flatten().tolist())
    write_json("layers.json", cases=out)


def main():
    FOLDER.mkdir(exist_ok=True)
    layers()


main()
