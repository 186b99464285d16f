"""Makes tests/golden/neurons.json: one population in other simulators.

Each case feeds the same random input, step by step, to eight neurons of one
NIR node, as a simulator's own importer builds it, and keeps what they sent. The
"nir" cases are solved by scipy's matrix exponential in 64 bits instead: the
node's linear equations over one step, then threshold and reset.

Needs numpy, scipy, torch, nir, sinabs, spikingjelly, norse, snntorch, nengo,
rockpool and spyx from PyPI; run from the repository's root:  python tools/peer_neurons.py
"""

import importlib.metadata
import json
import pathlib

import nir
import numpy as np
import scipy
import torch

N, T, DT = 8, 300, 1e-3
rng = np.random.default_rng(7)
QUANTA = rng.integers(-48, 112, (T, N)) * (rng.random((T, N)) < 0.45)
INPUT = (QUANTA / 64).astype(np.float32)


def feed(x):
    """What the populations are given from now on, [step, neuron]."""
    global INPUT, N
    INPUT, N = x, x.shape[1]


def full(value):
    return np.full(N, value, dtype=np.float32)


def lif(tau=0.02, r=20.0, v_leak=0.0, v_threshold=1.0, v_reset=0.0):
    return dict(tau=tau, r=r, v_leak=v_leak, v_threshold=v_threshold, v_reset=v_reset)


def cuba(tau_syn=0.005, tau_mem=0.02, r=20.0, v_leak=0.0, v_threshold=1.0, v_reset=0.0, w_in=5.0):
    return dict(tau_syn=tau_syn, tau_mem=tau_mem, r=r, v_leak=v_leak,
                v_threshold=v_threshold, v_reset=v_reset, w_in=w_in)


def node(model, fields, **changes):
    return getattr(nir, model)(**{k: full(v) for k, v in {**fields, **changes}.items()})


def run(step):
    with torch.no_grad():
        return np.stack([np.asarray(step(torch.from_numpy(x))) for x in INPUT])


def sinabs_steps(module):
    return run(lambda x: module(x[None])[0])


def sinabs_case(model, fields):
    from sinabs.nir import _import_sinabs_module
    # sinabs counts time constants in steps
    steps = {k: v / DT if k == "tau" else v for k, v in fields.items()}
    built = {k: torch.from_numpy(full(v)) for k, v in steps.items()}
    module = _import_sinabs_module(getattr(nir, model)(**built), batch_size=1, num_timesteps=1)
    return sinabs_steps(module)


def sinabs_cuba(fields):
    import sinabs.layers as sl
    module = sl.LIFSqueeze(tau_mem=torch.tensor(fields["tau_mem"] / DT),
                           tau_syn=torch.tensor(fields["tau_syn"] / DT),
                           spike_threshold=torch.tensor(fields["v_threshold"]),
                           norm_input=False, batch_size=1, num_timesteps=1)
    return sinabs_steps(module)


def spikingjelly_case(model, fields):
    from spikingjelly.activation_based.nir_exchange.from_nir import _NodeMapper
    mapper = _NodeMapper(dt=DT)
    module = mapper.map_dict[getattr(nir, model)](node(model, fields)).module
    return run(lambda x: module(x[None])[0])


def norse_case(model, fields):
    from norse.torch.utils.import_nir import _import_norse_module
    module, state = _import_norse_module(node(model, fields), ignore_warnings=True, dt=DT), None

    def step(x):
        nonlocal state
        spikes, state = module(x[None], state)
        return spikes[0]
    return run(step)


def snntorch_steps(module, states):
    memory = [torch.zeros(1, N) for _ in range(states)]

    def step(x):
        nonlocal memory
        spikes, *memory = module(x[None], *memory)
        return spikes[0]
    return run(step)


def snntorch_case(model, fields):
    import snntorch
    theta = fields["v_threshold"]
    if model == "IF":
        return snntorch_steps(snntorch.Leaky(beta=1.0, threshold=theta), 1)
    if model == "LIF":
        return snntorch_steps(snntorch.Leaky(beta=1 - DT / fields["tau"], threshold=theta), 1)
    module = snntorch.Synaptic(alpha=1 - DT / fields["tau_syn"], beta=1 - DT / fields["tau_mem"],
                               threshold=theta)
    return snntorch_steps(module, 2)


