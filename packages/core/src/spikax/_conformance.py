"""The conformance kit: the contract of a Dynamics, checked property by property."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spikax._component import Component, rebuild
from spikax._fields import Part, Static
from spikax._receptor import Cell, Kinetics
from spikax._select import floats, leaves
from spikax._store import load_state, save_state
from spikax._surrogate import Smooth, Surrogate
from spikax._system import Arrivals, Dynamics, Port
from spikax.units import exponents, ms, to_coherent

STEPS = 8
_TYPICAL = {(0, 0, 1): 150.0, (0, 1, 0): 1.5, (0, -1, 1): 3.0}
"""A typical arrival at a port by the powers of time, voltage and current of its unit."""


@dataclass(frozen=True)
class Case:
    """A model in float64 with a state in mid-flight and random arrivals for some steps."""

    model: Any
    state: Any
    inputs: Mapping[str, Any]
    dt: float
    t: int

    def step(self, state: Any, inputs: Mapping[str, Any], t: Any) -> Any:
        """One step of the model."""
        return self.model.update(state, inputs, t=t, dt=self.dt)

    @property
    def first(self) -> Mapping[str, Any]:
        """The arrivals of the first step."""
        return _rows_of(self.inputs, 0)

    @cached_property
    def eager(self) -> Any:
        """The state after the first step, computed operation by operation."""
        return self.step(self.state, self.first, jnp.int32(self.t))


def check_dynamics(
    model: Dynamics, *, size: int = 24, dt: Any = 0.1 * ms, seed: int = 0, solver: bool = False
) -> None:
    """Prove the contract of a model, or raise an AssertionError that names the property it breaks.

    In float64: structure, dtypes and shapes are fixed by `update`; a model that says that it fires
    once has spikes of 0 and 1; equations are right in their
    units (every output scales as declared when time, voltage and current get other base units); jit
    equals eager; vmap equals a loop; scan(a + b) equals scan(a), scan(b); update is elementwise
    over the neurons; a second call compiles nothing; equal calls give equal bits; a saved state
    goes on bitwise; synapses of a cell superpose; gradients as in `check_gradients`.

    Args:
        model: The model, no distributions among its parameters.
        size: Number of neurons; each is a case of its own.
        dt: Time step.
        seed: Seed of arrivals.
        solver: Whether it has a solver with a tolerance. That is in coherent units, and a gradient
            holds the lengths of substeps fixed: neither other base units nor finite differences
            then tell anything, and are left out.
    """
    with jax.enable_x64(True):
        case = _case(model, size, float(to_coherent(dt, ms, "dt")), seed)
        checks = (_transforms, _scan_splits, _elementwise, _linear, _round_trip)
        for check in checks if solver else (_units, *checks):
            check(case)
        if not solver:
            check_gradients(model, dt=dt, seed=seed)


def _case(model: Dynamics, size: int, dt: float, seed: int, steps: int = STEPS) -> Case:
    rng = np.random.default_rng(seed)
    model = jax.tree.map(lambda x: jnp.asarray(x, float), model)
    model.check(dt)
    state = model.init_state(size, key=seed, dt=dt)
    warm = Case(model, state, _arrivals(model, size, 3 * steps, rng, dt), dt, 0)
    _structure(warm)
    for t in range(0, 3 * steps, steps):
        some = _rows_of(warm.inputs, slice(t, t + steps))
        state = _run(Case(model, state, some, dt, t))[0]
    return Case(model, state, _arrivals(model, size, steps, rng, dt), dt, 3 * steps)


def _rows_of(inputs: Mapping[str, Any], which: Any) -> dict[str, Any]:
    return {name: jax.tree.map(lambda v: jnp.asarray(v[which]), x) for name, x in inputs.items()}


def _arrivals(
    model: Dynamics, size: int, steps: int, rng: np.random.Generator, dt: float
) -> dict[str, Any]:
    def draw(shape: tuple[int, ...], unit: Any) -> np.ndarray:
        typical = _TYPICAL.get(exponents(unit))
        present = rng.random((steps, *shape)) < 0.3
        return present * (
            1.0 if typical is None else typical * rng.normal(0.8, 1.0, (steps, *shape))
        )

    def at_port(port: Port) -> Any:
        weight = draw(port.shape(size), port.unit)
        if not port.events:
            return weight
        # From the first row of a list on, the earliest first.
        weight = np.take_along_axis(weight, np.argsort(weight == 0, axis=1, kind="stable"), axis=1)
        offset = np.where(weight != 0, rng.uniform(0.0, dt, weight.shape), 0.0)
        return Arrivals(weight, -np.sort(-offset, axis=1))

    return {name: at_port(port) for name, port in model.ports.items()}


def _run(
    case: Case, state: Any = None, part: slice = slice(None), t: int | None = None
) -> tuple[Any, Any]:
    """Scan over the arrivals; the state at the end and every signal at every step."""
    state, start = (case.state if state is None else state), (case.t if t is None else t)
    inputs = _rows_of(case.inputs, part)
    length = None if inputs else len(range(*part.indices(STEPS)))
    return _compiled(case.model, state, inputs, jnp.int32(start), case.dt, length)


def _scan(
    model: Any, state: Any, inputs: Any, t: Any, dt: float, length: int | None
) -> tuple[Any, Any]:
    def body(carry: Any, x: Any) -> tuple[Any, Any]:
        s, now = carry
        s = model.update(s, x, t=now, dt=dt)
        return (s, now + 1), {n: model.read(s, n) for n in model.signals}

    (final, _), rows = jax.lax.scan(body, (state, t), inputs, length=length)
    return final, rows


# Compiled once for all cases of a structure: compilation is nearly all that a check costs.
_compiled = jax.jit(_scan, static_argnums=(4, 5))


def _same(a: Any, b: Any, what: str, rtol: float = 0.0) -> None:
    for x, y in zip(leaves(a), leaves(b), strict=True):
        left, right = np.asarray(x.value), np.asarray(y.value)
        scale = np.abs(left).max(initial=0.0) if left.dtype.kind == "f" else 0.0
        close = np.array_equal(left, right) or np.allclose(
            left, right, rtol=rtol, atol=rtol * scale
        )
        assert close, f"{what}: {x.path} differs by up to {np.abs(left - right).max():g}"


def _structure(case: Case) -> None:
    after = jax.eval_shape(lambda: case.step(case.state, case.first, jnp.int32(case.t)))
    assert jax.tree.structure(after) == jax.tree.structure(case.state), (
        "update changes the structure of the state"
    )
    for x, y in zip(leaves(case.state), leaves(after), strict=True):
        given, got = (x.value.shape, x.value.dtype), (y.value.shape, y.value.dtype)
        assert given == got, f"update turns {x.path} from {given} into {got}"
    for name in case.model.signals:
        shape = jax.eval_shape(lambda name=name: case.model.read(case.state, name)).shape
        assert shape[-1:] == leaves(case.state)[0].value.shape[-1:], (
            f"signal {name} has shape {shape}"
        )


def _units(case: Case) -> None:
    """Other base units of time, voltage and current: all that has a unit must scale."""
    base = np.random.default_rng(5).uniform(0.3, 3.0, 3)

    def scale(unit: Any) -> float:
        return float(np.prod(base ** np.array(exponents(unit))))

    def scaled(tree: Any) -> Any:
        values = [x.value * scale(x.unit) if floats(x) else x.value for x in leaves(tree)]
        return jax.tree.unflatten(jax.tree.structure(tree), values)

    def arriving(port: Port, x: Any) -> Any:
        if port.events:
            return Arrivals(x.weight * scale(port.unit), x.offset * scale(ms))
        return x * scale(port.unit)

    inputs = {n: arriving(case.model.ports[n], x) for n, x in case.first.items()}
    moved = Case(scaled(case.model), scaled(case.state), inputs, case.dt * base[0], case.t)
    expected = scaled(case.eager)
    got = moved.step(moved.state, inputs, jnp.int32(case.t))
    _same(
        expected,
        got,
        "an equation is wrong in its units, or hides a constant that has one",
        rtol=1e-9,
    )
    for name, unit in case.model.signals.items():
        right, read = (
            case.model.read(case.state, name) * scale(unit),
            moved.model.read(moved.state, name),
        )
        assert np.allclose(right, read, rtol=1e-9), (
            f"signal {name} does not have its declared unit {unit}"
        )


def _transforms(case: Case) -> None:
    traced = 0

    def step(model: Any, state: Any, inputs: Any, t: Any) -> Any:
        nonlocal traced
        traced += 1
        return model.update(state, inputs, t=t, dt=case.dt)

    t, compiled = jnp.int32(case.t), jax.jit(step)
    jitted = compiled(case.model, case.state, case.first, t)
    _same(case.eager, jitted, "jit differs from eager", rtol=1e-12)
    again = compiled(jax.tree.map(lambda x: x * 1, case.model), case.state, case.first, t)
    _same(jitted, again, "two equal calls differ")
    assert traced == 1, "a second call with other values of the same shapes traces again"
    pair = jax.tree.map(lambda x: jnp.stack([x, jnp.roll(x, 1, axis=-1)]), (case.state, case.first))
    mapped = jax.jit(jax.vmap(step, in_axes=(None, 0, 0, None)))(case.model, *pair, t)
    for i in range(2):
        one = compiled(case.model, *jax.tree.map(lambda x, i=i: x[i], pair), t)
        _same(
            one, jax.tree.map(lambda x, i=i: x[i], mapped), "vmap differs from a loop", rtol=1e-12
        )


def _scan_splits(case: Case) -> None:
    half = STEPS // 2
    whole, rows = _run(case)
    assert not case.model.fires_once or np.isin(rows["spike"], (0, 1)).all(), (
        "fires_once is True, but a spike is neither 0 nor 1"
    )
    middle, first = _run(case, part=slice(0, half))
    end, last = _run(case, middle, slice(half, None), case.t + half)
    _same(whole, end, "scan(a + b) differs from scan(a), scan(b)", rtol=1e-12)
    for name in rows:
        joined = np.concatenate([first[name], last[name]])
        assert np.allclose(rows[name], joined, rtol=1e-12, atol=1e-12), (
            f"signal {name}: scan(a + b) differs"
        )


def _elementwise(case: Case) -> None:
    """The blocks of each neuron, from tangents of ones, must make up any whole tangent."""
    values, structure = jax.tree.flatten(case.state)
    live = [i for i, x in enumerate(leaves(case.state)) if floats(x) and values[i].size]

    def after(*chosen: Any) -> list[Any]:
        filled = list(values)
        for i, value in zip(live, chosen, strict=True):
            filled[i] = value
        out = jax.tree.leaves(
            case.step(jax.tree.unflatten(structure, filled), case.first, jnp.int32(case.t))
        )
        return [out[i] for i in live]

    point = [values[i] for i in live]
    rng = np.random.default_rng(1)
    direction = [jnp.asarray(rng.normal(size=p.shape)) for p in point]
    tangent = jax.jit(lambda v: jax.jvp(after, point, v)[1])
    ones = [
        [jnp.ones_like(p) if i == j else jnp.zeros_like(p) for i, p in enumerate(point)]
        for j in range(len(point))
    ]
    blocks = [tangent(v) for v in ones]
    whole = tangent(direction)
    for a, expected in enumerate(whole):
        got = sum(
            (blocks[b][a] * direction[b] for b in range(len(point))), jnp.zeros_like(expected)
        )
        assert np.allclose(
            got, expected, rtol=1e-9, atol=1e-9 * float(np.abs(expected).max(initial=1.0))
        ), f"update is not elementwise over the neurons in {leaves(case.state)[live[a]].path}"


def _linear(case: Case) -> None:
    """The synapses of a cell superpose, or one set of variables per neuron would be wrong."""
    if not isinstance(case.model, Cell):
        return
    for name, receptor in case.model.receptors.items():
        g, x, kinetics = case.state.receptors[name], case.first[name], receptor.kinetics

        def response(g: Any, x: Any, kinetics: Kinetics = kinetics) -> Any:
            return kinetics.value(kinetics.flow(kinetics.arrive(g, x), case.dt))

        whole = response(jax.tree.map(lambda v: 3 * v, g), 5 * x)
        parts = 3 * response(g, 0 * x) + 5 * response(jax.tree.map(jnp.zeros_like, g), x)
        assert np.allclose(whole, parts, rtol=1e-9, atol=1e-12), (
            f"the synapse of receptor {name} is not linear: put what saturates into a release"
        )


def _round_trip(case: Case) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.npz"
        save_state(path, case.state)
        loaded = load_state(path, like=case.state)
    _same(case.state, loaded, "a saved state loads as another one")
    _same(_run(case)[0], _run(case, loaded)[0], "a loaded state goes on differently")


def smooth(model: Any) -> Any:
    """A copy in which every spike is a sigmoid, for finite differences to exist."""
    if isinstance(model, Mapping):
        return {k: smooth(v) for k, v in model.items()}  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(model, Component):
        return model

    def value(name: str, field: Any) -> Any:
        old = getattr(model, name)
        if isinstance(field, Part):
            return smooth(old)
        return Smooth() if isinstance(field, Static) and isinstance(old, Surrogate) else old

    return rebuild(type(model), {n: value(n, f) for n, f in model.declared.items()})


def check_gradients(
    model: Dynamics, *, dt: Any = 0.1 * ms, seed: int = 0, rtol: float = 1e-5
) -> None:
    """Forward mode, reverse mode and finite differences must agree, by all parameters and inputs.

    The spike is a sigmoid for the purpose. Where a case stands next to a switch (a refractory
    period that begins or not), finite differences of two widths disagree; such a case is drawn
    again, at most five times.
    """
    with jax.enable_x64(True):
        width = float(to_coherent(dt, ms, "dt"))
        reverse, probe = _derivatives(width)
        for attempt in range(5):
            case = _case(smooth(model), 4, width, seed + attempt)
            if _agree(reverse, probe, case, rtol):
                return
        raise AssertionError("no case away from a switch was found in five draws")


def _derivatives(dt: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Compiled once for all draws: the gradient of a loss; values and tangents at many shifts."""

    def loss(shift: Any, point: Any, rest: Any) -> Any:
        """With every element of leaf i moved by shift[i]."""
        values, structure = jax.tree.flatten(point)
        moved = [value + shift[i] for i, value in enumerate(values)]
        params, inputs = jax.tree.unflatten(structure, moved)
        model, state, t = rest
        rows = _scan(_fill(model, params), state, inputs, t, dt, STEPS)[1]
        rng, total = np.random.default_rng(9), 0.0
        for name in model.signals:
            total += jnp.sum(rng.uniform(0.5, 1.5, STEPS) @ rows[name].reshape(STEPS, -1))
        return total

    def along(shift: Any, direction: Any, *more: Any) -> Any:
        return jax.jvp(lambda s: loss(s, *more), (shift,), (direction,))

    return jax.jit(jax.grad(loss)), jax.jit(jax.vmap(along, (0, 0, None, None)))


