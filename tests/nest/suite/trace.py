"""Run a PyNEST script, and write what its recorders hold at the end: trace.py SCRIPT OUT.npz."""

import runpy
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")


def main() -> None:
    """Run the script as a program; events of each recorder by its id."""
    script, out = sys.argv[1:]
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")
    import nest

    found = {}
    for node in nest.GetNodes():
        if node.get("element_type") == "recorder" and node.get("record_to") == "memory":
            events = node.get("events")
            found |= {f"{node.get('global_id')} {name}": values for name, values in events.items()}
    np.savez(out, **found)


if __name__ == "__main__":
    main()
