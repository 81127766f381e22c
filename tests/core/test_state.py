"""State and models as pytrees: paths, selection, saving and loading."""

import json
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.errors import ConfigError, StateError, UnitError
from spikax.units import ms, mV, nS, pA, uS

CELL = sx.Cell(
    sx.LIF(I_e=300 * pA),
    exc=sx.Receptor(sx.Expon(), sx.COBA()),
    inh=sx.Receptor(sx.Alpha(), sx.CUBA()),
)


def network(n=4):
    return sx.Network(
        {
            "E": sx.Population(CELL, n, release={"stp": sx.STP()}),
            "noise": sx.Population(sx.Poisson(), n),
        },
        [
            sx.Projection(
                "E", "E", "exc", sx.all_to_all(), weight=1 * nS, delay=2 * ms, signal="stp"
            ),
            sx.Projection(
                "noise", "E", "inh", sx.one_to_one(), weight=sx.each(1 * pA), delay=0.1 * ms
            ),
        ],
    )


@pytest.fixture(scope="module")
def model():
    return network().build(dt=0.1 * ms, seed=3)


def test_leaves_come_in_jax_order(model):
    for tree in (model, model.init_state()):
        values = [leaf.value for leaf in sx.leaves(tree)]
        assert all(a is b for a, b in zip(values, jax.tree.leaves(tree), strict=True))


def test_paths_are_made_of_declared_and_own_names(model):
    paths = {leaf.path: leaf for leaf in sx.leaves(model.init_state())}
    assert {"t", "nodes.E.node.neuron.V_m", "nodes.E.releases.stp.x", "rings.E.exc.sums"} <= set(
        paths
    )
    assert paths["nodes.E.node.neuron.V_m"].unit == mV
    assert str(paths["nodes.E.node.receptors.exc.g"].unit) == "nS"
    assert paths["nodes.E.node.neuron.refractory"].kind == "clock"
    own = {leaf.path: leaf for leaf in sx.leaves(model)}
    assert own["edges.noise->E.weight"].kind == "weight"
    assert str(own["edges.noise->E.weight"].unit) == "pA"


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (["weight"], 2),
        (["edges.*.weight"], 2),
        ([sx.weights("noise->E")], 1),
        ([sx.LIF], 9),
        ([lambda leaf: leaf.path.endswith("tau_m")], 1),
        (["weight", "nodes.E.node.neuron.tau_m"], 3),
    ],
)
def test_select_by_kind_path_type_and_predicate(model, wanted, count):
    picked, rest = sx.select(model, *wanted)
    assert len(jax.tree.leaves(picked)) == count
    assert len(jax.tree.leaves(rest)) == len(jax.tree.leaves(model)) - count
    merged = sx.merge(picked, rest)
    assert jax.tree.structure(merged) == jax.tree.structure(model)
    assert all(a is b for a, b in zip(jax.tree.leaves(merged), jax.tree.leaves(model), strict=True))


def test_select_of_nothing_says_what_there_is(model):
    with pytest.raises(ConfigError, match=r"nothing matches 'nodes\.X\.\*'; the paths are nodes\."):
        sx.select(model, "nodes.X.*")


def test_states_are_fresh_and_unaliased(model):
    state = model.init_state()
    pointers = [leaf.unsafe_buffer_pointer() for leaf in jax.tree.leaves(state)]
    own = [
        leaf.unsafe_buffer_pointer()
        for leaf in jax.tree.leaves(model)
        if isinstance(leaf, jax.Array)
    ]
    assert len(set(pointers)) == len(pointers)
    assert not set(pointers) & set(own)


def test_print_shows_units_and_ranges(model):
    text = repr(model.init_state())
    assert "V_m=float32[4] mV = -60" in text
    assert "g=float32[4] nS = 0" in text


def test_save_and_load_is_bitwise(model, tmp_path):
    state, _ = sx.simulate(model, model.init_state(), 5 * ms)
    sx.save_state(tmp_path / "s.npz", state)
    loaded = sx.load_state(tmp_path / "s.npz", like=model.init_state())
    for a, b in zip(sx.leaves(state), sx.leaves(loaded), strict=True):
        assert a.path == b.path
        assert np.array_equal(a.value, b.value)
    a, _ = sx.simulate(model, state, 5 * ms)
    b, _ = sx.simulate(model, loaded, 5 * ms)
    assert all(
        np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    )


