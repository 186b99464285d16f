"""Times training steps of SpikingJelly and of this program in turns, and prints ratios.

gesture  SpikingJelly's DVSGestureNet, 32 channels, 16 frames of 128 by 128, batch 4, with its
         calibrated weights; dropout is off, so that gradients can be compared
nmnist   conv 12 5x5, norm, LIF, max pool, conv 32 3x3, norm, LIF, max pool, dense 10, LIF on
         32 real recordings, 30 steps of 10 ms

A step is forward, cross-entropy of the mean output, backward, Adam. Each side is a process of
its own, SpikingJelly in multi-step mode; both get the same input and weights. Gradients are
compared before the first step: the largest difference of a parameter's gradient, over the
largest element of that gradient. Peak memory is the process's, Python and torch included.
Needs torch, spikingjelly and numpy from PyPI, and SYNOPS_DATA; from the repository's root:
    SYNOPS_DATA=... python tools/peer_train.py [gesture] [nmnist]
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

DATA = pathlib.Path(os.environ["SYNOPS_DATA"])
ROUNDS = 7


# the work ----------------------------------------------------------------------------------------

def gesture_input():
    folder = DATA / "spikingjelly"
    frames = np.load(folder / "gesture_frames_seed0.npz")["x"].astype(np.float32)
    state = np.load(folder / "dvsgesturenet_c32_calibrated.npz")
    batch = np.concatenate([np.roll(frames, 17 * i, axis=-1) for i in range(4)], axis=1)
    names = [name for name in state if name.endswith(("weight", "bias"))]
    # this program has no dropout there
    place = {22: 21, 25: 23}

    def own(name):
        _, at, kind = name.split(".")
        return f"{place.get(int(at), int(at))}.{kind}"
    return batch, np.array([0, 3, 7, 10]), {own(name): state[name] for name in names}


def nmnist_input():
    rng = np.random.default_rng(2)
    paths = sorted((DATA / "nmnist/Train").glob("*/*.bin"))
    chosen = paths[::len(paths) // 32][:32]
    batch = np.stack([nmnist_frames(path) for path in chosen], axis=1)
    drawn = {"0.weight": (12, 2, 5, 5), "4.weight": (32, 12, 3, 3), "9.weight": (10, 1152)}

    def draw(shape):
        bound = (6 / np.prod(shape[1:])) ** 0.5
        return rng.uniform(-bound, bound, shape).astype(np.float32)
    weights = {name: draw(shape) for name, shape in drawn.items()}
    for at, channels in (("1", 12), ("5", 32)):
        weights |= {f"{at}.weight": np.ones(channels, np.float32),
                    f"{at}.bias": np.full(channels, 0.5, np.float32)}
    weights["9.bias"] = np.full(10, 0.5, np.float32)
    return batch, np.array([int(path.parent.name) for path in chosen]), weights


def nmnist_frames(path, steps=30, side=34):
    raw = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 5).astype(int)
    t = (raw[:, 2] & 127) << 16 | raw[:, 3] << 8 | raw[:, 4]
    step = t // 10_000
    kept = step < steps
    frames = np.zeros((steps, 2, side, side), np.float32)
    np.add.at(frames, (step[kept], raw[kept, 2] >> 7, raw[kept, 1], raw[kept, 0]), 1)
    return frames


INPUTS = {"gesture": gesture_input, "nmnist": nmnist_input}


# SpikingJelly ------------------------------------------------------------------------------------

def spikingjelly_network(name):
    import torch
    from spikingjelly.activation_based import layer, neuron, surrogate
    from spikingjelly.activation_based.model.parametric_lif_net import DVSGestureNet
    choices = dict(tau=2.0, surrogate_function=surrogate.ATan())
    if name == "gesture":
        net = DVSGestureNet(channels=32, spiking_neuron=neuron.LIFNode, **choices)
        modules = [m for m in net.conv_fc if not isinstance(m, layer.Dropout)]
        return torch.nn.Sequential(*modules)

    def block(inputs, outputs, kernel):
        return (layer.Conv2d(inputs, outputs, kernel, bias=False), layer.BatchNorm2d(outputs),
                neuron.LIFNode(**choices), layer.MaxPool2d(2, 2))
    return torch.nn.Sequential(*block(2, 12, 5), *block(12, 32, 3), layer.Flatten(),
                               layer.Linear(1152, 10), neuron.LIFNode(**choices))


def serve(name, path, threads):
    """As `--serve` of benches/train.rs."""
    import torch
    import torch.nn.functional as F
    from spikingjelly.activation_based import functional
    torch.set_num_threads(threads)
    file = np.load(path)
    net = spikingjelly_network(name)
    functional.set_step_mode(net, "m")
    parameters = dict(net.named_parameters())
    with torch.no_grad():
        for key, parameter in parameters.items():
            parameter.copy_(torch.from_numpy(file[key]))
    x, labels = torch.from_numpy(file["x"]).float(), torch.from_numpy(file["labels"])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def learn():
        optimizer.zero_grad()
        functional.reset_net(net)
        loss = F.cross_entropy(net(x).mean(0), labels)
        loss.backward()
        return loss.item()
    for line in sys.stdin:
        if line.startswith("gradients "):
            loss = learn()
            every = [parameter.grad.numpy().ravel() for parameter in parameters.values()]
            np.concatenate(every).tofile(line.split(maxsplit=1)[1].strip())
            print(loss, flush=True)
            continue
        began = time.perf_counter()
        learn()
        optimizer.step()
        print(time.perf_counter() - began, flush=True)


# both --------------------------------------------------------------------------------------------

class Side:
    """A process that answers lines."""

    def __init__(self, command, **environment):
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=os.environ | environment)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        """The most memory that it held, in MB."""
        self.process.stdin.close()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.stdout.close()
        return usage.ru_maxrss / 1024


def program():
    """Where cargo puts the bench."""
    import json
    lines = subprocess.run(["cargo", "bench", "--bench", "train", "--no-run", "--message-format=json"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    built = [json.loads(line) for line in lines]
    return next(one["executable"] for one in built if one.get("target", {}).get("name") == "train"
                and one.get("executable"))


def gradients(side, folder):
    path = folder / "gradients"
    loss = side.ask(f"gradients {path}")
    return loss, np.fromfile(path, np.float32)


def difference(mine, theirs, weights):
    """The worst of all parameters, in their order."""
    worst, at = 0.0, 0
    for name in sorted(weights, key=lambda name: (int(name.split(".")[0]), name[-1] == "s")):
        end = at + weights[name].size
        most = np.abs(theirs[at:end]).max() or 1.0
        worst, at = max(worst, np.abs(mine[at:end] - theirs[at:end]).max() / most), end
    assert at == mine.size == theirs.size
    return worst


def compare(name, bench, threads, folder):
    x, labels, weights = INPUTS[name]()
    file = folder / f"{name}.npz"
    np.savez(file, x=x, labels=labels, **weights)
    theirs = Side([sys.executable, __file__, "--serve", name, str(file), str(threads)])
    mine = Side([bench, "--serve", name, str(file)], RAYON_NUM_THREADS=str(threads))
    (loss, ours), (their_loss, reference) = gradients(mine, folder), gradients(theirs, folder)
    apart = difference(ours, reference, weights)
    theirs.ask("step"), mine.ask("step")
    pairs = [(theirs.ask("step"), mine.ask("step")) for _ in range(ROUNDS)]
    ratios = sorted(a / b for a, b in pairs)
    a, b = (statistics.median(column) for column in zip(*pairs))
    memory = theirs.close(), mine.close()
    print(f"{name}, threads: {threads}    {1e3 * a:8.1f} ms  {1e3 * b:8.1f} ms  "
          f"{statistics.median(ratios):5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})    "
          f"{memory[0]:6.0f} MB  {memory[1]:6.0f} MB  {memory[0] / memory[1]:5.2f}    "
          f"loss {their_loss:.6f} {loss:.6f}  gradients apart {apart:.1e}", flush=True)


def main(names):
    bench = program()
    with tempfile.TemporaryDirectory() as folder:
        for name in names or INPUTS:
            for threads in (1, 2):
                compare(name, bench, threads, pathlib.Path(folder))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--serve", name, path, threads]:
            serve(name, path, int(threads))
        case names:
            main(names)
