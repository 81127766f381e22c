"""The simulators that are compared, each a program of its own: `python -m peers.nest TASK`."""
