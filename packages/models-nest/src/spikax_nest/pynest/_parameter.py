"""Parameter: a number that is drawn, or computed from positions, for each node or synapse anew."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from spikax_nest.pynest._errors import NESTErrors, unknown_name

if TYPE_CHECKING:
    from spikax_nest.pynest._layers import Layer

_REDRAWS = 1000


@dataclasses.dataclass(frozen=True)
class Context:
    """Where values are wanted.

    Attributes:
        rng: What numbers are drawn with.
        n: How many values.
        source_positions: (n, D); of nodes alone these are theirs.
        target_positions: (n, D).
        layer: Extent and boundaries for distances.
    """

    rng: np.random.Generator
    n: int
    source_positions: np.ndarray | None = None
    target_positions: np.ndarray | None = None
    layer: Layer | None = None

    def take(self, index: np.ndarray) -> Context:
        """The context of some of the values."""
        source, target = (
            None if p is None else p[index] for p in (self.source_positions, self.target_positions)
        )
        return dataclasses.replace(
            self, n=len(index), source_positions=source, target_positions=target
        )

    @property
    def displacement(self) -> np.ndarray:
        """(n, D) from the sources to the targets, the short way if edges are wrapped."""
        if self.source_positions is None or self.target_positions is None or self.layer is None:
            raise NESTErrors.BadParameterValue(
                "a distance is between two nodes with positions: use it in Connect, between nodes "
                "created with positions=."
            )
        return self.layer.displacement(self.source_positions, self.target_positions)


Evaluate = Callable[[Context], Any]


class Parameter:
    """A value that is found for each node or synapse when it is needed.

    `+ - * /` and comparisons take a Parameter or a number, `**` a number. Comparisons give 1 or 0.
    """

    __array_ufunc__ = None  # a NumPy number on the left leaves the operation to this class
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, evaluate: Evaluate, *, spatial: bool = False) -> None:
        self._evaluate = evaluate
        self._spatial = spatial

    def values(self, context: Context) -> np.ndarray:
        """(n,) values."""
        return np.broadcast_to(np.asarray(self._evaluate(context), float), (context.n,))

    def GetValue(self) -> float:
        """One value, without positions."""
        return float(self.values(Context(rng=_rng(), n=1))[0])

    def is_spatial(self) -> bool:
        """Whether it needs positions."""
        return self._spatial

    def apply(self, spatial_nc: Any, positions: Any = None) -> tuple[float, ...]:
        """Values for nodes with positions.

        Args:
            spatial_nc: The nodes; a single one with `positions`.
            positions: List of positions, as targets of that node.
        """
        return tuple(self.values(_applied(spatial_nc, positions)).tolist())

    def __neg__(self) -> Parameter:
        return self * -1.0

    def __pos__(self) -> Parameter:
        return self

    def __pow__(self, exponent: Any) -> Parameter:
        power = float(exponent)
        return mapped(lambda values: np.power(values, power), self)

    if TYPE_CHECKING:

        def __add__(self, other: Any) -> Parameter: ...
        def __radd__(self, other: Any) -> Parameter: ...
        def __sub__(self, other: Any) -> Parameter: ...
        def __rsub__(self, other: Any) -> Parameter: ...
        def __mul__(self, other: Any) -> Parameter: ...
        def __rmul__(self, other: Any) -> Parameter: ...
        def __truediv__(self, other: Any) -> Parameter: ...
        def __rtruediv__(self, other: Any) -> Parameter: ...
        def __lt__(self, other: Any) -> Parameter: ...
        def __le__(self, other: Any) -> Parameter: ...
        def __gt__(self, other: Any) -> Parameter: ...
        def __ge__(self, other: Any) -> Parameter: ...


def _method(function: Callable[..., Any], *, swapped: bool = False) -> Callable[..., Parameter]:
    def method(self: Parameter, other: Any) -> Parameter:
        pair = (_operand(other), self) if swapped else (self, _operand(other))
        return mapped(function, *pair)

    return method


for _name in ("add", "sub", "mul", "truediv"):
    setattr(Parameter, f"__{_name}__", _method(getattr(operator, _name)))
    setattr(Parameter, f"__r{_name}__", _method(getattr(operator, _name), swapped=True))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Parameter, f"__{_name}__", _method(getattr(operator, _name)))


def _operand(value: Any) -> Parameter:
    if isinstance(value, Parameter):
        return value
    if not isinstance(value, (int, float, np.integer, np.floating)):
        raise NotImplementedError(f"{value!r} is no number and no Parameter")
    return constant(value)


def mapped(function: Callable[..., Any], *parameters: Parameter) -> Parameter:
    """A function of the values of parameters."""

    def evaluate(context: Context) -> Any:
        with np.errstate(all="ignore"):
            return function(*(p.values(context) for p in parameters))

    return Parameter(evaluate, spatial=any(p.is_spatial() for p in parameters))


def needed(value: Any) -> Parameter:
    """The value itself, which must be a Parameter."""
    if not isinstance(value, Parameter):
        raise AttributeError(f"{value!r} is no Parameter, such as nest.random.uniform()")
    return value


def constant(value: Any) -> Parameter:
    """The same value everywhere."""
    number = float(value)
    return Parameter(lambda context: number)


def uniform(min: float = 0.0, max: float = 1.0) -> Parameter:
    """Uniform in [min, max)."""
    low, high = float(min), float(max)
    _require("min < max", low < high, min=low, max=high)
    return Parameter(lambda context: context.rng.uniform(low, high, context.n))


def uniform_int(max: int = 1) -> Parameter:
    """Uniform integers in [0, max)."""
    if isinstance(max, bool) or not isinstance(max, (int, np.integer)):
        raise RuntimeError(f"max is {max!r}; it must be an integer.")
    _require("max > 0", max > 0, max=max)
    return Parameter(lambda context: context.rng.integers(max, size=context.n))


def normal(mean: float = 0.0, std: float = 1.0) -> Parameter:
    """Normal with a mean and a standard deviation."""
    mu, sigma = float(mean), float(std)
    _require("std > 0", sigma > 0, std=sigma)
    return Parameter(lambda context: context.rng.normal(mu, sigma, context.n))


def lognormal(mean: float = 0.0, std: float = 1.0) -> Parameter:
    """The exponential of a normal number."""
    mu, sigma = float(mean), float(std)
    _require("std > 0", sigma > 0, std=sigma)
    return Parameter(lambda context: context.rng.lognormal(mu, sigma, context.n))


def exponential(beta: float = 1.0) -> Parameter:
    """Exponential with mean beta; as in NEST, a negative beta gives negative numbers."""
    scale = float(beta)
    return Parameter(lambda context: scale * context.rng.exponential(size=context.n))


def position(dimension: int | None = None, synaptic_endpoint: int = 0) -> Parameter:
    """A coordinate of the node (endpoint 0), or of a source (1) or target (2) of synapses."""
    if isinstance(dimension, float):
        raise RuntimeError(f"dimension is {dimension}; it must be an integer.")
    if dimension is None or dimension < 0 or not 0 <= synaptic_endpoint <= 2:
        raise NESTErrors.BadParameterValue(
            f"a position has a dimension from 0 and an endpoint 0, 1 or 2, not {dimension} and "
            f"{synaptic_endpoint}."
        )

    def evaluate(context: Context) -> np.ndarray:
        of_synapses = context.target_positions is not None
        if context.source_positions is not None and of_synapses != (synaptic_endpoint > 0):
            raise NESTErrors.BadParameterValue(
                "nest.spatial.pos is the position of a node, for Create; source_pos and "
                "target_pos are those of the ends of a synapse, for Connect."
            )
        ends = context.source_positions, context.source_positions, context.target_positions
        return _coordinate(ends[synaptic_endpoint], dimension)

    return Parameter(evaluate, spatial=True)


def distance(dimension: int | None = None) -> Parameter:
    """The distance of source and target, or its part along one dimension (from 1 on)."""

    def evaluate(context: Context) -> np.ndarray:
        displacement = context.displacement
        if not dimension:
            return np.sqrt((displacement**2).sum(1))
        return np.abs(_coordinate(displacement, dimension - 1))

    return Parameter(evaluate, spatial=True)


def _coordinate(positions: np.ndarray | None, dimension: int) -> np.ndarray:
    if positions is None:
        raise NESTErrors.KernelException(
            "Node position parameter can only be used when connecting spatially distributed nodes, "
            "created with positions=."
        )
    if dimension >= positions.shape[1]:
        raise NESTErrors.KernelException(
            f"positions have {positions.shape[1]} dimensions; there is no dimension {dimension}."
        )
    return positions[:, dimension]


def redraw(parameter: Parameter, min: float, max: float) -> Parameter:
    """Values of a parameter, drawn again until they are in [min, max]."""
    needed(parameter)
    low, high = float(min), float(max)
    if low > high:
        raise NESTErrors.BadParameterValue(f"min <= max required, got min={low:g}, max={high:g}.")

    def evaluate(context: Context) -> np.ndarray:
        values = np.array(parameter.values(context))
        outside = np.arange(context.n)
        for _ in range(_REDRAWS):
            outside = np.flatnonzero(~((low <= values) & (values <= high)))
            if not outside.size:
                return values
            values[outside] = parameter.values(context.take(outside))
        raise NESTErrors.KernelException(
            f"Number of redraws exceeded limit of {_REDRAWS}: values such as "
            f"{values[outside][0]:g} are outside of [{low:g}, {high:g}]."
        )

    return Parameter(evaluate, spatial=parameter.is_spatial())


def _require(condition: str, holds: bool, **given: Any) -> None:
    if not holds:
        got = ", ".join(f"{name}={value:g}" for name, value in given.items())
        raise NESTErrors.BadProperty(f"{condition} required, got {got}.")


_TYPES: Mapping[str, tuple[Callable[..., Parameter], tuple[str, ...]]] = {
    "constant": (constant, ("value",)),
    "distance": (distance, ("dimension",)),
    "exponential": (exponential, ("beta",)),
    "lognormal": (lognormal, ("mean", "std")),
    "normal": (normal, ("mean", "std")),
    "position": (position, ("dimension", "synaptic_endpoint")),
    "uniform": (uniform, ("min", "max")),
    "uniform_int": (uniform_int, ("max",)),
}


def CreateParameter(parametertype: str, specs: Mapping[str, Any]) -> Parameter:
    """A Parameter of a type by name.

    Args:
        parametertype: constant, distance, exponential, lognormal, normal, position, uniform or
            uniform_int.
        specs: The arguments by name.

    Raises:
        NESTErrors.UndefinedName: There is no such type.
        NESTErrors.UnaccessedDictionaryEntry: It has no such argument.
    """
    if parametertype not in _TYPES:
        raise NESTErrors.UndefinedName(unknown_name("type of parameter", parametertype, _TYPES))
    if not isinstance(specs, Mapping):
        raise NESTErrors.TypeMismatch(f"the specs of a Parameter are a dict, not {specs!r}.")
    make, names = _TYPES[parametertype]
    if parametertype == "constant" and "value" not in specs:
        raise IndexError("a constant needs {'value': number}")
    for name, value in specs.items():
        if not isinstance(value, (int, float, np.number)):
            raise NESTErrors.TypeMismatch(f"{name} is {value!r}; it must be a number.")
    made = make(**{name: value for name, value in specs.items() if name in names})
    wrong = sorted(set(specs) - set(names))
    if wrong:
        raise NESTErrors.UnaccessedDictionaryEntry(
            f"Unaccessed elements in param, in function create_parameter:  {' '.join(wrong)} "
            f"({parametertype} takes {', '.join(names)})"
        )
    return made


def _rng() -> np.random.Generator:
    from spikax_nest.pynest._kernel import kernel

    return kernel().host_rng()


def _applied(nodes: Any, positions: Any) -> Context:
    if positions is None:
        known = None if nodes.layer is None else nodes.positions
        return Context(rng=_rng(), n=len(nodes), source_positions=known, layer=nodes.layer)
    if len(nodes) != 1:
        raise ValueError(f"with positions a Parameter is applied to one node, not to {len(nodes)}")
    ends = _targets(positions, nodes.positions.shape[1])
    starts = np.broadcast_to(nodes.positions, ends.shape)
    return Context(
        rng=_rng(), n=len(ends), source_positions=starts, target_positions=ends, layer=nodes.layer
    )


def _targets(positions: Any, dimensions: int) -> np.ndarray:
    if not isinstance(positions, (list, tuple)):
        raise TypeError("Positions must be a list or tuple of positions")
    for place in positions:
        if not isinstance(place, (list, tuple, np.ndarray)):
            raise TypeError("Each position must be a list or tuple")
    lengths = {len(place) for place in positions}
    if len(lengths) > 1:
        raise ValueError(f"All positions must have the same number of dimensions, not {lengths}")
    if lengths and lengths != {dimensions}:
        raise NESTErrors.BadProperty(
            f"Parameter apply: target positions have {lengths.pop()} dimensions, but the node has "
            f"{dimensions}."
        )
    if not positions:
        raise NESTErrors.TypeMismatch("positions is empty; give at least one.")
    return np.array(positions, float)
