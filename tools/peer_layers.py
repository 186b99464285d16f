"""Makes tests/golden/layers.nir and layers.json: one NIR layer at a time, through torch.

The .nir file is written by the nir package and holds a graph for each case: an
input, one layer, an output. The .json file holds what torch makes of a sparse
input of small whole numbers; the weights are multiples of 1/8, so that the sums
are exact in any order.

Needs numpy, torch and nir from PyPI; run from the repository's root:
    python tools/peer_layers.py
"""

import importlib.metadata
import json
import pathlib

import nir
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(11)
FOLDER = pathlib.Path("tests/golden")


def eighths(*shape):
    return (rng.integers(-16, 17, shape) / 8).astype(np.float32)


def sparse(*shape):
    return rng.integers(1, 4, shape) * (rng.random(shape) < 0.3)


def conv(shape, outputs, kernel, dtype=np.float32, **options):
    groups = options.get("groups", 1)
    weight = eighths(outputs, shape[0] // groups, *kernel).astype(dtype)
    bias = eighths(outputs).astype(dtype)
    node = nir.Conv2d if len(kernel) == 2 else nir.Conv1d
    options = dict(dict(stride=1, padding=0, dilation=1, groups=1), **options)
    stated = shape[1:] if len(kernel) == 2 else shape[1]
    layer = node(input_shape=stated, weight=weight, bias=bias, **options)
    function = F.conv2d if len(kernel) == 2 else F.conv1d
    return layer, lambda x: function(x[None], torch.tensor(weight).float(), torch.tensor(bias).float(), **options)[0]


def pool(kind, kernel, stride, padding):
    layer = getattr(nir, kind)(kernel_size=np.array(kernel), stride=np.array(stride), padding=np.array(padding))
    area = 1 if kind == "AvgPool2d" else kernel[0] * kernel[1]
    return layer, lambda x: F.avg_pool2d(x[None], kernel, stride, padding)[0] * area


def flatten(shape, start, end):
    layer = nir.Flatten(input_type=np.array(shape), start_dim=start, end_dim=end)
    return layer, lambda x: torch.flatten(x, start, end)


def dense(inputs, outputs, bias):
    weight, offset = eighths(outputs, inputs), eighths(outputs)
    layer = nir.Affine(weight=weight, bias=offset) if bias else nir.Linear(weight=weight)
    return layer, lambda x: F.linear(x, torch.tensor(weight), torch.tensor(offset) if bias else None)


def scale(*shape):
    factors = eighths(*shape)
    return nir.Scale(scale=factors), lambda x: x * torch.tensor(factors)


CASES = {
    "affine": ((7,), dense(7, 5, True)),
    "linear": ((70,), dense(70, 130, False)),
    "scale": ((2, 3, 4), scale(2, 3, 4)),
    "conv2d_plain": ((2, 6, 7), conv((2, 6, 7), 3, (3, 3))),
    "conv2d_stride_padding": ((2, 9, 8), conv((2, 9, 8), 4, (5, 5), stride=2, padding=1)),
    "conv2d_uneven": ((3, 8, 9), conv((3, 8, 9), 2, (2, 3), stride=(2, 1), padding=(0, 2), dilation=(2, 3))),
    "conv2d_groups": ((4, 5, 5), conv((4, 5, 5), 6, (3, 3), padding=1, groups=2)),
    "conv2d_depthwise": ((5, 6, 6), conv((5, 6, 6), 5, (3, 3), groups=5)),
    "conv2d_same": ((2, 6, 6), conv((2, 6, 6), 3, (4, 4), padding="same")),
    "conv2d_same_dilated": ((2, 7, 7), conv((2, 7, 7), 3, (2, 2), padding="same", dilation=3)),
    "conv2d_valid": ((1, 5, 5), conv((1, 5, 5), 2, (3, 3), padding="valid", dilation=2)),
    "conv2d_f64": ((2, 5, 5), conv((2, 5, 5), 2, (3, 3), dtype=np.float64)),
    "conv1d_plain": ((2, 11), conv((2, 11), 3, (3,))),
    "conv1d_groups": ((4, 12), conv((4, 12), 4, (5,), stride=2, padding=2, groups=2)),
    "conv1d_same": ((1, 9), conv((1, 9), 2, (4,), padding="same")),
    "sum_pool": ((3, 6, 6), pool("SumPool2d", (2, 2), (2, 2), (0, 0))),
    "sum_pool_overlap": ((2, 7, 6), pool("SumPool2d", (3, 2), (2, 1), (1, 1))),
    "avg_pool": ((2, 8, 8), pool("AvgPool2d", (2, 2), (2, 2), (0, 0))),
    "avg_pool_padded": ((2, 7, 7), pool("AvgPool2d", (4, 4), (2, 2), (1, 1))),
    "flatten_all": ((2, 3, 4), flatten((2, 3, 4), 0, -1)),
    "flatten_pixels": ((2, 3, 4), flatten((2, 3, 4), 1, 2)),
    "flatten_rows": ((2, 3, 4), flatten((2, 3, 4), 0, 1)),
}


def main():
    golden, graphs = {}, {}
    for name, (shape, (layer, function)) in CASES.items():
        x = sparse(*shape)
        y = function(torch.tensor(x).float())
        # unchecked: the package infers wrong shapes for groups and oblong kernels
        graphs[name] = nir.NIRGraph(
            nodes=dict(input=nir.Input(np.array(shape)), layer=layer, output=nir.Output(np.array(y.shape))),
            edges=[("input", "layer"), ("layer", "output")], type_check=False)
        golden[name] = dict(shape=list(shape), input=x.flatten().tolist(),
                            output_shape=list(y.shape), output=y.double().flatten().tolist())
    metadata = dict(made_by="tools/peer_layers.py", seed=np.array([11]))
    nir.write(FOLDER / "layers.nir", nir.NIRGraph(graphs, [], metadata=metadata, type_check=False))
    versions = {p: importlib.metadata.version(p) for p in ("torch", "nir", "numpy")}
    cases = ",\n".join(f' "{name}": {json.dumps(case)}' for name, case in golden.items())
    text = f'{{"made_by": "tools/peer_layers.py", "versions": {json.dumps(versions)}, "cases": {{\n{cases}\n}}}}\n'
    (FOLDER / "layers.json").write_text(text)


main()