def test_header_is_json_with_paths_dtypes_units_and_versions(model, tmp_path):
    sx.save_state(tmp_path / "s.npz", model.init_state())
    with np.load(tmp_path / "s.npz", allow_pickle=False) as archive:
        header = json.loads(str(archive["header.json"]))
    assert header["format"] == 1
    assert header["made by"]["jax"] == jax.__version__
    entry = header["leaves"]["nodes.E.node.neuron.V_m"]
    assert entry == {"dtype": "float32", "shape": [4], "unit": "mV", "kind": "hidden"}


def test_load_of_another_structure_names_the_paths(model, tmp_path):
    sx.save_state(tmp_path / "s.npz", model.init_state())
    with pytest.raises(
        StateError, match=r"nodes\.E\.node\.neuron\.V_m has shape \[4\], expected \[5\]"
    ):
        sx.load_state(tmp_path / "s.npz", like=network(5).build(dt=0.1 * ms).init_state())
    other = sx.Network({"F": sx.Population(CELL, 4)}).build(dt=0.1 * ms).init_state()
    with pytest.raises(StateError, match=r"nodes\.F\.neuron\.V_m is missing"):
        sx.load_state(tmp_path / "s.npz", like=other)


def test_load_of_a_damaged_file(model, tmp_path):
    path = tmp_path / "s.npz"
    sx.save_state(path, model.init_state())
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(StateError, match="not a state that spikax saved, or it is damaged"):
        sx.load_state(path, like=model.init_state())


def test_load_never_unpickles(model, tmp_path):
    """An archive of pickled objects is refused, and nothing in it runs."""

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    np.savez(tmp_path / "s.npz", **{"header.json": np.array([Trap()], dtype=object)})
    with pytest.raises(StateError):
        sx.load_state(tmp_path / "s.npz", like=model.init_state())
    assert not (tmp_path / "sprung").exists()


