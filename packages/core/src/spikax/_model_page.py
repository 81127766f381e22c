"""What the command line shows of a model: everything that its class declares."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING
from typing import Any

from spikax._component import Component
from spikax._distributions import Distribution
from spikax._fields import Parameter, Part, Static, parameters
from spikax._system import Dynamics, System
from spikax.errors import ConfigError, PluginError
from spikax.plugins import Model
from spikax.units import in_unit

Row = dict[str, Any]


def page(record: Model) -> dict[str, Any]:
    """A model's equations, parameters, choices, ports, signals and source, ready for JSON.

    Raises:
        PluginError: the target does not load, or is no class of models.
    """
    model = record.load()
    if not (inspect.isclass(model) and issubclass(model, Component)):
        raise PluginError(
            f"model {record.name!r} of {record.origin} names {record.target!r}, "
            f"which is {model!r}; expected a class such as spikax.Dynamics."
        )
    example = _example(model)
    return {
        "name": record.name,
        "family": record.family,
        "target": record.target,
        "reference": record.reference,
        "origin": str(record.origin),
        "equations": inspect.cleandoc(model.__doc__ or ""),
        "parameters": [_parameter(p, example) for p in parameters(model)],
        "choices": [_choice(f) for f in model.declared.values() if isinstance(f, Static)],
        "parts": [_part(f) for f in model.declared.values() if isinstance(f, Part)],
        "ports": _ports(model, example),
        "signals": _signals(model, example),
    }


def _parameter(parameter: Parameter, example: Any) -> Row:
    return {
        "name": parameter.name,
        "default": _default(parameter, example),
        "unit": str(parameter.unit),
        "range": parameter.bounds,
        "derived": "from the others" if _is_derived(parameter) else "",
        "meaning": parameter.doc,
    }


def _is_derived(parameter: Parameter) -> bool:
    return parameter.default is not MISSING and callable(parameter.default)


def _default(parameter: Parameter, example: Any) -> Any:
    if parameter.default is MISSING:
        return "required"
    if parameter.default is None:
        return "none"
    if not _is_derived(parameter):
        value = parameter.convert(parameter.default, parameter.name)
    elif isinstance(example, type):
        return ""
    else:
        value = getattr(example, parameter.name)
    if isinstance(value, Distribution):
        return str(value)
    return in_unit(value, parameter.unit).tolist()


def _part(part: Part) -> Row:
    default = "required" if part.default is MISSING else str(part.default)
    return {"name": part.name, "default": default, "meaning": part.doc}


def _choice(choice: Static) -> Row:
    default = "required" if choice.default is MISSING else str(choice.default)
    options = ", ".join(map(str, choice.choices))
    return {"name": choice.name, "default": default, "choices": options, "meaning": choice.doc}


def _example(model: type[Component]) -> Any:
    """A model with its defaults; the class itself where it lacks some."""
    try:
        return model()
    except ConfigError:
        return model


def _ports(model: type[Component], example: Any) -> list[Row]:
    declared = example.ports if issubclass(model, System) else {}
    # Ports that depend on what the model is made of are unknown before it is made.
    ports = declared if isinstance(declared, Mapping) else {}
    return [
        {"name": name, "unit": str(port.unit), "channels": ", ".join(port.channels)}
        for name, port in ports.items()
    ]


def _signals(model: type[Component], example: Any) -> list[Row]:
    if not issubclass(model, Dynamics):
        return []
    cells = model.State.cells
    declared = example.signals
    signals = declared if isinstance(declared, Mapping) else {n: c.unit for n, c in cells.items()}
    return [
        {"name": name, "unit": str(unit), "meaning": cells[name].doc if name in cells else ""}
        for name, unit in signals.items()
    ]
