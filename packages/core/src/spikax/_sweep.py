"""Every combination of some values of parameters, run side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import jax
import numpy as np

from spikax._axes import Axes, Batch, batch_of, named, with_values
from spikax._built import BuiltNetwork
from spikax._host_loop import complaint, health, healthy
from spikax._memory import Row, device_bytes, machine_bytes
from spikax._network import Network
from spikax._probes import Every, Request, probes, steps
from spikax._progress import Progress
from spikax._recording import Recording
from spikax._simulate import simulate
from spikax.errors import ConfigError, NumericsError
from spikax.units import Hz, Quantity, ms, quantity, to_coherent


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
        for i, axis in enumerate(named(self.axes)):
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

    The network is built once. A value takes the place of the one that was built, in every neuron;
    what followed from the old one by default (V_init from E_L) stays, unlike in `replace`. As many
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
            parameters, an axis without values, a weight per synapse, seeds where nothing is
            noisy, too much to record.
        ShapeError: Values that fit neither an axis nor the neurons.
        NumericsError: A run diverged; it is named.
    """
    if not isinstance(cast(Any, net), Network):
        raise ConfigError(f"sweep builds the network itself; give it a Network, not {net!r}.")
    model = net.build(dt=dt, seed=seed)
    n = steps(float(to_coherent(duration, ms, "duration")), model.dt, "duration")
    shape, batch = batch_of(model, axes)
    runs, columns = math.prod(shape), sum(p.columns for p in probes(model, record))
    together = _together(net.memory(dt=dt).rows, runs, n * columns, memory)
    requests = {k: v if isinstance(v, str | Every) else tuple(v) for k, v in (record or {}).items()}
    parts = list[Recording]()
    with Progress(runs * n, model.dt, progress) as bar:
        for chosen in _chunks(runs, together):
            now = {path: values[chosen] for path, values in batch.items()}
            result = _run(model, now, dict(inputs or {}), n, tuple(requests.items()))
            result = jax.tree.map(np.asarray, result)
            _check_health(result, axes, np.unravel_index(chosen, shape))
            parts.append(result[1])
            bar.update((int(chosen[-1]) + 1) * n)

    def joined(*values: np.ndarray) -> np.ndarray:
        return np.concatenate(values)[:runs].reshape(*shape, *values[0].shape[1:])

    return Sweep(axes, jax.tree.map(joined, *parts))


@partial(jax.jit, static_argnames=("n", "record"))
def _run(model: BuiltNetwork, batch: Batch, inputs: dict[str, Any], n: int, record: Any) -> Any:
    def one(values: Mapping[str, Any]) -> tuple[Any, ...]:
        net = with_values(model, values)
        time, start = n * model.dt * ms, net.init_state()
        end, recording = simulate(net, start, time, inputs=inputs, record=dict(record))
        return end, recording, *health(end)

    return jax.vmap(one)(batch)


def _together(rows: Sequence[Row], runs: int, recorded: int, memory: float | None) -> int:
    """How many runs fit into the memory, at least one; `recorded` is the numbers of one."""
    size, there = jax.dtypes.canonicalize_dtype(float).itemsize, machine_bytes()
    if there is not None and runs * recorded * size > there:
        raise ConfigError(
            f"{runs} runs record {runs * recorded * size:.3g} bytes, there are {there:.3g}; record "
            'less: mean(5*ms, "spike"), every(1*ms, "V_m", where=[0]).'
        )
    limit = (device_bytes(free=True) or 2**32) / 4 if memory is None else memory
    # A recording is made and then chosen from, a state read and written, a value at each synapse.
    numbers = 2 * recorded + max(r.synapses for r in rows)
    return max(1, int(limit // (size * numbers + 2 * sum(r.state for r in rows))))


def _chunks(runs: int, together: int) -> np.ndarray:
    """Which runs go together, in equal numbers: the last run fills up what is left."""
    count = -(-runs // together)
    size = -(-runs // count)
    return np.minimum(np.arange(count * size), runs - 1).reshape(count, size)


def _check_health(result: Any, axes: Axes, index: Any) -> None:
    for i in range(len(result[2])):
        one = jax.tree.map(lambda x, i=i: x[i], result)
        if not healthy(*one[2:]):
            axis_and_place = zip(named(axes), index, strict=True)
            run = ", ".join(
                f"{n} = {v[j[i]]}" for axis, j in axis_and_place for n, v in axis.items()
            )
            raise NumericsError(complaint(one, f"the end of the run with {run}"))
