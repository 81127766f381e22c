"""The module as PyNEST has it: kernel attributes are attributes of the module."""

from __future__ import annotations

import types
from typing import Any

from spikax_nest.pynest import _settings


class NestModule(types.ModuleType):
    """A module whose attributes include those of the kernel: `nest.resolution = 0.1`."""

    def __getattr__(self, name: str) -> Any:
        # Asked only for what the module does not have.
        if name in _settings.names():
            from spikax_nest.pynest._api import GetKernelStatus

            return GetKernelStatus(name)
        if name == "kernel_status":
            from spikax_nest.pynest._api import GetKernelStatus

            return GetKernelStatus()
        return self.__dict__["_lazy"](name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _settings.names():
            from spikax_nest.pynest._api import set as set_attributes

            if name in _settings.READ and name not in _settings.SETTERS:
                raise AttributeError(f"`{name}` is a readonly kernel attribute")
            set_attributes(**{name: value})
        elif name.startswith("__") or name in self.__dict__.get("_submodules", ()):
            super().__setattr__(name, value)
        elif name in self.__dict__ or name in dir(self):
            raise AttributeError(f"Cannot override attribute {name!r} of module {self.__name__!r}")
        else:
            raise AttributeError(f"Cannot set attribute {name!r} on module {self.__name__!r}")
