"""The pages of docs/: their code runs, prints what stands below it, and their links lead somewhere.

The blocks of a page marked ```python run in order in one namespace. What a block prints is compared
with the ```text block that directly follows it, if there is one; `...` stands for anything. Blocks
that are not to run are marked otherwise: ```sh, ```text, ```python-not-run.
"""

import contextlib
import doctest
import io
import itertools
import re
import runpy
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PICTURES = DOCS / "pictures"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
EXTRAS = ("matplotlib", "optax", "sklearn", "pandas", "xarray", "neo", "zarr", "tqdm")
PACKS = ("spikax_learning", "spikax_nest", "spikax_cuda", "spikax_cpu")


def name(page):
    return page.relative_to(DOCS).as_posix()


def examples(text):
    """(line, code, output or None) of each block that runs."""
    blocks = list(FENCE.finditer(text))
    for block, after in itertools.pairwise([*blocks, None]):
        if block[1] == "python":
            follows = after and after[1] == "text" and not text[block.end() : after.start()].strip()
            yield text.count("\n", 0, block.start(2)), block[2], after[2] if follows else None


def run(page, text):
    """Run the blocks of a page; a traceback or a difference names its line."""
    space, checker = {"__name__": page.stem}, doctest.OutputChecker()
    for line, code, expected in examples(text):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("\n" * line + code, page, "exec"), space)
        if expected is not None:
            example = doctest.Example(code, expected, lineno=line)
            assert checker.check_output(expected, printed.getvalue(), doctest.ELLIPSIS), (
                f"{page}:{line + 1} prints something else. "
                + checker.output_difference(example, printed.getvalue(), 0)
            )


def needs(page):
    """The optional modules that a page imports."""
    code = "\n".join(block for _, block, _ in examples(page.read_text()))
    return [m for m in EXTRAS + PACKS if re.search(rf"^\s*(import|from) {m}\b", code, re.MULTILINE)]


@pytest.mark.parametrize("page", [p for p in PAGES if list(examples(p.read_text()))], ids=name)
def test_page_runs_and_prints_what_it_says(page, tmp_path, monkeypatch):
    for module in needs(page):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    # The session of a reader: the tests' own promotion is strict, which optax cannot work with.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        run(page, page.read_text())


def headings(page):
    """The anchors that a page offers."""
    text = FENCE.sub("", page.read_text())
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in found}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{link} leaves the repository"
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in headings(target), f"{link}: no such heading"


def test_index_has_every_page():
    linked = {(DOCS / link).resolve() for link in LINK.findall((DOCS / "index.md").read_text())}
    assert {name(p) for p in PAGES} - {name(p) for p in PAGES if p in linked} == {"index.md"}


def test_every_picture_of_the_pages_is_shown_and_small():
    shown = {(p.parent / link).resolve() for p in PAGES for link in LINK.findall(p.read_text())}
    for picture in sorted(PICTURES.glob("concepts-*.png")) + sorted(PICTURES.glob("howto-*.png")):
        assert picture in shown, f"no page shows {picture.name}"
        assert picture.stat().st_size < 150_000


def test_pictures_of_the_concepts_can_be_drawn(tmp_path):
    for module in ("matplotlib", "spikax_learning"):
        pytest.importorskip(module)
    script = runpy.run_path(str(PICTURES / "draw_concepts.py"))
    names = {f"concepts-{picture}.png" for picture in script["PICTURES"]}
    assert names == {path.name for path in PICTURES.glob("concepts-*.png")}
    script["draw"](tmp_path, ["state", "align"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "concepts-state.png",
        "concepts-align.png",
    }


@pytest.mark.parametrize("number", ["2", "3.0"])
def test_another_output_than_stated_fails(number):
    page = f"```python\nprint(1 + 2)\n```\n\n```text\n{number}\n```\n"
    with pytest.raises(AssertionError, match=r"page\.md:2 prints something else"):
        run(Path("page.md"), page)


def test_blocks_share_names_and_others_do_not_run():
    page = (
        "```python\na = 2\n```\n```sh\nexit 1\n```\n```python-not-run\na = 0\n```\n"
        "```python\nprint(a, 7)\n```\n```text\n2 ...\n```\n"
    )
    run(Path("page.md"), page)
    with pytest.raises(AssertionError, match=r"page\.md:11"):
        run(Path("page.md"), page.replace("a = 2", "a = 3"))
