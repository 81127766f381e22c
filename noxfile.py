"""The one place that runs anything: `nox --list` shows it, `nox -s NAME` runs it."""

import json
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nox

nox.needs_version = ">=2026.8.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
VERSION = nox.project.load_toml(ROOT / "packages/core/pyproject.toml")["project"]["version"]
PACKS = {"nest": "models-nest", "learning": "learning", "cuda": "cuda-ops", "cpu": "cpu-ops"}
COMPILED = {"packages/cpu-ops"}
COMPILER = any(map(shutil.which, ("c++", "g++", "clang++", "cl")))
# Without a compiler everything else works, and the tests of a compiled pack are skipped.
FOLDERS = [
    folder
    for folder in (f"packages/{name}" for name in ("core", *PACKS.values()))
    if COMPILER or folder not in COMPILED
]
EDITABLE = [option for folder in FOLDERS for option in ("-e", folder)]
REPORTS = ROOT / "reports"
DIST = ROOT / "dist"
CONSTRAINTS = DIST / "constraints.txt"
TEST_ENVIRONMENT = {
    "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache/jax"),
    "MPLBACKEND": "Agg",
    # Two workers share the cores; threads of XLA's own would wait for each other.
    "NPROC": "1",
    "SPIKAX_STRICT_PLUGINS": "1",
}
REFUSE = """\
import importlib.util, sys
found = [name for name in sys.argv[1:] if importlib.util.find_spec(name)]
sys.exit(f"core alone must not bring {found}" if found else 0)
"""


def starts(interpreter: str) -> bool:
    """Whether it runs; a version manager puts names on PATH for Pythons that are not there."""
    path = shutil.which(interpreter)
    return path is not None and not subprocess.run([path, "-c", ""], capture_output=True).returncode


def group(name: str) -> list[str]:
    """The requirements of one dependency group of the workspace."""
    return nox.project.dependency_groups(PROJECT, name)


