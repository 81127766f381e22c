"""Parameters that populations share: one leaf, filled in where the others stood.

An object used twice becomes two leaves when a pytree is flattened, so sharing is stated by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikax._component import Component, rebuild
from spikax.errors import ConfigError, unknown


def value_at(tree: Any, path: str) -> Any:
    """What stands at a path of declared and own names: "E.neuron.tau_m"."""
    for name in path.split("."):
        children = _children(tree)
        if name not in children:
            raise unknown(f"name in the shared path {path!r}", name, children)
        tree = children[name]
    return tree


def with_value(tree: Any, path: str, value: Any) -> Any:
    """A copy of the tree with another value at a path."""
    name, _, rest = path.partition(".")
    inner = with_value(_children(tree)[name], rest, value) if rest else value
    if isinstance(tree, Component):
        return rebuild(type(tree), vars(tree) | {name: inner})
    return {**tree, name: inner}


def without_followers(
    nodes: Mapping[str, Any], share: Sequence[Sequence[str]]
) -> tuple[Mapping[str, Any], tuple[tuple[str, str], ...]]:
    """Take the second and further names of each group out; give (owner, follower) pairs."""
    pairs = tuple((names[0], follower) for names in share for follower in names[1:])
    for owner, follower in pairs:
        first, second = value_at(nodes, owner), value_at(nodes, follower)
        if owner == follower or first is None or second is None:
            raise ConfigError(
                f"{owner} and {follower} are shared twice; put all names of one value in one group."
            )
        if not np.array_equal(first, second):
            raise ConfigError(
                f"{owner} and {follower} are shared but differ, {first} and {second}; "
                "give both the same value."
            )
        nodes = with_value(nodes, follower, None)
    return nodes, pairs


def filled(nodes: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """Put the owner's value where each follower stood."""
    for owner, follower in pairs:
        nodes = with_value(nodes, follower, value_at(nodes, owner))
    return nodes


def _children(tree: Any) -> Mapping[str, Any]:
    if isinstance(tree, Component):
        return {name: getattr(tree, name) for name in tree.declared}
    return tree if isinstance(tree, Mapping) else {}
