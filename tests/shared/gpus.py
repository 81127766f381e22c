"""NVIDIA GPUs that are described and not there, and NVIDIA's tools, to compile kernels for them."""

import functools
import importlib.util
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import jax
import pytest
from jax.experimental import topologies
from jax.sharding import NamedSharding, PartitionSpec, use_abstract_mesh

# To compile, JAX's plugin needs none of the libraries that it looks for first, such as cuDNN.
os.environ.setdefault("JAX_SKIP_CUDA_CONSTRAINTS_CHECK", "1")

WANTED = "jax-cuda13-plugin jax-cuda13-pjrt, of the version of jax, and nvidia-cuda-nvcc"
GPUS = {
    "A100": {
        "capability": (8, 0),
        "cores": 108,
        "shared": 167936,
        "fpus": 64,
        "GB_per_s": 1555,
        "MB_of_l2": 40,
        "GHz": 1.41,
    },
    "H100": {
        "capability": (9, 0),
        "cores": 132,
        "shared": 233472,
        "fpus": 128,
        "GB_per_s": 3352,
        "MB_of_l2": 50,
        "GHz": 1.98,
    },
}


def tool(name):
    """A program that one of NVIDIA's wheels brings, or None."""
    found = importlib.util.find_spec("nvidia")
    roots = found.submodule_search_locations if found else ()
    return next((str(p) for root in roots for p in Path(root).glob(f"*/bin/{name}")), None)


needs_compiler = pytest.mark.skipif(
    not (importlib.util.find_spec("jax_cuda13_plugin") and tool("ptxas")),
    reason=f"opt-in, needs: pip install {WANTED}",
)


def description(name, capability, cores, shared, fpus, GB_per_s, MB_of_l2, GHz):
    """What XLA has to know of a GPU to compile for it (a TargetConfig in text form).

    Without the speeds it would fuse next to nothing.
    """
    return f"""
        platform_name: "CUDA"
        device_description_str: "NVIDIA {name}"
        gpu_device_info {{
            cuda_compute_capability {{ major: {capability[0]} minor: {capability[1]} }}
            core_count: {cores}
            fpus_per_core: {fpus}
            memory_bandwidth: {GB_per_s * 10**9}
            l2_cache_size: {MB_of_l2 * 2**20}
            clock_rate_ghz: {GHz}
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


@functools.cache
def absent(name):
    """One of the GPUs, as the sharding of what it is given."""
    config = description(name, **GPUS[name])
    topology = topologies.get_topology_desc(platform="cuda", target_config=config, topology="1x1x1")
    mesh = topologies.make_mesh(topo=topology, mesh_shape=(1,), axis_names=("n",))
    return NamedSharding(mesh, PartitionSpec())


class Compiled(NamedTuple):
    """A kernel of spikax as it was compiled: bytes spilled by a thread, and shared by a program."""

    name: str
    registers: int
    spilled: int
    shared: int
    ptx: str
    instructions: tuple[str, ...]


def compiled(function, gpu, operands, folder):
    """A function compiled for a GPU: the kernels of spikax in it, and the whole as XLA's text."""
    there = jax.tree.map(lambda v: jax.ShapeDtypeStruct(v.shape, v.dtype, sharding=gpu), operands)
    dump = {"xla_dump_to": str(folder), "xla_dump_emitter_re": "ptx"}
    with use_abstract_mesh(gpu.mesh.abstract_mesh):
        program = jax.jit(function).lower(*there).compile(dump)
    written = (p for p in sorted(folder.glob("*.ptx")) if ".entry spikax_" in p.read_text())
    launches = "".join(p.read_text() for p in folder.glob("*thunk_sequence.txt"))
    return [_kernel(ptx, folder, launches) for ptx in written], program.as_text()


def launches(folder):
    """How many kernels a loop that was compiled launches in each turn, copies included."""
    (sequence,) = folder.glob("*thunk_sequence.txt")
    body = sequence.read_text().partition("body:")[2]
    return len(re.findall(r"^ {4}\d+: k(?:CustomKernel|Copy)", body, re.MULTILINE))


def _kernel(path, folder, launches):
    ptx = path.read_text()
    name = re.search(r"\.entry (spikax_\w+)", ptx)[1]
    registers, spilled = assemble(path, folder)
    shared = int(re.search(rf" {name} grid.* shared_memory: (\d+)", launches)[1])
    return Compiled(name, registers, spilled, shared, ptx, instructions(folder))


def instructions(folder):
    """The instructions of what was assembled last; none where there is no disassembler."""
    if not tool("nvdisasm"):
        return ()
    command = [tool("nvdisasm"), str(folder / "kernel.cubin")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(re.findall(r"/\*[0-9a-f]{4}\*/ +(?:@!?U?P\d )?([A-Z]\S*)", text))


def assemble(ptx, folder, arch=None):
    """What the assembler says of a kernel: registers, bytes spilled."""
    arch = arch or re.search(r"\.target (\w+)", ptx.read_text())[1]
    command = [tool("ptxas"), "-v", "-arch", arch, str(ptx), "-o", str(folder / "kernel.cubin")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    spilled = sum(map(int, re.findall(r"(\d+) bytes (?:stack|spill)", said)))
    return int(re.search(r"Used (\d+) registers", said)[1]), spilled
