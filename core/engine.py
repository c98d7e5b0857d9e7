"""What runs a micro-batch. The local engine is the only owner of the device."""

import ctypes
import logging
import sys
from collections.abc import Sequence
from typing import Final, Protocol

import torch

from core.errors import Closed, ConfigError, FacesUnavailable, OutOfMemory
from core.faces import Face, FaceFinder, chosen
from core.look import Look
from core.photo import Array
from core.styles.registry import Build, Style, built_in

log = logging.getLogger(__name__)

# Of malloc.h; both in bytes.
_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3


class Engine(Protocol):
    """Draws micro-batches. Never called from the event loop."""

    def prepare(self, photo: Array) -> None:
        """Do what can be done for a photo, uint8 RGB [H, W, 3], before it is drawn. From any thread."""

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        """Draw each photo in its look. uint8 RGB [H, W, 3] in, the same out at the asked size.

        From one thread at a time, but for engines that say otherwise. Raises OutOfMemory when the batch does not
        fit; the caller halves it and tries again.
        """
        ...

    def close(self) -> None:
        """Free the device. May be called twice."""
        ...


class LocalEngine:
    """The engine in this process: styles are built when first asked for and stay on the device.

    `device` is "auto", "cpu", "cuda" or "cuda:N"; `build` makes a style on it by its name, by default one of those
    built in; `memory_gb`: the most of a GPU's memory, in GB of 10^9 bytes, that this process takes. Without the
    weights that find faces, photos are drawn all the same, only without care for faces.
    """

    def __init__(self, device: str = "auto", build: Build = built_in, memory_gb: float | None = None) -> None:
        self.device = pick_device(device)
        if self.device.type == "cpu":
            keep_freed_memory()
        elif memory_gb is not None:
            cap_memory(self.device, memory_gb)
        self._build = build
        self._styles: dict[str, Style] = {}
        self._finder = _finder()
        self._closed = False

    def prepare(self, photo: Array) -> None:
        """Find the photo's faces."""
        if self._finder:
            self._finder.find(photo)

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        """See Engine.stylize. Photos of one style are handed to it together, results keep the order given."""
        if self._closed:
            raise Closed("The engine is closed; build a new one.")
        drawn: dict[int, Array] = {}
        try:
            with torch.inference_mode():
                for name in dict.fromkeys(look.style for look in looks):
                    members = [index for index, look in enumerate(looks) if look.style == name]
                    style = self._style(name)
                    faces = [self._faces(photos[i], looks[i]) for i in members]
                    results = style.draw([photos[i] for i in members], faces, [looks[i] for i in members])
                    drawn.update(zip(members, results, strict=True))
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise OutOfMemory(f"{len(photos)} photos do not fit on {self.device}") from error
        return [drawn[index] for index in range(len(photos))]

    def close(self) -> None:
        self._styles.clear()
        self._closed = True

    def _faces(self, photo: Array, look: Look) -> Sequence[Face]:
        return chosen(self._finder.find(photo), look.faces) if self._finder else ()

    def _style(self, name: str) -> Style:
        if name not in self._styles:
            self._styles[name] = self._build(name, self.device)
        return self._styles[name]


def keep_freed_memory() -> None:
    """Have the C library keep what is freed for the next picture; for this whole process, and for good.

    Large blocks go back to the system otherwise, which zeroes them anew each time: about a fifth of a drawing's
    time on a CPU. Only glibc can be told so.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 1 << 30)
        mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def cap_memory(device: torch.device, gigabytes: float) -> None:
    """Have PyTorch take no more of a CUDA device in this process; more is OutOfMemory."""
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, gigabytes * 1e9 / total), device)


def device_bytes() -> int:
    """Bytes that this process holds on its CUDA device; 0 where it uses none."""
    return torch.cuda.memory_reserved() if torch.cuda.is_initialized() else 0


def device_label(device: torch.device) -> str:
    """ "cuda:0 (NVIDIA H100)", "cpu (CPU)"."""
    return f"{device} ({torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'})"


def _finder() -> FaceFinder | None:
    try:
        return FaceFinder.installed()
    except FacesUnavailable as error:
        log.warning("%s", error)
        return None


def pick_device(name: str) -> torch.device:
    """The device of that name, tried out; "auto" takes the first CUDA GPU, else the CPU.

    Raises ConfigError when there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).split("\n")[0]
        raise ConfigError(f"DEVICE={name} does not work here ({reason}). Set DEVICE=auto.") from error
