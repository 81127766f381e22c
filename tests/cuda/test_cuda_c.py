"""The push in CUDA C: its sums, as C++ on a CPU; its instructions, compiled for NVIDIA GPUs.

The first part needs a C++ compiler, the second is opt-in as in test_cuda_compile.py; XLA does not
look into the PTX that it is given, so the assembler is called apart.
"""

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import gpus
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from spikax import ops
from spikax.ops import CSR
from spikax_cuda import _nvrtc, cuda_c

N_PRE, N_POST, SLOTS = 12, 50, 4
ROWS = [127, 128, 129, 0, 255, 256, 1, 2, 0, 1, 1, 40]
N_SYNAPSES = sum(ROWS)
CXX = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
needs_cxx = pytest.mark.skipif(not CXX, reason="needs a C++ compiler")


def nvrtc():
    """The library, or None."""
    try:
        return _nvrtc._library()
    except ModuleNotFoundError:
        return None


needs_nvrtc = pytest.mark.skipif(not nvrtc(), reason="opt-in, needs: pip install nvidia-cuda-nvrtc")


def connectivity(n_hit=N_POST):
    """Rows around a block, with targets that repeat."""
    indptr = np.concatenate([[0], np.cumsum(ROWS)])
    indices = np.random.default_rng(1).integers(0, n_hit, sum(ROWS))
    return CSR(jnp.asarray(indptr, jnp.int32), jnp.asarray(indices, jnp.int32), N_POST)


# The sums.


@pytest.fixture(scope="module", params=["float32", "float64"])
def dtype(request):
    return request.param


@pytest.fixture(scope="module", params=[True, False], ids=["weights", "one weight"])
def per_synapse(request):
    return request.param


@pytest.fixture(scope="module")
def on_cpu(dtype, per_synapse, tmp_path_factory):
    """A launch of the kernel, compiled as C++."""
    folder = tmp_path_factory.mktemp("cxx")
    kernel, library = folder / "push.cu", folder / "push.so"
    kernel.write_text(cuda_c.source())
    surroundings = Path(gpus.__file__).with_name("cuda_on_cpu.h")
    flags = [f"-D{d}" for d in cuda_c.definitions(dtype, per_synapse=per_synapse)]
    command = [CXX, "-shared", "-fPIC", "-include", surroundings, "-x", "c++", kernel, *flags]
    subprocess.run([*command, "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))

    def launch(shape, *buffers):
        addresses = (ctypes.c_void_p * len(buffers))(*(b.ctypes.data for b in buffers))
        loaded.launch(loaded.csr_push, *shape, addresses)

    return launch


@needs_cxx
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 32), (3, 2, 128), (16, 8, 64)], ids=str)
@pytest.mark.parametrize("n_sent", [0, 1, 7, N_PRE])
@pytest.mark.parametrize("n_hit", [3, N_POST])
def test_adds_what_the_reference_adds(on_cpu, dtype, per_synapse, shape, n_sent, n_hit, x64):
    fmt, rng = connectivity(n_hit), np.random.default_rng(3)
    # Binary fractions, so that no sum is rounded and none depends on its order.
    weight = np.asarray(rng.integers(-16, 16, fmt.shape if per_synapse else ()) / 8, dtype)
    ring = (rng.integers(-8, 8, (SLOTS, N_POST)) / 4).astype(dtype)
    active = rng.permutation(N_PRE).astype(np.int32)
    x = np.zeros(N_PRE, dtype)
    x[active[:n_sent]] = rng.integers(1, 8, n_sent) / 4
    operands = (fmt, *map(jnp.asarray, (weight, x, np.int32(3), ring, np.int32(2))))
    expected = ops.REFERENCE["scatter"](*operands)  # into slot (2 + 3) % 4
    arrays = np.asarray(fmt.indptr), np.asarray(fmt.indices), weight, x, active
    on_cpu(shape, *arrays, np.int32([n_sent]), np.int32([1 * N_POST]), ring, ring)
    assert np.array_equal(ring, expected)


# The call.


def operands(kind=jnp.float32, weight=(N_SYNAPSES,), x=(N_PRE,), active=jnp.int32):
    like = jax.ShapeDtypeStruct
    number = like((), jnp.int32)
    ring = like((SLOTS * N_POST,), kind)
    return like(weight, kind), like(x, kind), like((N_PRE,), active), number, number, ring


@pytest.mark.parametrize(
    "wrong", [{"kind": jnp.float16}, {"weight": (1,)}, {"x": (13,)}, {"active": jnp.int16}], ids=str
)
def test_refuses_what_the_kernel_would_read_wrongly(wrong):
    with pytest.raises(ValueError, match=r"csr_push got .*, expected .*"):
        jax.eval_shape(cuda_c.csr_push, connectivity(), *operands(**wrong))


def test_no_synapses_leave_the_ring_as_it_is():
    empty = CSR(jnp.zeros(4, jnp.int32), jnp.zeros(0, jnp.int32), 6)
    zero, ring = jnp.int32(0), jnp.arange(12.0)
    nobody = jnp.zeros(3), jnp.zeros(3, jnp.int32), zero, zero
    assert np.array_equal(cuda_c.csr_push(empty, jnp.float32(1), *nobody, ring), ring)


def test_says_what_to_install_where_nvrtc_is_not(monkeypatch):
    monkeypatch.setattr(_nvrtc, "_candidates", lambda: ["libnowhere.so"])
    with pytest.raises(ModuleNotFoundError, match="pip install nvidia-cuda-nvrtc"):
        _nvrtc._library.__wrapped__()


