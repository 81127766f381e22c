"""Random cells of a grid, vectorised: what connection rules draw their synapses from.

A cell is one number, row * columns + column. Every function returns cells of `rows` x `columns` in
ascending order and does its work in NumPy calls, none of them per cell or per row.
"""

from __future__ import annotations

import math

import numpy as np

Cells = np.ndarray


def every(rng: np.random.Generator, rows: int, columns: int) -> Cells:
    """All cells."""
    del rng
    return np.arange(rows * columns, dtype=np.int64)


def bernoulli(rng: np.random.Generator, rows: int, columns: int, p: float) -> Cells:
    """Each cell with probability `p`, by the geometric gaps between the chosen ones."""
    cells = rows * columns
    if p == 0.0 or cells == 0:
        return np.empty(0, np.int64)
    if p == 1.0:
        return every(rng, rows, columns)
    pieces: list[Cells] = []
    last = -1
    while last < cells:
        expected = (cells - last) * p
        gaps = rng.standard_exponential(int(expected + 4.0 * math.sqrt(expected)) + 16)
        gaps /= -math.log1p(-p)
        # A gap beyond the grid ends it; clipped, it also fits an integer.
        steps = np.minimum(gaps, cells, out=gaps).astype(np.int64)
        steps += 1
        steps[0] += last
        pieces.append(np.cumsum(steps, out=steps))
        last = int(pieces[-1][-1])
    chosen = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    return chosen[: np.searchsorted(chosen, cells)]


def poisson(rng: np.random.Generator, rows: int, columns: int, mean: float) -> Cells:
    """Each cell a Poisson number of times: a Poisson total, shared out uniformly."""
    return uniform(rng, rows, columns, int(rng.poisson(rows * columns * mean)))


def uniform(rng: np.random.Generator, rows: int, columns: int, total: int) -> Cells:
    """`total` cells, each drawn from all of them: a cell may come up several times.

    Sums of exponential gaps are the order statistics of uniform draws, so nothing is sorted.
    """
    cells = rows * columns
    sums = rng.standard_exponential(total + 1)
    np.cumsum(sums, out=sums)
    sums *= cells / sums[-1]
    positions = sums[:-1].astype(np.int64)
    return np.minimum(positions, cells - 1, out=positions)


def repeated(rng: np.random.Generator, rows: int, columns: int, k: int) -> Cells:
    """`k` cells in each row, drawn with replacement."""
    if rows == 1:
        return uniform(rng, 1, columns, k)
    dtype = np.int32 if columns < 2**31 else np.int64
    drawn = rng.integers(0, columns, (rows, k), dtype)
    drawn.sort(axis=1)
    return (np.arange(rows, dtype=np.int64)[:, None] * columns + drawn).ravel()


def distinct(rng: np.random.Generator, rows: int, columns: int, k: int) -> Cells:
    """`k` different cells in each row, all subsets being equally likely.

    What comes up again is drawn again until every row is full: at no time are more cells drawn
    than a row lacks, which makes it the same as drawing one by one.
    """
    if 8 * k > columns:
        return _distinct_of_few(rng, rows, columns, k)
    cells = repeated(rng, rows, columns, k)
    again = _repeats(cells)
    accepted, missing = [cells[~again]], cells[again]
    while missing.size:
        drawn = _redrawn(rng, missing, columns)
        again = _repeats(drawn)
        for known in accepted:
            again |= _member(drawn, known)
        accepted.append(drawn[~again])
        missing = drawn[again]
    # The stable sort of NumPy merges runs that are sorted, thirty times faster than it sorts.
    return np.sort(np.concatenate(accepted), kind="stable")


def _distinct_of_few(rng: np.random.Generator, rows: int, columns: int, k: int) -> Cells:
    """The same where a mark at every cell costs little; what is left out is drawn if it is less."""
    cells = repeated(rng, rows, columns, min(k, columns - k))
    marked = np.zeros(rows * columns, bool)
    marked[cells] = True
    missing = cells[_repeats(cells)]
    while missing.size:
        drawn = _redrawn(rng, missing, columns)
        again = _repeats(drawn) | marked[drawn]
        marked[drawn] = True
        missing = drawn[again]
    return np.flatnonzero(marked if 2 * k <= columns else ~marked)


def _redrawn(rng: np.random.Generator, cells: Cells, columns: int) -> Cells:
    """Other cells of the same rows."""
    return np.sort(cells // columns * columns + rng.integers(0, columns, cells.size))


def _repeats(cells: Cells) -> np.ndarray:
    """Whether each of sorted cells equals the one before it."""
    return np.concatenate([np.zeros(min(cells.size, 1), bool), cells[1:] == cells[:-1]])


def _member(values: Cells, known: Cells) -> np.ndarray:
    """Whether each value is among the sorted `known` ones."""
    if not known.size:
        return np.zeros(values.size, bool)
    place = np.minimum(np.searchsorted(known, values), known.size - 1)
    return known[place] == values


def order_of(values: np.ndarray, bound: int) -> np.ndarray:
    """The stable order that sorts integers in [0, bound)."""
    # NumPy sorts 16-bit integers by radix, five times faster than wider ones by comparison.
    order = np.argsort(values.astype(np.uint16), kind="stable")
    for shift in range(16, max(bound - 1, 0).bit_length(), 16):
        digit = (values >> shift).astype(np.uint16)
        order = order[np.argsort(digit[order], kind="stable")]
    return order
