"""Makes tests/golden/arrays: events as SpikingJelly and tonic keep DVS128 Gesture.

The .npz are written by SpikingJelly's `np_savez`, stored and deflated, the .npy is what
tonic's loader takes; each is read again by its owner's code, and what that gives is kept
in events.json.

Needs numpy, torch, spikingjelly and tonic from PyPI; run from the repository's root:
    python tools/make_arrays_golden.py
"""

import importlib.metadata
import importlib.util
import json
import pathlib
import sys

import numpy as np
import tonic

FOLDER = pathlib.Path("tests/golden/arrays")
EVENTS = 50


def spikingjelly_utils():
    """The module alone: its package asks for torchaudio."""
    root = importlib.util.find_spec("spikingjelly").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("spikingjelly.datasets.utils", f"{root}/datasets/utils.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def tonic_reads(path):
    data = object.__new__(tonic.datasets.DVSGesture)
    data.data, data.targets, data.transform = [str(path)], [0], None
    data.target_transform = data.transforms = None
    return data[0][0]


def main():
    rng = np.random.default_rng(11)
    FOLDER.mkdir(exist_ok=True)
    t = np.sort(rng.integers(0, 200, EVENTS)) * 1000
    x, y, p = rng.integers(0, 128, EVENTS), rng.integers(0, 128, EVENTS), rng.integers(0, 2, EVENTS)
    utils = spikingjelly_utils()
    utils.np_savez(FOLDER / "cut.npz", t=t, x=x, y=y, p=p)
    np.savez_compressed(FOLDER / "cut_deflated.npz", t=t.astype(np.int32), x=x.astype(np.uint8),
                        y=y.astype(np.uint8), p=p.astype(bool))
    loaded = np.load(FOLDER / "cut.npz")
    assert all(np.array_equal(loaded[k], v) for k, v in dict(t=t, x=x, y=y, p=p).items())
    np.save(FOLDER / "3.npy", np.stack([x, y, p, t // 1000], 1).astype(np.uint16))
    np.save(FOLDER / "4.npy", np.stack([x, y, p, t / 1000], 1))
    read = tonic_reads(FOLDER / "4.npy")
    assert np.array_equal(read["t"], t) and np.array_equal(read["x"], x) and np.array_equal(read["p"], p > 0)
    versions = {name: importlib.metadata.version(name) for name in ("numpy", "spikingjelly", "tonic")}
    golden = dict(made_by="tools/make_arrays_golden.py", versions=versions,
                  events=np.stack([read[k].astype(int) for k in ("t", "x", "y", "p")], 1).tolist())
    (FOLDER / "events.json").write_text(json.dumps(golden) + "\n")


main()
