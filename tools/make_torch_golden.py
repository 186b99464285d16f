"""Makes tests/golden/torch: what torch and SpikingJelly write, and what they compute.

layers.json      max pool, voting and batch norm, one at a time
*.pt, *.pth      files of torch.save: state dicts in the format of today and of before
                 2020, a checkpoint, a whole module, and two that would run a command
*.npz            state dicts of numpy
weights.json     the numbers that torch and numpy find in all of them
net.pt, net.json a small network and its spikes, in SpikingJelly
frames_*         event counts by the formula that tests/formats/frames.rs repeats

legacy.pth differs from run to run: its keys are addresses in memory.

Needs torch, spikingjelly and numpy from PyPI; run from the repository's root:
    python tools/make_torch_golden.py
"""

import importlib.metadata
import json
import os
import pathlib
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional, layer, neuron

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


# files -------------------------------------------------------------------------------------------


class Trained(torch.nn.Module):
    """A module of our own, with a child, a buffer that is not saved, and no bias."""

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False), torch.nn.BatchNorm1d(2))
        self.scale = torch.nn.Parameter(torch.tensor(0.5))
        self.register_buffer("scratch", torch.zeros(4), persistent=False)


class Runs:
    """Pickles as a call, as anything can."""

    def __reduce__(self):
        return os.system, ("touch executed-by-a-pickle",)


def state():
    """Views, offsets and strides over shared storages, and every type that numbers can have."""
    base = torch.arange(24, dtype=torch.float32) / 8
    halves = torch.tensor([0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, 1 / 3])
    matrix = base.reshape(4, 6)
    return {
        "plain": matrix,
        "transposed": matrix.t(),
        "rows.1.and.3": matrix[1::2],
        "column": matrix[:, 4],
        "permuted": base.reshape(2, 3, 4).permute(2, 0, 1),
        "expanded": base[5:6].expand(3, 2),
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(2.5),
        "parameter": torch.nn.Parameter(torch.tensor([1.5, -0.25])),
        "f64": torch.tensor([1 / 3, -1e300], dtype=torch.float64),
        "f16": halves.half(),
        "bf16": halves.bfloat16(),
        "i64": torch.tensor([[-(2**62), 7]]),
        "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([0, 255], dtype=torch.uint8),
        "u16": torch.tensor([0, 65535], dtype=torch.uint16),
        "bool": torch.tensor([True, False, True]),
    }


def numbers(tensors):
    """Shapes and numbers, whole ones as such: f64 does not hold all of them."""
    values = {k: t.double() if t.is_floating_point() else t.long() for k, t in tensors.items()}
    return {k: dict(shape=list(t.shape), values=t.flatten().tolist()) for k, t in values.items()}


