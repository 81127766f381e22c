"""The plugin host: distributions written to a folder, good ones beside each kind of bad one."""

import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import types

import importlib_metadata
import pytest

from spikax import plugins
from spikax._plugins import _packs
from spikax._plugins._records import KINDS
from spikax.errors import PluginError, UnknownNameError
from spikax.plugins import Connectivity, Kernel, LearningRule, Model, PluginWarning, Registry, hooks

VERSION = importlib_metadata.version("spikax")
SOURCES = str(pathlib.Path(plugins.__file__).parent.parent)

GOOD = """
    from spikax.plugins import Connectivity, Model, hookimpl

    @hookimpl
    def spikax_models():
        yield Model("{name}_neuron", "sxt_{name}_target:Neuron", reference="a paper")

    @hookimpl
    def spikax_connectivity():
        yield Connectivity("{name}_rule", "sxt_{name}_target:rule")
"""


class Site:
    """A folder of installed plugins."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, name, module, version="1.0", **others):
        info = self.folder / f"spikax_{name}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Name: spikax-{name}\nVersion: {version}\n")
        info.joinpath("entry_points.txt").write_text(f"[spikax]\n{name} = sxt_{name}\n")
        for suffix, text in {"": module, **others}.items():
            path = self.folder / f"sxt_{name}{suffix}.py"
            path.write_text(textwrap.dedent(text))

    def registry(self, strict=False):
        found = importlib_metadata.distributions(path=[str(self.folder)])
        return Registry(strict, sorted(entry for dist in found for entry in dist.entry_points))


@pytest.fixture
def site(tmp_path, monkeypatch):
    for variable in ("SPIKAX_PLUGINS", "SPIKAX_DISABLE_PLUGINS", "SPIKAX_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    site = Site(tmp_path)
    # One good plugin before the bad one in the order of loading, and one after it.
    site.install("aaa", GOOD.format(name="aaa"), _target="class Neuron: ...\nrule = len\n")
    site.install("zzz", GOOD.format(name="zzz"))
    yield site
    for module in [name for name in sys.modules if name.startswith("sxt_")]:
        del sys.modules[module]


def assert_good_ones_load(registry):
    status = {plugin.origin.plugin: plugin for plugin in registry.plugins}
    for name in ("spikax", "aaa", "zzz"):
        assert status[name].status == "ok"
    assert {"LIF", "aaa_neuron", "zzz_neuron"} <= set(registry.records(Model))
    assert {"aaa_rule", "zzz_rule"} <= set(registry.records(Connectivity))


MODELS = """
    from spikax.plugins import Model, hookimpl

    @hookimpl
    def spikax_models():
        yield Model("fresh", "sxt_bad:Fresh")
