"""Synapses that change, one file per model or close family."""
