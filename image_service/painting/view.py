"""What every scene is handed: the canvas, the theme and its colours."""

from __future__ import annotations

from dataclasses import dataclass

from image_service.painting.canvas import Canvas, Color, Point, mix
from image_service.painting.chance import Chance
from image_service.painting.land import Tone
from image_service.painting.palette import Palette
from image_service.painting.theme import Theme

WHITE: Color = (255, 255, 255)
DARK_HOURS = ("dusk", "night")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that a scene needs to paint itself; ``horizon`` in pixels from the top."""

    canvas: Canvas
    theme: Theme
    palette: Palette
    horizon: float
    light: Point
    chance: Chance

    def land_tone(self, near: float, tint: Color | None = None, share: float = 0.0) -> Tone:
        """Return the colours of land at a nearness of 0 (horizon) to 1 (viewer)."""
        palette = self.palette
        color = mix(palette.far, palette.near, near)
        if tint is not None:
            color = mix(color, tint, share * (0.35 if self.theme.hour in DARK_HOURS else 1.0))
        return Tone(
            lit=mix(color, palette.light, 0.22 * (1 - near * 0.6)),
            shade=color,
            foot=mix(color, palette.sky[-1][1], 0.55 * (1 - near) ** 1.2),
        )
