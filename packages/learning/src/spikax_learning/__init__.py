"""Online and gradient-based learning rules for spikax."""

__all__: list[str] = []
