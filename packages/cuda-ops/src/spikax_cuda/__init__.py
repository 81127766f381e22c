"""Pallas GPU kernels for the connectivity operators of spikax."""

__all__: list[str] = []
