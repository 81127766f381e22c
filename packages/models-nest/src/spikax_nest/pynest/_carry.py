"""What a network that is made anew takes over: states, and what is on its way."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spikax_nest.pynest._layout import Elements, Layout


def carried(old: tuple[Layout | None, Any], layout: Layout, fresh: Any, kernel: Any) -> Any:
    """The state of the new network at the present step."""
    (before, state), step = old, kernel.clock.step
    fresh = fresh.replace(t=jnp.asarray(step, jnp.int32))
    if before is None or state is None:
        return fresh
    nodes = dict(fresh.nodes)
    for base in nodes.keys() & before.elements.keys():
        pairs = _matched(before.elements[base], layout.elements[base])
        variables = set(layout.elements[base].table.variables.values())
        nodes[base] = _node(state.nodes[base], nodes[base], pairs, variables)
    rings = _rings(state.rings, fresh.rings, before, layout, step)
    edges = dict(fresh.edges)
    for name in edges.keys() & state.edges.keys() & before.edges.keys():
        if hasattr(state.edges[name], "variables"):
            edges[name] = _edge(before, layout, name, state.edges[name], edges[name], kernel)
    return fresh.replace(nodes=nodes, rings=rings, edges=edges)


def _edge(old: Layout, new: Layout, name: str, state: Any, fresh: Any, kernel: Any) -> Any:
    """What plastic synapses learned; what was set since stays as it was set."""
    orders = old.order(name), new.order(name)
    rows = old.edges[name].row, new.edges[name].row
    common, mine, theirs = np.intersect1d(*rows, return_indices=True)
    table = kernel.synapses.numbered(new.edges[name].table[0])

    def kept(column: str) -> np.ndarray:
        assigned = table.assigned.get(column, [])
        return ~np.isin(common, np.concatenate([np.zeros(0, np.int64), *assigned]))

    def moved(before: Any, after: Any, which: np.ndarray) -> Any:
        listed = [np.empty(len(order)) for order in orders]
        for values, order, given in zip(listed, orders, (before, after), strict=True):
            values[order] = np.asarray(given).ravel()
        listed[1][theirs[which]] = listed[0][mine[which]]
        return jnp.asarray(listed[1][orders[1]].reshape(after.shape))

    shown = {variable: name for name, variable in table.model.record.load().shown.items()}
    variables = {
        n: moved(state.variables[n], v, kept(shown.get(n, "weight" if n == "efficacy" else n)))
        for n, v in fresh.variables.items()
    }
    return fresh.replace(
        weight=moved(state.weight, fresh.weight, kept("weight")),
        variables=variables,
        traces={n: _front(state.traces[n], v) for n, v in fresh.traces.items()},
        history={
            n: _history(state.history[n], v, kernel.clock.step) for n, v in fresh.history.items()
        },
    )


def _front(old: Any, new: Any) -> Any:
    """Values of neurons: those that were there before come first."""
    values, n = np.array(new), min(np.size(old), np.size(new))
    values[..., :n] = np.asarray(old)[..., :n]
    return jnp.asarray(values)


def _history(old: Any, new: Any, step: int) -> Any:
    """What targets did before `step`: that of step s stands in slot s mod the length."""
    before, after = np.asarray(old), np.array(new)
    n = min(before.shape[1], after.shape[1])
    for ago in range(1, min(len(before), len(after))):
        if step - ago >= 0:
            after[(step - ago) % len(after), :n] = before[(step - ago) % len(before), :n]
    return jnp.asarray(after)


def _matched(old: Elements, new: Elements) -> tuple[np.ndarray, np.ndarray]:
    """Elements that were there before: their old and their new indices."""
    if old.n <= new.n and np.array_equal(old.keys, new.keys[:, : old.n]):
        return np.arange(old.n), np.arange(old.n)
    index = {key: k for k, key in enumerate(map(tuple, old.keys.T.tolist()))}
    both = [
        (index[key], k) for k, key in enumerate(map(tuple, new.keys.T.tolist())) if key in index
    ]
    pairs = np.array(both, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _node(old: Any, fresh: Any, pairs: tuple[np.ndarray, np.ndarray], variables: set[str]) -> Any:
    def moved(before: Any, new: Any) -> Any:
        values = np.array(new)
        rows = tuple(
            slice(0, min(a, b)) for a, b in zip(before.shape[:-1], values.shape[:-1], strict=True)
        )
        values[(*rows, pairs[1])] = np.asarray(before)[(*rows, pairs[0])]
        return jnp.asarray(values)

    def taken(before: Any, new: Any) -> Any:
        # Arrays by number: where a list became longer, there are more of them.
        if isinstance(new, dict):
            return {
                k: jax.tree.map(moved, before[k], v) if k in before else v for k, v in new.items()
            }
        return jax.tree.map(moved, before, new)

    # A stream belongs to a place: of two nodes that change theirs, none takes the other's.
    cells = [n for n, spec in fresh.cells.items() if n not in variables and spec.kind != "seed"]
    return fresh.replace(**{n: taken(getattr(old, n), getattr(fresh, n)) for n in cells})


def _rings(old: Any, fresh: Any, before: Layout, layout: Layout, step: int) -> dict[str, Any]:
    """What is on its way; a ring of a port and one of a channel of it take over from each other."""
    rings = dict(fresh)
    for name, ring in old.items():
        whole, _, channel = name.removesuffix("]").partition("[")
        base = whole.partition(".")[0]
        if base not in layout.elements:
            continue
        sizes = before.elements[base].size, layout.elements[base].size
        if hasattr(ring, "overflow"):
            if name in rings:
                rings[name] = _with_events(rings[name], ring, min(sizes), step)
            continue
        parts = np.asarray(ring.sums).reshape(len(ring.sums), -1, sizes[0])
        for place in range(parts.shape[1]):
            k, first = int(channel or place), 1
            for into in dict.fromkeys((name, f"{whole}[{k}]", whole)):
                if into not in rings:
                    continue
                # A ring is as long as its longest delay: what arrives later goes into the next.
                ring, at = rings[into], k if into == whole else 0
                rings[into] = _with_arrivals(ring, parts[:, place], at, sizes[1], step, first)
                first = max(first, len(ring.sums) + 1)
    return rings


def _with_events(ring: Any, old: Any, n: int, step: int) -> Any:
    """A ring of lists with the events that arrive after `step`."""
    names = ("weight", "offset", "count")
    after = {name: np.array(getattr(ring, name)) for name in names}
    most = min(old.weight.shape[1], ring.weight.shape[1])
    for ahead in range(1, min(len(old.count), len(ring.count)) + 1):
        into, of = (step + ahead) % len(ring.count), (step + ahead) % len(old.count)
        for name in names:
            values = np.asarray(getattr(old, name))[of][..., :n]
            rows = values[:most] if values.ndim > 1 else values
            after[name][into, ..., :n][: len(rows)] = rows
    return ring.replace(**{name: jnp.asarray(values) for name, values in after.items()})


def _with_arrivals(
    ring: Any, sums: np.ndarray, channel: int, size: int, step: int, first: int
) -> Any:
    """A ring with more that arrives `first` steps from now on: a slot is a step by the length."""
    after = np.array(ring.sums)
    into = after.reshape(len(after), -1, size)[:, channel]
    n = min(size, sums.shape[1])
    for ahead in range(first, min(len(sums), len(after) + 1)):
        into[(step + ahead) % len(after), :n] += sums[(step + ahead) % len(sums), :n]
    return ring.replace(sums=jnp.asarray(after))
