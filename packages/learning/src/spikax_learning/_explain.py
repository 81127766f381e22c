"""What a rule does with each parameter, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from spikax import BuiltNetwork, Filter
from spikax_learning._plan import Loss


@dataclass(frozen=True)
class Explained:
    """One trained parameter.

    Attributes:
        path: Where it is in the network.
        how: How its gradient is formed.
        exact: Whether that is the gradient of the whole past.
        why: What makes it exact, or what is left out.
    """

    path: str
    how: str
    exact: bool
    why: str


class Explanation(tuple[Explained, ...]):
    """All trained parameters; prints as a table."""

    def __repr__(self) -> str:
        rows = [(e.path, "exact" if e.exact else "approximate", e.how, e.why) for e in self]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join(lines)


class Explainable(Protocol):
    """A learning rule that accounts for what it trains."""

    def explain(self, net: BuiltNetwork, train: Filter, loss: Loss | None) -> Explanation:
        """One entry for each trained parameter."""
        ...


def explain(
    net: BuiltNetwork, rule: Explainable, train: Filter = "weight", loss: Loss | None = None
) -> Explanation:
    """How a rule trains each parameter that `train` picks: exact or approximate, and why.

    Args:
        net: A built network.
        rule: A learning rule, `EProp()`.
        train: A filter of `select`; all weights if not given.
        loss: For what it reads, `mse("E.V_m")`; if None, the output of the only
            `LeakyReadout`.

    Raises:
        ConfigError: The rule would leave out a parameter.
    """
    return rule.explain(net, train, loss)
