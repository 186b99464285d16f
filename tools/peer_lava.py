"""Makes tests/golden/lava_*.net and lava.json: small networks of lava-dl.

Random weights, written by lava-dl's own export; their spikes, from lava-dl's SLAYER
blocks and, where its netx can read them, from Lava's bit-accurate processes.

Needs lava-nc 0.10.0, lava-dl 0.6.0 and torch 2.3 from PyPI (Python 3.10); run from
the repository's root: python tools/peer_lava.py
"""

import importlib.metadata
import json
import pathlib

import h5py
import numpy as np
import torch
from lava.lib.dl import netx, slayer
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source

T = 80
GOLDEN = pathlib.Path("tests/golden")
CUBA = dict(threshold=1.0, current_decay=0.4, voltage_decay=0.1)
block = slayer.block.cuba


class Network(torch.nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = torch.nn.ModuleList(blocks)

    def forward(self, x):
        sent = []
        for block in self.blocks:
            x = block(x)
            sent.append(x)
        return sent

    def export(self, path):
        with h5py.File(path, "w") as file:
            layers = file.create_group("layer")
            for i, block in enumerate(self.blocks):
                block.export_hdf5(layers.create_group(f"{i}"))


def normed(**params):
    norm = slayer.neuron.norm.MeanOnlyBatchNorm
    return dict(CUBA, norm=norm, **params)


def randomise(network, rng):
    for block in network.blocks:
        delay = getattr(block, "delay", None)
        if delay is not None:
            delay.delay.data = torch.tensor(rng.integers(0, 7, delay.delay.shape[0])).float()
        norm = getattr(getattr(block, "neuron", None), "norm", None)
        if norm is not None:
            size = block.synapse.out_channels
            norm.running_mean = torch.tensor(rng.integers(-8, 3, size) / 64.0).float()


def on_lava(path, x):
    """Spikes of the last layer, as neuron-major rows; x is [C, H, W, T] or [N, T]."""
    network = netx.hdf5.Network(net_config=str(path), input_shape=x.shape[:-1][::-1])
    data = x.transpose(*range(x.ndim - 1)[::-1], x.ndim - 1).astype(int)
    source, sink = Source(data=data), Sink(shape=network.out.shape, buffer=T)
    source.s_out.connect(network.inp)
    network.out.connect(sink.a_in)
    network.run(condition=RunSteps(num_steps=T), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    sent = sink.data.get().astype(int)
    network.stop()
    return sent.transpose(*range(sent.ndim - 1)[::-1], sent.ndim - 1).reshape(-1, T)


def networks():
    return dict(
        conv=[block.Input(delay_shift=False),
              block.Conv(normed(), 2, 4, (3, 2), weight_scale=4, padding=(1, 0), stride=(2, 1)),
              block.Conv(CUBA, 4, 6, 3, weight_scale=4, groups=2, dilation=(1, 2), padding=1),
              block.Flatten(),
              block.Dense(normed(), 6 * 5 * 5, 12, weight_scale=4),
              block.Dense(CUBA, 12, 5, weight_scale=6)],
        pool=[block.Input(CUBA, weight=1.5),
              block.Conv(CUBA, 2, 4, 3, weight_scale=4, padding=(1, 2), delay=True),
              block.Pool(CUBA, (3, 2), weight_scale=0.8, delay=True),
              block.Flatten(),
              block.Dense(normed(), 4 * 3 * 5, 7, weight_scale=5, delay=True)],
    )


def main():
    rng = np.random.default_rng(5)
    torch.manual_seed(5)
    versions = {p: importlib.metadata.version(p) for p in ["lava-nc", "lava-dl", "torch"]}
    golden = dict(made_by="tools/peer_lava.py", versions=versions, steps=T, networks={})
    for name, blocks in networks().items():
        network = Network(blocks).eval()
        x = (rng.random((2, 9, 8, T)) < 0.08).astype(np.float32)
        with torch.no_grad():
            # the first pass makes the shapes, and delays and biases of these shapes
            network(torch.tensor(x)[None])
            randomise(network, rng)
            sent = [s[0].reshape(-1, T).numpy().astype(int) for s in network(torch.tensor(x)[None])]
        path = GOLDEN / f"lava_{name}.net"
        network.export(path)
        if name == "conv":
            assert (on_lava(path, x) == sent[-1]).all(), "SLAYER and Lava"
        at = np.argwhere(x.reshape(-1, T) != 0).tolist()
        print(name, path.stat().st_size, [s.shape for s in sent], [int(s.sum()) for s in sent])
        golden["networks"][name] = dict(
            input=at, spikes=[int(s.sum()) for s in sent],
            output=["".join(map(str, neuron)) for neuron in sent[-1]])
    (GOLDEN / "lava.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