def snntorch_nir_case(model, fields):
    from snntorch.import_nir import _nir_to_snntorch_module
    module = _nir_to_snntorch_module(node(model, fields), init_hidden=False)
    return snntorch_steps(module, 2 if model == "CubaLIF" else 1)


def nengo_case(model, fields):
    import nengo
    cells, state = nengo.LIF(tau_rc=fields["tau"], tau_ref=0), [np.zeros(N), np.zeros(N)]

    def step(x):
        spikes = np.zeros(N)
        # Nengo counts in thresholds
        cells.step(DT, x.numpy().astype(float) / fields["v_threshold"], spikes, *state)
        return spikes * DT
    return run(step)


def rockpool_case(model, fields):
    from rockpool.nn.modules.torch import LIFNeuronTorch, LIFTorch
    # its importer looks for a tau_mem in a LIF node, which has none
    kind = dict(LIF=LIFNeuronTorch, CubaLIF=LIFTorch)[model]
    taus = {"tau_mem" if k == "tau" else k: torch.tensor(v) for k, v in fields.items() if "tau" in k}
    module = kind(N, threshold=torch.full((N,), fields["v_threshold"]), dt=DT, **taus)
    with torch.no_grad():
        return module(torch.from_numpy(INPUT)[None])[0][0].numpy()


def spyx_case(model, fields):
    import jax.numpy as jnp
    from spyx.nir import from_nir
    # it knows the ends by these names alone
    nodes = dict(input=nir.Input({"input": np.array([N])}), cells=node(model, fields),
                 output=nir.Output({"output": np.array([N])}))
    graph = nir.NIRGraph(nodes, [("input", "cells"), ("cells", "output")])
    _, sent = from_nir(graph, jnp.asarray(INPUT)[:, None], dt=DT)
    return np.asarray(sent)[:, 0]


def exact_case(model, f, held=True):
    """The node's own equations, over one step by the matrix exponential."""
    if model in ("LIF", "LI"):
        a = np.array([[-1 / f["tau"], f["r"] / f["tau"], f["v_leak"] / f["tau"]], [0, 0, 0], [0, 0, 0]])
    else:
        a = np.array([[-1 / f["tau_mem"], f["r"] / f["tau_mem"], 0, f["v_leak"] / f["tau_mem"]],
                      [0, -1 / f["tau_syn"], f["w_in"] / f["tau_syn"], 0], [0] * 4, [0] * 4])
    over = scipy.linalg.expm(a * DT)
    v, i = np.full(N, f["v_leak"], dtype=float), np.zeros(N)
    out = []
    for x in INPUT.astype(float):
        if model in ("LIF", "LI"):
            v = (over @ np.stack([v, x, np.ones(N)]))[0]
        elif held:
            v, i, _, _ = over @ np.stack([v, i, x, np.ones(N)])
        else:
            v, i, _, _ = over @ np.stack([v, i + f["w_in"] * x, np.zeros(N), np.ones(N)])
        if "v_threshold" not in f:
            out.append(v.copy())
            continue
        fired = v > f["v_threshold"]
        v = np.where(fired, f["v_reset"], v)
        out.append(fired.astype(float))
    return np.stack(out)


