"""The kernels compiled for NVIDIA GPUs by XLA and ptxas, on a machine that has none.

Opt-in: skipped unless JAX's CUDA plugin and NVIDIA's assembler are installed.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gpus import GPUS, absent, assemble, needs_compiler
from jax.sharding import use_abstract_mesh

from spikax.ops import CSR
from spikax_cuda.csr_forward import csr_forward

pytestmark = [
    needs_compiler,
    pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated:DeprecationWarning"),
]


@pytest.fixture(scope="module", params=GPUS)
def gpu(request):
    """A GPU that is described and not there, as the sharding of what it is given."""
    return absent(request.param)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (2560,)], ids=["one weight", "weights"])
def test_compiles_without_spilling(gpu, shape, dtype, tmp_path):
    def like(shape, dtype):
        return jax.ShapeDtypeStruct(shape, dtype, sharding=gpu)

    fmt = CSR(like((65,), jnp.int32), like((2560,), jnp.int32), 64)
    with jax.enable_x64(dtype == np.float64), use_abstract_mesh(gpu.mesh.abstract_mesh):
        lowered = jax.jit(csr_forward).lower(fmt, like(shape, dtype), like((64,), dtype))
        lowered.compile({"xla_dump_to": str(tmp_path), "xla_dump_emitter_re": "ptx"})
    (ptx,) = (p for p in tmp_path.glob("*.ptx") if ".entry spikax_csr_forward" in p.read_text())
    registers, spilled = assemble(ptx, tmp_path)
    assert spilled == 0
    # 2048 threads fill a multiprocessor if each takes no more.
    assert registers <= 32
    assert re.search(rf"atom\.global\S*\.add\.f{8 * np.dtype(dtype).itemsize}", ptx.read_text())
