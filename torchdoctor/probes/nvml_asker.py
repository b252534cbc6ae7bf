"""Questions to NVML about one GPU, and what is made of a refusal."""

from __future__ import annotations

from typing import Any, Optional

NOT_SUPPORTED = 3
QUIET = (NOT_SUPPORTED, 13, 2, 25, 26)  # not supported, function not found, invalid argument or version: an older driver or another card
GONE = (15, 16)  # lost, reset required


def as_text(value: object) -> str:
    """A text of NVML, which some versions of the binding give as bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class Asker:
    """Asks NVML about one GPU and remembers what was refused."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self.nvml = nvml
        self.handle = handle
        self.refused: dict[str, str] = {}
        self.gone: Optional[int] = None

    def ask(self, name: str, *arguments: object) -> Any:
        """The answer of ``nvmlDevice<name>``, or None."""
        try:
            return getattr(self.nvml, "nvmlDevice" + name)(self.handle, *arguments)
        except AttributeError:  # a binding older than the function
            return None
        except self.nvml.NVMLError as error:
            code = getattr(error, "value", None)
            if code in GONE:
                self.gone = code
            if code not in QUIET:
                self.refused[name] = str(error)
            return None
        except Exception as error:
            if type(error).__name__ == "NVMLLibraryMismatchError":  # the binding's word for a driver older than the function
                return None
            raise

    def flag(self, name: str, *arguments: object) -> Optional[bool]:
        """A yes or no."""
        value = self.ask(name, *arguments)
        return None if value is None else bool(value)

    def text(self, name: str) -> Optional[str]:
        """A text."""
        value = self.ask(name)
        return None if value is None else as_text(value)

    def fields(self, numbers: list[int]) -> dict[int, int]:
        """The values of those field numbers that the GPU supports, in one call."""
        found = {}
        for value in self.ask("GetFieldValues", numbers) or ():
            if value.nvmlReturn == 0:
                found[value.fieldId] = _field_value(value)
        return found


def _field_value(value: Any) -> int:
    kinds: dict[int, str] = {0: "dVal", 1: "uiVal", 2: "ulVal", 3: "ullVal", 4: "sllVal", 5: "siVal"}
    return int(getattr(value.value, kinds.get(value.valueType, "ullVal")))
