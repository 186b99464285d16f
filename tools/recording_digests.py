#!/usr/bin/env python3
"""Prints the numbers that tests/formats pins for real recordings, from other people's readers.

Needs: pip install aedat==2.3.0 dv-processing==2.0.4 tonic==1.7.0 numpy
Run:   python3 tools/recording_digests.py FOLDER     (the folder that SYNOPS_DATA names)

A digest is the SHA-256 of the columns one after the other: t as 64-bit, x and y
as 16-bit little-endian integers, polarity as a byte (1 = ON).
"""
import glob
import hashlib
import importlib.util
import os
import sys

import aedat
import dv_processing as dv
import numpy as np


def digest(t, x, y, on):
    columns = zip((t, x, y, on), ("<i8", "<u2", "<u2", "u1"))
    return hashlib.sha256(b"".join(np.asarray(c).astype(d).tobytes() for c, d in columns))


def show(name, t, x, y, on):
    print(name, f"events {len(t)}  t {t[0]}..{t[-1]}  x {min(x)}..{max(x)}  y {min(y)}..{max(y)}")
    print(f"    ON {int(np.count_nonzero(on))}  {digest(t, x, y, on).hexdigest()}")


def with_dv(path):
    reader, columns = dv.io.MonoCameraRecording(path), []
    while (batch := reader.getNextEventBatch()) is not None:
        xy = batch.coordinates()
        columns.append((batch.timestamps(), xy[:, 0], xy[:, 1], batch.polarities()))
    return [np.concatenate(column) for column in zip(*columns)]


def with_aedat(path):
    packets = [p["events"] for p in aedat.Decoder(path) if "events" in p and p["stream_id"] == 0]
    events = np.concatenate(packets)
    return events["t"], events["x"], events["y"], events["on"]


def tonic_io():
    """tonic/io.py alone: the package would import torch."""
    folder = importlib.util.find_spec("tonic").submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location("tonic_io", os.path.join(folder, "io.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_tonic_and_jaers_formula(path):
    """tonic's read_dvs_128 swaps x and y and inverts the polarity, so only its words are used."""
    tonic = tonic_io()
    version, start, _ = tonic.read_aedat_header_from_file(path)
    words = tonic.get_aer_events_from_file(path, version, start)
    address, t = words["address"].astype(np.int64), words["timeStamp"].astype(np.int64)
    return t, 127 - ((address >> 1) & 127), (address >> 8) & 127, 1 - (address & 1)


def nmnist(folder):
    read = tonic_io().read_mnist_file
    layout = np.dtype([(name, np.int64) for name in "xytp"])
    together, events, on = hashlib.sha256(), 0, 0
    files = sorted(glob.glob(f"{folder}/nmnist/Train/*/*.bin"))
    for i, path in enumerate(files):
        e = read(path, layout)
        together.update(digest(e["t"], e["x"], e["y"], e["p"]).digest())
        events, on = events + len(e), on + int(e["p"].sum())
        if i in (0, 1, 500, 998, 999):
            show(os.path.relpath(path, folder), e["t"], e["x"], e["y"], e["p"])
    print(f"N-MNIST: {len(files)} files, {events} events, {on} ON, {together.hexdigest()}")


def main(folder):
    for path in sorted(glob.glob(f"{folder}/recordings/aedat4/*")):
        show(f"dv-processing {os.path.basename(path)}", *with_dv(path))
        show(f"aedat {os.path.basename(path)}", *with_aedat(path))
    for path in sorted(glob.glob(f"{folder}/recordings/aedat2/*")):
        show(os.path.basename(path), *with_tonic_and_jaers_formula(path))
    nmnist(folder)


if __name__ == "__main__":
    main(sys.argv[1])
