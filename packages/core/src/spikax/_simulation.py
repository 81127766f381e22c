"""The outer shell for interactive work: the one object that changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax

from spikax._built import BuiltNetwork, NetworkState
from spikax._hooks import Hook
from spikax._network import Network
from spikax._probes import Request
from spikax._recording import Recording
from spikax._simulate import simulate, under_transform
from spikax._store import load_state, save_state
from spikax.errors import ConfigError, NumericsError, RunError
from spikax.units import Quantity, ms, quantity


class Simulation:
    """A network with its state, to run, look at, save and go on with.

    Args:
        net: The description.
        dt: Time step, a quantity.
        seed: Seed of everything random.
        precision: "float32" or "float64".

    Attributes:
        model: The built network.
        state: Its present state.
    """

    def __init__(self, net: Network, *, dt: Any, seed: int = 0, precision: str = "float32") -> None:
        if precision not in ("float32", "float64"):
            raise ConfigError(f"precision is {precision!r}; choose 'float32' or 'float64'.")
        self._double = precision == "float64"
        with jax.enable_x64(self._double):
            self.model = net.build(dt=dt, seed=seed)
            self.state = self.model.init_state()

    @property
    def time(self) -> Quantity:
        """The present time."""
        return quantity(int(self.state.t) * self.model.dt, ms)

    def run(
        self,
        duration: Any,
        *,
        record: Mapping[str, Request] | None = None,
        inputs: Mapping[str, Any] | None = None,
        hooks: Sequence[Hook] = (),
        to: Any = None,
        progress: bool | None = None,
    ) -> Recording:
        """Go on for a duration; arguments and errors as in `simulate`.

        A hook is called with this simulation, and may set its `model` and `state`. Where a hook
        raises or a stream cannot be written, the simulation stays at that time, and the error has
        the recording so far.

        Raises:
            ConfigError: It was called under a JAX transform, where nothing may change.
        """
        with jax.enable_x64(self._double):
            if under_transform(self.model, self.state, inputs):
                raise ConfigError(
                    "a Simulation changes its state and cannot run under a JAX transform; write "
                    "state, recording = simulate(model, state, duration)."
                )
            try:
                self.state, recording = simulate(
                    self.model,
                    self.state,
                    duration,
                    record=record,
                    inputs=inputs,
                    hooks=[replace(hook, call=_Call(self, hook)) for hook in hooks],
                    to=to,
                    progress=progress,
                )
            except RunError as error:
                if not isinstance(error, NumericsError):  # whose state is of no use
                    self.state = error.state
                raise
        return recording

    def reset(self, *, seed: int | None = None) -> None:
        """Back to t = 0, with other noise if a seed is given."""
        with jax.enable_x64(self._double):
            self.state = self.model.init_state(key=seed)

    def save(self, path: Any) -> None:
        """Write the present state to a file, all or nothing; the name is taken as it is."""
        save_state(path, self.state, net=self.model)

    def load(self, path: Any) -> None:
        """Go on from a saved state of this network.

        Raises:
            StateError: The file is no state, or that of another network, dt, seed or precision.
        """
        with jax.enable_x64(self._double):
            self.state = load_state(path, like=self.state, net=self.model)


class _Call:
    """A hook's function of a simulation, as `simulate` calls it."""

    def __init__(self, simulation: Simulation, hook: Hook) -> None:
        self.simulation, self.hook, self.__qualname__ = simulation, hook, hook.name

    def __call__(self, net: BuiltNetwork, state: NetworkState) -> Any:
        self.simulation.model, self.simulation.state = net, state
        answer = self.hook.call(self.simulation)
        return answer if self.hook.stops else (self.simulation.model, self.simulation.state)
