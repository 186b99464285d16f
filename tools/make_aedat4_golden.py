#!/usr/bin/env python3
"""Writes tests/golden/aedat4/*.aedat4 with iniVation's own writer.

Needs: pip install dv-processing==2.0.4 numpy
Run:   python3 tools/make_aedat4_golden.py tests/golden/aedat4

One file for each compression, and one with two event streams. `event(i)` below
is the formula that tests/formats repeats. Frames, IMU samples and triggers stand
between the events so that a reader has something to pass over.
"""
import os
import sys

import dv_processing as dv
import numpy as np

START = 1_600_000_000_000_000
EVENTS = 600
BATCH = 120


def event(i):
    return START + 37 * i, 7 * i % 346, 13 * i % 260, i % 3 == 0


def store(indices, delay=0):
    events = dv.EventStore()
    for i in indices:
        t, x, y, on = event(i)
        events.push_back(t + delay, x, y, on)
    return events


def write(path, compression, more_events):
    config = dv.io.MonoCameraWriter.Config("DAVIS346_golden")
    config.compression = compression
    config.addEventStream((346, 260))
    config.addFrameStream((8, 6))
    config.addImuStream()
    config.addTriggerStream()
    if more_events:
        config.addEventStream((64, 48), "filtered")
    writer = dv.io.MonoCameraWriter(path, config)
    writer.setPackagingCount(2)
    for first in range(0, EVENTS, BATCH):
        t = event(first)[0]
        writer.writeFrame(dv.Frame(t, np.full((6, 8), first // BATCH, np.uint8)))
        writer.writeEvents(store(range(first, first + BATCH)))
        if more_events:
            writer.writeEvents(store(range(first, first + BATCH, 10), 5), "filtered")
        writer.writeImu(dv.IMU(t, 25.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0))
        writer.writeTrigger(dv.Trigger(t, dv.TriggerType.EXTERNAL_SIGNAL_RISING_EDGE))


def main(folder):
    names = ["NONE", "LZ4", "LZ4_HIGH", "ZSTD", "ZSTD_HIGH"]
    for name in names:
        path = os.path.join(folder, f"{name.lower()}.aedat4")
        write(path, getattr(dv.CompressionType, name), False)
    write(os.path.join(folder, "two_streams.aedat4"), dv.CompressionType.ZSTD, True)


if __name__ == "__main__":
    main(sys.argv[1])
