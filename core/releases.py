"""What is published of the DCT-Net styles: where, under which licence, and which of the files are needed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from core.errors import WeightsUnavailable

# That of DCT-Net's repository. The models' own pages have the last word.
LICENCE: Final = "Apache-2.0"
WHOLE_PICTURE: Final = "cartoon_bg.pb"
HEADS: Final = "cartoon_h.pb"
MASK: Final = "alpha.jpg"
# Some releases put a word in the middle: cartoon_anime_bg.pb. Plain names only, never a path.
SPELLINGS: Final = {
    WHOLE_PICTURE: re.compile(r"cartoon(_[\w-]+)?_bg\.pb", re.ASCII),
    HEADS: re.compile(r"cartoon(_[\w-]+)?_h\.pb", re.ASCII),
    MASK: re.compile(r"alpha\.jpg"),
}


@dataclass(frozen=True, slots=True)
class Release:
    """What is published of one style."""

    style: str
    model_id: str

    @property
    def page(self) -> str:
        """Where a person can read about it."""
        return f"https://modelscope.cn/models/{self.model_id}"


RELEASES: Final[Mapping[str, Release]] = MappingProxyType(
    {
        style: Release(style, f"damo/cv_unet_person-image-{name}_compound-models")
        for style, name in (
            ("anime", "cartoon"),
            ("3d", "cartoon-3d"),
            ("handdrawn", "cartoon-handdrawn"),
            ("sketch", "cartoon-sketch"),
            ("artstyle", "cartoon-artstyle"),
            ("design", "cartoon-sd-design"),
            ("illustration", "cartoon-sd-illustration"),
        )
    }
)


def needed(names: Iterable[str], place: str) -> dict[str, str]:
    """Each needed file and its spelling among `names`. Raises WeightsUnavailable for one that is not there."""
    there = sorted(names)
    needed: dict[str, str] = {}
    for name, spelling in SPELLINGS.items():
        spelled = [each for each in there if spelling.fullmatch(each)]
        if name in spelled:
            spelled = [name]
        if len(spelled) != 1:
            instead = f", and it could be any of {', '.join(spelled)}" if spelled else ""
            raise WeightsUnavailable(f"There is no {name} in {place}{instead}. A whole model folder has one.")
        needed[name] = spelled[0]
    return needed
