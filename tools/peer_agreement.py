"""Makes data/agreement: small networks, and every spike of theirs in other simulators.

<name>.nir   a network
<name>.npz   `input` [step, ...], counts of spikes; `SIMULATOR/LAYER` [step, ...], what
             each population sent; `dt_us`

Populations are built and stepped one node at a time by each simulator's own NIR importer,
or of its bare neurons where there is none or the name means those (snntorch, nengo,
rockpool; tools/peer_neurons.py); the connections between them are torch's. `exact` solves
the node's equations over each step by the matrix exponential in 64 bits. SpikingJelly
imports IF with r = 1/dt only, which it takes for an impulse; it is given that.

Needs what tools/peer_neurons.py needs; run from the repository's root:
    python tools/peer_agreement.py
"""

import pathlib

import nir
import numpy as np
import peer_neurons as peers
import torch
import torch.nn.functional as F

FOLDER = pathlib.Path("data/agreement")
rng = np.random.default_rng(3)

SIMULATORS = {
    "exact": (lambda m, f: peers.exact_case(m, f), {"LIF", "CubaLIF"}),
    "sinabs": (lambda m, f: peers.sinabs_case(m, f), {"IF", "LIF"}),
    "spikingjelly": (lambda m, f: peers.spikingjelly_case(m, f | dict(r=1 / peers.DT) if m == "IF" else f), {"IF", "LIF", "CubaLIF"}),
    "norse": (peers.norse_case, {"IF", "LIF", "CubaLIF"}),
    "snntorch": (peers.snntorch_case, {"IF", "LIF", "CubaLIF"}),
    "snntorch-nir": (peers.snntorch_nir_case, {"IF", "LIF"}),
    "nengo": (peers.nengo_case, {"LIF"}),
    "rockpool": (peers.rockpool_case, {"LIF"}),
    "spyx": (peers.spyx_case, {"IF", "LIF"}),
}


def normal(*shape, mean=0.0, scale=1.0):
    return (mean + scale * rng.standard_normal(shape)).astype(np.float32)


