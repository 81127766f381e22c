"""spikax through its PyNEST: the script of the side of NEST, with the import changed."""

import sys

import spikax_nest

sys.modules["nest"] = spikax_nest

from peers._serve import serve  # noqa: E402 (once the name is taken)
from peers.nest import build  # noqa: E402

if __name__ == "__main__":
    serve(build)
