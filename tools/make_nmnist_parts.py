"""Writes data/nmnist-parts.csv: which of 1,000 recordings of N-MNIST's training half are
trained on, chosen by and reported on, 800, 100 and 100.

    python tools/make_nmnist_parts.py FOLDER > data/nmnist-parts.csv

FOLDER holds Train/<digit>/<id>.bin, with the ids 1 to 1000 of N-MNIST's training half.
Every tenth id is reported on and the next one chosen by: MNIST is in random order.
"""

import pathlib
import sys

root = pathlib.Path(sys.argv[1])
files = sorted(root.glob("Train/*/*.bin"), key=lambda path: int(path.stem))
print("file,class,part")
for path in files:
    part = {0: "test", 1: "validation"}.get(int(path.stem) % 10, "train")
    print(f"{path.relative_to(root).as_posix()},{path.parent.name},{part}")
