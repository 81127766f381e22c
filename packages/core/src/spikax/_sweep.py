"""Every combination of some values of parameters, run side by side."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np

from spikax._built import BuiltNetwork
from spikax._host_loop import complaint, health, healthy
from spikax._memory import device_bytes, machine_bytes
from spikax._network import Network, check_values
from spikax._probes import Every, Request, probes, steps
from spikax._progress import Progress
from spikax._random import key_words
from spikax._recording import Recording
from spikax._select import LeafInfo, leaves
from spikax._share import filled, value_at, with_value
from spikax._simulate import simulate
from spikax.errors import ConfigError, NumericsError, ShapeError, unknown
from spikax.units import Hz, Quantity, ms, quantity, to_coherent

Axes = Mapping[str | tuple[str, ...], Any]
Batch = dict[str, np.ndarray]
Requests = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Sweep:
    """What a sweep recorded: as one run, with the axes of the sweep in front.

    `sweep["E.V_m"].values` is (axis 1, axis 2, ..., samples, neurons), coherent; `.data` has the
    unit.

    Attributes:
        axes: Values by name, in the order of the axes; of names that move together, a tuple.
        recording: Series by path.
    """

    axes: Axes
    recording: Recording

    def __getitem__(self, path: str) -> Any:
        return self.recording[path]

    def rates(self, population: str) -> Quantity:
        """Firing rate of each neuron of a population whose spikes were recorded."""
        spikes = self.recording[f"{population}.spike"]
        return quantity(spikes.values.mean(axis=-2) / spikes.dt, Hz)

    def to_xarray(self) -> Any:
        """A Dataset (extra `xarray`) whose axes and coordinates are those of the sweep."""
        found = self.recording.to_xarray()
        for i, axis in enumerate(_named(self.axes)):
            first = next(iter(axis))
            found = found.rename({f"batch_{i}": first})
            for name, values in axis.items():
                units = {"units": str(getattr(values, "unit", 1))}
                coordinate = np.asarray(getattr(values, "mantissa", values))
                found = found.assign_coords({name: (first, coordinate, units)})
        return found


def sweep(
    net: Network,
    axes: Axes,
    duration: Any,
    *,
    dt: Any,
    seed: int = 0,
    record: Mapping[str, Request] | None = None,
    inputs: Mapping[str, Any] | None = None,
    memory: float | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Run every combination of values from t = 0: `{"E.tau_m": [10, 20] * ms, "seed": range(8)}`.

    The network is built once. A value takes the place of the one that was built, in every neuron,
    as `replace` does it: what followed from the old one by default (V_init from E_L) stays. As many
    runs as fit into `memory` go through one compiled program together; neither their number nor
    another sweep of the same shape compiles anything.

    Args:
        net: A description.
        axes: Values by the path of a parameter: a list in its unit, or (values, N) for a value
            per neuron. A path is that of `leaves` without "nodes." or "edges."; names within may be
            left out where one parameter remains ("E.tau_m" for "E.neuron.tau_m"). "E->I.weight"
            replaces a weight that is one number. "seed" is that of the noise at run time. A tuple
            of names is one axis, with a tuple of values or the same for all.
        duration: Of each run.
        dt: Time step.
        seed: Of `build`: connectivity and all that is sampled is the same in every run.
        record: As in `simulate`; spikes come as counts per step.
        inputs: As in `simulate`, the same in every run.
        memory: Bytes for the runs that go together, by default a quarter of what is free.
        progress: As in `simulate`.

    Raises:
        UnknownNameError: No parameter answers to a name.
        UnitError: A value in another unit.
        ConfigError: A value or a combination out of range, a name that stands for several
            parameters, an axis without values, a weight per synapse, too much to record.
        ShapeError: Values that fit neither an axis nor the neurons.
        NumericsError: A run diverged; it is named.
    """
    model = net.build(dt=dt, seed=seed)
    n = steps(float(to_coherent(duration, ms, "duration")), model.dt, "duration")
    shape, batch = _batch(model, axes)
    runs, requests = math.prod(shape), _hashable(record or {})
    together = _together(model, net.memory(dt=dt).rows, n, requests, runs, memory)
    parts = list[Recording]()
    with Progress(runs * n, model.dt, progress) as bar:
        for chosen in _chunks(runs, together):
            now = {path: values[chosen] for path, values in batch.items()}
            result = _run(model, now, dict(inputs or {}), n=n, record=requests)
            result = jax.tree.map(np.asarray, result)
            _check_health(result, axes, np.unravel_index(chosen, shape))
            parts.append(result[1])
            bar.update((int(chosen[-1]) + 1) * n)

    def joined(*values: np.ndarray) -> np.ndarray:
        return np.concatenate(values)[:runs].reshape(*shape, *values[0].shape[1:])

    return Sweep(axes, jax.tree.map(joined, *parts))


@partial(jax.jit, static_argnames=("n", "record"))
def _run(model: BuiltNetwork, batch: Batch, inputs: dict[str, Any], *, n: int, record: Any) -> Any:
    def one(values: Mapping[str, Any]) -> tuple[Any, ...]:
        net = _with_values(model, values)
        time, start = n * model.dt * ms, net.init_state()
        end, recording = simulate(net, start, time, inputs=inputs, record=dict(record))
        return end, recording, *health(end)

    return jax.vmap(one)(batch)


def _with_values(tree: Any, values: Mapping[str, Any]) -> Any:
    for path, value in values.items():
        tree = with_value(tree, path, value)
    return tree


def _hashable(record: Mapping[str, Request]) -> Requests:
    return tuple((k, v if isinstance(v, str | Every) else tuple(v)) for k, v in record.items())