def counts(steps, *shape, rate):
    """Bursts of spikes with silences between them."""
    on = (np.arange(steps) // 15 % 3 != 2).reshape(-1, *[1] * len(shape))
    return (rng.poisson(rate, (steps, *shape)) * on).clip(0, 9).astype(np.uint8)


class Population:
    def __init__(self, model, shape, **fields):
        self.model, self.shape, self.fields = model, shape, fields

    def node(self):
        return getattr(nir, self.model)(**{k: np.full(self.shape, v, np.float32) for k, v in self.fields.items()})

    def sent(self, simulate, x):
        peers.feed(x.reshape(len(x), -1).astype(np.float32))
        return np.asarray(simulate(self.model, self.fields)).reshape(x.shape)


class Dense:
    def __init__(self, out, size, scale, bias=None):
        self.weight, self.bias = normal(out, size, mean=0.25 * scale, scale=scale), bias

    def node(self):
        if self.bias is None:
            return nir.Linear(weight=self.weight)
        return nir.Affine(weight=self.weight, bias=self.bias)

    def sent(self, _, x):
        bias = None if self.bias is None else torch.tensor(self.bias)
        return F.linear(torch.tensor(x), torch.tensor(self.weight), bias).numpy()


class Convolution:
    def __init__(self, out, channels, scale):
        self.weight = normal(out, channels, 3, 3, mean=0.3 * scale, scale=scale)

    def node(self):
        zero = np.zeros(len(self.weight), np.float32)
        return nir.Conv2d(input_shape=(10, 10), weight=self.weight, stride=1, padding=1, dilation=1, groups=1, bias=zero)

    def sent(self, _, x):
        return F.conv2d(torch.tensor(x), torch.tensor(self.weight), padding=1).numpy()


class Pool:
    def node(self):
        return nir.SumPool2d(kernel_size=np.array([2, 2]), stride=np.array([2, 2]), padding=np.array([0, 0]))

    def sent(self, _, x):
        return 4 * F.avg_pool2d(torch.tensor(x), 2).numpy()


class Flatten:
    def node(self):
        return nir.Flatten(input_type={"input": np.array([6, 5, 5])}, start_dim=0, end_dim=-1)

    def sent(self, _, x):
        return x.reshape(len(x), -1)


IF = dict(r=1.0, v_threshold=1.0, v_reset=0.0)
# r = tau/dt and w_in = tau_syn/dt: what SpikingJelly imports
LIF = dict(tau=0.02, r=20.0, v_leak=0.0, v_threshold=1.0, v_reset=0.0)
CUBA = dict(tau_syn=0.005, tau_mem=0.02, r=20.0, v_leak=0.0, v_threshold=2.0, v_reset=0.0, w_in=5.0)

NETWORKS = {
    "conv-if": (counts(90, 2, 10, 10, rate=0.06), dict(
        conv=Convolution(6, 2, 0.5), if1=Population("IF", (6, 10, 10), **IF), pool=Pool(), flat=Flatten(),
        fc=Dense(8, 150, 0.25), if2=Population("IF", (8,), **IF))),
    "dense-lif": (counts(150, 40, rate=0.15), dict(
        fc1=Dense(30, 40, 0.3, normal(30, scale=0.05)), lif1=Population("LIF", (30,), **LIF),
        fc2=Dense(6, 30, 0.6), lif2=Population("LIF", (6,), **LIF))),
    "dense-lif-r1": (counts(150, 40, rate=0.15), dict(
        fc1=Dense(30, 40, 0.6, normal(30, scale=0.05)), lif1=Population("LIF", (30,), **LIF | dict(r=1.0, v_threshold=0.25)),
        fc2=Dense(6, 30, 0.6), lif2=Population("LIF", (6,), **LIF | dict(r=1.0, v_threshold=0.25)))),
    "dense-cuba": (counts(150, 40, rate=0.15), dict(
        fc1=Dense(30, 40, 0.3), cuba1=Population("CubaLIF", (30,), **CUBA),
        fc2=Dense(6, 30, 0.6), cuba2=Population("CubaLIF", (6,), **CUBA))),
}


def make(name, x, layers):
    ends = dict(input=nir.Input(np.array(x.shape[1:])), output=nir.Output(np.array(list(layers.values())[-1].shape)))
    nodes = ends | {k: layer.node() for k, layer in layers.items()}
    names = ["input", *layers, "output"]
    nir.write(FOLDER / f"{name}.nir", nir.NIRGraph(nodes, list(zip(names, names[1:])), type_check=False))
    populations = {k: p for k, p in layers.items() if isinstance(p, Population)}
    arrays = dict(input=x, dt_us=np.int64(1e6 * peers.DT))
    for simulator, (simulate, models) in SIMULATORS.items():
        if not {p.model for p in populations.values()} <= models:
            continue
        # their neurons have no resistance: they do what r = tau/dt says, or r = 1
        resistances = {p.fields["r"] * peers.DT / p.fields["tau"] for p in populations.values() if "tau" in p.fields}
        if simulator == "snntorch" and resistances - {1.0}:
            continue
        if simulator in ("nengo", "rockpool", "spyx") and 1.0 in resistances:
            continue
        signal, sent = x.astype(np.float32), {}
        for layer_name, layer in layers.items():
            signal = layer.sent(simulate, signal).astype(np.float32)
            if layer_name in populations:
                assert (signal == signal.astype(np.uint16)).all()
                sent[f"{simulator}/{layer_name}"] = signal.astype(np.uint16)
        print(name, simulator, {k: int(v.sum()) for k, v in sent.items()})
        # silence would prove nothing
        if all(v.any() for v in sent.values()):
            arrays |= sent
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)


FOLDER.mkdir(parents=True, exist_ok=True)
for name, (x, layers) in NETWORKS.items():
    make(name, x, layers)
for path in sorted(FOLDER.iterdir()):
    print(path, path.stat().st_size)
