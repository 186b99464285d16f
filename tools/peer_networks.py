"""Adds whole networks to data/agreement, as other simulators' own exporters write them.

exported-SIMULATOR.nir   a network that was built there, and what its `to_nir` makes of it
exported-SIMULATOR.npz   `input` [step, ...], counts of spikes; `SIMULATOR/LAYER` [step, ...],
                         what each population sent when the simulator ran it; `dt_us`

Each has what its exporter can write: padding, strides, groups and dilation, pools, thresholds,
several models, branches and loops. What an exporter leaves out is left at what its importer
takes for it: sinabs' IAF has its floor at −θ.

Needs torch, nir, nirtorch, sinabs, norse, snntorch, spikingjelly and spyx from PyPI; run from
the repository's root, after tools/peer_agreement.py:
    python tools/peer_networks.py
"""

import pathlib

import nir
import numpy as np
import torch
from torch import nn

FOLDER = pathlib.Path("data/agreement")
STEPS = 60
SPIKING = (nir.IF, nir.LIF, nir.CubaLIF, nir.Threshold)
rng = np.random.default_rng(11)


def counts(*shape, rate):
    """Bursts of spikes with silences between them."""
    on = (np.arange(STEPS) // 15 % 4 != 3).reshape(-1, *[1] * len(shape))
    return (rng.poisson(rate, (STEPS, *shape)) * on).clip(0, 5).astype(np.uint8)


def weights(shape, gain):
    fan_in = np.prod(shape[1:])
    return (gain * (rng.standard_normal(shape) + 0.3) / np.sqrt(fan_in)).astype(np.float32)


def filled(network, *gains):
    """The network with random weights; a gain for each of its layers that have any."""
    layers = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d))]
    with torch.no_grad():
        for layer, gain in zip(layers, gains, strict=True):
            layer.weight.copy_(torch.tensor(weights(tuple(layer.weight.shape), gain)))
            if layer.bias is not None:
                layer.bias.copy_(torch.tensor(0.03 * rng.standard_normal(len(layer.bias))))
    return network


def recorded(network, kinds, run):
    """What the modules of these kinds sent, by name, while `run` ran."""
    sent = {}

    def hook(name):
        def keep(_, __, out):
            sent.setdefault(name, []).append(out[0] if isinstance(out, tuple) else out)
        return keep
    hooks = [m.register_forward_hook(hook(n)) for n, m in network.named_modules() if isinstance(m, kinds)]
    with torch.no_grad():
        run()
    for handle in hooks:
        handle.remove()
    return {name: torch.cat(parts).reshape(STEPS, -1).numpy() for name, parts in sent.items()}


def keep(simulator, graph, x, sent, dt_us):
    arrays = dict(input=x, dt_us=np.int64(dt_us))
    for name, spikes in sent.items():
        names = (name, f"{name}.lif", f"{name}_threshold")
        [layer] = [n for n in names if isinstance(graph.nodes.get(n), SPIKING)]
        assert spikes.any() and (spikes == spikes.astype(np.uint16)).all(), (simulator, name)
        arrays[f"{simulator}/{layer}"] = spikes.astype(np.uint16)
    path = FOLDER / f"exported-{simulator}.nir"
    # compressed, small arrays take several times their size
    nir.write(path, graph, compression=None)
    np.savez_compressed(path.with_suffix(".npz"), **arrays)
    print(path, path.stat().st_size, path.with_suffix(".npz").stat().st_size, {k: int(v.sum()) for k, v in arrays.items()})


def sinabs():
    import sinabs.layers as sl
    from sinabs.nir import to_nir

    def iaf(theta):
        return sl.IAFSqueeze(batch_size=1, spike_threshold=torch.tensor(theta), min_v_mem=-theta)
    network = filled(nn.Sequential(
        nn.Conv2d(2, 6, 3, stride=(2, 1), padding=(0, 1), bias=False), iaf(1.0), sl.SumPool2d(2),
        nn.Conv2d(6, 4, 3, padding="same"), iaf(1.5), nn.Flatten(),
        nn.Linear(48, 5), iaf(0.7)), 1.5, 1.0, 1.0)
    x = counts(2, 9, 12, rate=0.2)
    frames = torch.tensor(x, dtype=torch.float32)
    sent = recorded(network, sl.IAFSqueeze, lambda: network(frames))
    graph = to_nir(network, frames)
    graph.infer_types()
    keep("sinabs", graph, x, sent, 1000)


