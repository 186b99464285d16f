"""Makes tests/golden/learn.npz: what torch, SpikingJelly and snnTorch compute while they train.

network.*        input, labels and weights that all networks share
CASE.*           one conv-norm-neuron-pool-dense network: loss, gradients, spikes
recurrent*       neurons behind dense weights that hear themselves: the same
surrogate.*      derivatives of SpikingJelly's surrogates at surrogate.x
loss.*           losses and their gradients with respect to the outputs [T, B, K]
optimizer.*      parameters after each step, given optimizer.gradients
schedule.*       learning rates, epoch by epoch
made_by          names and versions, as bytes

Needs torch, spikingjelly, snntorch and numpy from PyPI; run from the repository's root:
    python tools/make_learn_golden.py
"""

import importlib.metadata
import json
import pathlib

import numpy as np
import snntorch.functional
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional, layer, neuron, surrogate

PACKAGES = ("torch", "spikingjelly", "snntorch", "numpy")
STEPS, BATCH, CLASSES = 6, 3, 5
rng = np.random.default_rng(5)
torch.manual_seed(5)
np.random.seed(5)
arrays = {}


def draw(*shape, scale=1.0):
    return torch.tensor((scale * rng.standard_normal(shape)).astype(np.float32))


def keep(name, value):
    value = value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    arrays[name] = value.astype(np.float32) if value.dtype == np.float64 else value


# networks ----------------------------------------------------------------------------------------

INPUT = torch.tensor((rng.random((STEPS, BATCH, 2, 8, 8)) < 0.3).astype(np.float32))
LABELS = torch.tensor([1, 4, 0])
SHARED = {
    "0.weight": draw(4, 2, 3, 3, scale=0.5),
    "1.weight": 1 + draw(4, scale=0.2),
    "1.bias": 0.4 + draw(4, scale=0.2),
    "5.weight": draw(CLASSES, 64, scale=0.3),
    "5.bias": draw(CLASSES, scale=0.3),
}


def run(case, cells, pool=layer.AvgPool2d, start=None):
    """One forward and backward pass; parameters are named by their place."""
    net = torch.nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4), cells,
        pool(2, 2), layer.Flatten(), layer.Linear(64, CLASSES))
    functional.set_step_mode(net, "m")
    parameters = dict(net.named_parameters())
    with torch.no_grad():
        for name, value in (SHARED | (start or {})).items():
            parameters[name].copy_(value)
    spikes = []
    cells.register_forward_hook(lambda _, __, sent: spikes.append(sent))
    loss = F.cross_entropy(net(INPUT).mean(0), LABELS)
    loss.backward()
    rate = spikes[0].mean().item()
    assert 0.05 < rate < 0.8, (case, rate)
    keep(f"{case}.loss", loss)
    keep(f"{case}.spikes", spikes[0].to(torch.uint8))
    keep(f"{case}.running_mean", net[1].running_mean)
    keep(f"{case}.running_var", net[1].running_var)
    for name, parameter in parameters.items():
        keep(f"{case}.gradient.{name}", parameter.grad)
        if name not in SHARED:
            keep(f"{case}.start.{name}", parameter)
    print(f"{case:16} loss {loss.item():.6f} rate {rate:.3f}")


def networks():
    keep("network.input", INPUT.to(torch.uint8))
    keep("network.labels", LABELS)
    for name, value in SHARED.items():
        keep(f"network.{name}", value)
    atan = dict(surrogate_function=surrogate.ATan())
    for detach in (False, True):
        same = atan | dict(detach_reset=detach)
        end = "-detached" if detach else ""
        run(f"if{end}", neuron.IFNode(**same))
        run(f"lif{end}", neuron.LIFNode(tau=2.0, **same))
        run(f"lif-soft{end}", neuron.LIFNode(tau=3.0, v_reset=None, **same), layer.MaxPool2d)
        run(f"plif{end}", neuron.ParametricLIFNode(init_tau=2.5, **same))
        run(f"plif-bare{end}", neuron.ParametricLIFNode(init_tau=2.5, decay_input=False, v_reset=-0.2, **same))
        k = {"2.k": torch.tensor(1.2)}
        run(f"klif{end}", neuron.KLIFNode(tau=2.0, **same), start=k)
        run(f"klif-scaled{end}", neuron.KLIFNode(scale_reset=True, tau=2.0, v_reset=None, **same), start=k)
    run("lif-bare", neuron.LIFNode(tau=4.0, decay_input=False, v_reset=-0.1, **atan))
    run("gated-layer", neuron.GatedLIFNode(STEPS, surrogate_function=surrogate.Sigmoid()))
    run("gated-channel", neuron.GatedLIFNode(STEPS, inplane=4, surrogate_function=surrogate.ATan()))


# recurrent neurons -------------------------------------------------------------------------------

RECURRENT = 8


