"""Makes tests/golden/slices.npz: what SpikingJelly makes of events, by number and by time.

By number: 1,003 events in 16 frames, and 5 events, fewer than frames. By time: 1,003 in 7
frames, none of which is empty, as SpikingJelly asks for.

Needs numpy, torch and spikingjelly from PyPI; run from the repository's root:
    python tools/make_slices_golden.py
"""

import importlib.metadata

import numpy as np

from make_arrays_golden import spikingjelly_utils

WIDTH, HEIGHT = 12, 8
CASES = [("number", 1003, 16), ("few", 5, 16), ("time", 1003, 7)]


def main():
    utils, rng = spikingjelly_utils(), np.random.default_rng(12)
    print("spikingjelly", importlib.metadata.version("spikingjelly"))
    golden = {}
    for name, count, frames in CASES:
        events = dict(t=np.sort(rng.integers(5_000, 305_000, count)), x=rng.integers(0, WIDTH, count),
                      y=rng.integers(0, HEIGHT, count), p=rng.integers(0, 2, count))
        split_by = "time" if name == "time" else "number"
        made = utils.integrate_events_by_fixed_frames_number(events, split_by, frames, HEIGHT, WIDTH)
        assert made.sum() == count
        golden |= {f"{name}.{key}": value.astype(np.float32) for key, value in events.items()}
        golden[f"{name}.frames"] = made.astype(np.float32)
    np.savez_compressed("tests/golden/slices.npz", **golden)


if __name__ == "__main__":
    main()