def norse():
    import norse.torch as norse
    from norse.torch.utils.export_nir import to_nir

    def iaf(theta):
        return norse.IAFCell(norse.IAFParameters(v_th=torch.tensor(theta)))
    network = filled(norse.SequentialState(
        nn.Conv2d(1, 6, 3, stride=(1, 2), padding=(1, 0)), iaf(1.0),
        nn.Conv2d(6, 4, 3, dilation=2, groups=2), iaf(0.6)), 1.5, 1.5)
    x = counts(1, 8, 15, rate=0.3)
    frames, state = torch.tensor(x, dtype=torch.float32), None

    def run():
        nonlocal state
        for frame in frames:
            _, state = network(frame[None], state)
    sent = recorded(network, norse.IAFCell, run)
    graph = to_nir(network, frames[:1])
    for name, shape in (("0", (8, 15)), ("2", (8, 7))):
        graph.nodes[name].input_shape = shape
    keep("norse", graph, x, sent, 1000)


def snntorch():
    import snntorch
    from snntorch.export_nir import export_to_nir

    def each(shape, low, high=None):
        n = int(np.prod(shape))
        return torch.linspace(low, low if high is None else high, n).reshape(shape)

    def leaky(shape, *beta):
        return snntorch.Leaky(beta=each(shape, *beta), threshold=each(shape, 0.8, 1.2), init_hidden=True)
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, stride=(2, 1)), leaky((4, 5, 11), 0.7, 0.95), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(40, 16),
        snntorch.RLeaky(beta=0.9, linear_features=16, init_hidden=True), nn.Linear(16, 12),
        snntorch.RSynaptic(alpha=0.6, beta=0.8, all_to_all=False, V=each((12,), -0.6, 0.6), init_hidden=True),
        nn.Linear(12, 5), leaky((5,), 0.5))
    filled(network, 1.5, 1.5, 0.4, 1.5, 1.5)
    x = counts(2, 9, 11, rate=0.2)
    frames = torch.tensor(x, dtype=torch.float32)
    kinds = (snntorch.Leaky, snntorch.RLeaky, snntorch.RSynaptic)
    sent = recorded(network, kinds, lambda: [network(frame[None]) for frame in frames])
    keep("snntorch", export_to_nir(network, frames[:1], ignore_dims=[0]), x, sent, 100)


def spikingjelly():
    from spikingjelly.activation_based import functional, layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide, self.narrow = layer.Conv2d(2, 4, 5, padding=2), layer.Conv2d(2, 4, 3, padding="same", bias=False)
            self.lif = neuron.LIFNode(tau=3.0, v_reset=-0.2)
            self.pool = layer.AvgPool2d(3, stride=2, padding=1)
            self.conv = layer.Conv2d(4, 4, 3, padding=1)
            self.plif = neuron.ParametricLIFNode(init_tau=1.5, decay_input=False)
            self.flat, self.fc = layer.Flatten(), layer.Linear(96, 16)
            self.cuba = neuron.CUBALIFNode(c_decay=0.4, v_decay=0.8, v_reset=0.1)
            self.out, self.count = layer.Linear(16, 5), neuron.IFNode(v_threshold=1.5)

        def forward(self, x):
            x = self.pool(self.lif(self.wide(x) + self.narrow(x)))
            x = self.plif(self.conv(x) + x)
            return self.count(self.out(self.cuba(self.fc(self.flat(x)))))
    network = filled(Branches(), 1.5, 1.5, 1.5, 1.0, 1.0)
    x = counts(2, 7, 11, rate=0.3)
    frames = torch.tensor(x, dtype=torch.float32)
    sent = recorded(network, neuron.BaseNode, lambda: [network(frame[None]) for frame in frames])
    functional.reset_net(network)
    keep("spikingjelly", export_to_nir(network, frames[:1]), x, sent, 100)


def spyx():
    import jax.numpy as jnp
    import spyx.nn as layers
    from flax import nnx
    from spyx.nir import to_nir
    rngs = nnx.Rngs(0)
    network = layers.Sequential(
        nnx.Linear(20, 30, rngs=rngs), layers.LIF((30,), beta=0.8, threshold=0.7, rngs=rngs),
        nnx.Linear(30, 20, use_bias=False, rngs=rngs), layers.IF((20,)),
        nnx.Linear(20, 12, rngs=rngs), layers.PSU_LIF((12,), beta=0.6, threshold=1.1, rngs=rngs),
        nnx.Linear(12, 6, rngs=rngs), layers.LIF((6,), beta=0.9, rngs=rngs))
    for linear in network.layers[::2]:
        linear.kernel[...] = jnp.asarray(weights(linear.kernel[...].T.shape, 1.2).T)
    x, state, sent = counts(20, rate=0.2), network.initial_state(1), {}
    for step in x:
        signal = jnp.asarray(step[None], jnp.float32)
        for k, module in enumerate(network.layers):
            if k % 2 == 0:
                signal = module(signal)
                continue
            signal, state[k] = module(signal, state[k])
            sent.setdefault(f"layer_{k}", []).append(np.asarray(signal[0]))
    graph = to_nir(network, {"input": np.array([20])}, {"output": np.array([6])}, dt=1e-3)
    keep("spyx", graph, x, {name: np.stack(steps) for name, steps in sent.items()}, 1000)


for simulator in (sinabs, norse, snntorch, spikingjelly, spyx):
    simulator()
