"""Tables that say what a network is and what was recorded, as text and for notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import numpy as np

from spikax._select import leaves
from spikax._state import describe

if TYPE_CHECKING:
    from spikax._built import BuiltNetwork
    from spikax._network import Network
    from spikax._projection import Projection
    from spikax._recording import Series, Spikes

# A page is made of tables, each a heading and rows, and of lines.
Page: TypeAlias = "Iterable[tuple[Sequence[str], Sequence[Sequence[Any]]] | str]"

_SHOWN = 12  # leaves of a network that `select` took apart


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in columns as wide as their widest entry."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as text."""
    first, *others = aligned([list(map(str, row)) for row in (head, *rows)])
    return "\n".join([first, "-" * max(map(len, (first, *others))), *others])


def text(page: Page) -> str:
    """A page as text."""
    return "\n\n".join(part if isinstance(part, str) else table(*part) for part in page)


def html(page: Page) -> str:
    """A page as notebooks show it."""
    return "".join(
        f"<p>{escape(part)}</p>" if isinstance(part, str) else _html_table(*part) for part in page
    )


def _html_table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    def line(tag: str, row: Sequence[Any]) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in row)}</tr>"

    body = "".join(line("td", row) for row in rows)
    return f"<table><thead>{line('th', head)}</thead><tbody>{body}</tbody></table>"


def network_page(net: Network) -> Page:
    """A description: populations, then projections."""
    populations = [(n, p.size, short(p.node())) for n, p in net.populations.items()]
    yield ("population", "size", "model"), populations
    edges = [
        (
            e.name,
            "+".join(e.projection.factors),
            e.projection.signal,
            e.projection.connectivity,
            _weight(e.projection),
            "same step" if e.projection.delay is None else e.projection.delay,
        )
        for e in net.edges()
    ]
    if edges:
        yield ("edge", "port", "signal", "rule", "weight", "delay"), edges


def _weight(projection: Projection) -> str:
    rule = projection.plasticity
    return f"{projection.weight}" if rule is None else f"{projection.weight}, {type(rule).__name__}"


def built_page(net: BuiltNetwork) -> Page:
    """A built network: with synapses, delays, bytes and the order of a step."""
    sizes = dict(net.sizes)
    populations = [(n, sizes[n], short(net.nodes[n]), _bytes(net.nodes[n])) for n in net.order]
    yield ("population (in order of a step)", "size", "model", "bytes"), populations
    edges = [
        (
            name,
            net.edges[name].format.n_synapses,
            type(net.edges[name].format).__name__,
            f"{net.edges[name].delay * net.dt:g} ms",
            _bytes(net.edges[name]),
        )
        for name in net.edge_order
    ]
    if edges:
        yield ("edge", "synapses", "format", "longest delay", "bytes"), edges
    synapses = sum(e[1] for e in edges)
    yield f"{sum(sizes.values())} neurons, {synapses} synapses, dt = {net.dt:g} ms"


def parts_page(net: BuiltNetwork) -> Page:
    """What `select` left of a built network: its leaves."""
    held = leaves(net)
    rows = [(leaf.path, describe(leaf.value, leaf.unit)) for leaf in held[:_SHOWN]]
    yield ("leaf", "value"), rows + [("...", "")] * (len(held) > _SHOWN)
    yield f"{len(held)} leaves of a {type(net).__name__}"


def is_whole(net: BuiltNetwork) -> bool:
    """Whether there is all that the tables of a built network need."""
    needed = [net.seed, *((edge.format, edge.weight) for edge in net.edges.values())]
    present = jax.tree.leaves(needed, is_leaf=lambda leaf: leaf is None)
    return all(hasattr(leaf, "dtype") for leaf in present)


def recording_page(results: Mapping[str, Series | Spikes]) -> Page:
    """What was recorded, a row for each path."""
    head = ("signal", "recorded", "neurons", "unit", "time")
    yield head, [(path, *_recorded(result)) for path, result in results.items()]


def result_page(result: Series | Spikes) -> Page:
    """One signal."""
    yield ("recorded", "neurons", "unit", "time"), [_recorded(result)]


def _recorded(result: Any) -> tuple[Any, ...]:
    if hasattr(result, "steps"):
        count, neurons = f"{len(result.steps)} spikes, {result.rate():.3g}", result.size
        unit = "" if result.values is None else result.unit
        times = result.start * result.dt, result.stop * result.dt
    else:
        *shape, neurons = np.shape(result.values)
        count, unit = f"{' x '.join(map(str, shape))} samples", result.unit
        times = np.asarray(result.edges.mantissa)[[0, -1]]
    return count, neurons, unit, "{:g} to {:g} ms".format(*times)


def short(model: Any) -> str:
    """A model and its parts in one line: Cell(LIF, exc, inh)."""
    name = type(model).__name__
    if name == "Cell":
        return f"Cell({', '.join([type(model.neuron).__name__, *sorted(model.receptors)])})"
    if name == "Releasing":
        return f"{short(model.node)} releasing {', '.join(sorted(model.releases))}"
    return name


def _bytes(tree: Any) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
