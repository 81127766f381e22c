"""Bad input: what happened, what was expected, what to paste."""

import jax
import numpy as np
import pytest

import spikax as sx
from spikax.errors import (
    ConfigError,
    NumericsError,
    PluginError,
    ShapeError,
    SpikaxError,
    StateError,
    UnitError,
    UnknownNameError,
)
from spikax.units import ms, mV, nS, pA, pF

CELL = sx.Cell(sx.LIF(), exc=sx.Receptor(sx.Expon(5 * ms), sx.COBA(0 * mV)))
E = sx.Population(CELL, 10)
I = sx.Population(CELL, 4)


class TwoChannels(sx.Dynamics):
    """Has a port of two channels."""

    ports = {"syn": sx.Port(channels=("ex", "in"))}

    class State(sx.State):
        y: jax.Array = sx.cell()

    def update(self, state, inputs, *, t, dt):
        return self.State(y=inputs["syn"][0])


def project(pre="E", post="I", port="exc", rule=None, weight=1 * nS, delay=1 * ms, **more):
    return sx.Projection(pre, post, port, rule or sx.all_to_all(), weight, delay, **more)


def build(*projections, populations=None, dt=0.1 * ms):
    return sx.Network(populations or {"E": E, "I": I}, list(projections)).build(dt=dt)


def run(**arguments):
    model = build()
    return sx.simulate(model, model.init_state(), arguments.pop("duration", 1 * ms), **arguments)


def run_across_precisions():
    with jax.enable_x64(True):
        model = build()
        state = model.init_state()
    sx.simulate(model, state, 1 * ms)


def run_a_double_network():
    with jax.enable_x64(True):
        model = build()
    sx.simulate(model, build().init_state(), 1 * ms)


def load_into_another(tmp_path):
    sx.save_state(tmp_path / "s", build().init_state())
    sx.load_state(tmp_path / "s", like=build(populations={"E": E}).init_state())


