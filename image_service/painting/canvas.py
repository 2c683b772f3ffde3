"""What every painted thing needs: smooth gradients, soft edges, noise, glow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

from image_service.painting.chance import Chance

Color = tuple[int, int, int]
Point = tuple[float, float]
Stops = Sequence[tuple[float, Color]]
"""Colours along a gradient: (place 0..1, colour), in order of place."""

_OVERSAMPLE = 2  # masks are drawn twice as large and halved: that softens every edge
# Bayer's 4x4 matrix, in sixteenths: hides the steps of an 8-bit gradient.
_BAYER = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))


def mix(first: Color, second: Color, share: float) -> Color:
    """Return the colour ``share`` (0..1) of the way from first to second."""
    share = min(max(share, 0.0), 1.0)
    r, g, b = (round(a + (z - a) * share) for a, z in zip(first, second, strict=True))
    return r, g, b


def color_at(stops: Stops, place: float) -> tuple[float, float, float]:
    """Return the gradient's colour at ``place`` (0..1), not rounded."""
    for (start, low), (end, high) in itertools.pairwise(stops):
        if place <= end:
            share = max(0.0, (place - start) / (end - start))
            r, g, b = (a + (z - a) * share for a, z in zip(low, high, strict=True))
            return r, g, b
    return stops[-1][1]


def gradient(width: int, height: int, stops: Stops) -> Image.Image:
    """Return an RGB picture that runs through the stops from top to bottom, dithered."""
    rows = bytearray()
    for y in range(height):
        exact = color_at(stops, y / max(1, height - 1))
        for threshold in _BAYER[y % 4]:
            rows.extend(min(255, int(value + (threshold + 0.5) / 16)) for value in exact)
    tile = Image.frombytes("RGB", (4, height), bytes(rows))
    picture = Image.new("RGB", (width, height))
    picture.paste(tile, (0, 0))
    filled = 4
    while filled < width:
        picture.paste(picture.crop((0, 0, min(filled, width - filled), height)), (filled, 0))
        filled *= 2
    return picture


def noise(width: int, height: int, chance: Chance, cells: tuple[int, int]) -> Image.Image:
    """Return cloudy grey noise; ``cells`` is how many blobs fit across and down."""
    total: Image.Image | None = None
    for octave in range(5):
        size = (cells[0] << octave, cells[1] << octave)
        layer = Image.frombytes("L", size, chance.fork(f"octave {octave}").grain(size[0] * size[1]))
        layer = layer.resize((width, height), Image.Resampling.BICUBIC)
        # Each octave is twice as fine and weighs about half as much as those before it.
        total = layer if total is None else Image.blend(total, layer, 0.5**octave * 0.72)
    if total is None:
        raise AssertionError("noise has at least one octave")
    return total


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture being painted, with the shapes that every scene uses."""

    image: Image.Image

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.image.height

    @property
    def unit(self) -> float:
        """The shorter side in pixels: things keep their size in every format."""
        return float(min(self.image.size))

    def mask(self, trace: Callable[[Pen], None]) -> Image.Image:
        """Return a soft-edged mask of what ``trace`` draws."""
        size = (self.width * _OVERSAMPLE, self.height * _OVERSAMPLE)
        sheet = Image.new("L", size, 0)
        trace(Pen(ImageDraw.Draw(sheet)))
        return sheet.reduce(_OVERSAMPLE)

    def fill(self, mask: Image.Image, color: Color, opacity: float = 1.0) -> None:
        """Paint one colour where the mask is."""
        box = mask.getbbox()
        if box is None:
            return
        inked = mask.crop(box)
        if opacity < 1.0:
            inked = inked.point([round(value * opacity) for value in range(256)])
        self.image.paste(color, box, inked)

    def shade(self, mask: Image.Image, stops: Stops) -> None:
        """Paint a gradient, laid from top to bottom of the mask's own box."""
        box = mask.getbbox()
        if box is None:
            return
        wash = gradient(box[2] - box[0], box[3] - box[1], stops)
        self.image.paste(wash, box[:2], mask.crop(box))

    def glow(self, centre: Point, radius: float, color: Color, opacity: float) -> None:
        """Brighten the picture around a light, fading to nothing at ``radius``."""
        side = max(2, round(radius * 2))
        # Pillow's gradient reaches 178 where its circle meets the edge, and more in the corners.
        fall = [round(255 * opacity * max(0, 1 - value / 178) ** 1.8) for value in range(256)]
        light = Image.radial_gradient("L").point(fall)
        light = light.resize((side, side), Image.Resampling.BICUBIC)
        place = (round(centre[0] - radius), round(centre[1] - radius))
        self.image.paste(color, place, light)

    def dim_corners(self, strength: float) -> None:
        """Darken the corners a little, as a lens does."""
        fall = [255 - round(255 * strength * (value / 255) ** 3) for value in range(256)]
        lens = Image.radial_gradient("L").point(fall).resize(self.image.size)
        shaded = ImageChops.multiply(self.image, Image.merge("RGB", (lens, lens, lens)))
        self.image.paste(shaded, (0, 0))


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on an oversampled mask in the picture's own coordinates; ink 0..255."""

    draw: ImageDraw.ImageDraw

    def polygon(self, points: Sequence[Point], ink: int = 255) -> None:
        """Fill a polygon."""
        self.draw.polygon([(x * _OVERSAMPLE, y * _OVERSAMPLE) for x, y in points], fill=ink)

    def ellipse(self, centre: Point, across: float, down: float, ink: int = 255) -> None:
        """Fill an ellipse of the given half widths."""
        (x, y), k = centre, _OVERSAMPLE
        box = ((x - across) * k, (y - down) * k, (x + across) * k, (y + down) * k)
        self.draw.ellipse(box, fill=ink)

    def box(self, corner: Point, width: float, height: float, ink: int = 255) -> None:
        """Fill an upright rectangle."""
        (x, y), k = corner, _OVERSAMPLE
        self.draw.rectangle((x * k, y * k, (x + width) * k, (y + height) * k), fill=ink)

    def line(self, points: Sequence[Point], thickness: float, ink: int = 255) -> None:
        """Stroke a line with rounded joints."""
        stroke = max(1, round(thickness * _OVERSAMPLE))
        path = [(x * _OVERSAMPLE, y * _OVERSAMPLE) for x, y in points]
        self.draw.line(path, fill=ink, width=stroke, joint="curve")
