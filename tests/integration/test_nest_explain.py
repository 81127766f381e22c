"""What online rules say of networks that PyNEST describes."""

import jax
import nest_fuzz as fuzz
import numpy as np
import optax
import pytest
from learning_networks import by_path

import spikax as sx
import spikax_nest as nest
from spikax.errors import ConfigError
from spikax_learning import BPTT, DRTRL, EProp, explain, mse
from spikax_nest._models import MODELS

pytestmark = pytest.mark.usefixtures("x64")
PRECISE = [m.name for m in MODELS if ".neurons." in m.target and "_ps" in m.name]
# What sends nothing that a static synapse transmits, and what ignores all that arrives.
APART = {*PRECISE, "eprop_readout", "eprop_readout_bsshslm_2020", "ignore_and_fire"}
NEURONS = [m.name for m in MODELS if ".neurons." in m.target and m.name not in APART]
RATES = {name: "rate_connection_delayed" for name in NEURONS if "rate_" in name}
RATES |= {"siegert_neuron": "diffusion_connection"}
RECEPTOR = {"iaf_tum_2000": 1}
BINARY = ("ginzburg_neuron", "erfc_neuron", "mcculloch_pitts_neuron")
TWO_RECEPTORS = {
    "E_rev": [0.0, -80.0],
    "tau_rise": [1.0, 1.0],
    "tau_decay": [2.0, 5.0],
    "tau_syn": [2.0, 5.0],
    "tau_syn_fast": [2.0, 5.0],
    "tau_syn_slow": [6.0, 9.0],
    "amp_slow": [0.3, 0.3],
}


def reader_of(name):
    """A model of other neurons, which the loss reads."""
    return "iaf_psc_alpha" if name == "iaf_psc_delta" else "iaf_psc_delta"


def to_a_reader(name, synapse="static_synapse"):
    """Four nodes of a model, connected among themselves, that send to two of another."""
    nest.ResetKernel()
    several = len(fuzz.receptors_of(name)) > 1
    known = nest.GetDefaults(name) if several else {}
    nodes = nest.Create(name, 4, {k: v for k, v in TWO_RECEPTORS.items() if k in known})
    among = {"synapse_model": synapse, "receptor_type": 2 if several else RECEPTOR.get(name, 0)}
    nest.Connect(nodes, nodes, syn_spec=among)
    if name not in (*RATES, *BINARY):
        nest.Connect(nodes, nest.Create(reader_of(name), 2), syn_spec={"delay": 2.0})
    return nest.network()[0]


# The grid has the others.
OFTEN = {"iaf_psc_exp", "aeif_cond_alpha_multisynapse", "lin_rate_ipn", "ginzburg_neuron"}
EACH = [pytest.param(n, marks=[] if n in OFTEN else [pytest.mark.grid]) for n in NEURONS]


@pytest.mark.parametrize("rule", [DRTRL(), EProp(), BPTT()], ids=lambda r: type(r).__name__)
@pytest.mark.parametrize("name", EACH)
def test_every_neuron_is_accounted_for(name, rule):
    if name in RATES:
        net, reads = to_a_reader(name, RATES[name]), f"{name}.rate"
    elif name in BINARY:
        net, reads = to_a_reader(name), f"{name}.h"
    else:
        net, reads = to_a_reader(name), f"{reader_of(name)}.V_m"
    said = {entry.path: entry for entry in explain(net, rule, loss=mse(reads))}
    assert said.keys() == {f"edges.{edge}.weight" for edge in net.edges}
    for path, entry in said.items():
        assert entry.how
        assert entry.why
        # What a recurrent connection does in turn is cut by online rules, and only that.
        assert entry.exact == (isinstance(rule, BPTT) or f"->{reader_of(name)}:" in path), entry


def test_what_arrives_at_precise_times_is_no_affair_of_online_rules():
    net = to_a_reader("iaf_psc_exp_ps")
    with pytest.raises(ConfigError, match=r"iaf_psc_exp_ps->iaf_psc_exp_ps.*keeps events apart"):
        explain(net, DRTRL(), loss=mse("iaf_psc_delta.V_m"))


@pytest.mark.parametrize("synapse", ["stdp_synapse", "tsodyks_synapse", "bernoulli_synapse"])
def test_synapses_that_change_by_themselves_are_named(synapse):
    net = to_a_reader("iaf_psc_exp", synapse)
    with pytest.raises(ConfigError, match=f"iaf_psc_exp->iaf_psc_exp:syn:.*{synapse}"):
        explain(net, DRTRL(), loss=mse("iaf_psc_delta.V_m"))


def test_a_network_of_pynest_learns_online():
    """Two populations with a delay between them are trained to a potential, step by step."""
    nest.ResetKernel()
    first = nest.Create("iaf_psc_exp", 6, {"I_e": [380.0, 400.0, 420.0, 450.0, 480.0, 500.0]})
    second = nest.Create("iaf_psc_exp_multisynapse", 2, {"tau_syn": [5.0], "V_th": 1000.0})
    nest.Connect(first, second, syn_spec={"weight": 20.0, "delay": 1.5, "receptor_type": 1})
    net, state = nest.network()
    reads, rule, optimizer = "iaf_psc_exp_multisynapse.V_m", DRTRL(), optax.adam(10.0)
    targets = np.full((1500, 2), [-65.0, -68.0])
    losses = []
    held, rest = sx.select(net, "weight")
    opt = optimizer.init(held)
    for _ in range(20):
        loss, gradient = rule.gradient(net, state, {}, targets, mse(reads), "weight")
        with jax.numpy_dtype_promotion("standard"):  # what optax is written for
            steps, opt = optimizer.update(gradient, opt, held)
        held = optax.apply_updates(held, steps)
        net = sx.merge(held, rest)
        losses.append(float(loss))
    assert losses[-1] < 0.3 * losses[0], losses
    assert all(np.abs(value).max() > 0 for value in by_path(gradient).values())
    assert jax.tree.structure(held) == jax.tree.structure(gradient)
