"""The colours of an hour: sky, light, haze and shadow, chosen to sit well together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from image_service.painting.canvas import Color, Stops, mix
from image_service.painting.chance import Chance
from image_service.painting.theme import Hour, Theme, Weather


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of one picture; land runs from ``far`` (at the horizon) to ``near``."""

    sky: Stops
    light: Color
    far: Color
    near: Color
    cloud: Color
    cloud_shade: Color


def _colour(hexadecimal: str) -> Color:
    r, g, b = bytes.fromhex(hexadecimal)
    return r, g, b


def _palette(sky: str, light: str, land: str, cloud: str) -> Palette:
    """Read a row of the table: colours in hexadecimal, sky from the zenith down."""
    shades = [_colour(shade) for shade in sky.split()]
    far, near = (_colour(shade) for shade in land.split())
    cloud_light, cloud_shade = (_colour(shade) for shade in cloud.split())
    stops = [(index / (len(shades) - 1), shade) for index, shade in enumerate(shades)]
    return Palette(sky=stops, light=_colour(light), far=far, near=near,
                   cloud=cloud_light, cloud_shade=cloud_shade)  # fmt: skip


_PALETTES: dict[Hour, tuple[Palette, ...]] = {
    "dawn": (
        _palette("4a6fa5 8fa6cb e8b4bc fcd5b5 ffe9c9", "fff4d6", "c9a5b4 2d3a58", "fff0e6 c79fb4"),
        _palette("3f5f8a 7d9cc0 c9c3d6 f7d6d0 fff0dc", "fffbe8", "b3b4cd 26405a", "fff6ee aeb2d0"),
        _palette("5a4e8c 9a7bb0 e59fae ffc7a6 ffe3b8", "fff1cf", "c692ad 33284f", "ffe6dc b183b0"),
    ),
    "day": (
        _palette("1f6fc4 4a97dc 86bff0 bfe0f7 e9f5fb", "fffdf0", "9fc3dc 1f4d3f", "ffffff c3d5e6"),
        _palette("2b86c5 5fb0dd 9dd4ea d3eef0 f6f9ea", "fffbe6", "a9cfcf 24573c", "ffffff bfdbe0"),
        _palette("3a7bd5 6aa5e6 a3cdf5 d8ecfb fdf6e9", "fff9e0", "aebfdc 2c4a56", "fffdf8 ccd3e6"),
    ),
    "sunset": (
        _palette("2c2a5e 6b3f7e c8566f f58a5b ffd37a", "fff0b8", "b8607a 22183c", "ffb27d 7a3f74"),
        _palette("1f3a68 5d5a8f b9718e f29b70 ffe0a0", "fff5cc", "a76f85 1d2140", "ffc79a 7c5a8c"),
        _palette("43285e 8c3c6a d9584f f9913f ffd56b", "fff3c4", "b35a5c 2a1636", "ffac68 84386a"),
    ),
    "dusk": (
        _palette("141b3d 2d3566 5d4f87 a06a94 e7a08f", "ffe8d0", "6d5a88 0f1430", "b480a4 3a3568"),
        _palette("0f2440 234a70 4f7593 93a2a8 e8c3a0", "fff0d8", "56718a 0a1a2b", "9fb0bd 2c4a68"),
        _palette("22163f 48296a 804280 c0648a f2a58c", "ffe6cf", "774a80 160d30", "cf7f9f 4b2b6c"),
    ),
    "night": (
        _palette("050a1f 0b1738 152a58 24457a 3f6a98", "f5f2df", "2b4a74 040816", "3d5d8c 122347"),
        _palette("080618 150f38 2a1d5a 46307a 6a4a94", "f7f0e4", "45336f 07051a", "5c4a8f 1d1547"),
        _palette("03121c 062433 0e3d4f 1c5a68 3c8080", "eef7ea", "1e4e5a 020c13", "3a7480 0b2f3e"),
    ),
}  # fmt: skip
_OVERCAST: dict[Weather, float] = {"clear": 0.0, "clouds": 0.06, "mist": 0.22, "rain": 0.5}
_SLATE: dict[Hour, Color] = {
    "dawn": (150, 155, 172),
    "day": (140, 155, 168),
    "sunset": (112, 92, 112),
    "dusk": (58, 60, 84),
    "night": (20, 28, 44),
}


def choose_palette(theme: Theme, chance: Chance) -> Palette:
    """Choose one of the hour's palettes; dull it in bad weather, tint it as the prompt asks."""
    palette = chance.fork("palette").pick(_PALETTES[theme.hour])
    palette = _blended(palette, _SLATE[theme.hour], _OVERCAST[theme.weather])
    if theme.tint is None:
        return palette
    tinted = _blended(palette, theme.tint, 0.16)
    return replace(tinted, light=mix(palette.light, theme.tint, 0.1))


def _blended(palette: Palette, color: Color, share: float) -> Palette:
    return Palette(
        sky=[(place, mix(shade, color, share)) for place, shade in palette.sky],
        light=mix(palette.light, color, share * 0.5),
        far=mix(palette.far, color, share),
        near=mix(palette.near, color, share * 0.4),
        cloud=mix(palette.cloud, color, share),
        cloud_shade=mix(palette.cloud_shade, color, share),
    )