"""

BAD = {
    "raises on import": (
        "import no_such_module",
        r"ModuleNotFoundError: .*no_such_module.*pip install --upgrade",
    ),
    "exits on import": (
        "raise SystemExit(3)",
        r"SystemExit: 3\..*pip install --upgrade spikax-bad",
    ),
    "misspelt hook": (
        MODELS + "\n    @hookimpl\n    def spikax_modles(): ...",
        r"no hook 'spikax_modles'; did you mean 'spikax_models'",
    ),
    "no mark": (
        MODELS + "\n    def spikax_kernels(): ...",
        r"its spikax_kernels lacks a mark; write @hookimpl above it",
    ),
    "unknown argument": (
        MODELS + "\n    @hookimpl\n    def spikax_kernels(device): ...",
        r"PluginValidationError: .*spikax_kernels.*\n.*device",
    ),
    "duplicate name": (
        MODELS + '        yield Model("aaa_neuron", "sxt_bad:Other")',
        r"model 'aaa_neuron' is already provided by plugin 'aaa' \(spikax-aaa 1\.0\); rename",
    ),
    "name of core": (
        MODELS + '        yield Model("LIF", "sxt_bad:Other")',
        r"model 'LIF' is already provided by plugin 'spikax' \(spikax \d",
    ),
    "twice in one plugin": (
        MODELS + '        yield Model("fresh", "sxt_bad:Other")',
        r"model 'fresh' is already provided by plugin 'bad' \(spikax-bad 2\.5\); rename",
    ),
    "target without attribute": (
        MODELS + '        yield Model("fresher", "sxt_bad.Other")',
        r"'sxt_bad\.Other'; write it as 'package\.module:Attribute'",
    ),
    "another kind of record": (
        MODELS + '        yield ("LIF", "sxt_bad:Other")',
        r"spikax_models yields \('LIF', .*; let it yield Model\(name, target\)",
    ),
    "returns nothing": (
        MODELS + "\n    @hookimpl\n    def spikax_kernels(): ...",
        r"spikax_kernels returns None; let it yield records",
    ),
    "raises in a hook": (MODELS + "        1 / 0", r"ZeroDivisionError: division by zero"),
    "future API": (
        MODELS + "\n    SPIKAX_API = 2",
        r"it needs plugin API 2, this core has 1; upgrade core with `pip install --upgrade spikax`",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_plugin_is_left_out_whole_and_hides_nothing(site, kind):
    source, cause = BAD[kind]
    site.install("bad", source, version="2.5")
    skipped = r"(?s)plugin 'bad' \(spikax-bad 2\.5\) was skipped: .*"
    way_out = r".*leave it out with SPIKAX_DISABLE_PLUGINS=bad\."
    with pytest.warns(PluginWarning, match=skipped + cause + way_out) as caught:
        registry = site.registry()
    assert len(caught) == 1
    assert_good_ones_load(registry)
    assert "fresh" not in registry.records(Model)
    bad = next(plugin for plugin in registry.plugins if plugin.origin.plugin == "bad")
    assert bad.status == "error"
    assert re.search(f"(?s){cause}", bad.error)


@pytest.mark.parametrize("kind", BAD)
def test_strict_mode_raises(site, kind):
    source, cause = BAD[kind]
    site.install("bad", source, version="2.5")
    with pytest.raises(PluginError, match=rf"(?s)plugin 'bad' \(spikax-bad 2\.5\) was.*{cause}"):
        site.registry(strict=True)


def test_strict_mode_comes_from_the_environment(site, monkeypatch):
    site.install("bad", "1 / 0")
    monkeypatch.setenv("SPIKAX_STRICT_PLUGINS", "1")
    with pytest.raises(PluginError, match="ZeroDivisionError"):
        site.registry(strict=None)
    monkeypatch.setenv("SPIKAX_STRICT_PLUGINS", "0")
    with pytest.warns(PluginWarning, match="ZeroDivisionError"):
        site.registry(strict=None)


def test_missing_target_is_found_on_first_use_only(site):
    registry = site.registry()
    assert registry.find(Model, "aaa_neuron").load().__name__ == "Neuron"
    match = (
        r"model 'zzz_neuron' of plugin 'zzz' \(spikax-zzz 1\.0\) cannot be used: "
        r"'sxt_zzz_target:Neuron' did not load \(ModuleNotFoundError: .*sxt_zzz_target.*\)\. "
        r"Upgrade it with `pip install --upgrade spikax-zzz`, or leave it out"
    )
    with pytest.raises(PluginError, match=match):
        registry.find(Model, "zzz_neuron").load()


def test_missing_attribute_of_a_target(site):
    site.install("bad", MODELS)
    with pytest.raises(
        PluginError, match=r"AttributeError: module 'sxt_bad' has no attribute 'Fresh'"
    ):
        site.registry().find(Model, "fresh").load()


def test_two_distributions_with_one_plugin_name(site):
    site.install("bad", MODELS)
    site.folder.joinpath("spikax_bad-1.0.dist-info").rename(site.folder / "other-3.0.dist-info")
    site.folder.joinpath("other-3.0.dist-info/METADATA").write_text("Name: other\nVersion: 3.0\n")
    info = site.folder / "twin-4.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Name: twin\nVersion: 4.0\n")
    info.joinpath("entry_points.txt").write_text("[spikax]\nbad = sxt_zzz\n")
    match = (
        r"plugin 'bad' \(twin 4\.0\) was .* already taken by plugin 'bad' \(other 3\.0\); rename"
    )
    with pytest.warns(PluginWarning, match=match):
        registry = site.registry()
    assert_good_ones_load(registry)
    assert "fresh" in registry.records(Model)


def test_interrupted_installation_is_reported(site):
    site.install("bad", "1 / 0")
    site.folder.joinpath("spikax_bad-1.0.dist-info/METADATA").write_text("")
    with pytest.warns(PluginWarning, match=r"plugin 'bad' \(unknown distribution"):
        registry = site.registry()
    assert_good_ones_load(registry)


@pytest.mark.parametrize(
    ("variable", "value", "status"),
    [
        ("SPIKAX_PLUGINS", "aaa", "ok ok disabled"),
        ("SPIKAX_PLUGINS", "zzz, aaa", "ok ok ok"),
        ("SPIKAX_PLUGINS", "", "ok disabled disabled"),
        ("SPIKAX_DISABLE_PLUGINS", "aaa", "ok disabled ok"),
        ("SPIKAX_DISABLE_PLUGINS", "spikax,zzz", "disabled ok disabled"),
    ],
)
def test_filters_of_the_environment(site, monkeypatch, variable, value, status):
    monkeypatch.setenv(variable, value)
    registry = site.registry()
    assert [plugin.origin.plugin for plugin in registry.plugins] == ["spikax", "aaa", "zzz"]
    assert [plugin.status for plugin in registry.plugins] == status.split()
    loaded = {plugin.origin.plugin for plugin in registry.plugins if plugin.status == "ok"}
    assert {record.origin.plugin for record in registry.records(Model).values()} == loaded


def test_filtered_plugin_is_not_imported(site, monkeypatch):
    monkeypatch.setenv("SPIKAX_DISABLE_PLUGINS", "aaa")
    site.registry()
    assert "sxt_zzz" in sys.modules
    assert "sxt_aaa" not in sys.modules


def test_allow_list_with_an_unknown_name(site, monkeypatch):
    monkeypatch.setenv("SPIKAX_PLUGINS", "aaaa")
    with pytest.warns(
        PluginWarning, match=r"no plugin 'aaaa'; did you mean 'aaa'\? SPIKAX_PLUGINS"
    ):
        site.registry()
    with pytest.raises(PluginError, match="no plugin 'aaaa'"):
        site.registry(strict=True)


def test_unknown_names_say_what_is_near_and_what_is_left_out(site):
    site.install("bad", "1 / 0")
    with pytest.warns(PluginWarning):
        registry = site.registry()
    match = r"no model 'aaa_neurone'; did you mean 'aaa_neuron'.*Left out: bad \(error\)"
    with pytest.raises(UnknownNameError, match=match):
        registry.find(Model, "aaa_neurone")
    with pytest.raises(
        UnknownNameError, match=r"no connectivity rule 'zzz_rul'; did you mean 'zzz_rule'"
    ):
        registry.find(Connectivity, "zzz_rul")
    with pytest.raises(UnknownNameError, match=r"no kernel 'fast'"):
        registry.find(Kernel, "fast")


def test_unknown_learning_rule_gives_the_pip_line(site):
    with pytest.raises(UnknownNameError, match=r"pip install \"spikax\[learning\]\""):
        site.registry().find(LearningRule, "eprop")


@pytest.mark.parametrize("name", ["iaf_psc_exp", "iaf_psc_ex"])
def test_unknown_name_of_an_official_pack_gives_the_pip_line(site, name):
    match = re.escape("""'iaf_psc_exp' is in an official pack: pip install "spikax[nest]".""")
    with pytest.raises(UnknownNameError, match=match):
        site.registry().find(Model, name)
    site.install("nest", MODELS)
    with pytest.raises(UnknownNameError) as caught:
        site.registry().find(Model, name)
    assert "pip install" not in str(caught.value)


@pytest.mark.nest
def test_names_of_the_nest_pack_are_those_of_the_live_wheel():
    script = "import nest, json; print('@' + json.dumps(list(nest.node_models)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    if "No module named 'nest'" in done.stderr:
        pytest.skip("nest-simulator is not installed")
    assert set(_packs.NEST_MODELS) == set(json.loads(done.stdout.partition("@")[2]))


def test_official_packs_offer_what_the_table_says():
    registry = Registry(strict=True)
    for extra, offers in _packs.PACKS.items():
        for kind in KINDS:
            records = registry.records(kind).items()
            offered = {name for name, record in records if record.origin.plugin == extra}
            assert offered <= set(offers.get(kind, ()))


def test_discovery_imports_no_target(site):
    """With all that is installed here, the official packs included."""
    script = """
        import json, sys
        from spikax.plugins import Model, registry
        from spikax._plugins._records import KINDS
        before = set(sys.modules)
        found = registry()
        new = set(sys.modules) - before
        records = [record for kind in KINDS for record in found.records(kind).values()]
        found.find(Model, "aaa_neuron").load()
        assert "sxt_aaa_target" in sys.modules
        targets = [record.target.partition(":")[0] for record in records]
        print(json.dumps({"new": sorted(new), "targets": targets}))
    """
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(site.folder), SOURCES])}
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "sxt_aaa" in seen["new"]
    assert "sxt_aaa_target" in seen["targets"]
    # Core's own targets come with `import spikax`; discovery itself adds none, of no plugin.
    assert set(seen["new"]) & set(seen["targets"]) == set()


def example(hook):
    """The code block in the docstring of a hook."""
    return textwrap.dedent(hook.__doc__.partition("whole plugin:")[2])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.hook)
def test_every_hook_shows_a_whole_plugin(kind):
    module = types.ModuleType("example")
    exec(example(getattr(hooks, kind.hook)), vars(module))
    entry = types.SimpleNamespace(
        name="example", dist=types.SimpleNamespace(name="d", version="1"), load=lambda: module
    )
    registry = Registry(strict=True, entry_points=[entry])
    offered = [r for r in registry.records(kind).values() if r.origin.plugin == "example"]
    assert len(offered) == 1


def test_every_hook_has_its_kind():
    specified = {name for name in vars(hooks) if name.startswith("spikax_")}
    assert specified == {kind.hook for kind in KINDS}


def test_core_offers_its_models_through_its_hooks():
    registry = Registry(strict=True, entry_points=[])
    some = {"LIF", "Expon", "COBA", "STP", "Poisson", "LeakyReadout"}
    assert some <= set(registry.records(Model))
    (core,) = registry.plugins
    assert str(core.origin) == f"plugin 'spikax' (spikax {importlib_metadata.version('spikax')})"
    assert core.counts["models"] == len(registry.records(Model))


@pytest.mark.parametrize("kind", [Model, Connectivity])
def test_core_can_load_all_that_it_offers(kind):
    records = Registry(strict=True, entry_points=[]).records(kind)
    assert [name for name, record in records.items() if record.load().__name__ != name] == []


def test_lookup_by_name_and_process_wide_registry():
    assert plugins.registry() is plugins.registry()
    assert plugins.model("LIF").__name__ == "LIF"
    with pytest.raises(UnknownNameError, match="did you mean 'LIF'"):
        plugins.model("LIFF")
