"""Handwritten digits of 8 x 8 pixels."""

from __future__ import annotations

import numpy as np

from spikax.errors import ConfigError
from spikax_learning.tasks._examples import Examples, Split


def digits(test: int = 360, seed: int = 0) -> Split:
    """The 1797 handwritten digits of scikit-learn: 1437 to learn from, 360 to test.

    Alpaydin & Kaynak 1998, UCI Machine Learning Repository. Each digit is in both parts in the
    same proportion.

    Args:
        test: Images that are held out.
        seed: Of the division.

    Returns:
        Brightness (images, rows, columns) from 0 to 1, and digits 0 to 9.

    Raises:
        ConfigError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError:
        raise ConfigError(
            "scikit-learn is not installed; it comes with: pip install scikit-learn"
        ) from None
    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    images = (pixels / 16).reshape(-1, 8, 8).astype(np.float32)
    all_digits = Examples(images, labels.astype(np.int32), ("image", "row", "column"), ("image",))
    parts = train_test_split(
        np.arange(len(labels)), test_size=test, stratify=labels, random_state=seed
    )
    return Split(*(all_digits[part] for part in parts))
