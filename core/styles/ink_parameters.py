"""What makes one ink style differ from another, and what strength turns."""

from dataclasses import dataclass
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class InkParameters:
    """How ink is drawn at full strength. Lengths are pixels of the canvas; colours and responses Lab units."""

    canvas: int = 832  # longest side

    passes: int = 3
    flow_sigma: float = 2.0
    fill_sigma: float = 3.0  # of the bilateral filter, in space
    fill_range: float = 7.5  # and in colour
    noise_range: float = 2.0  # widens the range by this many times the photo's noise
    tightness: float = 3.0  # how far edges of colour are drawn together

    levels: int = 7  # of luminance
    softest: float = 3.0  # steps between levels, where the light is even
    hardest: float = 25.0  # and where it falls off
    steep: float = 0.4  # by this a pixel
    chroma_step: float | None = None  # between levels of chroma; None: chroma has no levels
    saturation: float = 0.2  # lift of medium chroma; greys and vivid colours stay
    brightness: float = 10.0  # lift of middle tones: a quarter of this at L* 50
    wash: float | None = None  # on white paper, black is a wash of this share; None: there is no paper

    line_sigma: float = 1.3
    line_flow_sigma: float = 2.5
    line_length: float = 6.0  # sigma of the smoothing along the flow
    line_threshold: float = 0.45  # where ink covers half
    line_ramp: float = 0.9  # response from half to full ink, were the canvas the final size
    noise_threshold: float = 0.3  # raises the threshold by this many times the photo's noise
    crowding: float = 3.0  # raises the threshold by this many times itself where all is ink
    crowd_free: float = 0.15  # the share of ink around a line that does not count as a crowd
    crowd_sigma: float = 10.0
    ink: float = 0.92  # darkest line: the share of light it takes away

    # In faces, as factors on the above.
    face_fineness: float = 0.75  # on the width of lines
    skin_range: float = 1.5  # on the range of the bilateral filter
    feature_range: float = 0.6
    skin_lines: float = 0.6  # on the response of lines
    feature_lines: float = 1.3
    # A face whose unit (see core.styles.portrait) is smaller than this is drawn larger, up to `zoom` times.
    face_unit: float = 64.0
    zoom: float = 3.0


INK: Final = InkParameters()
SKETCH_INK: Final = InkParameters(wash=0.4, ink=0.75, line_ramp=1.8, line_threshold=0.38)
POP: Final = InkParameters(
    levels=4,
    softest=8.0,
    hardest=40.0,
    chroma_step=12.0,
    saturation=0.9,
    brightness=20.0,
    line_sigma=1.8,
    face_fineness=0.85,
    ink=1.0,
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What strength turns: factors on InkParameters, and the share of the drawing in the colours."""

    fill_share: float
    fill_range: float
    quantization: float
    line_sigma: float
    line_threshold: float
    ink: float
    wash: float

    @classmethod
    def at(cls, strength: float) -> Self:
        """The amounts for a strength of 0.1-1.0: all grow with it, but the line threshold and the wash fall."""
        return cls(
            fill_share=1 - 1.2 * max(0.0, 0.9 - strength) ** 1.7,
            fill_range=0.25 + 0.75 * strength,
            quantization=strength,
            line_sigma=0.5 + 0.5 * strength,
            line_threshold=1 + 2 * (1 - strength),
            ink=min(1.0, 0.25 + 0.95 * strength),
            wash=2 - strength,
        )