def test_failed_save_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "s.npz"
    sx.save_state(path, model.init_state())
    before = path.read_bytes()
    monkeypatch.setattr(np, "savez", lambda *a, **k: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        sx.save_state(path, model.init_state())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_models_do_not_change():
    lif = sx.LIF()
    with pytest.raises(AttributeError, match=r"model\.replace\(tau_m="):
        lif.tau_m = 3.0
    changed = lif.replace(tau_m=10 * ms)
    assert (float(lif.tau_m), float(changed.tau_m)) == (20.0, 10.0)
    assert changed != lif
    assert changed.replace(tau_m=20 * ms) == lif


def test_pytree_round_trip_keeps_values_and_structure():
    leaves, structure = jax.tree.flatten(CELL)
    again = jax.tree.unflatten(structure, leaves)
    assert again == CELL
    assert jax.tree.structure(jax.tree.map(jnp.asarray, CELL)) == structure


def test_a_default_that_follows_another_parameter_follows_its_samples():
    """V_init is E_L and the width |V_th - V_reset| in each neuron, also where E_L is drawn."""
    lif = sx.LIF(E_L=sx.Normal(-65 * mV, 3 * mV), V_th=sx.Uniform(-52 * mV, -48 * mV))
    model = sx.Network({"E": sx.Population(lif, 6)}).build(dt=0.1 * ms).nodes["E"]
    assert np.ptp(model.E_L) > 1
    assert np.array_equal(model.V_init, model.E_L)
    assert np.allclose(model.width, model.V_th - model.V_reset, atol=1e-5)


def test_load_goes_by_path_whatever_the_order_of_the_file(model, tmp_path):
    state, _ = sx.simulate(model, model.init_state(), 5 * ms)
    sx.save_state(tmp_path / "s.npz", state)
    with np.load(tmp_path / "s.npz") as archive:
        header = json.loads(str(archive["header.json"]))
        paths = list(header["leaves"])[::-1]
        arrays = [archive[f"leaf_{i}"] for i in range(len(paths))][::-1]
    header["leaves"] = {path: header["leaves"][path] for path in paths}
    columns = {f"leaf_{i}": array for i, array in enumerate(arrays)}
    np.savez(tmp_path / "t.npz", **{"header.json": np.array(json.dumps(header))}, **columns)
    loaded = sx.load_state(tmp_path / "t.npz", like=model.init_state())
    for a, b in zip(sx.leaves(state), sx.leaves(loaded), strict=True):
        assert np.array_equal(a.value, b.value), a.path


def test_what_was_selected_can_be_printed(model):
    picked, rest = sx.select(model, "nodes.E.node.neuron.tau_m")
    assert "nodes.E.node.neuron.tau_m  float32[] ms = 20" in repr(picked)
    assert "C_m" not in repr(picked)
    assert "tau_m=20" in repr(picked.nodes["E"])
    assert "tau_m=None" in repr(rest.nodes["E"])


def test_models_with_distributions_have_leaves_too():
    neuron = sx.LIF(V_init=sx.Normal(-55 * mV, 1 * mV))
    assert {"tau_m", "V_init", "width"} <= {leaf.path for leaf in sx.leaves(neuron)}
    picked, _ = sx.select(neuron, sx.floats)
    assert picked.V_init is None
    assert picked.tau_m == 20


def test_built_networks_compare_by_value():
    def built(seed):
        cell = sx.LIF(V_init=sx.Normal(-55 * mV, 1 * mV))
        synapses = sx.Projection(
            "E", "E", "delta", sx.pairwise_bernoulli(0.5), sx.each(1 * mV), 1 * ms
        )
        return sx.Network({"E": sx.Population(cell, 5)}, [synapses]).build(dt=1 * ms, seed=seed)

    assert built(1) == built(1)
    assert built(1) != built(2)


def test_a_projection_keeps_its_samples_when_another_is_added():
    def built(*ports):
        rule, weight = sx.pairwise_bernoulli(0.5), sx.Uniform(1 * pA, 2 * pA)
        many = [sx.Projection("E", "E", p, rule, weight, 1 * ms) for p in ports]
        net = sx.Network({"E": sx.Population(CELL, 9)}, many)
        return net.build(dt=0.1 * ms, seed=1).edges

    alone, among = built("inh"), built("current", "inh")
    assert list(alone) == ["E->E"]
    assert list(among) == ["E->E:current", "E->E:inh"]
    assert np.array_equal(alone["E->E"].weight, among["E->E:inh"].weight)
    assert not np.array_equal(among["E->E:current"].weight[:5], among["E->E:inh"].weight[:5])


def test_sampled_refractory_periods_lie_on_the_grid():
    lif = sx.LIF(t_ref=sx.Uniform(1 * ms, 3 * ms))
    model = sx.Network({"E": sx.Population(lif, 50)}).build(dt=0.5 * ms)
    assert set(np.unique(model.nodes["E"].t_ref)) == {1.0, 1.5, 2.0, 2.5, 3.0}


def test_what_follows_from_others_follows_when_they_are_replaced():
    model = sx.LIF().replace(E_L=-70 * mV, V_th=-45 * mV)
    assert (float(model.V_init), float(model.width)) == (-70, 15)
    assert float(sx.LIF(V_init=-58 * mV).replace(E_L=-70 * mV).V_init) == -58


def test_what_was_built_is_replaced_in_its_unit():
    edge = network().build(dt=0.1 * ms).edges["E->E"]
    assert float(edge.replace(weight=0.016 * uS).weight) == 16
    with pytest.raises(UnitError, match=r"Edge\.weight needs a quantity in nS"):
        edge.replace(weight=16 * mV)


def test_a_state_says_of_which_network_it_is(tmp_path):
    """Going on with another dt or seed is refused; other parameters are warned of."""
    one = sx.Simulation(network(), dt=0.1 * ms, seed=3)
    one.save(tmp_path / "s.npz")
    for other, match in (
        (sx.Simulation(network(), dt=0.05 * ms, seed=3), r"dt = 0\.1, .* has dt = 0\.05"),
        (sx.Simulation(network(), dt=0.1 * ms, seed=4), r"seed = 3, .* seed = 4"),
    ):
        with pytest.raises(StateError, match=match):
            other.load(tmp_path / "s.npz")
    picked, rest = sx.select(one.model, "*.tau_m")
    one.model = sx.merge(jax.tree.map(lambda x: x * 2, picked), rest)
    with pytest.warns(UserWarning, match="saved with other parameters"):
        one.load(tmp_path / "s.npz")
