"""The kernels compiled for NVIDIA GPUs by XLA and ptxas, on a machine that has none.

Opt-in: skipped unless JAX's CUDA plugin and NVIDIA's assembler are installed.
"""

import importlib.util
import re
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import topologies
from jax.sharding import NamedSharding, PartitionSpec, use_abstract_mesh

from spikax.ops import CSR
from spikax_cuda.csr_forward import csr_forward

WANTED = "jax-cuda13-plugin jax-cuda13-pjrt, of the version of jax, and nvidia-cuda-nvcc"
GPUS = {
    "A100": {"capability": (8, 0), "cores": 108, "shared": 167936},
    "H100": {"capability": (9, 0), "cores": 132, "shared": 233472},
}


def ptxas():
    """The assembler that NVIDIA's wheel brings, or None."""
    found = importlib.util.find_spec("nvidia")
    roots = found.submodule_search_locations if found else ()
    return next((str(p) for root in roots for p in Path(root).glob("*/bin/ptxas")), None)


pytestmark = [
    pytest.mark.skipif(
        not (importlib.util.find_spec("jax_cuda13_plugin") and ptxas()),
        reason=f"opt-in, needs: pip install {WANTED}",
    ),
    pytest.mark.filterwarnings("ignore:The Pallas Triton backend is deprecated:DeprecationWarning"),
]


def description(name, capability, cores, shared):
    """What XLA has to know of a GPU to compile for it (a TargetConfig in text form)."""
    return f"""
        platform_name: "CUDA"
        device_description_str: "NVIDIA {name}"
        gpu_device_info {{
            cuda_compute_capability {{ major: {capability[0]} minor: {capability[1]} }}
            core_count: {cores}
            threads_per_warp: 32
            threads_per_block_limit: 1024
            threads_per_core_limit: 2048
            block_dim_limit_x: 2147483647
            block_dim_limit_y: 65535
            block_dim_limit_z: 65535
            shared_memory_per_block: 49152
            shared_memory_per_block_optin: {shared - 1024}
            shared_memory_per_core: {shared}
            registers_per_core_limit: 65536
            registers_per_block_limit: 65536
            device_memory_size: 40000000000
        }}"""


@pytest.fixture(scope="module", params=GPUS)
def gpu(request):
    """A GPU that is described and not there, as the sharding of what it is given."""
    config = description(request.param, **GPUS[request.param])
    topology = topologies.get_topology_desc(platform="cuda", target_config=config, topology="1x1x1")
    mesh = topologies.make_mesh(topo=topology, mesh_shape=(1,), axis_names=("n",))
    return NamedSharding(mesh, PartitionSpec())


def assemble(ptx, folder):
    """What the assembler says of a kernel: registers, bytes spilled."""
    arch = re.search(r"\.target (\w+)", ptx.read_text())[1]
    command = [ptxas(), "-v", "-arch", arch, str(ptx), "-o", str(folder / "kernel.cubin")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    spilled = sum(map(int, re.findall(r"(\d+) bytes (?:stack|spill)", said)))
    return int(re.search(r"Used (\d+) registers", said)[1]), spilled


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
