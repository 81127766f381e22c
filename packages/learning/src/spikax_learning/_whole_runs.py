"""Losses of whole runs, and the rules that cannot use them."""

from __future__ import annotations

from typing import Any

from spikax.errors import ConfigError


def check_whole_runs(rule: Any, loss: Any) -> None:
    """Refuse a loss of a whole run for a rule that sees one step at a time.

    Raises:
        ConfigError: It says which loss of steps takes its place.
    """
    if getattr(loss, "whole_run", False) and not getattr(rule, "whole_runs", False):
        parts = getattr(loss, "parts", (loss,))
        instead = [f"{part.instead} for {part}" for part in parts if part.whole_run]
        raise ConfigError(
            f"{rule} sees one step at a time, and the loss is of a whole run; write "
            f"{'; '.join(instead)}, or use backpropagation through time."
        )
