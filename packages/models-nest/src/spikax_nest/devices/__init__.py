"""Generators and detectors, one file per model or close family."""
