"""Times other readers and this one on the same recordings, in turns, and prints ratios.

A synthetic recording of a 128x128 sensor is written in every format, AEDAT 4 by faery.
Each side goes from a path in the page cache to columns in memory, in its own process,
that has read the file once before: `chunks` reuses the memory of one chunk, as a replay
does and some peers can; `whole` holds the recording, in memory that is fresh, as most
peers must. Then events in memory become 1 ms steps: frames with the peers, spikes here.
What is not installed is left out. Peers are taken from
PyPI: tonic spikingjelly evutils lz4 evio aedat dv_processing faery expelliarmus.

tonic cannot open AEDAT 2 and 3.1 itself (its header reader returns one value too many
for it); "tonic's parts" are its functions with that mended.

From the repository's root:
    cargo build --release --example time_decode
    python tools/peer_decode.py target/release/examples/time_decode
"""

import importlib
import importlib.metadata
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import types

import numpy as np

ROUNDS = 5
EVENTS = 10_000_000


def main():
    ours = sys.argv[1]
    versions = "tonic spikingjelly evutils lz4 evio aedat dv_processing faery expelliarmus numpy".split()
    print(", ".join(f"{name} {version(name)}" for name in versions))
    with tempfile.TemporaryDirectory() as folder:
        files = write(pathlib.Path(folder))
        print(f"\n{'nanoseconds an event':40}{'theirs':>9}{'ours':>9}   ratio (spread)")
        for name, path, reader in readers():
            if path in files:
                compare(name, ours, files[path], lambda: reader(str(files[path])), {"chunks": 1, "whole": 2})
        for name, binner in binners():
            events = binning_events(files["small.aedat"])
            compare(f"1 ms steps, {name}", ours, files["small.aedat"], lambda: binner(events),
                    {"events to steps": 3, "file to steps": 4})


def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def compare(name, ours, path, theirs, columns):
    try:
        theirs()
    except Exception as error:
        print(f"{name:40} {type(error).__name__}: {str(error)[:60]}")
        return
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = theirs()
        took = time.perf_counter() - began
        del result
        words = subprocess.run([ours, path], capture_output=True, text=True, check=True).stdout.split()
        rounds.append([took, *map(float, words[1:])])
    events = int(words[0])
    medians = [1e9 * statistics.median(side) / events for side in zip(*rounds)]
    for what, i in columns.items():
        ratios = sorted(seconds[0] / seconds[i] for seconds in rounds)
        print(f"{name:40}{medians[0]:9.2f}{medians[i]:9.2f}   "
              f"{statistics.median(ratios):.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f}) {what}", flush=True)


def synthetic(n):
    """Five events a microsecond, or fewer: 2 to the 23rd µs is what a .bin can say."""
    random = np.random.default_rng(1)
    t = np.sort(random.integers(0, 2_000_000, n))
    return t, random.integers(0, 128, n), random.integers(0, 128, n), random.integers(0, 2, n)


def write(folder):
    t, x, y, p = synthetic(EVENTS)
    files = {}

    def put(name, *parts):
        files[name] = folder / name
        files[name].write_bytes(b"".join(parts))

    put("2.aedat", b"#!AER-DAT2.0\r\n# AEChip: ch.unizh.ini.jaer.chip.retina.DVS128\r\n#End Of ASCII Header\r\n",
        np.stack([y << 8 | (127 - x) << 1 | 1 - p, t], 1).astype(">u4").tobytes())
    put("3.aedat", aedat3(t, x, y, p))
    # a gesture's rate, for those that would take minutes
    n = 400_000
    put("small.aedat", aedat3(3 * t[:n * 25:25], x[:n], y[:n], p[:n]))
    b = np.stack([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255], 1)
    put("nmnist.bin", b.astype(np.uint8).tobytes())
    try:
        import faery
        events = np.zeros(EVENTS, faery.EVENTS_DTYPE)
        events["t"], events["x"], events["y"], events["on"] = t, x, y, p
        files["4.aedat4"] = folder / "4.aedat4"
        faery.events_stream_from_array(events, dimensions=(128, 128)).to_file(files["4.aedat4"])
    except ImportError:
        pass
    return files