CASES = {
    "one of several edges unknown": (
        lambda: sx.select(build(project()), sx.weights("E->I", "E->II")),
        UnknownNameError,
        "edge with weights 'E->II'; did you mean 'E->I'",
    ),
    "input to a port that is not there": (
        lambda: build().update(build().init_state(), {"E.curent": 1.0}, t=0, dt=0.1),
        UnknownNameError,
        r"port \(input\) 'E.curent'; did you mean 'E.current'",
    ),
    "a release that releases nothing": (
        lambda: sx.Population(sx.LIF(), 3, release={"x": sx.Relay()}),
        ConfigError,
        "release 'x' is Relay.*no signal 'release'",
    ),
    "a hook off the grid": (
        lambda: run(hooks=[sx.run_every(0.25 * ms, print)]),
        ConfigError,
        "interval of hook print is 0.25 ms; it must be a multiple of dt",
    ),
    "a hook without a time": (lambda: sx.run_at(print), ConfigError, "run_at names no time"),
    "a mean of nothing": (lambda: sx.mean(1 * ms), ConfigError, r"mean\(\) names no signal"),
    "weights that do not change, recorded": (
        lambda: sx.simulate(
            build(project()), build(project()).init_state(), 1 * ms, record={"E->I": "weight"}
        ),
        ConfigError,
        r"nothing that changes; its weights are model.edges\['E->I'\].weight",
    ),
    "values at the spikes of what does not spike": (
        lambda: sx.simulate(
            *(lambda m: (m, m.init_state()))(
                build(populations={"I": sx.Population(sx.StepCurrent(), 2)})
            ),
            1 * ms,
            record={"I": sx.at_spikes("current")},
        ),
        UnknownNameError,
        "signal of population 'I' to record 'spike'",
    ),
    "wrong unit of a parameter": (
        lambda: sx.LIF(tau_m=20 * mV),
        UnitError,
        r"LIF\.tau_m needs a quantity in ms",
    ),
    "bare number": (lambda: sx.LIF(C_m=200), UnitError, r"bare number 200; did you mean 200\*pF"),
    "not a number": (lambda: sx.LIF(C_m="big"), UnitError, r"needs a quantity in pF, got 'big'"),
    "number with a unit where none belongs": (
        lambda: sx.STP(U=0.5 * mV),
        UnitError,
        "needs a plain number",
    ),
    "out of range": (
        lambda: sx.LIF(C_m=0 * pF),
        ConfigError,
        r"LIF\.C_m is 0 pF; it must be finite and > 0",
    ),
    "NaN": (lambda: sx.LIF(tau_m=np.nan * ms), ConfigError, "must be finite"),
    "unknown parameter": (lambda: sx.LIF(tau=20 * ms), UnknownNameError, "did you mean 'tau_m'"),
    "unknown choice": (
        lambda: sx.LIF(reset="medium"),
        UnknownNameError,
        "choice for LIF.reset 'medium'",
    ),
    "missing parameter": (
        lambda: sx.Receptor(sx.Expon()),
        ConfigError,
        "Receptor needs a value for coupling",
    ),
    "time constants the wrong way round": (
        lambda: sx.DualExpon(5 * ms, 1 * ms),
        ConfigError,
        r"use Alpha\(tau\)",
    ),
    "unsorted times": (lambda: sx.SpikeTimes([3, 1] * ms), ConfigError, "must be sorted"),
    "unknown model": (lambda: sx.model("LIFF"), UnknownNameError, "did you mean 'LIF'"),
    "model of a pack that is missing": (
        lambda: sx.model("aeif_cond_expp"),
        UnknownNameError,
        "no model 'aeif_cond_expp'",
    ),
    "unknown population": (
        lambda: build(project(post="II")),
        UnknownNameError,
        "population .*'II'; did you mean 'I'",
    ),
    "unknown port": (
        lambda: build(project(port="ext")),
        UnknownNameError,
        "port of population 'I' 'ext'; did you mean 'exc'",
    ),
    "unknown receptor among several": (
        lambda: build(project(port={"exc": 1, "inh": 2})),
        UnknownNameError,
        "'inh'",
    ),
    "unknown signal": (
        lambda: build(project(signal="spikes")),
        UnknownNameError,
        "did you mean 'spike'",
    ),
    "channel of a plain port": (
        lambda: build(project(port="exc.a")),
        UnknownNameError,
        "channel of port 'exc'",
    ),
    "wrong unit of a weight": (
        lambda: build(project(weight=1 * pA)),
        UnitError,
        r"weight of edge 'E->I' needs a quantity in nS.*1\*nS",
    ),
    "wrong unit of a distribution": (
        lambda: build(project(weight=sx.Normal(1 * pA, 1 * pA))),
        UnitError,
        "weight of edge 'E->I'",
    ),
    "NaN weight": (
        lambda: build(project(weight=np.nan * nS)),
        ConfigError,
        "weight of edge 'E->I' is nan nS",
    ),
    "one NaN among the weights": (
        lambda: build(project(weight=np.where(np.eye(10, 4) > 0, np.nan, 1.0) * nS)),
        ConfigError,
        "is nan nS",
    ),
    "weights of another shape": (
        lambda: build(project(weight=np.ones((4, 10)) * nS)),
        ShapeError,
        r"shape \(4, 10\); expected one number, \(40,\)",
    ),
    "wrong unit of a delay": (
        lambda: build(project(delay=1 * mV)),
        UnitError,
        "delay of edge 'E->I'",
    ),
    "negative delay": (
        lambda: build(project(delay=-1 * ms)),
        ConfigError,
        "is -1 ms; it must be finite and not neg",
    ),
    "infinite delay": (lambda: build(project(delay=np.inf * ms)), ConfigError, "is inf ms"),
    "delay off the grid": (
        lambda: build(project(delay=0.25 * ms)),
        ConfigError,
        "0.25 ms, which is not a multiple of dt",
    ),
    "delay below a step": (
        lambda: build(project(delay=0.04 * ms)),
        ConfigError,
        "0.04 ms, which is not a multiple of dt",
    ),
    "delays of synapses below a step": (
        lambda: build(project(delay=np.zeros((10, 4)) * ms)),
        ConfigError,
        "at least one step, dt = 0.1 ms",
    ),
    "cycle without delay": (
        lambda: build(project(delay=None), project("I", "E", delay=None)),
        ConfigError,
        "form a cycle, .*delay=1",
    ),
    "population onto itself without delay": (
        lambda: build(project("E", "E", delay=None)),
        ConfigError,
        "form a cycle, E -> E",
    ),
    "probability above one": (lambda: sx.pairwise_bernoulli(1.5), ConfigError, "1.5"),
    "negative probability": (lambda: sx.pairwise_bernoulli(-0.1), ConfigError, "-0.1"),
    "fan-in larger than the population": (
        lambda: build(project(rule=sx.fixed_indegree(11, allow_multapses=False))),
        ConfigError,
        "edge 'E->I'.*11.*10",
    ),
    "one_to_one of different sizes": (
        lambda: build(project(rule=sx.one_to_one())),
        ShapeError,
        "edge 'E->I'.*10.*4",
    ),
    "no rule": (
        lambda: build(project(rule=0.1)),
        ConfigError,
        r"such as pairwise_bernoulli\(0\.1\), got 0\.1",
    ),
    "zero neurons": (lambda: sx.Population(CELL, 0), ShapeError, "at least one, got size 0"),
    "size that is no number": (
        lambda: sx.Population(CELL, "many"),
        ShapeError,
        "a whole number of neurons, at least one, got size 'many'",
    ),
    "a class for a model": (lambda: sx.Population(sx.LIF, 3), ConfigError, r"such as LIF\(\)"),
    "no population": (lambda: sx.Network({}), ConfigError, "at least one population"),
    "population without Population": (
        lambda: sx.Network({"E": CELL}),
        ConfigError,
        r"write Population",
    ),
    "name with a dot": (lambda: sx.Network({"E.x": E}), ConfigError, "cannot name a population"),
    "duplicate edges": (
        lambda: build(project(), project()),
        ConfigError,
        r"2 edges are called 'E->I:exc'.*name=",
    ),
    "duplicate names": (
        lambda: build(project(name="a"), project("I", "E", name="a")),
        ConfigError,
        "2 edges are called 'a'",
    ),
    "receptor named like a port": (
        lambda: sx.Cell(sx.LIF(), current=CELL.receptors["exc"]),
        ConfigError,
        "'current', which is a port",
    ),
    "receptor that is none": (
        lambda: sx.Cell(sx.LIF(), exc=sx.Expon()),
        ConfigError,
        "write Receptor",
    ),
    "release named like a signal": (
        lambda: sx.Population(CELL, 3, {"V_m": sx.STP()}),
        ConfigError,
        "a signal of",
    ),
    "ports of different units": (
        lambda: build(project(port={"exc": 1, "current": 1})),
        ConfigError,
        "different units",
    ),
    "parameter of another length": (
        lambda: build(populations={"E": sx.Population(sx.LIF(tau_m=np.ones(3) * ms), 5)}),
        ShapeError,
        r"population 'E': LIF\.tau_m has shape \(3,\); the population has 5 neurons",
    ),
    "trains of another number": (
        lambda: build(
            populations={"S": sx.Population(sx.SpikeTimes(np.ones((2, 3)) * ms), 5)}
        ).init_state(),
        ShapeError,
        "holds 3 trains, the population has 5",
    ),
    "dt that does not divide t_ref": (
        lambda: build(dt=0.3 * ms),
        ConfigError,
        r"population 'E': LIF\.t_ref is 2 ms, not a multiple of dt = 0\.3 ms",
    ),
    "dt without unit": (lambda: build(dt=0.1), UnitError, r"dt needs .*0\.1\*ms"),
    "dt of zero": (lambda: build(dt=0 * ms), ConfigError, "dt is 0 ms; it must be positive"),
    "duration off the grid": (
        lambda: run(duration=1.05 * ms),
        ConfigError,
        "duration is 1.05 ms; it must be a multiple of dt",
    ),
    "duration of zero": (
        lambda: run(duration=0 * ms),
        ConfigError,
        "duration is 0 ms; it must be a multiple of dt = 0.1 ms, at least one",
    ),
    "recording an unknown variable": (
        lambda: run(record={"E": "V"}),
        UnknownNameError,
        "signal of population 'E' to record 'V'",
    ),
    "recording an unknown population": (
        lambda: run(record={"X": "spike"}),
        UnknownNameError,
        "population or projection to record 'X'",
    ),
    "recording twice": (
        lambda: run(record={"E": ["V_m", sx.every(1 * ms, "V_m")]}),
        ConfigError,
        "recorded twice",
    ),
    "recording off the grid": (
        lambda: run(record={"E": sx.every(0.25 * ms, "V_m")}),
        ConfigError,
        r"interval of E\.V_m is 0.25 ms; it must be a multiple",
    ),
    "recording a neuron that is not there": (
        lambda: run(record={"E": sx.every(1 * ms, "V_m", where=[10])}),
        ShapeError,
        "has indices 0 to 9",
    ),
    "input to an unknown port": (
        lambda: run(inputs={"E.curent": 1 * pA}),
        UnknownNameError,
        "did you mean 'current'",
    ),
    "input of the wrong unit": (
        lambda: run(inputs={"E.current": 1.0}),
        UnitError,
        r"input 'E\.current'.*1\.0\*pA",
    ),
    "input of the wrong shape": (
        lambda: run(inputs={"E.current": np.ones(3) * pA}),
        ShapeError,
        r"shape \(3,\); expected one number, \(10,\)",
    ),
    "too many Poisson spikes": (
        lambda: build(
            populations={"P": sx.Population(sx.Poisson(1e6 * sx.units.Hz), 2)}, dt=0.1 * ms
        ),
        ConfigError,
        "makes 100 spikes in a step of 0.1 ms, at most 50",
    ),
    "precision": (
        lambda: sx.Simulation(sx.Network({"E": E}), dt=0.1 * ms, precision="half"),
        ConfigError,
        "'float32' or 'float64'",
    ),
    "built in another precision": (
        run_across_precisions,
        ConfigError,
        r"nodes\.E\.neuron\.V_m is float64, the precision in force is float32; .*x64\(True\)",
    ),
    "channels among several ports": (
        lambda: build(
            project("E", "T", {"syn.ex": 1, "syn.in": 0.5}, weight=1.0),
            populations={"E": E, "T": sx.Population(TwoChannels(), 2)},
        ),
        ConfigError,
        r"'syn.ex' has channels \('ex', 'in'\); use one projection each",
    ),
    "no port": (lambda: build(project(port={})), ConfigError, "ends on no port"),
    "factor of a port that is not finite": (
        lambda: build(project(port={"exc": np.nan})),
        ConfigError,
        "factor nan for port 'exc'; it must be finite",
    ),
    "spike at the time zero, where no step ends": (
        lambda: sx.SpikeTimes([0, 1] * ms),
        ConfigError,
        "SpikeTimes.times is 0 ms; it must be finite and > 0 ms",
    ),
    "unsorted changes of a current": (
        lambda: sx.StepCurrent([5, 1] * ms, [1, 2] * pA),
        ConfigError,
        "StepCurrent.times must be sorted",
    ),
    "one number for the changes of a current": (
        lambda: sx.StepCurrent(5 * ms, 1 * pA),
        ShapeError,
        r"shape \(\); give a list of times",
    ),
    "out of range in a unit that is not coherent": (
        lambda: sx.Poisson(-10 * sx.units.Hz),
        ConfigError,
        r"Poisson\.rate is -10 Hz",
    ),
    "one of several time constants the wrong way round": (
        lambda: sx.DualExpon([1.0, 6.0] * ms, 5 * ms),
        ConfigError,
        "tau_rise = 6 ms must be below tau_decay = 5 ms",
    ),
    "one of several values off the grid": (
        lambda: sx.LIF(t_ref=[2.0, 2.05] * ms).check(0.1),
        ConfigError,
        r"LIF\.t_ref is 2\.05 ms, not a multiple of dt",
    ),
    "one of several spike trains off the grid": (
        lambda: sx.SpikeTimes.from_trains([[1.0] * ms, [1.05] * ms]).check(0.1),
        ConfigError,
        r"SpikeTimes\.times is 1\.05 ms, not a multiple of dt",
    ),
    "complex number": (
        lambda: sx.LIF(tau_m=np.array(20 + 3j) * ms),
        UnitError,
        r"LIF\.tau_m needs a quantity in ms, got '20.*3.*j ms'",
    ),
    "duration that is no number": (
        lambda: run(duration=np.nan * ms),
        ConfigError,
        "duration is nan ms",
    ),
    "no steps in a chunk of a scan": (
        lambda: jax.jit(lambda: run(chunk=0))(),
        ConfigError,
        "chunk is 0 steps",
    ),
    "record no signal": (
        lambda: sx.every(1 * ms),
        ConfigError,
        "names no signal",
    ),
    "record no neuron": (
        lambda: sx.every(1 * ms, "V_m", where=[]),
        ConfigError,
        "at least one neuron",
    ),
    "record a neuron twice": (
        lambda: sx.every(1 * ms, "V_m", where=[2, 2]),
        ConfigError,
        "each once",
    ),
    "spikes at an interval": (
        lambda: run(record={"E": sx.every(1 * ms, "spike")}),
        ConfigError,
        r"E\.spike is recorded every 1 ms, which leaves out the spikes between",
    ),
    "populations without names": (
        lambda: sx.Network([E]),
        ConfigError,
        "populations are list; name each of them",
    ),
    "projection without a list": (
        lambda: sx.Network({"E": E, "I": I}, project()),
        ConfigError,
        "projections are Projection; write a list",
    ),
    "receptor the wrong way round": (
        lambda: sx.Receptor(sx.COBA(), sx.Expon()),
        ConfigError,
        r"of COBA\(.*\) and Expon\(.*\); it takes a time course and a coupling",
    ),
    "class for a neuron": (
        lambda: sx.Cell(sx.LIF),
        ConfigError,
        r"a cell needs a neuron such as LIF\(\), got <class",
    ),
    "class for a surrogate": (
        lambda: sx.LIF(surrogate=sx.SuperSpike),
        ConfigError,
        r"LIF\.surrogate is <class .*; write for example SuperSpike\(\)",
    ),
    "name for a surrogate": (
        lambda: sx.LIF().replace(surrogate="SuperSpike"),
        ConfigError,
        "LIF.surrogate is 'SuperSpike'",
    ),
    "record without a population": (
        lambda: run(record="spike"),
        ConfigError,
        r"record is 'spike'; name the population",
    ),
    "spikes drawn as a line": (
        lambda: run(record={"E": "spike"})[1].plot("E.spike"),
        ConfigError,
        r"E\.spike is not a series of values; write recording\.plot_raster\(\)",
    ),
    "pattern of a part of the path": (
        lambda: sx.select(build(), "tau_m"),
        ConfigError,
        r"nothing matches 'tau_m'; the paths are nodes\.E\.neuron\.tau_m",
    ),
    "weights of an edge that is not there": (
        lambda: sx.select(build(project()), sx.weights("E->E")),
        ConfigError,
        r"nothing matches weights\('E->E'\); the paths are edges\.E->I\.weight",
    ),
    "network that is not built": (
        lambda: sx.simulate(sx.Network({"E": E}), None, 1 * ms),
        ConfigError,
        r"needs a built network, got Network; write model = net\.build\(",
    ),
    "no state": (
        lambda: sx.simulate(build(), None, 1 * ms),
        ConfigError,
        r"needs a state of the network, got NoneType; write state = model\.init_state\(\)",
    ),
    "network of another precision": (
        run_a_double_network,
        ConfigError,
        r"neuron\.V_th is float64, the precision in force is float32",
    ),
    "upstroke that outgrows floating point": (
        lambda: build(populations={"E": sx.Population(sx.AdExIF(V_peak=0 * mV), 2)}),
        ConfigError,
        r"AdExIF\.V_peak = 0 mV is out of reach of a step of 0\.1 ms",
    ),
    "traced build": (
        lambda: jax.grad(lambda w: build(project(weight=w * nS)).dt * w)(1.0),
        ConfigError,
        "build it first, then differentiate",
    ),
    "delay far below a step": (
        lambda: build(project(delay=1e-8 * ms)),
        ConfigError,
        "1e-08 ms, below one step, dt = 0.1 ms",
    ),
    "unbuilt distribution": (
        lambda: sx.LIF(V_init=sx.Normal(-60 * mV, 1 * mV)).init_state(3, key=0, dt=0.1),
        ConfigError,
        "sampled when a Network is built",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name):
    call, error, match = CASES[name]
    with pytest.raises(error, match=match) as caught:
        call()
    assert isinstance(caught.value, SpikaxError)


def test_state_of_another_network(tmp_path):
    with pytest.raises(StateError, match=r"nodes\.I\.neuron\.V_m is not in this network"):
        load_into_another(tmp_path)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (UnitError, TypeError),
        (UnknownNameError, KeyError),
        (ShapeError, ValueError),
        (ConfigError, ValueError),
        (StateError, ValueError),
        (PluginError, ValueError),
        (NumericsError, ValueError),
    ],
)
def test_the_family_of_errors(error, builtin):
    assert issubclass(error, SpikaxError)
    assert issubclass(error, builtin)
    assert str(error("line one\nline two")) == "line one\nline two"


@pytest.mark.parametrize(
    ("module", "extra", "call"), [("matplotlib.pyplot", "plot", "plot_raster")]
)
def test_missing_extra_says_what_to_install(module, extra, call, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, module, None)
    _, rec = run(record={"E": "spike"})
    with pytest.raises(ConfigError, match=rf'pip install "spikax\[{extra}\]"'):
        getattr(rec, call)()


def test_a_size_that_numpy_counted_is_a_size():
    assert sx.Population(sx.LIF(), np.arange(3).size * np.int64(2)).size == 6


def test_recordings_print_in_one_line():
    _, recording = run(record={"E": ["spike", sx.every(0.5 * ms, "V_m", where=[1])]})
    assert repr(recording) == (
        "Recording(E.spike: Spikes(<0 of 10 neurons>, 0 to 1 ms), "
        "E.V_m: Series(<2x1> mV, every 0.5 ms))"
    )
