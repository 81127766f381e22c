"""Draw the pictures of docs/howto anew: `python docs/pictures/draw_howto.py [PAGE ...]`.

A page draws its own picture, so its code is run, in a folder that is thrown away.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import matplotlib

FOLDER = Path(__file__).parent
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def draw(page: Path) -> None:
    """Run a page and keep the pictures that it saves under its name."""
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            code = "\n\n".join(BLOCK.findall(page.read_text()))
            exec(compile(code, page, "exec"), {"__name__": page.stem})
        finally:
            os.chdir(home)
        for picture in Path(folder).glob(f"howto-{page.stem}*.png"):
            shutil.copy(picture, FOLDER)


if __name__ == "__main__":
    matplotlib.use("Agg")
    for path in sorted((FOLDER.parent.resolve() / "howto").glob("*.md")):
        if "savefig" in path.read_text() and (not sys.argv[1:] or path.stem in sys.argv[1:]):
            draw(path)