def write_counts(name: str, junit: Path) -> None:
    """Condense what pytest says of a run, and what its tests record, into reports/NAME.json."""
    suite = next(ElementTree.parse(junit).iter("testsuite"))
    counts = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    figures = {p.get("name", ""): float(p.get("value", "nan")) for p in suite.iter("property")}
    report = {**counts, "seconds": float(suite.get("time", 0)), **figures}
    (REPORTS / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n")


def run_tests(session: nox.Session, name: str, *arguments: str) -> None:
    """Run pytest on two workers with everything installed, and report the counts."""
    session.install(*EDITABLE, "-e", "examples/plugin-template", *group("test"))
    junit = ROOT / f".cache/{name}.xml"
    junit.unlink(missing_ok=True)
    REPORTS.mkdir(exist_ok=True)
    try:
        # A file stays on one worker: its tests share compiled functions.
        session.run(
            *("pytest", "-n", "2", "--dist", "loadfile", f"--junitxml={junit}"),
            *arguments,
            *session.posargs,
            env=TEST_ENVIRONMENT,
        )
    finally:
        if junit.exists():
            write_counts(name, junit)


@nox.session
def demo(session: nox.Session) -> None:
    """Simulate a balanced network, train the same classes on digits (reports/demo.json)."""
    extras = ["-e", "packages/core[plot,progress]", "-e", "packages/learning"]
    session.install(*extras, "optax", "scikit-learn")
    REPORTS.mkdir(exist_ok=True)
    session.run("python", "examples/demo.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests (reports/tests.json)."""
    run_tests(session, "tests")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly in core."""
    session.install(*EDITABLE, *group("test"), *group("types"))
    session.run("basedpyright")


@nox.session
def core_only(session: nox.Session) -> None:
    """Run the smoke tests with core installed alone."""
    session.install("packages/core", "pytest")
    session.run("python", "-c", "import spikax")
    session.run("python", "-c", REFUSE, *(f"spikax_{extra}" for extra in PACKS))
    session.run("pytest", "-m", "smoke", "tests/core", env=TEST_ENVIRONMENT)


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel of every package into dist/."""
    session.install("build", "hatchling")
    shutil.rmtree(DIST, ignore_errors=True)
    for folder in FOLDERS:
        # A compiled pack needs headers, and CMake where there is none: its pyproject says so.
        isolate = [] if folder in COMPILED else ["--no-isolation"]
        session.run("python", "-m", "build", *isolate, "--outdir", str(DIST), folder)
    # Constraints by file: an index is never asked for these names, whoever may hold them there.
    wheels = sorted(DIST.glob("*.whl"))
    lines = [f"{wheel.name.split('-')[0]} @ {wheel.as_uri()}\n" for wheel in wheels]
    CONSTRAINTS.write_text("".join(lines))


@nox.session(requires=["build"])
@nox.parametrize("extra", list(PACKS))
def wheel(session: nox.Session, extra: str) -> None:
    """Run the smoke tests with one extra installed from the built wheels."""
    if f"packages/{PACKS[extra]}" not in FOLDERS:
        session.skip("no C++ compiler on PATH: install one, for instance g++")
    session.install("-c", str(CONSTRAINTS), f"spikax[{extra}]=={VERSION}", "pytest")
    session.run("python", "-c", f"import spikax_{extra}")
    session.run("pytest", "-m", "smoke", f"tests/{extra}", env=TEST_ENVIRONMENT)


@nox.session(python="3.13" if starts("python3.13") else False)
def py313(session: nox.Session) -> None:
    """Run the tests on Python 3.13 with the newest jax and brainunit (reports/py313.json)."""
    if not session.python:
        session.skip("no python3.13 starts here: install Python 3.13 and put it on PATH")
    run_tests(session, "py313")


def compile_kernels(session: nox.Session) -> None:
    """Compile every GPU kernel for an A100 and an H100 by JAX's CUDA plugin, which needs no GPU."""
    needed = ("pytest", "matplotlib", "scipy")  # the last two for an example
    session.install("-e", "packages/core", "-e", "packages/cuda-ops", *needed)
    version = ("python", "-c", "import importlib.metadata as m; print(m.version('jax'))")
    jax = str(session.run(*version, silent=True)).strip()
    session.install(*(f"jax-cuda13-{part}=={jax}" for part in ("plugin", "pjrt")))
    # NVRTC 13.0, whose PTX a driver for any CUDA 13 can follow.
    tools = ("nvidia-cuda-nvcc<14", "nvidia-cuda-nvdisasm<14", "nvidia-cuda-nvrtc==13.0.*")
    session.install(*tools)
    REPORTS.mkdir(exist_ok=True)
    compiled = ("tests/cuda/test_cuda_compile.py", "tests/cuda/test_cuda_c.py")
    session.run("pytest", *compiled, *session.posargs, env=TEST_ENVIRONMENT)


@nox.session
def cuda_compile(session: nox.Session) -> None:
    """Compile every GPU kernel without a GPU, and list what came out (docs/gpu_kernels.md)."""
    compile_kernels(session)
    session.run("python", "docs/write_gpu_kernels.py")


@nox.session(python="3.13" if starts("python3.13") else False)
def cuda_compile_newest(session: nox.Session) -> None:
    """The same with the newest jax, which tells early what goes."""
    if not session.python:
        session.skip("no python3.13 starts here: install Python 3.13 and put it on PATH")
    compile_kernels(session)


@nox.session
def grid(session: nox.Session) -> None:
    """Run the full neuron x receptor tables (reports/grid.json)."""
    run_tests(session, "grid", "-m", "grid")


@nox.session
def nest_live(session: nox.Session) -> None:
    """Run the long comparisons with a live NEST (reports/nest-live.json, docs/nest/parity.md)."""
    run_tests(session, "nest-live-tests", "-m", "nest_live", "tests/nest")
    session.run("python", "docs/nest/write_parity.py")


@nox.session
def nest_suite(session: nox.Session) -> None:
    """Run NEST's own tests and examples with spikax in its place (reports/nest-suite.json)."""
    suite = ("pytest", "pytest-timeout", "pandas", "scipy", "matplotlib")
    session.install("-e", "packages/core", "-e", "packages/models-nest", *suite)
    wheel = ROOT / ".cache/nest-wheel"  # apart from the environment: its package must not be found
    session.install("--no-deps", "--target", str(wheel), "nest-simulator==3.10.0")
    folder, cache = wheel / "nest", {"JAX_COMPILATION_CACHE_DIR": str(ROOT / ".cache/jax")}
    tests, examples = folder / "share/nest/testsuite/pytests", folder / "doc/examples/pynest"
    session.run("python", "tests/nest/suite/run_suite.py", str(tests), env=cache)
    session.run("python", "tests/nest/suite/run_examples.py", str(examples), env=cache)


@nox.session
def reproductions(session: nox.Session) -> None:
    """Test the published figures of the examples at full size (reports/reproductions.json)."""
    # Each test is minutes on its own: whichever worker is free takes the next.
    spread = ("--dist", "worksteal", "tests/integration")
    run_tests(session, "reproductions", "-m", "reproduction", *spread)


@nox.session
def notebooks(session: nox.Session) -> None:
    """Execute the notebooks of examples/ anew, in place."""
    session.install("-e", "packages/core", *group("test"))
    session.run("python", "examples/run_notebooks.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Run core's benchmarks, all or those named, or a network beside its peers: NAME [--help]."""
    scripts = sorted(path.stem for path in Path("benchmarks").glob("*.py"))
    session.install(*EDITABLE, *group("test"), "scipy")
    REPORTS.mkdir(exist_ok=True)
    if session.posargs and session.posargs[0] not in scripts:
        session.run("python", "benchmarks/networks/compare.py", *session.posargs)
        return
    for name in session.posargs or scripts:
        session.run("python", f"benchmarks/{name}.py")
