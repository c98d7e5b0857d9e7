"""How a photo goes to a worker and its cartoon comes back: core.cluster asks, deploy/ray answers.

    POST <address>/stylize
    Authorization: Bearer <token>
    Cartoonbot-Look: {"style": "ink", "strength": 0.7, "size": 1024, "format": "jpg", "faces": "all"}

The body is a picture: its height and its width, unsigned 32-bit numbers, big-endian, then its pixels, uint8 RGB
row by row. Answers:

    200   the cartoon, such a picture
    401   the token is missing or another one
    422   {"code": ..., "values": {...}}: this photo, or this look, cannot be drawn, now or later
    507   the worker has not memory enough; a smaller size may fit
    520   drawing this photo failed; another try may help
    else  no word about the photo: try again

    GET <address>/healthz     401, or 200 {"styles": ["ink", ...], "device": "cuda:0 (NVIDIA H100)"}
"""

import json
import struct
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from core.errors import PhotoFailed, UserError, Value
from core.look import Look, parse_faces, parse_format, parse_size, parse_strength, parse_style
from core.photo import Array
from core.styles.registry import STYLE_NAMES

LOOK_HEADER: Final = "Cartoonbot-Look"
DRAWING_FAILED: Final = 520
MEDIA_TYPE: Final = "application/octet-stream"
# Photos are reduced to a look's working size before they are sent; no picture on the wire is larger.
LONGEST: Final = 4096
_SIDES: Final = struct.Struct(">II")


def packed(picture: Array) -> bytes:
    """uint8 RGB [H, W, 3] as it is sent."""
    return _SIDES.pack(*picture.shape[:2]) + np.ascontiguousarray(picture).tobytes()


def packed_bytes(height: int, width: int) -> int:
    """How many bytes a picture has on the wire."""
    return _SIDES.size + height * width * 3


def unpacked(body: bytes) -> Array:
    """uint8 RGB [H, W, 3], read-only. Raises ValueError for what is no picture, or has a side above LONGEST."""
    if len(body) < _SIDES.size:
        raise ValueError("a picture begins with its height and its width")
    height, width = _SIDES.unpack_from(body)
    if not (0 < height <= LONGEST and 0 < width <= LONGEST):
        raise ValueError(f"a picture has sides of 1 to {LONGEST} pixels, not {height}x{width}")
    if len(body) != packed_bytes(height, width):
        raise ValueError(f"a picture of {height}x{width} has {packed_bytes(height, width)} bytes, not {len(body)}")
    return np.frombuffer(body, np.uint8, offset=_SIDES.size).reshape(height, width, 3)


def packed_look(look: Look) -> str:
    """A look without a sheet, as the value of a header."""
    return json.dumps({name: value for name, value in asdict(look).items() if name != "sheet"})


def unpacked_look(text: str) -> Look:
    """What packed_look said. Raises LookError for a value out of its range, ValueError for what is no look."""
    fields: Any = json.loads(text)
    if not isinstance(fields, dict) or fields.keys() != {"style", "strength", "size", "format", "faces"}:
        raise ValueError("a look has style, strength, size, format and faces")
    return Look(
        parse_style(str(fields["style"]), STYLE_NAMES),
        parse_strength(str(fields["strength"])),
        parse_size(str(fields["size"])),
        parse_format(str(fields["format"])),
        parse_faces(str(fields["faces"])),
    )


def packed_error(error: UserError) -> bytes:
    """Why a photo cannot be drawn, as a body of JSON."""
    return json.dumps({"code": error.code, "values": error.values}).encode()


def unpacked_error(body: bytes) -> UserError:
    """What packed_error said; PhotoFailed where it is no error that we know."""
    try:
        said: Any = json.loads(body)
        kinds = {kind.code: kind for kind in _below(UserError)}
        error = kinds[said["code"]](**said["values"])
    except (ValueError, KeyError, TypeError):
        return PhotoFailed()
    values: dict[str, Any] = {**error.values}
    return error if all(isinstance(value, Value) for value in values.values()) else PhotoFailed()


def _below(kind: type[UserError]) -> list[type[UserError]]:
    return [kind, *(each for child in kind.__subclasses__() for each in _below(child))]
