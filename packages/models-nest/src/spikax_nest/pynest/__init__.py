"""The PyNEST 3.10 interface: a thin layer of names and tables over core's networks."""
