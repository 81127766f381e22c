"""NEST's two e-prop tasks, by the ordinary `EProp` on a neuron that is written for them.

The losses are those of NEST 3.10 and of the authors' TensorFlow program; weights are compared with
an independent NumPy program, update by update. Source: Bellec et al. 2020, Nat. Commun. 11:3625.
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import spikax as sx
from spikax.surrogates import Triangular
from spikax.units import UNITLESS, ms
from spikax_learning import EProp, Random, tasks

pytestmark = pytest.mark.usefixtures("x64")


class BellecState(sx.State):
    V_m: jax.Array = sx.cell(doc="potential")
    adaptation: jax.Array = sx.cell(doc="filtered spikes")
    spike: jax.Array = sx.cell(kind="spike")
    blocked: jax.Array = sx.clock("steps until it may fire")


class Bellec(sx.Dynamics):
    """v' = a v + x - V_th z, threshold V_th + beta times the filtered spikes (eqs. 6-8)."""

    tau_m: jax.Array = sx.param(20 * ms, above=0)
    V_th: jax.Array = sx.param(0.6)
    beta: jax.Array = sx.param(0.0)
    tau_a: jax.Array = sx.param(2000 * ms, above=0)
    t_ref: int = sx.static(0)
    ports = {"input": sx.Port()}
    signals = {"spike": UNITLESS, "V_m": UNITLESS}
    State = BellecState

    def update(self, s, inputs, *, t, dt):
        held = jax.lax.stop_gradient(s.spike)
        V = jnp.exp(-dt / self.tau_m) * s.V_m + inputs["input"] - self.V_th * held
        adaptation = jnp.exp(-dt / self.tau_a) * s.adaptation + s.spike
        blocked = jnp.maximum(s.blocked - 1, 0)
        above = (V - self.V_th - self.beta * adaptation) / self.V_th
        spike = Triangular(height=0.3, width=1.0)(above) * (blocked == 0).astype(V.dtype)
        blocked = jnp.where(spike > 0, self.t_ref, blocked)
        return BellecState(V_m=V, adaptation=adaptation, spike=spike, blocked=blocked)

    def read(self, state, name):
        return getattr(state, name)


def built(task, recipe):
    """The network of a recipe: inputs, recurrent neurons, a readout, and their spike counts."""
    channels, size = task.w_in.shape
    outputs = task.w_out.shape[1]
    neuron = Bellec(
        recipe.tau_m * ms,
        recipe.V_th,
        beta=np.broadcast_to(recipe.beta, size),
        tau_a=recipe.tau_a * ms,
        t_ref=recipe.t_ref,
    )
    kept = np.exp(-1 / recipe.tau_out)
    into, out = {"input": recipe.input_factor}, {"input": 1 - kept}
    others = sx.all_to_all(allow_autapses=False)
    return sx.Network(
        {
            "in": sx.Population(sx.Relay(), channels),
            "E": sx.Population(neuron, size),
            "out": sx.Population(sx.LeakyReadout(recipe.tau_out * ms), outputs),
            "count": sx.Population(sx.SpikeCount(), size),
        },
        [
            sx.Projection("in", "E", into, sx.all_to_all(), task.w_in),
            sx.Projection("E", "E", into, others, task.w_rec, 1 * ms),
            sx.Projection("E", "out", out, sx.all_to_all(), task.w_out),
            sx.Projection("E", "count", "input", sx.one_to_one(), 1.0),
        ],
    ).build(dt=1 * ms)


def loss_of(recipe, steps):
    """The task's loss and, in the last step, the regulariser of the rates; `reads` both."""

    def of_task(y, target):
        if not recipe.classes:
            return ((y - target) ** 2).sum() / 2
        return -jax.nn.log_softmax(y)[target]

    def loss(seen, target):
        y, count = seen
        wanted, scored, last = target
        rates = ((count / steps - recipe.target_rate) ** 2).sum() * recipe.c_reg / 2
        return scored * of_task(y, wanted) + last * rates

    loss.reads = ("out.y", "count.count")
    return loss