# The instructions.


@needs_nvrtc
def test_a_source_that_does_not_compile_gives_the_log_of_the_compiler():
    with pytest.raises(ValueError, match=r'kernel\.cu\(1\): error: .*"nonsense" is undefined'):
        _nvrtc.compile_ptx('extern "C" __global__ void f() { nonsense; }')


@needs_nvrtc
def test_the_atomics_are_relaxed(dtype, per_synapse):
    ptx = cuda_c.ptx(dtype, per_synapse=per_synapse)
    atomics = re.findall(r"\b(?:atom|red)\.\S+", ptx)
    # Without another word, PTX means .relaxed.
    assert atomics == [f"atom.global.add.f{dtype[-2:]}"]
    assert not re.search(r"fence|membar|\.(acquire|release|acq_rel)\b", ptx)


@pytest.fixture(params=gpus.GPUS)
def arch(request):
    return "sm_{}{}".format(*gpus.GPUS[request.param]["capability"])


def assembled(ptx, folder, arch):
    path = folder / "kernel.ptx"
    path.write_text(ptx)
    return gpus.assemble(path, folder, arch)


@needs_nvrtc
@gpus.needs_compiler
def test_assembles_without_spilling(arch, dtype, per_synapse, tmp_path):
    registers, spilled = assembled(cuda_c.ptx(dtype, per_synapse=per_synapse), tmp_path, arch)
    assert spilled == 0
    # 2048 threads fill a multiprocessor if each takes no more.
    assert registers <= 32


@gpus.needs_compiler
def test_the_assembler_rejects_what_is_not_ptx(arch, tmp_path):
    with pytest.raises(subprocess.CalledProcessError):
        assembled("This is no PTX.", tmp_path, arch)


def instructions(ptx, folder, arch):
    """What the assembler makes of it."""
    assembled(ptx, folder, arch)
    return gpus.instructions(folder)


@needs_nvrtc
@gpus.needs_compiler
@pytest.mark.skipif(not gpus.tool("nvdisasm"), reason="opt-in, needs: nvidia-cuda-nvdisasm")
def test_an_addition_waits_for_no_answer_and_no_fence(arch, dtype, per_synapse, tmp_path):
    costly = re.compile("ATOM|MEMBAR|ERRBAR|FENCE|CCTL")
    plain = instructions(cuda_c.ptx(dtype, per_synapse=per_synapse), tmp_path, arch)
    assert any(i.startswith("RED") and f".F{dtype[-2:]}" in i for i in plain), plain
    assert not [*filter(costly.match, plain)]
    fenced = cuda_c.source().replace("atomicAdd(", "__threadfence(), atomicAdd(")
    definitions = cuda_c.definitions(dtype, per_synapse=per_synapse)
    fenced = instructions(_nvrtc.compile_ptx(fenced, *definitions), tmp_path, arch)
    assert [*filter(costly.match, fenced)]


# In a program.


@pytest.fixture(params=gpus.GPUS)
def gpu(request):
    return gpus.absent(request.param)


def program(fmt, weight, active, count):
    """A loop that clears a slot of the ring, pushes into another and reads a third."""

    def step(carry, t):
        ring, v = carry
        old, new, due = ((t + k) % SLOTS * N_POST for k in (3, 2, 0))
        ring = jax.lax.dynamic_update_slice(ring, jnp.zeros(N_POST, weight.dtype), (old,))
        x = (v[:N_PRE] > 1).astype(weight.dtype)
        ring = cuda_c.csr_push(fmt, weight, x, active, count, new, ring)
        return (ring, v + jax.lax.dynamic_slice(ring, (due,), (N_POST,))), None

    start = jnp.zeros(SLOTS * N_POST, weight.dtype), jnp.zeros(N_POST, weight.dtype)
    return jax.lax.scan(step, start, jnp.arange(10, dtype=jnp.int32))[0]


@needs_nvrtc
@gpus.needs_compiler
def test_a_loop_adds_to_its_ring_in_place(gpu, dtype, per_synapse, tmp_path):
    with jax.enable_x64(dtype == "float64"):
        weight, _, active, count, *_ = operands(dtype, (N_SYNAPSES,) if per_synapse else ())
        given = connectivity(), weight, active, count
        _, text = gpus.compiled(program, gpu, given, tmp_path)
    (call,) = (line for line in text.splitlines() if "xla.gpu.ptx" in line)
    assert f"f{dtype[-2:]}[{SLOTS * N_POST}]" in call
    assert "output_to_operand_aliasing={{}: (7, {})}" in call
    assert not re.findall(rf"f\d\d\[{SLOTS * N_POST}\]\S* copy", text)


@gpus.needs_compiler
@pytest.mark.parametrize(
    ("target", "attributes", "said"),
    [
        (cuda_c.TARGET, {"name": "f"}, "Missing required field 'kernel_type'"),
        ("__gpu$xla.gpu.ptx_2", {}, "No FFI handler registered"),
    ],
)
def test_a_call_that_xla_does_not_know_is_rejected(gpu, target, attributes, said, tmp_path):
    like = jax.ShapeDtypeStruct((4,), jnp.float32)
    call = jax.ffi.ffi_call(target, like)
    with pytest.raises(jax.errors.JaxRuntimeError, match=said):
        gpus.compiled(lambda v: call(v, **attributes), gpu, (like,), tmp_path)
