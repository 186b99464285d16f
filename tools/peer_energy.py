"""Energy by the memory-aware model of Lemaire et al. (ICONIP 2022), as SpikingJelly's
profiler computes it.

    python tools/peer_energy.py      writes tests/golden/lemaire.npz

Three layers on binary inputs: a convolution of 1 x 1 with a bias and IF neurons, a dense layer
with a bias and LIF neurons, one without a bias and LIF neurons. No kernel reaches over a
border, where the profiler counts what falls outside.

Weights are eighths and inputs are bits, so that no sum is rounded.
"""

import importlib.metadata
import pathlib

import numpy as np
import torch
from spikingjelly.activation_based import layer, neuron
from spikingjelly.activation_based.op_counter import LemaireEnergyConfig, estimate_lemaire_energy
from torch import nn

T, CHANNELS, SIDE, HIDDEN, OUT = 12, 2, 6, 40, 10


def network():
    lif = dict(tau=2.0, v_threshold=1.0, v_reset=0.0, step_mode="m")
    net = nn.Sequential(
        layer.Conv2d(CHANNELS, 4, 1, bias=True, step_mode="m"),
        neuron.IFNode(v_threshold=1.0, v_reset=0.0, step_mode="m"),
        layer.Flatten(step_mode="m"),
        layer.Linear(4 * SIDE * SIDE, HIDDEN, bias=True, step_mode="m"),
        neuron.LIFNode(**lif),
        layer.Linear(HIDDEN, OUT, bias=False, step_mode="m"),
        neuron.LIFNode(**lif),
    )
    for parameter in net.parameters():
        low, high = {4: (-4, 9), 2: (-5, 8), 1: (0, 2)}[parameter.dim()]
        parameter.data = torch.randint(low, high, parameter.shape) / 8
    return net.eval()


def main():
    torch.manual_seed(7)
    net = network()
    x = (torch.rand(T, 1, CHANNELS, SIDE, SIDE) < 0.15).float()
    with torch.no_grad():
        report = estimate_lemaire_energy(net, x, config=LemaireEnergyConfig(strict=False))
        for module in net.modules():
            if hasattr(module, "reset"):
                module.reset()
        out = net(x)
    arrays = {f"weight.{name}": p.numpy() for name, p in net.state_dict().items()}
    arrays |= {"x": x[:, 0].numpy(), "out": out.sum((0, 1)).numpy()}
    arrays |= {f"count.{name}": np.float64(n) for name, n in report.counts.items()}
    arrays |= {f"pj.{name}": np.float64(n) for name, n in report.breakdown_pj.items()}
    arrays["pj.total"] = np.float64(report.total_pj)
    print("spikingjelly", importlib.metadata.version("spikingjelly"))
    for name, value in arrays.items():
        print(name, value.shape, value if value.ndim < 2 and value.size < 20 else "")
    folder = pathlib.Path(__file__).parent.parent / "tests/golden"
    np.savez(folder / "lemaire.npz", **arrays)


if __name__ == "__main__":
    main()
