"""Load every plugin, keep what the good ones offer, and say once what is wrong with the others."""

from __future__ import annotations

import dataclasses
import functools
import types
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

import pluggy

from spikax import errors
from spikax._plugins import _discovery, _hooks
from spikax._plugins._discovery import EntryPoint
from spikax._plugins._packs import install_hint
from spikax._plugins._records import KINDS, Model, Origin, R, Record
from spikax.errors import PluginError

API = 1


class PluginWarning(UserWarning):
    """A plugin was left out."""


@dataclasses.dataclass(frozen=True)
class Plugin:
    """What became of one plugin.

    Attributes:
        origin: Its entry point, distribution and version.
        status: "ok", "disabled" by an environment variable, or "error".
        api: The plugin API it was written for; None where it did not get that far.
        counts: How many records of each kind it offers.
        error: Why it was left out.
    """

    origin: Origin
    status: Literal["ok", "disabled", "error"]
    api: int | None = None
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict[str, int])
    error: str = ""


class _Host(pluggy.PluginManager):
    """A plugin manager that looks for hooks without importing what a plugin imports on demand."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        lazy = isinstance(plugin, types.ModuleType) and name not in vars(plugin)
        return None if lazy else super().parse_hookimpl_opts(plugin, name)


class Registry:
    """Everything that core and the installed plugins offer, by kind and name.

    A plugin is taken whole or not at all. One that fails is reported once, by a `PluginWarning`,
    and never hides the others. `SPIKAX_PLUGINS=a,b` loads only those, `SPIKAX_DISABLE_PLUGINS=a,b`
    all but those, `SPIKAX_STRICT_PLUGINS=1` makes the first failure an error.

    Args:
        strict: Raise where a plugin fails; by default as the environment says.
        entry_points: The plugins; by default the installed ones.
    """

    plugins: tuple[Plugin, ...]

    def __init__(
        self, strict: bool | None = None, entry_points: Iterable[EntryPoint] | None = None
    ):
        self._strict = _discovery.strict() if strict is None else strict
        self._host = _Host("spikax")
        self._host.add_hookspecs(_hooks)
        self._records: dict[type[Record], dict[str, Record]] = {kind: {} for kind in KINDS}
        self._owners: dict[str, Origin] = {}
        self._unusable: set[str] = set()
        found = _discovery.installed() if entry_points is None else entry_points
        self.plugins = tuple(self._admit(entry) for entry in (_discovery.Core(), *found))
        self._check_allowed()

    def records(self, kind: type[R]) -> Mapping[str, R]:
        """All records of one kind, by name."""
        return types.MappingProxyType(cast("dict[str, R]", self._records[kind]))

    def find(self, kind: type[R], name: str) -> R:
        """The record of that name.

        Raises:
            UnknownNameError: there is none; with the nearest names and what to install.
        """
        known = self.records(kind)
        if name in known:
            return known[name]
        raise errors.unknown(kind.kind, name, known, self._hint(kind, name))

    def usable(self, record: Record) -> Any:
        """The target of a record; None where it does not load, reported once for its module."""
        try:
            return record.load()
        except PluginError as cause:
            if self._strict or record.module not in self._unusable:
                self._unusable.add(record.module)
                self._complain(f"{cause} What there is besides is used instead.", cause)
            return None

    def _hint(self, kind: type[Record], name: str) -> str:
        status = {plugin.origin.plugin: plugin.status for plugin in self.plugins}
        install = install_hint(kind, name, status)
        missing = [f"{plugin} ({why})" for plugin, why in status.items() if why != "ok"]
        left_out = f"Left out: {', '.join(missing)}; see `spikax plugins`." if missing else ""
        return install or left_out

    def _admit(self, entry: EntryPoint) -> Plugin:
        origin = _discovery.origin(entry)
        if not _discovery.enabled(entry):
            return Plugin(origin, "disabled")
        try:
            return self._load(entry, origin)
        # A plugin that exits while it is imported is as broken as one that raises.
        except (Exception, SystemExit) as cause:
            error = _explain(origin, cause)
            self._complain(f"{origin} was skipped: {error}", cause)
            return Plugin(origin, "error", error=error)

    def _load(self, entry: EntryPoint, origin: Origin) -> Plugin:
        owner = self._owners.get(origin.plugin)
        if owner is not None:
            raise PluginError(f"its name is already taken by {owner}; rename one of the two")
        plugin = entry.load()
        api = getattr(plugin, "SPIKAX_API", API)
        if api > API:
            raise PluginError(
                f"it needs plugin API {api}, this core has {API}; "
                "upgrade core with `pip install --upgrade spikax`"
            )
        records = self._collect(plugin, origin)
        for record in records:
            self._records[type(record)][record.name] = record
        self._owners[origin.plugin] = origin
        return Plugin(origin, "ok", api, dict(Counter(record.plural() for record in records)))

    def _collect(self, plugin: object, origin: Origin) -> list[Record]:
        self._host.register(plugin, origin.plugin)
        try:
            self._check_hooks(plugin)
            offered = [record for kind in KINDS for record in self._offered(plugin, kind)]
            records = [dataclasses.replace(record, origin=origin) for record in offered]
            self._check_names(records)
        except BaseException:
            self._host.unregister(plugin)
            raise
        return records

    def _check_hooks(self, plugin: object) -> None:
        hooks = [kind.hook for kind in KINDS]
        callers = self._host.get_hookcallers(plugin) or []
        try:
            self._host.check_pending()
        except pluggy.PluginValidationError as cause:
            odd = next(caller.name for caller in callers if not caller.has_spec())
            raise errors.unknown("hook", odd, hooks) from cause
        unmarked = (set(hooks) & set(dir(plugin))) - {caller.name for caller in callers}
        if unmarked:
            raise PluginError(f"its {min(unmarked)} lacks a mark; write @hookimpl above it")

    def _offered(self, plugin: object, kind: type[R]) -> list[R]:
        caller: pluggy.HookCaller = getattr(self._host.hook, kind.hook)
        given: list[Any] = [
            impl.function() for impl in caller.get_hookimpls() if impl.plugin is plugin
        ]
        for records in given:
            if not isinstance(records, Iterable):
                raise PluginError(f"its {kind.hook} returns {records!r}; let it yield records")
        offered = [record for records in given for record in records]
        for record in offered:
            if type(record) is not kind:
                raise PluginError(
                    f"its {kind.hook} yields {record!r}; let it yield {kind.__name__}(name, target)"
                )
        return offered

    def _check_names(self, records: list[Record]) -> None:
        seen: dict[tuple[type[Record], str], Record] = {}
        for record in records:
            known = self._records[type(record)].get(record.name)
            other = known or seen.get((type(record), record.name))
            if other is not None:
                raise PluginError(
                    f"its {record.kind} {record.name!r} is already provided by {other.origin}; "
                    "rename one of the two"
                )
            seen[type(record), record.name] = record

    def _check_allowed(self) -> None:
        names = [plugin.origin.plugin for plugin in self.plugins]
        for name in _discovery.allowed() or ():
            if name not in names:
                unknown = errors.unknown("plugin", name, names, "SPIKAX_PLUGINS asks for it.")
                self._complain(str(unknown), unknown)

    def _complain(self, message: str, cause: BaseException) -> None:
        if self._strict:
            raise PluginError(message) from cause
        warnings.warn(message, PluginWarning, stacklevel=3)


@functools.cache
def registry() -> Registry:
    """The registry of this process, filled on first use."""
    return Registry()


def model(name: str) -> Any:
    """The model class of that name, from core or any installed plugin.

    Raises:
        UnknownNameError: no such model; with the nearest names, and what to install if an official
            pack has it.
        PluginError: a plugin names a class that cannot be imported.
    """
    return registry().find(Model, name).load()


def _explain(origin: Origin, cause: BaseException) -> str:
    if isinstance(cause, PluginError):
        return f"{cause}, or {origin.leave_out}."
    named = isinstance(cause, errors.SpikaxError)
    return f"{cause if named else f'{type(cause).__name__}: {cause}.'} {origin.repair}"
