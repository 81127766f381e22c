"""What the long comparisons with a live NEST report: a file that grows model by model."""

import json


def keep_rows(report, part, rows):
    """Put rows of a model into a part of a report, in place of those of an earlier run."""
    report.parent.mkdir(exist_ok=True)
    found = json.loads(report.read_text()) if report.exists() else {}
    models = {row["model"] for row in rows}
    kept = [row for row in found.get(part, []) if row["model"] not in models]
    report.write_text(json.dumps(found | {part: kept + rows}, indent=1) + "\n")