def aedat3(t, x, y, p):
    parts = [b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2016-09-21 14:54:52 (TZ-0400)\r\n#!END-HEADER\r\n"]
    events = np.stack([x << 17 | y << 2 | p << 1 | 1, t], 1).astype("<u4")
    for i in range(0, len(events), 1024):
        n = len(events[i:i + 1024])
        parts.append(np.array([1, 1], "<u2").tobytes() + np.array([8, 4, 0, n, n, n], "<u4").tobytes())
        parts.append(events[i:i + 1024].tobytes())
    return b"".join(parts)


def readers():
    """Name, file and reader of each peer that is here."""
    try:
        import tonic.io

        def parts(fields):
            def read(path):
                version, start, _ = tonic.io.read_aedat_header_from_file(path)
                if version > 3:
                    # lines end at the mark, which a packet's bytes may not look like
                    text = open(path, "rb").read(1000)
                    start = text.index(b"#!END-HEADER\r\n") + 14
                events = tonic.io.get_aer_events_from_file(path, version, start)
                x, y, p = fields(events["address"])
                return tonic.io.make_structured_array(x, y, events["timeStamp"], p)
            return read
        dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
        yield "AEDAT 2, tonic's parts", "2.aedat", parts(lambda a: (a >> 8 & 127, a >> 1 & 127, a & 1))
        yield "AEDAT 3.1, tonic's parts", "3.aedat", parts(lambda a: (a >> 17 & 0x1fff, a >> 2 & 0x1fff, a >> 1 & 1))
        yield "AEDAT 4, tonic", "4.aedat4", tonic.io.read_aedat4
        yield "N-MNIST .bin, tonic", "nmnist.bin", lambda path: tonic.io.read_mnist_file(path, dtype=dtype)
    except ImportError:
        pass
    sj = spikingjelly()
    if sj:
        yield "AEDAT 3.1, SpikingJelly, 0.4 M events", "small.aedat", sj.load_aedat_v3
        yield "N-MNIST .bin, SpikingJelly", "nmnist.bin", sj.load_ATIS_bin
    try:
        from evutils.io import EventReader
        for name, path in [("AEDAT 2", "2.aedat"), ("AEDAT 3.1", "3.aedat"), ("AEDAT 4", "4.aedat4")]:
            yield f"{name}, evutils", path, lambda path: EventReader(path, max_events=10**9).read_all()
            yield f"{name}, evutils, in chunks", path, lambda path: [
                None for _ in EventReader(path, mode="n_events", n_events=100_000)]
    except ImportError:
        pass
    try:
        import evio.formats.nmnist
        yield "N-MNIST .bin, evio", "nmnist.bin", evio.formats.nmnist.read
    except ImportError:
        pass
    try:
        import aedat
        yield "AEDAT 4, aedat", "4.aedat4", lambda path: np.concatenate(
            [packet["events"] for packet in aedat.Decoder(path) if "events" in packet])
        yield "AEDAT 4, aedat, packet by packet", "4.aedat4", lambda path: [
            None for _ in aedat.Decoder(path)]
    except ImportError:
        pass
    try:
        import faery
        yield "AEDAT 4, faery", "4.aedat4", lambda path: faery.events_stream_from_file(path).to_array()
        yield "AEDAT 4, faery, packet by packet", "4.aedat4", lambda path: [
            None for _ in faery.events_stream_from_file(path)]
    except ImportError:
        pass
    try:
        import dv_processing as dv

        def read(path):
            recording, parts = dv.io.MonoCameraRecording(path), []
            while (events := recording.getNextEventBatch()) is not None:
                parts.append(events.numpy())
            return np.concatenate(parts)
        yield "AEDAT 4, dv_processing", "4.aedat4", read

        def batches(path):
            recording = dv.io.MonoCameraRecording(path)
            while recording.getNextEventBatch() is not None:
                pass
        yield "AEDAT 4, dv_processing, in its own store", "4.aedat4", batches
    except ImportError:
        pass


def spikingjelly():
    """spikingjelly.datasets.utils without the data sets, which import torchaudio."""
    try:
        import spikingjelly
        package = types.ModuleType("spikingjelly.datasets")
        package.__path__ = [str(pathlib.Path(spikingjelly.__path__[0]) / "datasets")]
        sys.modules["spikingjelly.datasets"] = package
        return importlib.import_module("spikingjelly.datasets.utils")
    except ImportError as error:
        print("spikingjelly is left out:", error)


def binning_events(path):
    bytes = path.read_bytes()
    bytes = bytes[bytes.index(b"#!END-HEADER\r\n") + 14:]
    parts = []
    while bytes:
        n = int.from_bytes(bytes[20:24], "little")
        parts.append(np.frombuffer(bytes, "<u4", 2 * n, 28).reshape(-1, 2))
        bytes = bytes[28 + 8 * n:]
    data, t = np.concatenate(parts).T.astype(np.int64)
    return {"t": t, "x": data >> 17, "y": data >> 2 & 0x7fff, "p": data >> 1 & 1}


def binners():
    try:
        from tonic.transforms import ToFrame
        to_frame = ToFrame(sensor_size=(128, 128, 2), time_window=1e3)

        def tonic(events):
            rows = np.zeros(len(events["t"]), np.dtype([("x", int), ("y", int), ("t", int), ("p", int)]))
            for name, column in events.items():
                rows[name] = column
            return to_frame(rows)
        yield "tonic ToFrame", tonic
    except ImportError:
        pass
    sj = spikingjelly()
    if sj:
        yield "SpikingJelly fixed duration", lambda events: sj.integrate_events_by_fixed_duration(events, 1000, 128, 128)


main()
