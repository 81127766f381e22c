"""Neurons, one file per model or close family."""
