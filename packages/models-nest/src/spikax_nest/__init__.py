"""The models of NEST 3.10 for spikax."""

__all__: list[str] = []
