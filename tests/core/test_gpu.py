"""Why JAX has no GPU: what a machine shows, and what doctor says of it."""

import json
import os
import subprocess
import sys
import types

import pytest

from spikax import _cli, _gpu
from spikax.plugins import Kernel, Registry, hookimpl

pytestmark = pytest.mark.smoke

DRIVER = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06"
PLUGIN = {"jax-cuda13-pjrt": "0.10.2", "jax-cuda13-plugin": "0.10.2"}


@pytest.mark.parametrize(
    ("driver", "plugin", "platforms", "reasons"),
    [
        ("", {}, "", ["no NVIDIA driver is seen"]),
        ("", {}, "cpu", ["no NVIDIA driver is seen"]),
        (DRIVER, {}, "", [DRIVER, 'pip install "spikax[cuda13]"']),
        (DRIVER, {}, "cpu", ['pip install "spikax[cuda13]"']),
        (DRIVER, PLUGIN, "cpu", ["JAX_PLATFORMS=cpu leaves it out: unset JAX_PLATFORMS"]),
        ("", PLUGIN, "cpu", ["unset JAX_PLATFORMS"]),
        (DRIVER, PLUGIN, "", [DRIVER, "jax-cuda13-pjrt", "JAX sees no GPU", "nvidia-smi"]),
        (DRIVER, PLUGIN, "cuda,cpu", ["JAX sees no GPU"]),
        ("", PLUGIN, "", ["is installed", "no NVIDIA driver is seen"]),
        ("", {}, "cuda", ['pip install "spikax[cuda13]"', "or unset JAX_PLATFORMS"]),
    ],
)
def test_the_reason_is_the_first_thing_to_mend(driver, plugin, platforms, reasons):
    said = _gpu.why_not(driver, plugin, platforms)
    assert all(reason in said for reason in reasons)
    for other in ("pip install", "unset JAX_PLATFORMS", "JAX sees no GPU", "no NVIDIA driver"):
        assert (other in said) == any(other in reason for reason in reasons)
    assert "\n" not in said


def test_a_driver_is_its_version_or_its_tool(tmp_path, monkeypatch):
    monkeypatch.setattr(_gpu, "_DRIVER", tmp_path / "version")
    monkeypatch.setattr(_gpu.shutil, "which", {}.get)
    assert _gpu.driver() == ""
    monkeypatch.setattr(_gpu.shutil, "which", {"nvidia-smi": "/bin/nvidia-smi"}.get)
    assert _gpu.driver() == "/bin/nvidia-smi"
    (tmp_path / "version").write_text(f"{DRIVER}\nGCC version: 12\n")
    assert _gpu.driver() == DRIVER


def test_a_plugin_of_jax_is_known_by_its_distributions(monkeypatch):
    names = ["jax", "jax-cuda13-plugin", "jax_cuda13_pjrt", "spikax-cuda-ops", "jax-rocm-plugin"]
    installed = [types.SimpleNamespace(metadata={"Name": n}, version="0.10") for n in names]
    monkeypatch.setattr(_gpu.importlib_metadata, "distributions", lambda: installed)
    assert set(_gpu.plugin()) == {"jax-cuda13-plugin", "jax_cuda13_pjrt"}


@hookimpl
def spikax_kernels():
    for name in ("one", "two"):
        yield Kernel(name, "builtins:len", "forward", "csr", "gpu")


def test_doctor_says_it_once_for_a_pack(monkeypatch, capsys):
    dist = types.SimpleNamespace(name="spikax-fast", version="1.2")
    plugin = types.SimpleNamespace(spikax_kernels=spikax_kernels)
    fast = types.SimpleNamespace(name="fast", dist=dist, load=lambda: plugin)
    found = Registry(False, entry_points=[fast])
    monkeypatch.setattr(_cli, "_lenient", lambda: found)
    monkeypatch.setattr("spikax._kernel_check.check", lambda kernel: None)
    monkeypatch.setattr(_gpu, "driver", lambda: DRIVER)
    monkeypatch.setattr(_gpu, "plugin", dict)
    assert _cli.main(["doctor", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    (waiting,) = facts["waiting"]
    assert (waiting["plugin"], waiting["kernels"]) == ("fast", 2)
    assert 'pip install "spikax[cuda13]"' in waiting["reason"]
    assert facts["nvidia_driver"] == DRIVER
    assert {k["used"] for k in facts["kernels"] if k["plugin"] == "fast"} == {"not on cpu"}
    _cli.main(["doctor"])
    out = capsys.readouterr().out
    assert f"  fast, whose kernels are for a GPU: {waiting['reason']}\n" in out


def test_doctor_explains_nothing_where_no_pack_waits(monkeypatch, capsys):
    monkeypatch.setattr(_cli, "_lenient", lambda: Registry(False, entry_points=[]))
    monkeypatch.setattr("spikax._kernel_check.check", lambda kernel: None)
    _cli.main(["doctor", "--json"])
    assert json.loads(capsys.readouterr().out)["waiting"] == []


@pytest.mark.skipif(bool(_gpu.plugin()), reason="with JAX's CUDA plugin there may be a device")
def test_doctor_speaks_where_jax_finds_no_device():
    """JAX_PLATFORMS names a platform that is not there: even then core imports, and doctor runs."""
    environment = os.environ | {"JAX_PLATFORMS": "cuda"}
    command = [sys.executable, "-c", "import sys; from spikax._cli import main; sys.exit(main())"]
    said = subprocess.run(
        [*command, "doctor"], env=environment, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1, said.stderr
    assert "JAX finds no device: JAX_PLATFORMS=cuda asks for a GPU" in said.stdout
    assert "no device" in said.stdout
