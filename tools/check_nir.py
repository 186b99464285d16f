"""Loads what synops wrote with the nir package, and compares it with the originals.

tests/nir.rs and tests/own.rs leave their files in target/tmp/nir; networks that were trained
or made stand in data. Needs nir and h5py from PyPI; run from the repository's root behind
`cargo test --test nir --test own`, with the folders that hold the originals:

    python tools/check_nir.py tests/golden [MORE ...]
"""

import pathlib
import sys

import h5py
import nir
import numpy as np

# the package refuses its own file: it infers wrong shapes for groups and oblong
# kernels, and always does so for graphs within graphs
RAW = {"layers.nir"}
# its Output states another shape than it receives
UNCHECKED = {"lif_rockpool.nir"}


def load(path):
    if path.name not in RAW:
        return nir.read(path, type_check=path.name not in UNCHECKED).to_dict()
    with h5py.File(path) as file:
        return nir.serialization.hdf2dict(file["node"])


def same(a, b, place):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), (place, a.keys() ^ b.keys())
        for key in a:
            same(a[key], b[key], f"{place}/{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), place
        for i, pair in enumerate(zip(a, b)):
            same(*pair, f"{place}/{i}")
    elif isinstance(a, (str, bytes)) or a is None or getattr(a, "dtype", None) == object:
        assert np.all(a == b), (place, a, b)
    else:
        x, y = np.asarray(a), np.asarray(b)
        if x.size == y.size == 0:
            return
        assert x.dtype == y.dtype and x.shape == y.shape and (x == y).all(), (place, x.dtype, y.dtype)


originals = {path.name: path for folder in sys.argv[1:] for path in pathlib.Path(folder).rglob("*.nir")}
ours = [*pathlib.Path("target/tmp/nir").glob("*.nir"), *pathlib.Path("data").glob("*.nir")]
for path in sorted(ours):
    if path.read_bytes() == b"older":
        continue
    graph = load(path)
    verdict = f"{len(graph['nodes'])} nodes load"
    if path.name in originals:
        same(load(originals[path.name]), graph, "")
        verdict += ", equal to the original"
    print(f"{path.name}: {verdict}")
