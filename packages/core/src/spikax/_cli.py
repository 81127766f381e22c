"""The command `spikax`: what is installed, what a model is, what is wrong."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from spikax import _cli_text
from spikax._doctor import examine, examine_kernels, summary
from spikax._kernel_selftest import selftest
from spikax._model_page import page
from spikax._new_plugin import write_plugin
from spikax.errors import SpikaxError
from spikax.plugins import Kernel, Model, PluginWarning, Registry, registry

OK, UNWELL, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 where `doctor` found a problem; 2 for a wrong call or a name that nothing answers to.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except SpikaxError as error:
        sys.stderr.write(f"spikax: {error}\n")
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("spikax", description="Look into an installation of spikax.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for run, text in (
        (plugins, "the plugins: version, API, records, and whether they loaded"),
        (models, "the models by family, or all about one"),
        (doctor, "versions, devices, plugins, kernels, and what is wrong"),
    ):
        command = commands.add_parser(run.__name__, help=text, description=text)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=run)
    commands.choices["models"].add_argument("name", nargs="?", metavar="NAME", help="a model")
    commands.choices["doctor"].add_argument(
        "--selftest",
        action="store_true",
        help="try every kernel of this machine on many calls, and time it: takes a minute or more",
    )
    text = "write a plugin to begin with: a package with a model and its tests"
    command = commands.add_parser("new-plugin", help=text, description=text)
    command.add_argument("name", metavar="NAME", help="the package is called spikax_NAME")
    command.add_argument("--path", metavar="DIR", help="folder to make, else spikax-NAME")
    command.set_defaults(run=new_plugin)
    return parser


def plugins(options: argparse.Namespace) -> int:
    """List the plugins, the broken ones with the reason."""
    rows = [summary(plugin) for plugin in _lenient().plugins]
    _write(options, rows, _cli_text.plugins(rows))
    return OK


def models(options: argparse.Namespace) -> int:
    """List the models, or show one."""
    found = registry()
    if options.name is not None:
        content = page(found.find(Model, options.name))
        _write(options, content, _cli_text.page(content))
        return OK
    rows = [
        {
            "name": model.name,
            "family": model.family,
            "plugin": model.origin.plugin if model.origin else "",
            "summary": model.summary,
            "reference": model.reference,
            "target": model.target,
        }
        for model in found.records(Model).values()
    ]
    _write(options, rows, _cli_text.models(rows))
    return OK


def doctor(options: argparse.Namespace) -> int:
    """Examine the installation."""
    found = _lenient()
    if options.selftest:
        facts = examine_kernels(found, selftest(found.records(Kernel).values()))
    else:
        facts = examine(found)
    _write(options, facts, _cli_text.report(facts))
    return UNWELL if facts["problems"] else OK


def new_plugin(options: argparse.Namespace) -> int:
    """Write a plugin to begin with."""
    folder = Path(options.path or f"spikax-{options.name}")
    write_plugin(options.name, folder)
    sys.stdout.write(
        f"{folder} is a plugin with a model, the resonator. Install it, look at it, test it:\n\n"
        f"  cd {shlex.quote(str(folder))}\n"
        "  pip install -e . pytest\n"
        "  spikax models resonator\n"
        "  pytest\n"
    )
    return OK


def _lenient() -> Registry:
    """The plugins, whatever is wrong with them: these commands show it themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        return Registry(strict=False)


def _write(options: argparse.Namespace, content: Any, lines: Iterable[str]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) if options.json else "\n".join(lines)
    sys.stdout.write(f"{text.rstrip()}\n")