def recurrent(case, cells):
    """Neurons that hear their own last spikes beside their input; a dense layer reads them."""
    container = layer.LinearRecurrentContainer(cells, RECURRENT, RECURRENT, bias=False, step_mode="m")
    read = layer.Linear(RECURRENT, CLASSES, bias=False, step_mode="m")
    weights = torch.cat([arrays["recurrent.weight"], arrays["recurrent.back"]], 1)
    with torch.no_grad():
        container.rc.weight.copy_(weights)
        read.weight.copy_(arrays["recurrent.read"])
    sent = container(arrays["recurrent.input"].float())
    loss = F.cross_entropy(read(sent).mean(0), LABELS)
    loss.backward()
    rate = sent.mean().item()
    assert 0.1 < rate < 0.8, (case, rate)
    keep(f"{case}.loss", loss)
    keep(f"{case}.spikes", sent.to(torch.uint8))
    by_input, by_spikes = container.rc.weight.grad.split(RECURRENT, 1)
    keep(f"{case}.gradient.weight", by_input)
    keep(f"{case}.gradient.back", by_spikes)
    keep(f"{case}.gradient.read", read.weight.grad)
    for name, parameter in cells.named_parameters():
        keep(f"{case}.gradient.{name}", parameter.grad)
    print(f"{case:16} loss {loss.item():.6f} rate {rate:.3f}")


def loops():
    arrays["recurrent.input"] = torch.tensor((rng.random((STEPS, BATCH, RECURRENT)) < 0.5).astype(np.uint8))
    for name, shape in (("weight", (8, 8)), ("back", (8, 8)), ("read", (CLASSES, 8))):
        arrays[f"recurrent.{name}"] = draw(*shape, scale=1.2)
    atan = dict(surrogate_function=surrogate.ATan())
    recurrent("recurrent-lif", neuron.LIFNode(tau=2.0, **atan))
    recurrent("recurrent-plif", neuron.ParametricLIFNode(init_tau=2.5, detach_reset=True, v_reset=None, **atan))
    for name in ("input", "weight", "back", "read"):
        keep(f"recurrent.{name}", arrays[f"recurrent.{name}"])


# surrogates --------------------------------------------------------------------------------------

SURROGATES = {
    "atan:2": surrogate.ATan(2.0), "sigmoid:4": surrogate.Sigmoid(4.0),
    "triangle:1.5": surrogate.PiecewiseQuadratic(1.5), "exp:1": surrogate.PiecewiseExp(1.0),
    "softsign:2": surrogate.SoftSign(2.0), "superspike:3": surrogate.SuperSpike(3.0),
    "erf:2": surrogate.Erf(2.0), "rect:1": surrogate.Rect(1.0),
}


def surrogates():
    keep("surrogate.x", np.linspace(-1.9, 2.1, 41, dtype=np.float32))
    for name, function in SURROGATES.items():
        x = torch.tensor(arrays["surrogate.x"], requires_grad=True)
        function(x).sum().backward()
        keep(f"surrogate.{name}", x.grad)


# losses ------------------------------------------------------------------------------------------


def tet(outputs, labels, means=1.0, lamb=1e-3):
    """TET_loss of the official code's functions.py, with its defaults."""
    steps = outputs.shape[0]
    entropy = sum(F.cross_entropy(outputs[t], labels) for t in range(steps)) / steps
    mse = F.mse_loss(outputs, torch.full_like(outputs, means)) if lamb else 0
    return (1 - lamb) * entropy + lamb * mse


def losses():
    outputs, labels = draw(4, BATCH, CLASSES, scale=1.5), torch.tensor([2, 0, 4])
    keep("loss.outputs", outputs)
    keep("loss.labels", labels)
    target = F.one_hot(labels, CLASSES).float()
    functions = {
        "rate": lambda o: F.cross_entropy(o.mean(0), labels),
        "mse": lambda o: F.mse_loss(o.mean(0), target),
        "count": lambda o: snntorch.functional.mse_count_loss(0.75, 0.25)(o, labels),
        "tet": lambda o: tet(o, labels),
        "tet-heavy": lambda o: tet(o, labels, 0.7, 0.25),
    }
    for name, function in functions.items():
        o = outputs.clone().requires_grad_()
        loss = function(o)
        loss.backward()
        keep(f"loss.{name}", loss)
        keep(f"loss.{name}.gradient", o.grad)


# optimisers --------------------------------------------------------------------------------------

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgd-momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
    "sgd-nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.1),
}


def optimizers():
    start, gradients = draw(7), draw(5, 7)
    keep("optimizer.start", start)
    keep("optimizer.gradients", gradients)
    for name, make in OPTIMIZERS.items():
        parameter = torch.nn.Parameter(start.clone())
        optimizer, path = make([parameter]), []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
            path.append(parameter.detach().clone())
        keep(f"optimizer.{name}", torch.stack(path))
    for most in (1.0, 100.0):
        parts = [torch.nn.Parameter(start[:3].clone()), torch.nn.Parameter(start[3:].clone())]
        for part, gradient in zip(parts, (gradients[0, :3], gradients[0, 3:])):
            part.grad = gradient.clone()
        norm = torch.nn.utils.clip_grad_norm_(parts, most)
        keep("optimizer.norm", norm)
        keep(f"optimizer.clipped-{most:g}", torch.cat([part.grad for part in parts]))


def rates(make, epochs=20):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler, path = make(optimizer), []
    for _ in range(epochs):
        path.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(path)


def schedules():
    keep("schedule.cosine", rates(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12, 0.01)))
    keep("schedule.step", rates(lambda o: torch.optim.lr_scheduler.StepLR(o, 6, 0.3)))


def main():
    for part in (networks, surrogates, losses, optimizers, schedules, loops):
        part()
    head = dict(made_by="tools/make_learn_golden.py",
                versions={p: importlib.metadata.version(p) for p in PACKAGES})
    arrays["made_by"] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    path = pathlib.Path("tests/golden/learn.npz")
    np.savez_compressed(path, **arrays)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
