"""From a prompt to a picture: the sky first, then the scene that the words name."""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from image_service.painting import inland, shores, sky
from image_service.painting.canvas import Canvas
from image_service.painting.chance import Chance
from image_service.painting.palette import choose_palette
from image_service.painting.theme import Scene, read_theme
from image_service.painting.view import DARK_HOURS, View

_SCENES: dict[Scene, Callable[[View], None]] = {
    "sea": shores.paint_sea,
    "mountain": inland.paint_mountain,
    "forest": inland.paint_forest,
    "city": shores.paint_city,
    "desert": inland.paint_desert,
    "snow": inland.paint_snow,
    "field": inland.paint_field,
    "lake": shores.paint_lake,
}
# Where the horizon lies, in parts of the height.
_HORIZONS: dict[Scene, float] = {
    "sea": 0.56, "mountain": 0.74, "forest": 0.62, "city": 0.72,
    "desert": 0.56, "snow": 0.62, "field": 0.52, "lake": 0.6,
}  # fmt: skip


def paint(prompt: str, width: int, height: int, seed: int) -> Image.Image:
    """Paint the prompt: an RGB picture of exactly this size."""
    # The size is no part of the key: the same order in two sizes shows the same place.
    chance = Chance(f"{seed}\n{prompt}")
    theme = read_theme(prompt, chance)
    canvas = Canvas(Image.new("RGB", (width, height)))
    horizon = height * _HORIZONS[theme.scene]
    view = View(
        canvas=canvas,
        theme=theme,
        palette=choose_palette(theme, chance),
        horizon=horizon,
        light=sky.place_light(canvas, theme, horizon, chance.fork("light")),
        chance=chance,
    )
    _paint_heaven(view)
    _SCENES[theme.scene](view)
    if theme.weather == "rain" and theme.scene != "snow":
        sky.paint_rain(canvas, view.palette, chance.fork("rain"))
    canvas.dim_corners(0.2)
    return canvas.image


def _paint_heaven(view: View) -> None:
    canvas, theme, palette, chance = view.canvas, view.theme, view.palette, view.chance
    sky.paint_sky(canvas, theme, palette, view.horizon)
    if theme.hour in DARK_HOURS:
        share = 1.0 if theme.hour == "night" else 0.35
        sky.paint_stars(canvas, view.horizon, chance.fork("stars"), share)
    if theme.hour == "night" and theme.scene in ("snow", "lake", "mountain"):
        sky.paint_aurora(canvas, view.horizon, chance.fork("aurora"))
    sky.paint_light(canvas, theme, palette, view.light)
    if theme.hour != "night" or theme.weather != "clear":
        sky.paint_clouds(canvas, theme, palette, chance.fork("clouds"))
    if theme.hour != "night":
        sky.paint_birds(canvas, palette, view.horizon, chance.fork("birds"))