def _together(
    model: BuiltNetwork, rows: Any, n: int, record: Requests, runs: int, memory: float | None
) -> int:
    """How many runs fit into the memory, at least one."""
    number = jax.dtypes.canonicalize_dtype(float).itemsize
    recorded = number * n * sum(p.columns for p in probes(model, dict(record)))
    there = machine_bytes()
    if there is not None and runs * recorded > there:
        raise ConfigError(
            f"{runs} runs record {runs * recorded:.3g} bytes, there are {there:.3g}; record "
            'less: mean(5*ms, "spike"), every(1*ms, "V_m", where=[0]).'
        )
    limit = (device_bytes(free=True) or 2**32) / 4 if memory is None else memory
    # A recording is made and then chosen from, a state read and written, a value at each synapse.
    moved = sum(2 * r.state for r in rows) + number * max(r.synapses for r in rows)
    return max(1, int(limit // (2 * recorded + moved)))


def _chunks(runs: int, together: int) -> np.ndarray:
    """Which runs go together, in equal numbers: the last run fills up what is left."""
    count = -(-runs // together)
    size = -(-runs // count)
    return np.minimum(np.arange(count * size), runs - 1).reshape(count, size)


def _named(axes: Axes) -> Iterator[dict[str, Any]]:
    """The values of each axis by name."""
    for key, values in axes.items():
        if isinstance(key, str):
            yield {key: values}
        else:
            given = values if isinstance(values, tuple) else (values,) * len(key)
            yield dict(zip(key, given, strict=True))


def _batch(model: BuiltNetwork, axes: Axes) -> tuple[tuple[int, ...], Batch]:
    """How many values each axis has; by path in the model, the value of each run."""
    known = {
        leaf.path.removeprefix("nodes.").removeprefix("edges."): leaf
        for leaf in leaves(model)
        if leaf.kind in ("parameter", "weight", "seed")
    }
    moved = list[Batch]()
    for axis in _named(axes):
        moved.append({})
        for name, given in axis.items():
            leaf = known[_resolved(name, known)]
            moved[-1][leaf.path] = _values(model, leaf, name, given)
        if len({len(values) for values in moved[-1].values()}) != 1:
            raise ShapeError(f"{tuple(axis)} move together; give them equally many values.")
    paths = [path for axis in moved for path in axis]
    if not paths or len(set(paths)) < len(paths):
        raise ConfigError(f"the axes are {paths}; name one parameter or more, each once.")
    shape = tuple(len(next(iter(axis.values()))) for axis in moved)
    index = np.unravel_index(np.arange(math.prod(shape)), shape)
    batch = {p: v[i] for axis, i in zip(moved, index, strict=True) for p, v in axis.items()}
    _check_combinations(model, batch, math.prod(shape))
    return shape, batch


def _resolved(name: str, known: Mapping[str, Any]) -> str:
    """The whole path that a path stands for, in which names in the middle may be missing."""
    pattern = r"\.(.+\.)?".join(map(re.escape, name.split(".")))
    fits = [name] if name in known else [path for path in known if re.fullmatch(pattern, path)]
    if not fits:
        shorter = {f"{p.partition('.')[0]}.{p.rpartition('.')[2]}" for p in known}
        raise unknown("parameter to sweep", name, {*known, *shorter})
    if len(fits) > 1:
        raise ConfigError(f"{name!r} stands for several parameters; name one of {fits}.")
    return fits[0]


def _values(model: BuiltNetwork, leaf: LeafInfo, name: str, given: Any) -> np.ndarray:
    """The values of an axis, checked as at construction."""
    each = list(given) if np.iterable(given) else []
    if not each:
        raise ConfigError(f"axis {name!r} is {given!r}; give a list of one value or more.")
    if leaf.kind == "weight" and np.ndim(leaf.value):
        raise ConfigError(
            f"{name!r} is one value per synapse, and a sweep replaces one number; give the "
            "projection one number as its weight, or change the model under jax.vmap yourself."
        )
    values = np.stack([_value(leaf, name, value) for value in each])
    size = dict(model.sizes).get(name.split(".")[0])
    if values.shape[1:] not in ((), (size,), np.shape(leaf.value)):
        raise ShapeError(f"axis {name!r} has shape {values.shape}; give one number per value.")
    return values


def _value(leaf: LeafInfo, name: str, value: Any) -> np.ndarray:
    if leaf.kind == "seed":
        return np.asarray(key_words(value))
    if leaf.kind == "weight":
        check_values(value, leaf.unit, name)
        return to_coherent(value, leaf.unit, name)
    owner: Any = leaf.owner
    return owner.declared[leaf.path.rpartition(".")[2]].convert(value, owner.__name__)


def _check_combinations(model: BuiltNetwork, batch: Batch, runs: int) -> None:
    """Raise if the values of some run do not go together: what a range of one cannot say."""
    plain = jax.tree.map(np.asarray, dict(model.nodes))
    inside = {p.removeprefix("nodes."): v for p, v in batch.items() if p.startswith("nodes.")}
    for run in range(runs):
        values = {path: np.asarray(v[run]) for path, v in inside.items()}
        nodes = filled(_with_values(plain, values), model.shared)
        for path in inside:
            value_at(nodes, path.rpartition(".")[0]).validate()
            nodes[path.partition(".")[0]].check(model.dt)


def _check_health(result: Any, axes: Axes, index: Any) -> None:
    for i in range(len(result[2])):
        one = jax.tree.map(lambda x, i=i: x[i], result)
        if not healthy(*one[2:]):
            named = zip(_named(axes), index, strict=True)
            run = ", ".join(f"{n} = {v[j[i]]}" for axis, j in named for n, v in axis.items())
            raise NumericsError(complaint(one, f"the end of the run with {run}"))
