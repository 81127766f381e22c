"""Record, once, which models each listed test of NEST's suite needs: needs.json.

python tests/nest/suite/record_needs.py, where nest-simulator==3.10.0 is installed with pytest,
pandas, scipy and matplotlib.
"""

import importlib.util
import json
import tempfile
from pathlib import Path

import harness

NEEDS = harness.HERE / "needs.json"


def main() -> None:
    """Run every file with a live NEST; write needs.json."""
    nest = Path(importlib.util.find_spec("nest").origin).parent
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        suite = harness.copied(nest / "share/nest/testsuite/pytests", Path(folder) / "suite")
        for name, files in harness.by_folder(harness.FILES).items():
            report = Path(folder) / f"{name}.json"
            harness.run(suite, files, "needs_plugin", (), {"SPIKAX_NEEDS": str(report)})
            found |= harness.read(report)
    lines = [f"{json.dumps(k)}: {json.dumps(found[k])}" for k in sorted(found)]
    NEEDS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