IF = dict(r=1.0, v_threshold=1.0, v_reset=0.0)
LI = dict(tau=0.02, r=1.0, v_leak=0.0)
CUBA_LI = {k: v for k, v in cuba(v_leak=0.1).items() if k not in ("v_threshold", "v_reset")}
tilted = lif(r=3.0, v_leak=0.1, v_threshold=0.15, v_reset=-0.05)
CASES = [
    ("nir", "LIF", tilted, lambda m, f: exact_case(m, f)),
    ("nir", "LI", dict(tau=0.02, r=3.0, v_leak=0.1), lambda m, f: exact_case(m, f)),
    ("nir", "CubaLIF", cuba(r=4.0, w_in=1.0, v_leak=0.1, v_threshold=0.4, v_reset=-0.2), exact_case),
    ("nir", "CubaLIF", cuba(tau_syn=0.02, r=4.0, w_in=3.0, v_threshold=0.4), exact_case),
    ("nir,input=impulse", "CubaLIF", cuba(r=4.0, w_in=1.0, v_leak=0.1, v_threshold=0.9),
     lambda m, f: exact_case(m, f, held=False)),
    ("nir", "CubaLI", CUBA_LI, exact_case),
    ("sinabs", "IF", IF, sinabs_case),
    ("sinabs", "LIF", lif(r=1.0, v_threshold=0.7), sinabs_case),
    ("sinabs", "LI", LI, sinabs_case),
    ("sinabs", "CubaLIF", cuba(r=1.0, w_in=1.0, v_threshold=2.0), lambda m, f: sinabs_cuba(f)),
    ("spikingjelly", "IF", dict(r=1 / DT, v_threshold=1.0, v_reset=-0.25), spikingjelly_case),
    ("spikingjelly", "LIF", lif(r=20.0, v_leak=-0.25, v_reset=-0.25), spikingjelly_case),
    ("spikingjelly", "LIF", lif(r=1.0, v_threshold=0.05), spikingjelly_case),
    ("spikingjelly", "CubaLIF", cuba(v_threshold=2.0, v_reset=0.5), spikingjelly_case),
    ("norse", "IF", dict(r=1.0, v_threshold=1.0), norse_case),
    ("norse", "LIF", lif(r=1.0, v_leak=0.02, v_threshold=0.06), norse_case),
    ("norse", "CubaLIF", cuba(r=20.0, w_in=5.0, v_threshold=2.0), norse_case),
    ("snntorch", "IF", IF, snntorch_case),
    ("snntorch", "LIF", lif(), snntorch_case),
    ("snntorch", "CubaLIF", cuba(v_threshold=2.0), snntorch_case),
    ("snntorch-nir", "IF", IF, snntorch_nir_case),
    ("snntorch-nir", "LIF", lif(r=20.0, v_threshold=0.3), snntorch_nir_case),
    ("snntorch-nir", "CubaLIF", cuba(r=200.0, w_in=5.0, v_threshold=1.0), snntorch_nir_case),
    ("nengo", "LIF", lif(r=1.0, v_threshold=0.05), nengo_case),
    ("rockpool", "LIF", lif(r=1.0, v_threshold=0.7), rockpool_case),
    ("rockpool", "CubaLIF", cuba(r=1.0, w_in=1.0, v_threshold=2.0), rockpool_case),
    ("spyx", "IF", IF, spyx_case),
    ("spyx", "LIF", lif(r=1.0, v_threshold=0.7), spyx_case),
]


def record(convention, model, fields, solve):
    sent = solve(model, fields)
    assert np.count_nonzero(sent) > 40, (convention, model)
    case = dict(convention=convention, model=model, fields=fields)
    if "v_threshold" in fields:
        case["sent"] = ["".join(str(int(s)) for s in neuron) for neuron in sent.T]
    else:
        case["last"] = [float(v) for v in sent[-1]]
        case["sum"] = [float(v) for v in sent.astype(float).sum(axis=0)]
    return case


def main():
    packages = ["sinabs", "spikingjelly", "norse", "snntorch", "nengo", "rockpool", "spyx", "scipy",
                "torch", "nir"]
    versions = {p: importlib.metadata.version(p) for p in packages}
    golden = dict(made_by="tools/peer_neurons.py", versions=versions, dt_us=1000,
                  input_64ths=[" ".join(map(str, row)) for row in QUANTA.T],
                  cases=[record(*case) for case in CASES])
    path = pathlib.Path("tests/golden/neurons.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")
    print(path, path.stat().st_size, "bytes;",
          [(c["convention"], c["model"], sum(map(lambda s: sum(map(int, s)), c.get("sent", [])))) for c in golden["cases"]])


if __name__ == "__main__":
    main()
