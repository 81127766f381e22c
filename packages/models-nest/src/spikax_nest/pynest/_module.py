"""The module as PyNEST has it: kernel attributes are attributes of the module."""

from __future__ import annotations

import types
from typing import Any

from spikax_nest.pynest import _settings


class KernelAttribute:
    """An attribute of the kernel, as an attribute of the module: `nest.resolution = 0.1`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.__doc__ = f"The kernel attribute {name}."
        self._default = _settings.DEFAULTS.get(name)
        self._readonly = name in _settings.READ and name not in _settings.SETTERS

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        if module is None:
            return self
        from spikax_nest.pynest._api import GetKernelStatus

        return GetKernelStatus(self.name)

    def __set__(self, module: Any, value: Any) -> None:
        if self._readonly:
            raise AttributeError(f"`{self.name}` is a readonly kernel attribute")
        from spikax_nest.pynest._api import SetKernelStatus

        SetKernelStatus({self.name: value})


class NestModule(types.ModuleType):
    """A module that has the attributes of the kernel, and refuses to be given others."""

    def __getattr__(self, name: str) -> Any:
        # Asked only for what the module does not have.
        return self.__dict__["_lazy"](name)

    def __setattr__(self, name: str, value: Any) -> None:
        if (
            name in _settings.names()
            or name.startswith("__")
            or isinstance(value, types.ModuleType)
        ):
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"Cannot set attribute {name!r} on module {self.__name__!r}")

    @property
    def kernel_status(self) -> dict[str, Any]:
        """All kernel attributes."""
        from spikax_nest.pynest._api import GetKernelStatus

        return GetKernelStatus()


for _name in _settings.names():
    setattr(NestModule, _name, KernelAttribute(_name))
