"""Makes tests/golden/loihi.json: Loihi's compartment in Lava.

Eight neurons of Lava's bit-accurate LIF hear random integer weights, step by step;
kept are their spikes and what is left of current and potential.

Needs lava-nc 0.10.0 from PyPI (Python 3.10); run from the repository's root:
python tools/peer_loihi.py
"""

import importlib.metadata
import json
import pathlib

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.sink import RingBuffer as Sink
from lava.proc.io.source import RingBuffer as Source
from lava.proc.lif.process import LIF

N, T = 8, 300
rng = np.random.default_rng(11)
WEIGHTS = rng.integers(-90, 120, (N, T)) * (rng.random((N, T)) < 0.5)
# sums that u wraps around at and v saturates at
LARGE = rng.integers(-200_000, 260_000, (N, T)) * (rng.random((N, T)) < 0.5)


def run(name, i_decay, v_decay, threshold, bias):
    weights = dict(weights=WEIGHTS, large=LARGE)[name]
    # Lava adds 1 to the current's decay
    cells = LIF(shape=(N,), du=i_decay - 1, dv=v_decay, vth=threshold, bias_mant=bias,
                bias_exp=6, u=0, v=0)
    source, sink = Source(data=weights), Sink(shape=(N,), buffer=T)
    source.s_out.connect(cells.a_in)
    cells.s_out.connect(sink.a_in)
    cells.run(condition=RunSteps(num_steps=T), run_cfg=Loihi2SimCfg(select_tag="fixed_pt"))
    sent, u, v = (x.astype(int) for x in (sink.data.get(), cells.u.get(), cells.v.get()))
    cells.stop()
    assert sent.sum() > 40, (i_decay, v_decay, threshold)
    return dict(input=name, fields=dict(iDecay=i_decay, vDecay=v_decay, vThMant=threshold, bias=bias),
                sent=["".join(map(str, neuron)) for neuron in sent], u=u.tolist(), v=v.tolist())


def main():
    cases = [("weights", 4096, 415, 96, 0), ("weights", 1024, 128, 300, 0),
             ("weights", 3000, 4096, 60, 3), ("weights", 77, 2048, 700, -20),
             ("weights", 4095, 1, 200, 0), ("weights", 2048, 1, 400, 0),
             ("large", 500, 100, 120_000, 0), ("large", 4096, 1, 131_071, -40)]
    cases = [run(*case) for case in cases]
    rows = lambda inputs: [" ".join(map(str, row)) for row in inputs]
    golden = dict(made_by="tools/peer_loihi.py",
                  versions={"lava-nc": importlib.metadata.version("lava-nc")},
                  inputs=dict(weights=rows(WEIGHTS), large=rows(LARGE)), cases=cases)
    path = pathlib.Path("tests/golden/loihi.json")
    path.write_text(json.dumps(golden, indent=1) + "\n")
    print(path, path.stat().st_size, [sum(s.count("1") for s in c["sent"]) for c in cases])


if __name__ == "__main__":
    main()