def _fill(model: Any, params: list[Any]) -> Any:
    values, structure = jax.tree.flatten(model)
    chosen, info = iter(params), leaves(model)
    return jax.tree.unflatten(
        structure, [next(chosen) if floats(x) else v for v, x in zip(values, info, strict=True)]
    )


def _agree(reverse: Callable[..., Any], probe: Callable[..., Any], case: Case, rtol: float) -> bool:
    """Whether all agree; False where finite differences of two widths do not."""
    info = [leaf for leaf in leaves(case.model) if floats(leaf)]
    inputs = jax.tree_util.tree_flatten_with_path(case.inputs)[0]
    names = [leaf.path for leaf in info]
    names += [f"input {jax.tree_util.keystr(path, simple=True)}" for path, _ in inputs]
    point, rest = ([leaf.value for leaf in info], case.inputs), (case.model, case.state, case.t)
    # What is infinite stays so, however it is shifted.
    sizes = [
        np.abs(v).max(initial=0.0, where=np.isfinite(v))
        for v in map(np.asarray, jax.tree.leaves(point))
    ]
    widths = 1e-5 * np.maximum(sizes, 1e-3)
    gradient = np.asarray(reverse(np.zeros(len(widths)), point, rest))
    value, forward, near, far = _differences(probe, widths, point, rest)
    floor = 1e-9 * abs(value) / widths
    if np.any(np.abs(near - far) > 30 * (rtol * np.abs(far) + floor) + 1e-7):
        return False
    for name, r, f, d, noise in zip(names, gradient, forward, near, floor, strict=True):
        assert np.isfinite(r), f"the gradient by {name} is {r}"
        assert np.isclose(r, f, rtol=1e-9, atol=1e-9), f"by {name}: reverse {r}, forward {f}"
        assert np.isclose(r, d, rtol=rtol, atol=noise + 1e-7), (
            f"by {name}: gradient {r:.10g}, finite difference {d:.10g}"
        )
    return True


def _differences(
    probe: Callable[..., Any], widths: np.ndarray, point: Any, rest: Any
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """The loss, its tangents, its central differences of these widths and of four times these."""
    n = len(widths)
    shifts = np.concatenate([scale * np.diag(widths) for scale in (0, 1, -1, 4, -4)])
    values, tangents = map(np.asarray, probe(shifts, np.tile(np.eye(n), (5, 1)), point, rest))
    still, ahead, behind, far_ahead, far_behind = values.reshape(5, n)
    near, far = (ahead - behind) / (2 * widths), (far_ahead - far_behind) / (8 * widths)
    return float(still[0]), tangents[:n], near, far
