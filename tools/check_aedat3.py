#!/usr/bin/env python3
"""Reads an AEDAT 3.1 file that synops wrote with two other readers and prints what they found.

Needs: pip install spikingjelly==2.0.0 tonic==1.7.0 numpy
Run:   cargo test --test formats       (writes target/tmp/synthetic.aedat)
       python3 tools/check_aedat3.py target/tmp/synthetic.aedat

Neither package can be used as it is. SpikingJelly's `spikingjelly.datasets` wants a
torchaudio that fits its torch, so the function is taken out of its source file. tonic's
`read_dvs_ibm` unpacks two of the three values that its header reader returns, so its
parts are called here; and it leaves the packets' overflow counters out of the time.
"""
import ast
import hashlib
import importlib.util
import os
import struct
import sys
from pathlib import Path
from typing import Union

import numpy as np


def source(package, *path):
    folder = importlib.util.find_spec(package).submodule_search_locations[0]
    return os.path.join(folder, *path)


def with_spikingjelly(file):
    with open(source("spikingjelly", "datasets", "utils.py"), encoding="utf-8") as f:
        tree = ast.parse(f.read())
    tree.body = [n for n in tree.body if getattr(n, "name", None) == "load_aedat_v3"]
    scope = {"struct": struct, "np": np, "Path": Path, "Union": Union}
    exec(compile(tree, "load_aedat_v3", "exec"), scope)
    events = scope["load_aedat_v3"](file)
    return [events[name] for name in "txyp"]


def with_tonic(file):
    spec = importlib.util.spec_from_file_location("tonic_io", source("tonic", "io.py"))
    tonic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tonic)
    version, start, _ = tonic.read_aedat_header_from_file(file)
    words = tonic.get_aer_events_from_file(file, version, start)
    address = words["address"]
    x, y, p = (address >> 17) & 0x1FFF, (address >> 2) & 0x1FFF, (address >> 1) & 1
    return [words["timeStamp"], x, y, p]


def digest(columns):
    layouts = ("<i8", "<u2", "<u2", "u1")
    parts = [np.asarray(c).astype(d).tobytes() for c, d in zip(columns, layouts)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def main(file):
    jelly, tonic = with_spikingjelly(file), with_tonic(file)
    print(f"SpikingJelly: {len(jelly[0])} events, t {jelly[0][0]}..{jelly[0][-1]}")
    print(f"    {digest(jelly)}")
    jelly[0] = np.asarray(jelly[0]) & 0x7FFFFFFF
    same = all(np.array_equal(a, b) for a, b in zip(jelly, tonic))
    print(f"tonic: {len(tonic[0])} events, the same but for the overflow: {same}")
    sys.exit(not same)


if __name__ == "__main__":
    main(sys.argv[1])
