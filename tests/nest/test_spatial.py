"""Nodes with positions beside a live NEST: masks, connections, and questions about them."""

import numpy as np
import pytest

import spikax_nest

nest_too = pytest.mark.nest
FREE = [[0.0, 0.0], [0.4, 0.1], [-0.3, 0.2], [0.1, -0.4]]
HERE = "S.free(FREE, extent=[2.0, 2.0])"
WRAPPED = "S.free(FREE, extent=[2.0, 2.0], edge_wrap=True)"


def outcome(nest, expression, **names):
    """What an expression gives, or the class of its error."""
    nest.ResetKernel()
    names |= {"nest": nest, "S": nest.spatial, "FREE": FREE, "np": np}
    names |= {
        "create": lambda positions, **k: nest.Create("parrot_neuron", positions=positions, **k)
    }
    try:
        return plain(eval(expression, names))
    except Exception as error:
        return type(error).__name__


def plain(value):
    """Lists of numbers, of what may hold nodes and arrays."""
    if isinstance(value, dict):
        return [plain(v) for v in value.values()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def same(nest, expression, **names):
    live, ours = (outcome(n, expression, **names) for n in (nest, spikax_nest))
    assert repr(rounded(ours)) == repr(rounded(live)), expression


def rounded(value):
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return round(value, 12) + 0.0 if isinstance(value, float) else value


SPACES = [
    "S.grid([2, 3])",
    "S.grid([3, 2, 2], center=[1.0, 2.0, 3.0], extent=[4.0, 6.0, 1.0], edge_wrap=True)",
    "S.grid([3])",
    "S.grid([0, 3])",
    "S.grid([2.0, 3.0])",
    "S.grid([2, 3], extent=[1.0, 2.0, 3.0])",
    "S.grid([2, 3], edge_wrap=1)",
    "S.free([[1.0, 2.0], [3.5, 5.0]])",
    "S.free([[1.0, 2.0, 3.0], [3.0, 5.0, 7.0]], edge_wrap=True)",
    "S.free([[1.0, 2.0]])",
    "S.free([[1.0, 2.0]], extent=[6.0, 6.0])",
    "S.free([[1.0], [2.0]])",
    "S.free([[1.0, 2.0], [9.0, 2.0]], extent=[2.0, 2.0])",
    "S.free([])",
    "S.free(nest.random.uniform())",
    "S.free([[1.0, 2.0]], num_dimensions=2)",
    "S.free(nest.CreateParameter('constant', {'value': 1.0}), extent=[2.0, 3.0])",
    "[[1.0, 2.0]]",
]


@nest_too
@pytest.mark.parametrize("space", SPACES)
def test_positions_and_what_is_said_of_them(nest, space):
    same(nest, f"[(n.spatial, nest.GetPosition(n)) for n in [create({space})]]")


@nest_too
def test_slices_keep_their_positions(nest):
    for nodes in ("[1:5:2]", "[3]", "[2:]"):
        same(nest, f"(lambda n: (n.spatial, nest.GetPosition(n)))(create(S.grid([3, 2])){nodes})")


MASKS = [
    ("circular", {"radius": 1.0}),
    ("circular", {"radius": 1.0}, [0.3, -0.2]),
    ("circular", {"radius": 0.0}),
    ("circular", {"radius": 1.0, "x": 2}),
    ("circular", {"radius": 1.0}, [1, 2]),
    ("circular", {"radius": 1.0}, [1.0]),
    ("foo", {}),
    ("doughnut", {"inner_radius": 0.5, "outer_radius": 1.0}),
    ("doughnut", {"inner_radius": 2.0, "outer_radius": 1.0}),
    ("rectangular", {"lower_left": [-1.0, -0.5], "upper_right": [1.5, 1.0], "azimuth_angle": 33.0}),
    ("rectangular", {"lower_left": [0.0, 0.0], "upper_right": [1.0, 1.0]}),
    ("rectangular", {"lower_left": [0.0, 0.0], "upper_right": [0.0, 1.0]}),
    ("rectangular", {"lower_left": [0.0, 0.0], "upper_right": [1.0, 1.0], "polar_angle": 3.0}),
    ("elliptical", {"major_axis": 2.0, "minor_axis": 1.0, "azimuth_angle": 33.0}, [0.2, 0.1]),
    ("elliptical", {"major_axis": 2.0, "minor_axis": 1.0, "anchor": [0.3, 0.7]}),
    ("elliptical", {"major_axis": 1.0, "minor_axis": 2.0}),
    ("elliptical", {"major_axis": 2.0, "minor_axis": 1.0, "polar_axis": 3.0}),
    ("spherical", {"radius": 1.2}),
    (
        "box",
        {
            "lower_left": [-1.0, -0.5, -1.0],
            "upper_right": [1.0, 1.0, 0.5],
            "azimuth_angle": 45.0,
            "polar_angle": 40.0,
        },
    ),
    (
        "ellipsoidal",
        {
            "major_axis": 3.0,
            "minor_axis": 1.0,
            "polar_axis": 1.5,
            "azimuth_angle": 33.0,
            "polar_angle": 40.0,
            "anchor": [0.1, 0.2, 0.3],
        },
    ),
    ("grid", {"shape": [1, 2]}),
]


@nest_too
@pytest.mark.parametrize("mask", MASKS)
def test_inside_of_masks(nest, mask):
    three = mask[0] in ("box", "spherical", "ellipsoidal")
    points = np.random.default_rng(1).uniform(-2, 2, (300, 3 if three else 2)).tolist()
    points += (
        np.array(np.meshgrid(*[[-1.0, 0.0, 0.5, 1.0]] * len(points[0])))
        .reshape(len(points[0]), -1)
        .T.tolist()
    )  # on the borders, too
    same(nest, "[nest.CreateMask(*mask).Inside(p) for p in points]", mask=mask, points=points)


@nest_too
@pytest.mark.parametrize("symbol", "&|-+")
def test_combined_masks(nest, symbol):
    disk, box = MASKS[0], MASKS[9]
    points = np.random.default_rng(2).uniform(-2, 2, (100, 2)).tolist()
    both = f"(nest.CreateMask(*a) {symbol} nest.CreateMask(*b))"
    same(nest, f"[{both}.Inside(p) for p in points]", a=disk, b=box, points=points)
    same(nest, both, a=disk, b=MASKS[17])


def pairs(spec, pre, post, weight="1.0"):
    """Sources, targets and weights in the order in which synapses are made."""
    made = f"nest.Connect(create({pre}), create({post}), {spec!r}, {{'weight': {weight}}}, "
    ends = "list(c.sources()), list(c.targets()), np.atleast_1d(c.weight).tolist()"
    return f"[list(zip({ends})) if len(c) else [] for c in [{made}return_synapsecollection=True)]]"


BERNOULLI = {"rule": "pairwise_bernoulli", "p": 1.0}
CIRCLE = {"circular": {"radius": 0.45}}
OBLONG = {"rectangular": {"lower_left": [-0.1, -0.3], "upper_right": [0.45, 0.2]}}


@nest_too
@pytest.mark.parametrize("spaces", [(HERE, HERE), (WRAPPED, HERE), (HERE, WRAPPED)])
@pytest.mark.parametrize("mask", [CIRCLE, OBLONG, CIRCLE | {"anchor": [0.8, 0.1]}])
@pytest.mark.parametrize("on_source", [True, False])
def test_masks_and_distances(nest, spaces, mask, on_source):
    spec = BERNOULLI | {"mask": mask, "use_on_source": on_source}
    live, ours = (
        outcome(n, pairs(spec, *spaces, weight="S.distance")) for n in (nest, spikax_nest)
    )
    np.testing.assert_allclose(sorted(ours[0]), sorted(live[0]), rtol=1e-12, atol=1e-12)


GRID = "S.grid([3, 4], extent=[3.0, 4.0])"


@nest_too
@pytest.mark.parametrize("anchor", [[0, 0], [1, 0], [-1, 1], [5, 5]])
@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("on_source", [True, False])
def test_grid_masks(nest, anchor, wrapped, on_source):
    mask = {"grid": {"shape": [2, 3]}, "anchor": anchor}
    spec = BERNOULLI | {"mask": mask, "use_on_source": on_source}
    space = GRID.replace(")", f", edge_wrap={wrapped})")
    live, ours = (outcome(n, pairs(spec, space, space)) for n in (nest, spikax_nest))
    assert sorted(ours[0]) == sorted(live[0])


REFUSED = [
    ({"rule": "all_to_all", "mask": CIRCLE}, HERE),
    ({"rule": "one_to_one", "p": 1.0}, HERE),
    ({"rule": "fixed_indegree", "indegree": 1, "p": 1.0, "use_on_source": True}, HERE),
    ({"rule": "fixed_indegree", "indegree": 3, "mask": CIRCLE, "allow_multapses": False}, HERE),
    ({"rule": "fixed_outdegree", "outdegree": 5, "p": 1.0, "allow_multapses": False}, HERE),
    ({"rule": "fixed_indegree", "indegree": 1, "mask": CIRCLE | {"anchor": [1.0, 1.0]}}, HERE),
    (BERNOULLI | {"mask": {"circular": {"radius": 1.01}}}, WRAPPED),
    (BERNOULLI | {"mask": {"spherical": {"radius": 0.3}}}, HERE),
    (BERNOULLI | {"mask": {"grid": {"shape": [1, 1]}}}, HERE),
    (BERNOULLI | {"mask": {"foo": {}}}, HERE),
    (BERNOULLI | {"mask": 3}, HERE),
    (BERNOULLI | {"mask": CIRCLE}, "None"),
    ({"rule": "fixed_outdegree", "outdegree": 1, "p": 1.0}, "None"),
]


@nest_too
@pytest.mark.parametrize(("spec", "space"), REFUSED)
def test_what_nest_refuses(nest, spec, space):
    live, ours = (outcome(n, pairs(spec, space, space)) for n in (nest, spikax_nest))
    assert isinstance(live, str)
    assert ours == live


@nest_too
def test_parameters_of_distance_need_a_rule_by_distance(nest):
    same(nest, pairs({"rule": "all_to_all"}, HERE, HERE, "S.distance"))
    same(nest, pairs({"rule": "all_to_all"}, HERE, HERE, "S.pos.x"))


@pytest.mark.parametrize("rule", ["fixed_indegree", "fixed_outdegree"])
@pytest.mark.parametrize("multapses", [True, False])
def test_partners_are_chosen_in_proportion_to_p(rule, multapses):
    nest = spikax_nest
    nest.ResetKernel()
    places = nest.spatial.free([[float(x), 0.0] for x in range(4)], extent=[20.0, 20.0])
    pool = nest.Create("parrot_neuron", positions=places)
    one = nest.spatial.free([[0.0, 0.0]] * 4000, extent=[20.0, 20.0])
    many = nest.Create("parrot_neuron", positions=one)
    ends = (pool, many) if rule == "fixed_indegree" else (many, pool)
    degree = rule.removeprefix("fixed_")
    spec = {"rule": rule, degree: 1, "p": nest.spatial.distance / 10, "allow_multapses": multapses}
    made = nest.Connect(*ends, spec, return_synapsecollection=True)
    counts = np.bincount(made.get("source" if ends[0] is pool else "target"), minlength=5)[1:5]
    expected = 4000 * np.arange(4) / 6
    assert np.all(np.abs(counts - expected) <= 5 * np.sqrt(expected))


def test_degrees_without_multapses_and_autapses():
    nest = spikax_nest
    nest.ResetKernel()
    nodes = nest.Create("parrot_neuron", positions=nest.spatial.grid([4, 4]))
    spec = {"rule": "fixed_indegree", "indegree": 15, "p": 0.5, "allow_autapses": False}
    made = nest.Connect(nodes, nodes, spec | {"allow_multapses": False}, None, True)
    ends = set(zip(made.sources(), made.targets(), strict=True))
    assert len(ends) == len(made) == 16 * 15
    assert all(source != target for source, target in ends)


def test_probabilities_of_distance_are_those_of_the_connections():
    nest = spikax_nest
    nest.ResetKernel()
    nodes = nest.Create("parrot_neuron", positions=nest.spatial.grid([40, 40], edge_wrap=True))
    p = nest.spatial_distributions.gaussian(nest.spatial.distance, std=0.2)
    nest.Connect(nodes, nodes, {"rule": "pairwise_bernoulli", "p": p})
    expected = 1600 * np.sum(p.apply(nodes[0], nest.GetPosition(nodes)))
    assert abs(nest.num_connections - expected) < 5 * np.sqrt(expected)


ASKED = [
    "nest.Displacement(l[0], m)",
    "nest.Displacement([[0.0, 1.0]], m)",
    "nest.Displacement(l, m)",
    "nest.Displacement(m, [0.0, 1.0])",
    "nest.Displacement(x, m)",
    "nest.Distance(l, m[0])",
    "nest.Distance(np.array([0.0, 0.0]), m)",
    "nest.FindNearestElement(l, [0.0, 0.0])",
    "nest.FindNearestElement(m, [[0.0, 0.0], [1.0, 1.0]], find_all=True)",
    "nest.FindNearestElement(m, 5)",
    "nest.FindNearestElement(x, [0.0, 0.0])",
    "nest.FindCenterElement(l)",
    "nest.FindCenterElement(3)",
    "nest.GetPosition(x)",
    "nest.GetPosition(3)",
    "nest.SelectNodesByMask(l, [0.0, 0.0], nest.CreateMask('circular', {'radius': 0.3}))",
    "nest.SelectNodesByMask(l, [0.0, 0.0, 0.0], nest.CreateMask('spherical', {'radius': 1.0}))",
    "nest.SelectNodesByMask(l, [0.0, 0.0], {'circular': {'radius': 0.3}})",
    "nest.GetTargetNodes(l, m)",
    "nest.GetTargetNodes(l[1], m, 'static_synapse')",
    "nest.GetTargetNodes(l, m, 'foo')",
    "nest.GetTargetNodes(l, 5)",
    "nest.GetSourceNodes(l, m[1:])",
    "nest.GetTargetPositions(l[:2], m)",
    "nest.GetSourcePositions(l, m)",
]


@nest_too
@pytest.mark.parametrize("question", ASKED)
def test_questions(nest, question):
    ready = (
        "(lambda l, m, x: (nest.Connect(l[:2], m, {'rule': 'pairwise_bernoulli', 'p': 1.0}), "
        f"{question})[1])(create(S.grid([3, 2])), create(S.grid([2, 2], extent=[2.0, 2.0])), "
        "nest.Create('parrot_neuron'))"
    )
    same(nest, ready)


@nest_too
def test_dumped_files(nest, tmp_path):
    texts = []
    for module in (nest, spikax_nest):
        module.ResetKernel()
        space = module.spatial.grid([3, 2], extent=[3.0, 2.0], edge_wrap=True)
        nodes = module.Create("parrot_neuron", positions=space)
        module.Connect(nodes, nodes, BERNOULLI, {"weight": 0.125, "delay": 1.5})
        module.DumpLayerNodes(nodes, str(tmp_path / "nodes"))
        module.DumpLayerConnections(nodes, nodes, "static_synapse", str(tmp_path / "synapses"))
        # The synapses of one source come in any order.
        texts.append([sorted(np.loadtxt(tmp_path / n).tolist()) for n in ("nodes", "synapses")])
    for live, ours in zip(*texts, strict=True):
        np.testing.assert_allclose(ours, live, atol=1e-6)


def test_drawings():
    pytest.importorskip("matplotlib").use("Agg")
    nest = spikax_nest
    nest.ResetKernel()
    nodes = nest.Create("parrot_neuron", positions=nest.spatial.grid([3, 3]))
    nest.Connect(nodes, nodes, BERNOULLI | {"mask": CIRCLE})
    assert len(nest.PlotLayer(nodes).gca().collections[0].get_offsets()) == 9
    center, p = nodes[4], 1 - nest.spatial.distance
    fig = nest.PlotTargets(center, nodes, mask=CIRCLE, probability_parameter=p)
    assert len(fig.gca().collections[0].get_offsets()) == 5
    assert len(fig.gca().patches) == len(fig.gca().images) == 1
    assert len(nest.PlotSources(nodes, center).gca().collections[0].get_offsets()) == 5