def checkpoint(module):
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    module.body(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    return dict(net=module.state_dict(), optimizer=optimizer.state_dict(), epoch=7, best=0.5,
                averages=[torch.ones(2), (torch.zeros(1, 2),)], device=torch.device("cpu"), name="golden")


def big_endian(tensors, name):
    """As a machine with the other byte order writes it; torch checks that it is so."""
    torch.save(tensors, FOLDER / name)
    with zipfile.ZipFile(FOLDER / name) as file:
        entries = [(info, file.read(info)) for info in file.infolist()]
    with zipfile.ZipFile(FOLDER / name, "w") as file:
        for info, content in entries:
            if "/data/" in info.filename:
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            file.writestr(info, b"big" if info.filename.endswith("/byteorder") else content)
    read = torch.load(FOLDER / name, weights_only=True)
    assert all(torch.equal(read[k], v) for k, v in tensors.items())


def files():
    tensors = state()
    torch.save(tensors, FOLDER / "state.pt")
    # torch wrote no uint16 before it wrote zip files
    old = {k: v for k, v in tensors.items() if k != "u16"}
    torch.save(old, FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(tensors, FOLDER / "protocol4.pt", pickle_protocol=4)
    single = {k: v for k, v in tensors.items() if v.dtype == torch.float32}
    big_endian(single, "big.pt")
    module = Trained()
    saved = checkpoint(module)
    torch.save(saved, FOLDER / "checkpoint.pth")
    torch.save(module, FOLDER / "module.pt")
    torch.save(dict(weight=torch.ones(2), trap=Runs()), FOLDER / "malicious.pt")
    torch.save([Runs()], FOLDER / "malicious_legacy.pth", _use_new_zipfile_serialization=False)
    arrays = {k: v.detach().numpy() for k, v in tensors.items() if v.dtype != torch.bfloat16}
    np.savez(FOLDER / "stored.npz", **arrays, big=np.arange(3, dtype=">f4"), fortran=np.asfortranarray([[1, 2, 3], [4, 5, 6.5]]))
    np.savez_compressed(FOLDER / "deflated.npz", **arrays)
    adam = {f"optimizer.state.{i}.{k}": v for i, s in saved["optimizer"]["state"].items() for k, v in s.items()}
    expected = {
        "state.pt": tensors, "legacy.pth": old, "protocol4.pt": tensors, "big.pt": single,
        "checkpoint.pth": {f"net.{k}": v for k, v in saved["net"].items()} | adam | {
            "averages.0": torch.ones(2), "averages.1.0": torch.zeros(1, 2)},
        "stored.npz": {k: torch.tensor(v) for k, v in arrays.items()} | dict(
            big=torch.arange(3).float(), fortran=torch.tensor([[1, 2, 3], [4, 5, 6.5]])),
        "deflated.npz": {k: torch.tensor(v) for k, v in arrays.items()},
    }
    write_json("weights.json", **{"files": {name: numbers(t) for name, t in expected.items()}})


# a network ---------------------------------------------------------------------------------------


def network():
    return torch.nn.Sequential(
        layer.Conv2d(2, 8, 3, padding=1, bias=False),
        layer.BatchNorm2d(8),
        neuron.LIFNode(tau=2.0, decay_input=True, v_reset=0.0),
        layer.MaxPool2d(2, 2),
        layer.Conv2d(8, 12, (3, 2), stride=(1, 2), padding=(1, 0), groups=2),
        layer.BatchNorm2d(12, eps=0.01),
        neuron.ParametricLIFNode(init_tau=1.7, decay_input=False, v_threshold=0.75, v_reset=-0.125),
        layer.AvgPool2d(2, 2),
        layer.Flatten(),
        layer.Dropout(0.5),
        layer.Linear(12 * 3 * 1, 24),
        layer.BatchNorm1d(24),
        neuron.LIFNode(tau=3.0, decay_input=False, v_reset=0.0),
        layer.Linear(24, 20, bias=False),
        neuron.IFNode(v_threshold=0.5, v_reset=0.0),
        layer.VotingLayer(5),
    )


def soft(net):
    """The same with reset by subtraction."""
    for module in net.modules():
        if isinstance(module, neuron.BaseNode):
            module.v_reset = None
            module.set_reset_value("v", 0.0)
            functional.reset_net(module)
    return net


def calibrate(net, x):
    """Batch norm as after training: statistics and affine parameters of its own."""
    net.train()
    for _ in range(20):
        with torch.no_grad():
            net(x)
        functional.reset_net(net)
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.uniform_(module.weight, 0.7, 1.5)
            torch.nn.init.uniform_(module.bias, -0.1, 0.5)
    net[13].weight.data *= 2
    return net.eval()


def run(net, x):
    """Spikes of each population and step, and what came out, summed over the steps."""
    sent = {}
    hooks = [m.register_forward_hook(lambda m, i, o, k=k: sent.__setitem__(k, o))
             for k, m in net.named_modules() if isinstance(m, neuron.BaseNode)]
    with torch.no_grad():
        out = net(x)
    functional.reset_net(net)
    [hook.remove() for hook in hooks]
    return {k: v.flatten(1).sum(1).long().tolist() for k, v in sent.items()}, out.sum(0)[0].double().tolist(), sent


def small_network():
    frames = rng.integers(1, 3, (12, 1, 2, 12, 10)) * (rng.random((12, 1, 2, 12, 10)) < 0.25)
    frames[[0, 7, 11]] = 0
    x = torch.tensor(frames).float()
    net = network()
    functional.set_step_mode(net, "m")
    calibrate(net, x)
    torch.save(net.state_dict(), FOLDER / "net.pt")
    np.savez_compressed(FOLDER / "net_frames.npz", frames=frames.astype(np.uint8))
    runs = {}
    for name, prepare in (("hard", lambda n: n), ("soft", soft)):
        counts, out, sent = run(prepare(net), x)
        double, _, exact = run(net.double(), x.double())
        net.float()
        assert all((sent[k] == exact[k]).all() for k in sent), "a tie: choose another seed"
        assert all(sum(c) > 20 for c in counts.values()), counts
        runs[name] = dict(spikes=counts, output=out)
    write_json("net.json", runs=runs)


# frames ------------------------------------------------------------------------------------------


def counts(frames, channels, height, width):
    """count(i) of tests/formats/frames.rs over all elements i in C order; the first frame is silent."""
    i = np.arange(frames * channels * height * width)
    n = np.where(i % 7 == 3, i % 11, 0)
    n[: channels * height * width] = 0
    return n.reshape(frames, channels, height, width)


def frame_files():
    x = counts(5, 2, 6, 4)
    np.save(FOLDER / "frames_u8.npy", x.astype(np.uint8))
    np.save(FOLDER / "frames_f32.npy", x.astype(np.float32))
    np.save(FOLDER / "frames_i64_big.npy", x.astype(">i8"))
    np.save(FOLDER / "frames_batch.npy", x.astype(np.int16)[:, None])
    np.savez(FOLDER / "frames_stored.npz", label=np.array(3), frames=x.astype(np.uint16), other=np.zeros(2))
    np.savez_compressed(FOLDER / "frames_deflated.npz", frames=x.astype(np.float64), label=np.array(3))


def main():
    FOLDER.mkdir(exist_ok=True)
    layers()
    files()
    small_network()
    frame_files()
    for path in sorted(FOLDER.iterdir()):
        print(path.name, path.stat().st_size)


main()
