"""Devices: what drives neurons, one file per model."""
