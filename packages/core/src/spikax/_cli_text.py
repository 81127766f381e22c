"""How the command line lays out what it found: lines of text, tables in columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spikax._summary import aligned

Row = Mapping[str, Any]

_WIDTH = 160
_ERROR = "error: largest difference from the reference, in terms of the largest value"
_TIMES = (
    "kernel_us, reference_us: microseconds, ratio: the second over the first; for {}, or as many"
)
_NO_KERNEL = "none beside core's reference, which runs everywhere"


def plugins(rows: Sequence[Row]) -> Iterator[str]:
    """A table of the plugins, then the reasons why some did not load."""
    records = [", ".join(f"{count} {kind}" for kind, count in r["records"].items()) for r in rows]
    shown = [
        {k: v for k, v in row.items() if k != "error"} | {"records": counts}
        for row, counts in zip(rows, records, strict=True)
    ]
    yield from table(shown)
    yield from (f"\n{row['name']}: {row['error']}" for row in rows if row["error"])


def models(rows: Sequence[Row]) -> Iterator[str]:
    """The models, family by family."""
    columns = ("name", "plugin", "summary", "reference")
    for family in dict.fromkeys(row["family"] for row in rows):
        members = [{c: row[c] for c in columns} for row in rows if row["family"] == family]
        yield from _section(family, table(members))


def page(content: Row) -> Iterator[str]:
    """All about one model."""
    yield from (f"{content['name']} ({content['family']}), from {content['origin']}", "")
    yield from (content["equations"], "")
    for part in ("parameters", "choices", "parts", "ports", "signals"):
        if content[part]:
            yield from _section(part, table(content[part]))
    if content["reference"]:
        yield f"reference: {content['reference']}"


def report(facts: Row) -> Iterator[str]:
    """What the doctor found."""
    yield f"{facts['platform']}, {facts['executable']}"
    yield from (
        f"{name} {version or 'not installed'}" for name, version in facts["versions"].items()
    )
    yield f"NEST {facts['nest'] or 'not installed: comparisons with it are skipped'}"
    yield f"devices: {', '.join(facts['devices']) or 'none'}"
    if facts["nvidia_driver"]:
        yield f"NVIDIA driver: {facts['nvidia_driver']}"
    yield f"float64: {'on' if facts['x64'] else 'off'} (jax_enable_x64)"
    yield from ("", *_section("plugins", plugins(facts["plugins"])))
    yield from _section("kernels", _kernels(facts))
    if "selftest" in facts:
        yield from _section("self-test", _selftest(facts["selftest"]))
    yield from _section("problems", facts["problems"] or ["none"])


def _kernels(facts: Row) -> Iterator[str]:
    yield from table(facts["kernels"]) if facts["kernels"] else [_NO_KERNEL]
    for pack in facts["waiting"]:
        yield f"{pack['plugin']}, whose kernels are for a GPU: {pack['reason']}"


def _selftest(found: Row) -> Iterator[str]:
    """A table of the kernels, then each case that failed and what the figures mean."""
    rows = found["kernels"]
    yield from table([_selftest_row(row) for row in rows])
    for row in rows:
        yield from (
            f"{row['name']}, {failure['case']}: {_start(failure['reason'])}"
            for failure in row["failures"]
        )
    yield from ("", _ERROR, _TIMES.format(found["timed"]), found["caution"])


def _selftest_row(row: Row) -> dict[str, str]:
    shown = {name: row[name] for name in ("name", "op", "format", "cases")}
    shown["error"] = "" if row["error"] is None else f"{row['error']:.1e}"
    for name, digits in (("kernel_us", 0), ("reference_us", 0), ("ratio", 2)):
        shown[name] = "" if row[name] is None else f"{row[name]:.{digits}f}"
    said = _start(row["reason"])
    return shown | {"status": f"{row['status']}: {said}" if said else row["status"]}


def _start(text: str) -> str:
    """What fits on a line; a compiler says more."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]} ..."


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Rows under their headings, in columns; a column with nothing in it is left out."""
    names = [name for name in (rows[0] if rows else ()) if any(_text(row[name]) for row in rows)]
    yield from aligned([names, *([_text(row[name]) for name in names] for row in rows)])


def _section(title: str, lines: Any) -> Iterator[str]:
    yield f"{title}:"
    yield from (f"  {line}".rstrip() for text in lines for line in text.split("\n"))
    yield ""


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "" if value is None else str(value)