TRAINED = sx.weights("in->E", "E->E", "E->out")
OTHERS = ~np.eye(100, dtype=bool)


def matrices(net):
    """The weights as matrices, without autapses."""
    edges = [net.edges[name] for name in ("in->E", "E->E", "E->out")]
    w_in, w_rec, w_out = (np.asarray(edge.weight) for edge in edges)
    full = np.zeros(OTHERS.shape)
    full[OTHERS] = w_rec.reshape(-1)
    return w_in, full, w_out


def learn(task, recipe, eprop_numpy):
    """Of each iteration: the loss before, the weights after it."""
    steps = task.iterations[0].inputs.shape[1]
    rule = EProp(feedback=Random(matrices={"E": task.feedback}, readouts=("out",)))
    loss, net = loss_of(recipe, steps), built(task, recipe)
    scored = jnp.arange(steps) >= steps - recipe.window
    last = jnp.arange(steps) == steps - 1
    update = eprop_numpy.Adam() if recipe.classes else eprop_numpy.descend
    for shown in task.iterations:
        found, own = [], []
        for spikes, target in zip(shown.inputs, shown.targets, strict=True):
            wanted = jnp.full(steps, target) if recipe.classes else jnp.asarray(target)
            rows = (wanted, scored.astype(float), last.astype(float))
            inputs = {"in.spike": jnp.asarray(spikes)}
            own.append(own_loss(net, recipe, inputs["in.spike"], rows))
            found.append(rule.gradient(net, net.init_state(), inputs, rows, loss, TRAINED))
        per = len(found) * (recipe.window if recipe.classes else 1)
        gradients = zip(*(matrices(g) for _, g in found), strict=True)
        new = update(matrices(net), [sum(g) / per for g in gradients])
        net = with_matrices(net, *new)
        yield SimpleNamespace(loss=sum(own) / per, weights=matrices(net))


def with_matrices(net, w_in, w_rec, w_out):
    edges = dict(net.edges)
    given = {"in->E": w_in, "E->E": w_rec[OTHERS], "E->out": w_out}
    for name, value in given.items():
        like = edges[name].weight
        edges[name] = edges[name].replace(weight=jnp.asarray(value).reshape(like.shape))
    return net.replace(edges=edges)


def own_loss(net, recipe, spikes, rows):
    """The loss of the task alone, from a simulation."""

    @jax.jit
    def run(net, spikes, rows):
        record = {"out": "y", "count": "count"}
        inputs = {"in.spike": spikes}
        _, seen = sx.simulate(net, net.init_state(), len(spikes) * ms, inputs=inputs, record=record)
        signals = seen["out.y"].values, seen["count.count"].values
        return jax.vmap(loss_of(recipe, len(spikes)))(signals, rows).sum()

    wanted, scored, last = rows
    return float(run(net, spikes, (wanted, scored, 0 * last)))


CASES = {
    "regression": (tasks.bsshslm_regression, {}, "REGRESSION"),
    "classification": (tasks.bsshslm_classification, {}, 1),
    "classification of two at once": (tasks.bsshslm_classification, {"batch": 2}, 2),
}


# A batch of two is the largest: the grid has it.
EACH = [
    pytest.param(*case, id=name, marks=[pytest.mark.grid] if "two" in name else [])
    for name, case in CASES.items()
]


@pytest.mark.parametrize(("make", "more", "table"), EACH)
def test_losses_and_weights_are_those_of_the_reference(make, more, table, eprop_numpy):
    task, regression = make(**more), table == "REGRESSION"
    recipe = eprop_numpy.regression() if regression else eprop_numpy.classification()
    losses = eprop_numpy.REGRESSION if regression else eprop_numpy.CLASSIFICATION[table]
    numpy = eprop_numpy.learn(task, recipe)
    for expected, learned, truth in zip(
        losses, learn(task, recipe, eprop_numpy), numpy, strict=True
    ):
        assert 0.001 < truth.rate < 0.5
        np.testing.assert_allclose(learned.loss, expected, rtol=1e-8)
        for mine, theirs in zip(learned.weights, truth.weights, strict=True):
            assert np.abs(theirs).max() > 0.01
            np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-10)
