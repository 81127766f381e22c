"""Progress of a training, if somebody is watching and tqdm is installed."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Mapping
from typing import Any, Self


class Bar:
    """A bar over epochs or pieces of a stream, with the last loss beside it."""

    def __init__(self, total: int | None, done: int, wanted: bool | None, unit: str) -> None:
        self._bar: Any = None
        if wanted is not False and importlib.util.find_spec("tqdm"):
            with warnings.catch_warnings():  # a notebook without widgets gets the bar in text
                warnings.simplefilter("ignore")
                from tqdm.auto import tqdm

            hidden = None if wanted is None else False  # None: hidden where there is no terminal
            self._bar = tqdm(total=total, initial=done, unit=unit, leave=False, disable=hidden)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, row: Mapping[str, float]) -> None:
        """Say how many are done, and what the last one gave."""
        if self._bar is not None:
            self._bar.set_postfix({name: f"{value:.3g}" for name, value in row.items()})
            self._bar.update(done - self._bar.n)
