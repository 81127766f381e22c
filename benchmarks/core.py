"""Core's own figures: import time beside JAX's, lines of code, programs compiled by a second run.

nox -s bench -- core
"""

import ast
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import spikax as sx
from spikax.testing import count_compilations
from spikax.units import ms, nS, pA

ROOT = Path(__file__).parents[1]


def import_seconds(module: str) -> float:
    """Wall time of a fresh interpreter that imports one module, less that of an empty one."""

    def run(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - start

    return run(f"import {module}") - run("pass")


def lines_of_code(folder: Path) -> int:
    """Lines that hold code: no blank lines, comments or docstrings."""
    return sum(len(_code_lines(path.read_text())) for path in sorted(folder.rglob("*.py")))


def _code_lines(text: str) -> set[int]:
    tree = ast.parse(text)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
    }
    blank = {i for i, line in enumerate(text.splitlines(), 1) if not line.strip()}
    comments = {i for i, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith("#")}
    lines = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, (ast.stmt, ast.expr)) and not _is_docstring(node, docs):
            lines |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    inside = {
        i
        for node in ast.walk(tree)
        if id(node) in docs and isinstance(node, ast.expr)
        for i in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    return lines - blank - comments - inside


def _is_docstring(node: ast.AST, docs: set[int]) -> bool:
    return id(node) in docs or (isinstance(node, ast.Expr) and id(node.value) in docs)


def second_run() -> dict[str, int]:
    """Programs compiled by another duration and by another network of the same structure."""

    def network(weight: float) -> sx.Network:
        cell = sx.Cell(sx.LIF(I_e=300 * pA), r=sx.Receptor(sx.Expon(), sx.COBA()))
        rule = sx.fixed_indegree(10)
        return sx.Network(
            {"E": sx.Population(cell, 100)},
            [sx.Projection("E", "E", "r", rule, weight * nS, 1.5 * ms)],
        )

    simulation = sx.Simulation(network(1.0), dt=0.1 * ms)
    simulation.run(10 * ms, record={"E": "spike"})
    with count_compilations() as longer:
        simulation.run(35 * ms, record={"E": "spike"})
    other = sx.Simulation(network(2.0), dt=0.1 * ms)
    with count_compilations() as changed:
        other.run(10 * ms, record={"E": "spike"})
    return {"another duration": longer.count, "other values": changed.count}


def main() -> None:
    """Measure, print, write reports/bench-core.json."""
    seconds = {"jax.numpy": [], "brainunit": [], "spikax": []}
    for _ in range(5):
        for module, taken in seconds.items():
            taken.append(import_seconds(module))
    median = {module: statistics.median(taken) for module, taken in seconds.items()}
    report = {
        "import seconds, median of 5": median,
        "import of spikax over that of jax": median["spikax"] / median["jax.numpy"],
        "lines of code": {
            folder.parent.parent.name: lines_of_code(folder)
            for folder in sorted(ROOT.glob("packages/*/src/*"))
            if folder.is_dir()
        },
        "programs compiled by a second run": second_run(),
    }
    text = json.dumps(report, indent=2)
    sys.stdout.write(text + "\n")
    (ROOT / "reports").mkdir(exist_ok=True)
    (ROOT / "reports/bench-core.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
