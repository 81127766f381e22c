"""Parameters: values that are drawn, or follow from positions, once for each node or synapse."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from spikax_nest.pynest import _kernel
from spikax_nest.pynest._errors import NESTErrors, unknown_name

if TYPE_CHECKING:
    from spikax_nest.pynest._layers import Layer


@dataclass(frozen=True)
class Context:
    """What a Parameter is evaluated for.

    Attributes:
        rng: Where random numbers come from.
        n: How many values.
        source_positions: (n, D) of the sources; of the nodes themselves in Create and set.
        target_positions: (n, D) of the targets.
        layer: Tells whether space is periodic.
    """

    rng: np.random.Generator
    n: int
    source_positions: np.ndarray | None = None
    target_positions: np.ndarray | None = None
    layer: Layer | None = None

    def displacements(self) -> np.ndarray:
        """(n, D), from source to target, the short way round where space is periodic."""
        if self.source_positions is None or self.target_positions is None:
            raise NESTErrors.KernelException(
                "A distance can only be used when connecting nodes that both have positions."
            )
        between = self.target_positions - self.source_positions
        return between if self.layer is None else self.layer.shortest(between)


Function = Callable[[Context], Any]


class Parameter:
    """A value for each node or synapse: random, of positions, or computed from other Parameters.

    `+ - * /`, powers and comparisons make new ones: `2.0 * nest.random.uniform() + 1.0`.
    """

    def __init__(self, function: Function, spatial: bool = False) -> None:
        self._function, self._spatial = function, spatial

    def values(self, context: Context) -> np.ndarray:
        """(n,), one value for each."""
        return np.array(np.broadcast_to(self._function(context), context.n), np.float64)

    def is_spatial(self) -> bool:
        """Whether it depends on positions."""
        return self._spatial

    def GetValue(self) -> float:
        """One value."""
        return float(self.values(Context(_kernel.kernel().host_rng(), 1))[0])

    def apply(self, spatial_nc: Any, positions: Any = None) -> tuple[float, ...]:
        """One value for each node, or for each position as seen from the one node given."""
        rng = _kernel.kernel().host_rng()
        here = spatial_nc.positions
        if positions is None:
            context = Context(rng, len(here), here, layer=spatial_nc.layer)
        else:
            if len(here) != 1:
                raise ValueError("The NodeCollection must contain a single node ID only")
            there = np.asarray(positions, np.float64)
            sources = np.broadcast_to(here, there.shape)
            context = Context(rng, len(there), sources, there, spatial_nc.layer)
        return tuple(self.values(context).tolist())

    def _with(self, other: Any, operate: Callable[[Any, Any], Any], turned: bool = False) -> Any:
        if not isinstance(other, (int, float, np.number, Parameter)):
            raise NotImplementedError(f"a Parameter and {other!r} cannot be put together")
        mine, theirs = (self, parameter(other))[:: -1 if turned else 1]
        return combined(operate, mine, theirs)

    def __add__(self, other: Any) -> Parameter:
        return self._with(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Parameter:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Parameter:
        return self._with(other, operator.sub, turned=True)

    def __mul__(self, other: Any) -> Parameter:
        return self._with(other, operator.mul)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Parameter:
        return self._with(other, operator.truediv)

    def __rtruediv__(self, other: Any) -> Parameter:
        return self._with(other, operator.truediv, turned=True)

    def __pow__(self, exponent: float) -> Parameter:
        return combined(lambda x: x ** float(exponent), self)

    def __neg__(self) -> Parameter:
        return combined(operator.neg, self)

    def __pos__(self) -> Parameter:
        return self

    def __lt__(self, other: Any) -> Parameter:
        return self._with(other, operator.lt)

    def __le__(self, other: Any) -> Parameter:
        return self._with(other, operator.le)

    def __gt__(self, other: Any) -> Parameter:
        return self._with(other, operator.gt)

    def __ge__(self, other: Any) -> Parameter:
        return self._with(other, operator.ge)

    def __eq__(self, other: object) -> Any:
        return self._with(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._with(other, operator.ne)

    __hash__ = None  # type: ignore[assignment]


def parameter(value: Any) -> Parameter:
    """A Parameter; of a number the same for all."""
    if isinstance(value, Parameter):
        return value
    number = float(value)
    return Parameter(lambda context: number)


def combined(operate: Callable[..., Any], *parts: Any) -> Parameter:
    """A Parameter computed from others, value by value."""
    whole = [parameter(part) for part in parts]

    def function(context: Context) -> Any:
        return operate(*(part.values(context) for part in whole))

    return Parameter(function, any(part.is_spatial() for part in whole))


def redrawn(drawn: Parameter, low: float, high: float, most: int = 1000) -> Parameter:
    """Values drawn again until they lie from `low` to `high`."""
    if low > high:
        raise NESTErrors.BadParameterValue(
            f"min is {low:g} and max is {high:g}: min <= max required."
        )

    def function(context: Context) -> np.ndarray:
        values = drawn.values(context)
        for _ in range(most):
            bad = (values < low) | (values > high)
            if not bad.any():
                return values
            values = np.where(bad, drawn.values(context), values)
        raise NESTErrors.KernelException(f"Number of redraws exceeded limit of {most}")

    return Parameter(function, drawn.is_spatial())


def position(axis: int, end: str) -> Parameter:
    """A coordinate: of the node itself ("own"), of the "source" or of the "target"."""

    def function(context: Context) -> Any:
        of_target = end == "target"
        positions = context.target_positions if of_target else context.source_positions
        if positions is None:
            raise NESTErrors.KernelException(
                "Node position parameter can only be used when connecting spatially distributed "
                "nodes."
            )
        if axis >= positions.shape[1]:
            raise NESTErrors.KernelException(
                f"the nodes have {positions.shape[1]} dimensions; there is no axis {axis}."
            )
        return positions[:, axis]

    return Parameter(function, spatial=True)


def _check(name: str, holds: bool, condition: str) -> None:
    if not holds:
        raise NESTErrors.BadProperty(f"{name}Parameter: {condition} required.")


def uniform(min: float = 0.0, max: float = 1.0) -> Parameter:
    """Evenly distributed from `min` to `max`."""
    low, high = float(min), float(max)
    _check("Uniform", low < high, "min < max")
    return Parameter(lambda c: c.rng.uniform(low, high, c.n))


def uniform_int(max: int) -> Parameter:
    """The integers from 0 to `max` - 1."""
    _check("UniformInt", int(max) > 0, "max > 0")
    return Parameter(lambda c: c.rng.integers(int(max), size=c.n))


def normal(mean: float = 0.0, std: float = 1.0) -> Parameter:
    """The normal distribution."""
    _check("Normal", float(std) > 0, "std > 0")
    return Parameter(lambda c: c.rng.normal(float(mean), float(std), c.n))


def lognormal(mean: float = 0.0, std: float = 1.0) -> Parameter:
    """Exponential of the normal distribution."""
    _check("Lognormal", float(std) > 0, "std > 0")
    return Parameter(lambda c: c.rng.lognormal(float(mean), float(std), c.n))


def exponential(beta: float = 1.0) -> Parameter:
    """The exponential distribution of mean `beta`."""
    return Parameter(lambda c: float(beta) * c.rng.exponential(1.0, c.n))


def constant(value: float) -> Parameter:
    """The same for all."""
    return parameter(value)


KINDS: Mapping[str, Callable[..., Parameter]] = {
    f.__name__: f for f in (constant, exponential, lognormal, normal, uniform, uniform_int)
}


def CreateParameter(parametertype: str, specs: Mapping[str, Any]) -> Parameter:
    """A Parameter by name: `CreateParameter("uniform", {"min": 1.0, "max": 2.0})`."""
    if parametertype not in KINDS:
        raise NESTErrors.UndefinedName(unknown_name("type of Parameter", parametertype, KINDS))
    return KINDS[parametertype](**specs)
