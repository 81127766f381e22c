"""Draw the pictures of docs/concepts: `python docs/pictures/draw_concepts.py [NAME ...]`.

What a picture states is computed here from spikax's own objects.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

import spikax as sx
from spikax._plot import COLOURS
from spikax.surrogates import ATan, SuperSpike, Triangular
from spikax.units import exponents, ms, mV, nS, pA
from spikax_learning import EProp

BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = COLOURS
GREY = "#6f6f6f"
FOLDER = Path(__file__).parent
matplotlib.rcParams.update(
    {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False}
)


def canvas(height: float, width: float = 7.0) -> tuple[Figure, Any]:
    """A figure of 100 units to the width, without axes, for a diagram."""
    figure = Figure((width, height), dpi=150)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 100), ylim=(0, 100 * height / width))
    ax.axis("off")
    return figure, ax


def box(ax: Any, x: float, y: float, w: float, h: float, colour: str, title: str = "") -> None:
    """A rounded box with its lower left corner at (x, y) and a title at its upper edge."""
    style = "round,pad=0,rounding_size=1.2"
    ax.add_patch(FancyBboxPatch((x, y), w, h, style, fc=f"{colour}18", ec=colour, lw=1.2))
    ax.text(x + 1.5, y + h - 1.3, title, color=colour, weight="bold", va="top")


def arrow(ax: Any, start: Any, end: Any, colour: str = BLACK, bend: float = 0.0) -> None:
    """An arrow from point to point."""
    style = f"arc3,rad={bend}"
    ax.add_patch(
        FancyArrowPatch(
            start, end, connectionstyle=style, arrowstyle="-|>", mutation_scale=12, color=colour
        )
    )


def pull(ax: Any, start: Any, end: Any, colour: str) -> None:
    """An arrow in the coordinates of a plot."""
    line = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=start, arrowprops=line)


KIND_COLOURS = {
    "clock": ORANGE,
    "hidden": BLUE,
    "spike": RED,
    "delay": GREEN,
    "parameter": GREY,
    "weight": PINK,
}


def leaf_list(ax: Any, x: float, y: float, leaves: list[sx.LeafInfo], gap: float = 3.3) -> None:
    """Leaves one below the other, with a dot in the colour of their kind and their unit."""
    for row, leaf in enumerate(leaves):
        unit = "" if str(leaf.unit) == "1" else f"  ({leaf.unit})"
        path = leaf.path.removeprefix("nodes.")
        ax.plot(x, y - gap * row, "o", ms=5, color=KIND_COLOURS[leaf.kind])
        ax.text(x + 1.6, y - gap * row, path + unit, va="center", size=8.5)


def state() -> Figure:
    """A model that stays, and a state that goes in and comes out."""
    cell = sx.Cell(sx.LIF(I_e=250 * pA), exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA()))
    every = sx.Projection("E", "E", "exc", sx.all_to_all(), weight=1 * nS, delay=2 * ms)
    model = sx.Network({"E": sx.Population(cell, 3)}, [every]).build(dt=0.5 * ms)
    named = {leaf.path: leaf for leaf in sx.leaves(model)}
    stays = [
        *(named[f"nodes.E.neuron.{name}"] for name in ("C_m", "tau_m", "V_th")),
        named["edges.E->E.weight"],
    ]
    figure, ax = canvas(3.6)
    box(ax, 32, 31, 36, 19.5, GREY, "model: what stays")
    leaf_list(ax, 35, 44.2, stays)
    ax.text(36.6, 31.7, "...", size=8.5)
    for x, title in ((1, "state at step t"), (66, "state at step t + 1")):
        box(ax, x, 2, 33, 25, BLUE, title)
        leaf_list(ax, x + 2.5, 20.5, sx.leaves(model.init_state()))
    box(ax, 42, 9, 16, 8, BLACK)
    ax.text(50, 13, "update", ha="center", va="center", weight="bold")
    arrow(ax, (34.5, 13), (41.5, 13))
    arrow(ax, (58.5, 13), (65.5, 13))
    arrow(ax, (50, 30.5), (50, 17.5))
    for row, (kind, colour) in enumerate(KIND_COLOURS.items()):
        ax.plot(76, 47.5 - 3 * row, "o", ms=5, color=colour)
        ax.text(77.6, 47.5 - 3 * row, kind, va="center", size=8.5)
    return figure


class BareBlock(sx.Coupling):
    """A magnesium block whose 0.062 is per mV and does not say so."""

    unit = nS

    def current(self, g: Any, V: Any) -> Any:
        return g * (0.0 - V) / (1 + jnp.exp(-0.062 * V) / 3.57)


BASE = (2.0, 0.5, 3.0)  # what counts for 1 ms, 1 mV, 1 pA in the other base units


def factor(unit: Any) -> float:
    """The number that 1 of a unit becomes in the other base units."""
    return float(np.prod(np.array(BASE) ** exponents(unit)))


def rescaled(tree: Any) -> Any:
    """A model or a state in the other base units."""
    values = [x.value * factor(x.unit) if sx.floats(x) else x.value for x in sx.leaves(tree)]
    return jax.tree.unflatten(jax.tree.structure(tree), values)


def potentials(cell: Any, state: Any, inputs: Any, dt: float) -> Any:
    """The potential of one neuron over some steps of plain numbers."""

    def step(s: Any, x: Any) -> Any:
        s = cell.update(s, x, t=jnp.int32(0), dt=dt)
        return s, cell.read(s, "V_m")[0]

    return jax.lax.scan(step, state, inputs)[1]


def units() -> Figure:
    """One neuron in two sets of base units, with and without a hidden constant."""
    figure = Figure((7.0, 3.0), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    steps, dt = 600, 0.1
    spikes = np.random.default_rng(3).random((steps, 1)) < 0.02
    for ax, coupling, title in (
        (left, sx.MgBlock(), "k = 0.062 / mV, declared"),
        (right, BareBlock(), "0.062, written bare"),
    ):
        cell = sx.Cell(sx.LIF(), nmda=sx.Receptor(sx.Expon(40 * ms), coupling))
        inputs = {n: jnp.zeros((steps, 1)) for n in cell.ports}
        inputs["nmda"] = jnp.asarray(spikes * 4.0)
        inputs["current"] += 60.0
        moved = {n: x * factor(cell.ports[n].unit) for n, x in inputs.items()}
        start = cell.init_state(1, key=0, dt=dt)
        V = potentials(cell, start, inputs, dt)
        W = potentials(rescaled(cell), rescaled(start), moved, dt * factor(ms)) / factor(mV)
        time = dt * np.arange(1, steps + 1)
        ax.plot(time, V, color=BLUE, lw=3, alpha=0.45, label="in ms, mV, pA")
        ax.plot(time, W, "--", color=RED, lw=1.3, label="in other base units, converted back")
        ax.set(xlabel="time (ms)", title=title)
    left.set_ylabel("V_m (mV)")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def model_anatomy() -> Figure:
    """Three steps of a neuron in slow motion: propagate, add arrivals, threshold and reset."""
    neuron, dt, fine = sx.LIF(tau_m=10 * ms, t_ref=1 * ms), 1.0, 40
    arrivals = (2.0, 5.0, 0.0)  # mV, at the end of each step
    figure = Figure((7.0, 3.7), dpi=150, layout="constrained")
    ax = figure.subplots()
    state = neuron.init_state(1, key=0, dt=dt).replace(V_m=jnp.array([-57.0]))
    drive = {"current": jnp.array([250.0]), "delta": jnp.zeros(1)}
    for step, jump in enumerate(arrivals):
        time, V = [step * dt], [float(state.V_m[0])]
        at = state.replace(refractory=state.refractory * fine)
        for k in range(1, fine + 1):
            at = neuron.update(at, drive, t=jnp.int32(0), dt=dt / fine)
            time, V = [*time, step * dt + k * dt / fine], [*V, float(at.V_m[0])]
        ax.plot(time, V, color=BLUE, lw=2)
        end, before = time[-1], V[-1]
        state = neuron.update(state, {**drive, "delta": jnp.array([jump])}, t=jnp.int32(0), dt=dt)
        after = float(state.V_m[0])
        if jump:
            pull(ax, (end, before), (end, before + jump), GREEN)
            ax.text(
                end - 0.05,
                before + 0.45 * jump,
                f"2  arrival: +{jump:g} mV",
                color=GREEN,
                ha="right",
            )
        if state.spike[0]:
            pull(ax, (end + 0.015, before + jump), (end + 0.015, after), RED)
            ax.text(end + 0.06, -54.5, "3  threshold: spike, reset", color=RED)
        ax.plot(end, after, "o", color=BLACK, ms=6, zorder=5)
    ax.axhline(-50, color=GREY, ls=":", lw=1)
    ax.text(0.02, -49.8, "V_th", color=GREY, va="bottom")
    ax.text(0.5, -57.5, "1  propagate", color=BLUE)
    ax.text(2.3, -59.6, "refractory", color=BLUE, va="bottom")
    ax.plot([], [], "o", color=BLACK, ms=6, label="what a recording shows")
    ax.legend(loc="lower left")
    ax.set(xlabel="time (ms)", ylabel="V_m (mV)", xticks=[0, 1, 2, 3], xlim=(0, 3.1))
    ax.set_ylim(-60.8, -47.5)
    for end in (1, 2, 3):
        ax.axvline(end, color=GREY, lw=0.5, alpha=0.5, zorder=0)
    return figure


def synaptic_bytes(pre: int, post: int) -> tuple[int, int]:
    """Bytes of a gate at each source and of a conductance at each target, in a built network."""
    cell = sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA()))
    gate = {"gate": sx.STD()}
    populations = {
        "pre": sx.Population(sx.Relay(), pre, gate),
        "post": sx.Population(cell, post),
    }
    synapses = sx.Projection("pre", "post", "exc", sx.all_to_all(), 1 * nS, 1 * ms, signal="gate")
    leaves = sx.leaves(sx.Network(populations, [synapses]).build(dt=0.1 * ms).init_state())
    at = [sum(v.value.nbytes for v in leaves if where in v.path) for where in ("rel", "rec")]
    return at[0], at[1]


def matrix(ax: Any, x: float, y: float, dense: bool) -> None:
    """A matrix of synapses with its sources to the left and its targets below."""
    rows, columns, gap = 6, 8, 4.0
    for i in range(rows):
        for j in range(columns):
            corner = (x + gap * j, y + gap * i)
            ax.add_patch(Rectangle(corner, 3.4, 3.4, fc="#e8e8e8", ec="none"))
            if dense:
                ax.plot(corner[0] + 1.0, corner[1] + 1.7, "s", color=GREEN, ms=4.5)
                ax.plot(corner[0] + 2.4, corner[1] + 1.7, "s", color=BLUE, ms=4.5)
    for i in range(rows):
        ax.plot(x - 2.6, y + gap * i + 1.7, ">", color=BLACK if dense else GREEN, ms=7)
    for j in range(columns):
        ax.plot(x + gap * j + 1.7, y - 2.6, "o", color=BLACK if dense else BLUE, ms=7)
    ax.text(x - 6.0, y + gap * rows / 2, "sources", rotation=90, va="center", ha="center")
    ax.text(x + gap * columns / 2, y - 6.0, "targets", va="center", ha="center")


def align() -> Figure:
    """Two variables for each synapse, or one for each source and one for each target."""
    pre = post = 1000
    at_sources, at_targets = synaptic_bytes(pre, post)
    each = 4 * pre * post
    figure, ax = canvas(3.3)
    for x, title, dense, gates, conductances in (
        (12, "one set per synapse", True, f"{each / 1e6:g} MB", f"{each / 1e6:g} MB"),
        (62, "aligned", False, f"{at_sources / 1e3:g} kB", f"{at_targets / 1e3:g} kB"),
    ):
        matrix(ax, x, 12.5, dense)
        ax.text(x + 16, 45.5, title, weight="bold", ha="center", va="top")
        ax.text(x + 11, 38.8, f"gates: {gates}", color=GREEN, ha="right", va="bottom")
        ax.text(x + 14, 38.8, f"conductances: {conductances}", color=BLUE, va="bottom")
    note = f"synaptic variables of {pre} x {post} neurons, all to all; squares in grey: weights"
    ax.text(50, 2.5, note, ha="center", va="center", size=8.5, color=GREY)
    return figure


def differentiability() -> Figure:
    """The step and its surrogates; a spike count, its gradients, and a graded count."""
    figure = Figure((7.0, 3.2), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    x = jnp.linspace(-1.0, 1.0, 401)
    left.plot(x, SuperSpike()(x), color=BLACK, lw=2, label="spike")
    for surrogate, colour in ((SuperSpike(), RED), (ATan(), BLUE), (Triangular(), GREEN)):
        name = type(surrogate).__name__
        left.plot(x, jax.vmap(jax.grad(surrogate))(x), color=colour, lw=1.5, label=name)
    left.set(xlabel="(V_m - V_th) / width", title="a spike, and surrogate derivatives")
    left.legend(loc="upper left", fontsize=8)
    count, at = spike_counter(), jnp.linspace(0.0, 100.0, 401)
    right.plot(at, count(at), color=BLACK, lw=1.5, label="spikes")
    for i, current in enumerate((17.0, 35.0, 57.0, 79.0)):
        value, slope = (
            count(jnp.array([current]))[0],
            jax.grad(lambda c: count(c[None])[0])(current),
        )
        ends = jnp.array([current - 11, current + 11])
        label = "surrogate gradient" if i == 0 else None
        right.plot(ends, value + slope * (ends - current), color=RED, lw=2, label=label)
        right.plot(current, value, "o", color=RED, ms=6)
    right.set(xlabel="input current (pA)", title="spikes in 100 ms")
    right.legend(loc="upper left", fontsize=8)
    return figure


def spike_counter() -> Any:
    """Spikes of a neuron in 100 ms by input current (pA), for many currents at once."""
    neuron = sx.LIF(I_e=100 * pA)
    model = sx.Network({"E": sx.Population(neuron, 1)}, []).build(dt=0.5 * ms)
    state = model.init_state()

    def count(current: Any) -> Any:
        inputs = {"E.current": current * jnp.ones(1) * pA}
        _, recording = sx.simulate(model, state, 100 * ms, inputs=inputs, record={"E": "spike"})
        return recording["E.spike"].values.sum()

    return jax.vmap(count)


def recurrent(cut: bool) -> sx.BuiltNetwork:
    """Inputs, neurons, a leaky readout; without the connections between the neurons if `cut`."""
    cell = sx.Cell(sx.LIF(I_e=80 * pA), syn=sx.Receptor(sx.Expon(5 * ms), sx.CUBA()))
    populations = {
        "in": sx.Population(sx.Relay(), 8),
        "E": sx.Population(cell, 12),
        "out": sx.Population(sx.LeakyReadout(20 * ms), 2),
    }
    into = sx.Projection("in", "E", "syn", sx.all_to_all(), sx.Normal(60 * pA, 30 * pA), 1 * ms)
    out = sx.Projection("E", "out", "input", sx.all_to_all(), sx.Normal(0, 1))
    among = sx.Projection("E", "E", "syn", sx.all_to_all(), sx.Normal(0 * pA, 80 * pA), 1 * ms)
    edges = [into, out] if cut else [into, out, among]
    return sx.Network(populations, edges).build(dt=1 * ms, seed=2)


def squared(y: Any, target: Any) -> Any:
    """The loss of a step."""
    return ((y - target) ** 2).sum()


def backwards(net: sx.BuiltNetwork, spikes: Any, targets: Any) -> tuple[Any, Any]:
    """The gradient by the input weights, and the bytes that its computation keeps."""
    picked, rest = sx.select(net, sx.weights("in->E"))

    def total(picked: Any) -> Any:
        inputs, start = {"in.spike": spikes}, net.init_state()
        whole, duration = sx.merge(picked, rest), len(spikes) * ms
        _, seen = sx.simulate(whole, start, duration, inputs=inputs, record={"out": "y"})
        return jax.vmap(squared)(seen["out.y"].values, targets).sum()

    _, back = jax.vjp(total, picked)
    gradient = jax.jit(back)(jnp.ones(()))[0]
    return gradient.edges["in->E"].weight, sum(x.nbytes for x in jax.tree.leaves(back))


def online_learning() -> Figure:
    """Memory against the length of a run; gradients of both ways against each other."""
    rng, rule = np.random.default_rng(1), EProp()
    spikes = (rng.random((800, 8)) < 0.15).astype(np.float32)
    targets = rng.normal(0, 3, (800, 2)).astype(np.float32)
    figure = Figure((7.0, 3.2), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2)
    steps, net = (100, 200, 400, 800), recurrent(cut=False)
    bytes_back = [backwards(net, spikes[:n], targets[:n])[1] for n in steps]
    carry = rule.init(net, net.init_state(), squared)
    bytes_online = sum(leaf.nbytes for leaf in jax.tree.leaves(carry))
    left.plot(steps, np.array(bytes_back) / 1e3, "o-", color=BLUE, label="backpropagation")
    left.plot(steps, [bytes_online / 1e3] * len(steps), "s-", color=RED, label="online")
    left.set(xlabel="steps", ylabel="memory (kB)", xlim=(0, None), ylim=(0, None), title="memory")
    for cut, colour, mark in ((False, ORANGE, "x"), (True, GREEN, ".")):
        net, label = recurrent(cut), "feed-forward" if cut else "recurrent"
        _, found = rule.gradient(
            net, net.init_state(), {"in.spike": spikes[:60]}, targets[:60], squared
        )
        true = np.ravel(backwards(net, spikes[:60], targets[:60])[0])
        right.plot(true, np.ravel(found.edges["in->E"].weight), mark, color=colour, label=label)
    right.axline((0, 0), slope=1, color=GREY, lw=0.8, zorder=0)
    right.set(xlabel="backpropagation (1/pA)", ylabel="online, e-prop (1/pA)", title="gradients")
    for ax in (left, right):
        ax.legend(loc="upper left")
    return figure


PICTURES = {
    "state": state,
    "units": units,
    "model_anatomy": model_anatomy,
    "align": align,
    "differentiability": differentiability,
    "online_learning": online_learning,
}


def draw(folder: Path = FOLDER, names: Any = ()) -> None:
    """Write the pictures named, or all."""
    for name in names or PICTURES:
        PICTURES[name]().savefig(folder / f"concepts-{name}.png")


if __name__ == "__main__":
    draw(names=sys.argv[1:])
