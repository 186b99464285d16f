"""Times other simulators and this one on the same work, in turns, and prints ratios.

N-MNIST CNN    cnn_sinabs.nir, recording Train/0/00002.bin in 1 ms frames: SpikingJelly in
               multi-step mode under its own convention, sinabs under its own
DVSGestureNet  128 channels, 16 frames: SpikingJelly

Binning and reading are left out on both sides: the peers get frames in memory, this
program reports what it took to run. One thread. Needs torch, spikingjelly, sinabs, nir,
nirtorch and numpy from PyPI, SYNOPS_DATA, and a release build; from the repository's root:
    SYNOPS_DATA=... python tools/peer_speed.py
"""

import json
import os
import pathlib
import statistics
import subprocess
import time

import nir
import numpy as np
import torch
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.model.parametric_lif_net import DVSGestureNet

torch.set_num_threads(1)
torch.set_grad_enabled(False)
DATA = pathlib.Path(os.environ["SYNOPS_DATA"])
ROUNDS = 9


def ours(*arguments):
    run = subprocess.run(["target/release/synops", "replay", *map(str, arguments), "--json", "-"],
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)["timing"]["run_s"]


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def compare(name, theirs, arguments):
    """In turns, so that a slow phase of the machine slows both."""
    theirs(), ours(*arguments)
    pairs = [(timed(theirs), ours(*arguments)) for _ in range(ROUNDS)]
    ratios = sorted(a / b for a, b in pairs)
    a, b = (statistics.median(column) for column in zip(*pairs))
    print(f"{name:45} {1e3 * a:8.1f} ms  {1e3 * b:8.2f} ms  {statistics.median(ratios):6.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})", flush=True)


def nmnist_frames(path):
    raw = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 5).astype(int)
    t = (raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]
    step = (t - t[0]) // 1000
    frames = np.zeros((step[-1] + 1, 2, 34, 34), np.float32)
    np.add.at(frames, (step, raw[:, 2] >> 7, raw[:, 1], raw[:, 0]), 1)
    return torch.from_numpy(frames)


def spikingjelly_cnn(graph):
    modules = []
    for name in sorted(graph.nodes, key=lambda k: int(k) if k.isdigit() else -1):
        node = graph.nodes[name]
        match type(node).__name__:
            case "Conv2d":
                out, channels, *kernel = node.weight.shape
                module = layer.Conv2d(channels, out, kernel, node.stride, node.padding, step_mode="m")
                module.weight.data, module.bias.data = torch.tensor(node.weight), torch.tensor(node.bias)
            case "IF":
                module = neuron.IFNode(v_reset=0.0, step_mode="m")
            case "SumPool2d":
                module = torch.nn.Sequential(layer.AvgPool2d(2, 2, step_mode="m"), Times(4))
            case "Flatten":
                module = layer.Flatten(step_mode="m")
            case "Affine":
                module = layer.Linear(*node.weight.shape[::-1], step_mode="m")
                module.weight.data, module.bias.data = torch.tensor(node.weight), torch.tensor(node.bias)
            case _:
                continue
        modules.append(module)
    return torch.nn.Sequential(*modules).eval()


class Times(torch.nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def main():
    recording, network = DATA / "nmnist/Train/0/00002.bin", DATA / "nir/cnn_sinabs.nir"
    frames, graph = nmnist_frames(recording), nir.read(network)
    print(f"{'':45} {'theirs':>11}  {'synops':>11}  ratio (spread)")

    net = spikingjelly_cnn(graph)

    def spikingjelly():
        functional.reset_net(net)
        return net(frames[:, None])
    print("spikes of the answer:", spikingjelly().sum(0)[0].int().tolist())
    compare("N-MNIST CNN, SpikingJelly multi-step", spikingjelly,
            (recording, "--network", network, "--convention", "spikingjelly"))

    import sinabs.nir
    import sinabs
    imported = sinabs.nir.from_nir(graph, batch_size=1)

    def run_sinabs():
        sinabs.reset_states(imported)
        return imported(frames)
    compare("N-MNIST CNN, sinabs", run_sinabs, (recording, "--network", network, "--convention", "sinabs"))

    folder = DATA / "spikingjelly"
    weights = folder / "dvsgesturenet_c128_calibrated.npz"
    gesture = DVSGestureNet(channels=128, spiking_neuron=neuron.LIFNode, v_reset=0.0)
    gesture.load_state_dict({k: torch.tensor(v) for k, v in np.load(weights).items()})
    functional.set_step_mode(gesture.eval(), "m")
    x = torch.tensor(np.load(folder / "gesture_frames_seed0.npz")["x"]).float()

    def dvs_gesture_net():
        functional.reset_net(gesture)
        return gesture(x)
    compare("DVSGestureNet, 128 channels, SpikingJelly", dvs_gesture_net,
            (folder / "gesture_frames_seed0.npz", "--network", weights, "--mapping", "spikingjelly-dvsgesturenet"))


main()
