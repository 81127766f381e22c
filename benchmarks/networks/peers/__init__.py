"""The simulators that are compared: each module is a program of its own, in an environment of its own."""
