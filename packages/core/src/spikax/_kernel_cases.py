"""The calls on which kernels are compared with the references of their operators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from spikax._columns import columns
from spikax._connectivity import Rule, all_to_all, explicit, fixed_outdegree, one_to_one
from spikax._formats import CSR, Dense, Format, OneToOne, from_pairs
from spikax._learning import Events, Plastic
from spikax._operands import SIGNATURES
from spikax._ops import Moving
from spikax._procedural import TABLE, Procedural, procedural
from spikax._receptor import Cell, Receptor
from spikax.neurons import LIF
from spikax.plasticity import PairSTDP
from spikax.synapses import COBA, Expon
from spikax.units import ms, mV

SLOTS, DT = 4, 0.1

# What a case may vary: by operator, the names of what it is given.
_GIVEN = {**SIGNATURES, "learn": ("x", "delay"), "update": ("x",)}


@dataclass(frozen=True)
class Case:
    """A call of an operator, as far as it is the same for all operators and formats.

    Attributes:
        n_pre: The number of sources.
        rows: How many synapses a source has, source by source and then from the first again.
        n_post: The number of targets.
        spiking: The share of the sources that spike; None where all send values of any size.
        one_weight: Whether all synapses have one weight.
        one_delay: Whether all synapses have one delay.
        double: Whether floats are float64, which takes `jax.enable_x64`; else float32.
    """

    n_pre: int = 70
    rows: tuple[int, ...] = (60,)
    n_post: int = 110
    spiking: float | None = None
    one_weight: bool = False
    one_delay: bool = False
    double: bool = False

    def __str__(self) -> str:
        low, high = min(self.rows), max(self.rows)
        rows = f"{self.n_pre} rows of {low if low == high else f'{low} to {high}'}"
        parts = [
            f"{self.n_pre} neurons" if high == 1 else f"{rows}, {self.n_post} targets",
            "" if self.spiking is None else f"{self.spiking:.0%} spike",
            "one weight" if self.one_weight else "",
            "one delay" if self.one_delay else "",
            f"{self.dtype}",
        ]
        return ", ".join(filter(None, parts))

    @property
    def dtype(self) -> Any:
        """Of its floats."""
        return np.dtype(np.float64 if self.double else np.float32)

    @property
    def lengths(self) -> np.ndarray:
        """How many synapses each source has."""
        return np.resize(self.rows, self.n_pre)

    def fitted(self, op: str, format: str) -> Self:
        """The same case, as far as it makes a difference to an operator and a format."""
        takes = _GIVEN[op]
        return replace(
            self,
            **self._sizes(format),
            spiking=self.spiking if "x" in takes else None,
            one_weight=self.one_weight and "weight" in takes,
            one_delay=self.one_delay and "delay" in takes,
        )

    def _sizes(self, format: str) -> dict[str, Any]:
        if format == CSR.name:
            return {}
        if format in (OneToOne.name, Moving.name):
            n = int(self.lengths.sum())
            return {"n_pre": n, "rows": (1,), "n_post": n}
        row = round(float(self.lengths.mean()))
        return {"rows": (row,)} | ({"n_post": row} if format == Dense.name else {})


QUICK = Case()
LARGE = Case(999, (80, 100, 120), 1000, spiking=0.02)

_AROUND_A_BLOCK = Case(36, (127, 128, 129, 0, 1, 255, 256, 257, 385), 200)
_SPIKES, _SPIKES_DOUBLE = (
    replace(case, spiking=0.3, double=double)
    for case, double in ((QUICK, False), (_AROUND_A_BLOCK, True))
)
_EACH = (False, True)
_CASES = (
    QUICK,
    replace(QUICK, n_post=3),
    Case(100, (0, 130, 70, 0)),
    *(Case(40, (row,)) for row in (127, 128, 129)),
    _AROUND_A_BLOCK,
    *(replace(_SPIKES, one_weight=w, one_delay=d) for w, d in product(_EACH, _EACH)),
    replace(_SPIKES, spiking=0.0),
    replace(QUICK, double=True),
    *(replace(_SPIKES_DOUBLE, one_weight=one, one_delay=one) for one in _EACH),
    LARGE,
)


def cases(op: str, format: str) -> list[Case]:
    """All cases of an operator and a format: none twice, the large one last."""
    return [*dict.fromkeys(case.fitted(op, format) for case in _CASES)]


def call(case: Case, op: str, format: str) -> tuple[Any, tuple[Any, ...]]:
    """What stands for the connectivity in a case fitted to an operator, and the operands.

    Raises:
        UnknownNameError: There is no such format.
    """
    if op == "update":
        return _population(case)
    fmt = _connectivity(case, format)
    values = _values(case, fmt)
    if op == "learn":
        return _plastic(case, fmt, values)
    return fmt, tuple(values[name] for name in SIGNATURES[op])


def _connectivity(case: Case, format: str) -> Format:
    if format == Procedural.name:
        key, row = jnp.arange(2, dtype=jnp.uint32), case.rows[0]
        return procedural(fixed_outdegree(row)).format(key, case.n_pre, case.n_post)
    rng = np.random.default_rng(0)
    rules = {Dense.name: all_to_all(), OneToOne.name: one_to_one()}
    rule = rules.get(format) or _listed(case, rng)
    return from_pairs(rule.sample(case.n_pre, case.n_post, rng), prefer=format)


def _listed(case: Case, rng: np.random.Generator) -> Rule:
    """Rows of these lengths, of random targets that may repeat."""
    pre = np.repeat(np.arange(case.n_pre), case.lengths)
    return explicit(pre, rng.integers(0, case.n_post, pre.size))


def _values(case: Case, fmt: Format) -> dict[str, jax.Array]:
    """Operands by their names in the signatures of the operators."""
    rng = np.random.default_rng(1)

    def normal(*shape: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape), case.dtype)

    each = (TABLE,) if isinstance(fmt, Procedural) else fmt.shape
    return {
        "weight": normal(*(() if case.one_weight else each)),
        "x": _sent(case, rng),
        "y": normal(fmt.n_post),
        "delay": jnp.asarray(rng.integers(1, SLOTS, () if case.one_delay else each), jnp.int32),
        "ring": normal(SLOTS, fmt.n_post),
        "t": jnp.int32(SLOTS + 1),
        "total": normal(fmt.n_pre),
        "gradient": normal(*fmt.shape),
    }


def _sent(case: Case, rng: np.random.Generator) -> jax.Array:
    x = rng.normal(size=case.n_pre)
    if case.spiking is not None:
        # Of a silent source `collect` takes nothing where it is -0.0.
        x = np.where(rng.random(case.n_pre) < case.spiking, 1.0, -0.0)
    return jnp.asarray(x, case.dtype)


def _plastic(case: Case, fmt: Format, values: dict[str, jax.Array]) -> tuple[Any, Any]:
    """Synapses that learn by pairs of spikes, in the form that an operator gets them."""
    rng, delay, ring = np.random.default_rng(2), values["delay"], values["ring"]
    late = rng.random(ring.shape) < (0.5 if case.spiking is None else case.spiking)
    events = Events(
        PairSTDP(None, A_plus=0.1, A_minus=0.1),
        jnp.asarray(1, case.dtype),
        {"weight": jax.nn.sigmoid(values["gradient"])},
        {"spike": (values["x"] > 0).astype(case.dtype), "x": values["total"]},
        {"spike": jnp.asarray(late, case.dtype), "y": ring},
        {},
        delay,
        values["t"],
    )
    operands, structure = _flat(case, events)
    by_target = columns(fmt, None if case.one_delay else delay, SLOTS - 1)
    return Plastic(fmt, by_target, structure), operands


def _population(case: Case) -> tuple[Any, Any]:
    """Neurons of which some spike, all of them far from the threshold before and after.

    So no rounding decides whether one spikes.
    """
    rng, n = np.random.default_rng(3), case.n_pre
    node = Cell(LIF(), g=Receptor(Expon(5 * ms), COBA(0 * mV)))
    rest = node.init_state(n, key=jax.random.key(0), dt=DT)
    neuron = rest.neuron.replace(V_m=rng.uniform(-70, -55, n), refractory=rng.integers(0, 3, n))
    receptors = jax.tree.map(lambda g: g + rng.random(n), rest.receptors)
    inputs: dict[str, Any] = {"current": 50 * rng.normal(size=n), "g": rng.random(n)}
    inputs["delta"] = 40.0 * (np.asarray(_sent(case, rng)) > 0)
    state = rest.replace(neuron=neuron, receptors=receptors)
    operands, structure = _flat(case, (node, state, inputs, SLOTS + 1))
    return Moving(structure, DT), operands


def _flat(case: Case, tree: Any) -> tuple[tuple[jax.Array, ...], Any]:
    """Leaves as operands, of the precision of the case; and their structure."""
    leaves, structure = jax.tree.flatten(tree)
    return tuple(jnp.asarray(leaf, _precise(case, leaf)) for leaf in leaves), structure


def _precise(case: Case, leaf: Any) -> Any:
    return case.dtype if jnp.issubdtype(jnp.result_type(leaf), jnp.floating) else jnp.int32
