"""The errors that spikax raises.

SpikaxError
├── UnitError         (TypeError)   a unit of the wrong dimension, or a bare number
├── UnknownNameError  (KeyError)    a name that nothing answers to
├── ShapeError        (ValueError)  sizes that do not match
├── ConfigError       (ValueError)  a value or a combination that makes no model
├── StateError        (ValueError)  a state or file of another structure
├── PluginError       (ValueError)  a plugin that cannot be used
└── RunError                        a run that broke off, with what it had reached
    ├── NumericsError (ValueError)  NaN, a solver bound, a full buffer
    └── HookError     (RuntimeError) a hook that raised
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class SpikaxError(Exception):
    """Any error that spikax raises on purpose."""


class UnitError(SpikaxError, TypeError):
    """A quantity of the wrong dimension, or a bare number where a unit is needed."""


class UnknownNameError(SpikaxError, KeyError):
    """A name that nothing answers to."""

    def __str__(self) -> str:
        # KeyError shows the repr of its message, which hides line breaks and doubles quotes.
        return str(self.args[0]) if self.args else ""


class ShapeError(SpikaxError, ValueError):
    """Sizes that do not match."""


class ConfigError(SpikaxError, ValueError):
    """A value, or a combination of values, that makes no model."""


class StateError(SpikaxError, ValueError):
    """A state, or a file of one, that does not belong to this structure."""


class PluginError(SpikaxError, ValueError):
    """A plugin that cannot be used."""


class RunError(SpikaxError):
    """A run that broke off; `state` and `recording` hold what it had reached."""

    state: Any = None
    recording: Any = None


class NumericsError(RunError, ValueError):
    """Values that are not finite, or a solver that gave up."""


class HookError(RunError, RuntimeError):
    """A hook of a run raised an error."""


def unknown(kind: str, name: object, choices: Iterable[str], hint: str = "") -> UnknownNameError:
    """Build the error for a name that is not among `choices`, with the nearest ones first.

    Args:
        kind: What the name stands for: "model", "port of population 'E'".
        name: What was given.
        choices: The names that exist.
        hint: A last sentence: where to look, what to paste.
    """
    known = sorted(set(choices))
    folded = {choice.casefold(): choice for choice in reversed(known)}
    near = [folded[n] for n in difflib.get_close_matches(str(name).casefold(), folded, n=3)]
    if near:
        advice = f"did you mean {', '.join(map(repr, near))}?"
    else:
        advice = f"there is {', '.join(map(repr, known[:12])) or 'none'}."
        if len(known) > 12:
            advice = f"{advice[:-1]} and {len(known) - 12} more."
    return UnknownNameError(" ".join(filter(None, (f"no {kind} {name!r}; {advice}", hint))))
