"""NodeCollection: nodes by id, in ascending order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from spikax_nest.pynest import _kernel, _status
from spikax_nest.pynest._errors import NESTErrors
from spikax_nest.pynest._layers import Layer


class NodeCollection:
    """Nodes, each once, in ascending order of their ids: `NodeCollection([1, 2, 5])`.

    `+` joins, `[...]` takes an index, a slice, a list or a mask; `get` and `set` read and write the
    status, and so do attributes: `nodes.V_m = -65.0`.

    Attributes:
        ids: The ids.
        layer: Positions of the whole layer that these nodes were created as; None without.
        places: Index of each node in its layer.
    """

    ids: np.ndarray
    layer: Layer | None
    places: np.ndarray | None

    def __init__(self, data: Iterable[int] | None = None) -> None:
        ids = np.array([] if data is None else list(data), np.int64)
        if ids.size and (np.any(np.diff(ids) <= 0)):
            raise NESTErrors.BadProperty(
                f"node ids are {ids.tolist()}; give each once, in ascending order."
            )
        _kernel.kernel().nodes.check(ids)
        self._fill(ids, None, None)

    @classmethod
    def of(
        cls, ids: np.ndarray, layer: Layer | None = None, places: np.ndarray | None = None
    ) -> NodeCollection:
        """A collection of ids that are known to be right."""
        made = object.__new__(cls)
        made._fill(np.asarray(ids, np.int64), layer, places)
        return made

    def _fill(self, ids: np.ndarray, layer: Layer | None, places: np.ndarray | None) -> None:
        for name, value in (("ids", ids), ("layer", layer), ("places", places)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_home", _kernel.kernel().nodes)

    def _live(self) -> np.ndarray:
        if not self._is_live():
            raise NESTErrors.KernelException(
                "InvalidNodeCollection: these nodes are of a network that ResetKernel() removed."
            )
        return self.ids

    def _is_live(self) -> bool:
        # No node at all is of no network.
        return not self.ids.size or self._home is _kernel.kernel().nodes  # type: ignore[attr-defined]

    def _models(self) -> list[str]:
        home: Any = self._home  # type: ignore[attr-defined]
        return [home.models[k] for k in home.model_of[self.ids - 1]]

    @property
    def positions(self) -> np.ndarray:
        """(nodes, dimensions)."""
        if self.layer is None or self.places is None:
            raise NESTErrors.LayerExpected("these nodes have no positions.")
        return self.layer.positions[self.places]

    def __len__(self) -> int:
        return len(self._live())

    def __bool__(self) -> bool:
        return len(self.ids) > 0

    def __iter__(self) -> Iterator[NodeCollection]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, gid: Any) -> bool:
        return bool(np.isin(int(gid), self._live()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NodeCollection):
            return NotImplemented
        return np.array_equal(self.ids, other.ids) and self._models() == other._models()

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: Any) -> NodeCollection:
        if isinstance(other, int) and not isinstance(other, bool) and other == 0:
            return self  # sum() begins with 0
        if not isinstance(other, NodeCollection):
            raise TypeError(f"{other!r} is no NodeCollection: it cannot be added to one")
        if not len(other):
            return self
        if not len(self):
            return other
        if self.layer is not None or other.layer is not None:
            raise NESTErrors.BadProperty(
                "nodes with positions cannot be joined to others; connect them one after the other."
            )
        for nodes in (self, other):
            if nodes._is_sliced():
                raise NESTErrors.BadProperty(
                    "nodes of several models, of which only some were taken by a step or a list, "
                    "cannot be joined to others."
                )
        ids = np.concatenate([self._live(), other._live()])
        if np.unique(ids).size < ids.size:
            raise NESTErrors.BadProperty(
                f"node {ids[np.unique(ids, return_index=True)[1][0]]} would stand twice in the "
                "joined NodeCollection; each node can be in it once."
            )
        return NodeCollection.of(np.sort(ids))

    __radd__ = __add__

    def _is_sliced(self) -> bool:
        """Whether it is made of several pieces that have gaps."""
        if len(self.ids) < 2 or np.all(np.diff(self.ids) == 1):
            return False
        return (
            any(step > 1 for *_, step in _status.pieces(self.ids)) and len(set(self._models())) > 1
        )

    def __getitem__(self, key: Any) -> NodeCollection:
        chosen = _chosen(key, len(self))
        places = None if self.places is None else self.places[chosen]
        return NodeCollection.of(self.ids[chosen], self.layer, places)

    def index(self, node_id: int) -> int:
        """Where a node stands in the collection."""
        found = np.flatnonzero(self._live() == node_id)
        if not found.size:
            raise ValueError(f"{node_id} is not in {self!r}")
        return int(found[0])

    def tolist(self) -> list[int]:
        """The ids."""
        return self._live().tolist()

    def _to_array(self, selection: str = "all") -> dict[str, list[int]]:
        del selection
        return {"All": self.tolist()}

    @property
    def global_id(self) -> Any:
        """The ids; a number for one node."""
        return int(self._live()[0]) if len(self) == 1 else tuple(self.tolist())

    @property
    def spatial(self) -> dict[str, Any] | None:
        """What the layer of these nodes says about itself; None without positions."""
        if self.layer is None or self.places is None:
            return None
        return self.layer.status(self.places)

    def get(self, *params: Any, **options: Any) -> Any:
        """The status: all of it, or what is named; a value for one node, a tuple for several.

        Args:
            params: A name, a list of names, or names by level: `get("events", "times")`.
            options: `output="pandas"` or `"json"`.
        """
        output = options.pop("output", "")
        if options:
            raise TypeError(f"get() got unexpected keyword arguments: {sorted(options)}")
        if output not in ("", "pandas", "json"):
            raise ValueError(f"output is {output!r}; choose 'pandas' or 'json'")
        found = _status.get_nodes(self, params)
        if output == "json":
            return json.dumps(found, default=_plain)
        return _frame(self, params, found) if output == "pandas" else found

    def set(self, params: Any = None, **kwargs: Any) -> None:
        """Change the status: a dict for all nodes, a list of one for each, or names and values.

        A list (or Parameter) as value has one entry per node, save where the parameter itself is a
        list.
        """
        if kwargs and params is not None:
            raise TypeError("set() takes either params or keyword arguments, not both")
        _status.set_nodes(self, kwargs if params is None else params)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "spatial":
            return None
        try:
            return self.get(name)
        except KeyError:
            raise NoSuchStatus(
                f"NodeCollection has no attribute {name!r}, and its nodes no such status"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("global_id", "ids", "layer", "places"):
            raise NESTErrors.UnaccessedDictionaryEntry(f"{name} cannot be set")
        self.set({name: value})

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        del copy
        return np.array(self._live(), dtype=dtype)

    def __repr__(self) -> str:
        if not self._is_live():
            return "NodeCollection(<invalid>)"
        if not len(self.ids):
            return "NodeCollection(<empty>)"
        pieces = _status.pieces(self.ids)
        meta = "None" if self.layer is None else "spatial"
        lines = [
            f"{' ' * (len(pieces) > 1)}model={model}, size={size}, first={first}, last={last}"
            + (f", step={step}" if step > 1 else "")
            for model, size, first, last, step in pieces
        ]
        inner = lines[0] if len(lines) == 1 else "\n" + ";\n".join(lines)
        return f"NodeCollection(metadata={meta}, {inner})"


class NoSuchStatus(AttributeError, KeyError):
    """An attribute that is no status: NEST raises KeyError, Python asks for AttributeError."""


def _chosen(key: Any, size: int) -> np.ndarray:
    """Indices, ascending, of what stands between the brackets."""
    if isinstance(key, slice):
        if key.step is not None and key.step < 1:
            raise IndexError("slicing step for NodeCollection must be positive")
        if _outside(key.start, size) or _outside(key.stop, size):
            raise IndexError(f"slice {key} is out of bounds for {size} nodes")
        return np.arange(size)[key]
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        if not -size <= key < size:
            raise IndexError(f"index {key} is out of bounds for {size} nodes")
        return np.array([key % size])
    if isinstance(key, (Sequence, np.ndarray)) and not isinstance(key, str):
        return _listed(key, size)
    raise IndexError("a NodeCollection is indexed by an integer, a slice, a list or a mask")


def _outside(bound: int | None, size: int) -> bool:
    return bound is not None and not -size <= bound <= size


def _listed(given: Any, size: int) -> np.ndarray:
    kinds = {isinstance(k, (bool, np.bool_)) for k in given}
    keys = np.asarray(given)
    if keys.ndim != 1 or len(kinds) > 1:
        raise TypeError("indices are a list of integers, or a mask of booleans")
    if keys.size == 0:
        return np.zeros(0, np.int64)
    if keys.dtype == bool:
        if keys.size != size:
            raise IndexError(f"a mask of {keys.size} values for {size} nodes")
        return np.flatnonzero(keys)
    if keys.dtype.kind not in "iu":
        raise TypeError("indices must be integers or booleans")
    if np.any((keys < -size) | (keys >= size)):
        raise IndexError(f"indices {keys.tolist()} are out of bounds for {size} nodes")
    if np.unique(keys).size < keys.size:
        raise ValueError("all node IDs in a NodeCollection have to be unique")
    if np.any(np.diff(keys % size) < 0):
        raise NESTErrors.BadProperty("indices into a NodeCollection are given in ascending order.")
    return keys % size


def _plain(value: Any) -> Any:
    if isinstance(value, NodeCollection):
        return value.tolist()
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _frame(nodes: NodeCollection, params: tuple[Any, ...], found: Any) -> Any:
    try:
        import pandas as pd
    except ImportError:
        raise ImportError("output='pandas' needs pandas: pip install pandas") from None
    if not isinstance(found, Mapping):
        name = params[-1] if isinstance(params[-1], str) else params[-1][0]
        found = {name: found}
    index = pd.Index(nodes.tolist())
    if len(nodes) == 1:
        found = {key: [value] for key, value in found.items()}
    return pd.DataFrame({k: list(v) for k, v in found.items()}, index=index)
