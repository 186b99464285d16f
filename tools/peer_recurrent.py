"""Makes tests/golden/recurrent.nir and recurrent.json: a loop in another simulator.

Twelve inputs, an affine layer, twenty LIF neurons that hear themselves through a
second affine layer, five IF neurons; run by SpikingJelly's own NIR importer.

Needs numpy, torch, nir, nirtorch and spikingjelly from PyPI; run from the
repository's root:  python tools/peer_recurrent.py
"""

import importlib.metadata
import json
import pathlib

import nir
import numpy as np
import torch
from spikingjelly.activation_based.nir_exchange import import_from_nir

rng = np.random.default_rng(5)
DT, T = 1e-3, 200


def normal(*shape, scale):
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def full(n, value):
    return np.full(n, value, dtype=np.float32)


def main():
    lif = nir.LIF(tau=full(20, 0.01), r=full(20, 10), v_leak=full(20, 0), v_threshold=full(20, 1), v_reset=full(20, 0))
    out = nir.IF(r=full(5, 1 / DT), v_threshold=full(5, 1), v_reset=full(5, 0))
    nodes = dict(
        input=nir.Input(np.array([12])), output=nir.Output(np.array([5])),
        w_in=nir.Affine(weight=normal(20, 12, scale=0.6), bias=normal(20, scale=0.05)),
        w_rec=nir.Affine(weight=normal(20, 20, scale=0.4), bias=normal(20, scale=0.02)),
        w_out=nir.Linear(weight=normal(5, 20, scale=0.3)), lif=lif, out=out)
    edges = [("input", "w_in"), ("w_in", "lif"), ("lif", "w_rec"), ("w_rec", "lif"),
             ("lif", "w_out"), ("w_out", "out"), ("out", "output")]
    graph = nir.NIRGraph(nodes, edges)
    nir.write("tests/golden/recurrent.nir", graph)
    network, state, sent = import_from_nir(graph, dt=DT, step_mode="s"), None, []
    x = (rng.random((T, 12)) < 0.2).astype(np.float32)
    with torch.no_grad():
        for step in x:
            y, state = network(torch.tensor(step)[None], state)
            sent.append(y[0].numpy())
    text = lambda rows: ["".join(str(int(s)) for s in column) for column in np.array(rows).T]
    golden = dict(made_by="tools/peer_recurrent.py", dt_us=1000, input=text(x), output=text(sent),
                  versions={p: importlib.metadata.version(p) for p in ("spikingjelly", "nirtorch", "nir", "torch")})
    pathlib.Path("tests/golden/recurrent.json").write_text(json.dumps(golden, indent=1) + "\n")
    print(np.array(sent).sum(axis=0))


main()
