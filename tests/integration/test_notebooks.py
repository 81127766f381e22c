"""The notebooks of examples/: executed as they stand, small, and free of what executed them."""

import ast
import json
import re
from pathlib import Path

import jax
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
NEEDS = {"first_network": ["matplotlib"], "first_training": ["matplotlib", "optax", "sklearn"]}
# What has no place in a file that others read: paths of a machine, addresses, times of execution.
PRIVATE = re.compile(r"/(home|root|tmp|work|Users|usr|opt)/|[A-Za-z]:\\\\Users|iopub|0x[0-9a-f]{6}")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path):
    return json.loads(path.read_text())["cells"]


def code_cells(path):
    return [cell for cell in cells(path) if cell["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def shows(code):
    """Whether a cell must have an output: it prints, draws, or ends in a name."""
    last = ast.parse(code).body[-1]
    named = isinstance(last, ast.Expr) and isinstance(last.value, ast.Name)
    return named or bool(re.search(r"^ *print\(|subplots\(|\.plot", code, re.MULTILINE))


def test_all_are_here():
    assert {path.stem for path in NOTEBOOKS} == set(NEEDS)


@every_notebook
def test_it_is_executed_from_top_to_bottom(path):
    found = code_cells(path)
    assert [cell["execution_count"] for cell in found] == list(range(1, len(found) + 1))
    for cell in found:
        kinds = {output["output_type"] for output in cell["outputs"]}
        assert "error" not in kinds
        assert kinds or not shows(source(cell)), source(cell)
        assert all(output.get("name") != "stderr" for output in cell["outputs"])


@every_notebook
def test_it_has_pictures_and_is_small(path):
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert path.stat().st_size < 400_000


@every_notebook
def test_it_says_nothing_of_the_machine(path):
    notebook = json.loads(path.read_text())
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert all(cell["metadata"] == {} for cell in notebook["cells"])
    outputs = [cell["outputs"] for cell in code_cells(path)]
    texts = re.sub(r'"image/png": "[^"]*"', "", json.dumps([notebook["metadata"], outputs]))
    assert not PRIVATE.search(texts)


@every_notebook
def test_links_lead_somewhere(path):
    text = "\n".join(source(cell) for cell in cells(path) if cell["cell_type"] == "markdown")
    for link in re.findall(r"\]\(([^)#\s]+)", text):
        assert link.startswith("http") or (EXAMPLES / link).exists(), f"{link} leads nowhere"


@every_notebook
def test_its_code_prints_what_is_stored(path, tmp_path, monkeypatch, capsys):
    for module in NEEDS[path.stem]:
        pytest.importorskip(module)
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    space = {"__name__": path.stem}
    plt.close("all")
    # A reader's session: the tests' own promotion is strict, which optax cannot work with.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        for number, cell in enumerate(code_cells(path), 1):
            exec(compile(source(cell), f"{path.name}[{number}]", "exec"), space)
            stored = "".join(
                "".join(o["text"]) for o in cell["outputs"] if o["output_type"] == "stream"
            )
            assert digitless(capsys.readouterr().out) == digitless(stored), source(cell)
    assert len(plt.get_fignums()) == 3
    plt.close("all")
    if path.stem == "first_training":
        assert space["shares"][-1] > 0.93


def digitless(text):
    """A text without its numbers: another processor may find others in their last digits."""
    return re.sub(r"[\d.]+", "#", text)
