"""Plants: conifers, palms, broad trees, cacti, grass and flowers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from PIL import Image

from image_service.painting.canvas import Canvas, Color, Pen, Point, mix
from image_service.painting.chance import Chance
from image_service.painting.land import height_at, solid


def trace_conifer(pen: Pen, foot: Point, height: float, chance: Chance) -> None:
    """Draw a fir: tiers of drooping branches around a thin trunk."""
    x, y = foot
    tiers = 7
    half = height * chance.between(0.17, 0.23)
    pen.box((x - height * 0.012, y - height * 0.2), height * 0.024, height * 0.2)
    for tier in range(tiers):
        top = y - height * (1 - tier / tiers * 0.86)
        low = top + height * 0.86 / tiers * 2.0
        reach = half * (0.16 + 0.84 * (tier + 1) / tiers)
        left, right = reach * chance.between(0.8, 1.1), reach * chance.between(0.8, 1.1)
        droop = height * 0.03
        pen.polygon([
            (x, top), (x + right * 0.55, low - droop * 1.4), (x + right, low + droop * 0.4),
            (x + right * 0.4, low - droop * 0.1), (x, low), (x - left * 0.4, low - droop * 0.1),
            (x - left, low + droop * 0.4), (x - left * 0.55, low - droop * 1.4),
        ])  # fmt: skip


def trace_conifers(
    pen: Pen, outline: Sequence[Point], height: float, count: int, chance: Chance
) -> None:
    """Plant a row of firs along an outline."""
    width = outline[-1][0]
    for index in range(count):
        x = width * (index + chance.between(-0.6, 0.6)) / max(1, count - 1)
        tall = height * (0.5 + 0.7 * chance.draw() ** 1.4)
        trace_conifer(pen, (x, height_at(outline, x) + height * 0.06), tall, chance)


def wooded(
    canvas: Canvas,
    outline: Sequence[Point],
    height: float,
    count: int,
    *,
    chance: Chance,
    has_ground: bool = True,
) -> Image.Image:
    """Return the mask of ``count`` firs along the brow of a slope, and of the slope itself."""

    def trace(pen: Pen) -> None:
        if has_ground:
            pen.polygon(solid(outline, canvas.height))
        trace_conifers(pen, outline, height, count, chance)

    return canvas.mask(trace)


def trace_palm(pen: Pen, foot: Point, height: float, lean: float, chance: Chance) -> None:
    """Draw a palm whose trunk bends by ``lean`` (-1 left .. 1 right)."""
    x, y = foot
    bend = [
        (x + lean * height * 0.42 * (part / 12) ** 1.7, y - height * part / 12)
        for part in range(13)
    ]
    thick = height * 0.02
    for part, (low, high) in enumerate(itertools.pairwise(bend)):
        pen.line([low, high], thick * (1.5 - part / 14))
    crown = bend[-1]
    fronds = 12
    for index in range(fronds):
        # From a little below the horizontal on the right, over the top, to the same on the left.
        angle = math.pi * (1.36 * index / (fronds - 1) - 0.18) + chance.between(-0.1, 0.1)
        _trace_frond(pen, crown, height * chance.between(0.34, 0.46), angle)
    for index in range(3):
        nut = (crown[0] + (index - 1) * thick, crown[1] + thick * 0.9)
        pen.ellipse(nut, thick * 0.75, thick * 0.75)


def _trace_frond(pen: Pen, crown: Point, length: float, angle: float) -> None:
    """Draw one leaf: an arching blade, its lower edge cut into fingers."""
    across, up = math.cos(angle), math.sin(angle)
    parts = 18
    rib = [
        (
            crown[0] + across * length * t,
            crown[1] - up * length * (t - 0.35 * t * t) + length * 0.52 * t * t * abs(across),
        )
        for t in (part / parts for part in range(parts + 1))
    ]
    fingers: list[Point] = []
    for part, (x, y) in enumerate(rib):
        t = part / parts
        blade = length * 0.2 * math.sin(math.pi * min(1.0, 0.1 + 0.92 * t)) ** 0.7
        cut = 1.0 if part % 2 else 0.42
        # The fingers point outwards and hang; on a leaf that stands up they hang sideways.
        fingers.append(
            (x + across * blade * 0.5 * cut, y + blade * cut * (0.35 + 0.65 * abs(across)))
        )
    pen.polygon([*rib, *reversed(fingers)])
    pen.line(rib, length * 0.02)


def paint_broad_tree(
    canvas: Canvas, foot: Point, height: float, leaf: Color, light: Color, *, chance: Chance
) -> None:
    """Paint a wide crown on a forked trunk, as a fig tree in a field has it."""
    x, y = foot
    trunk = mix(leaf, (25, 18, 22), 0.72)
    forks = [
        (x + height * side, y - height * up)
        for side, up in ((-0.28, 0.55), (-0.1, 0.68), (0.12, 0.66), (0.3, 0.54))
    ]

    def trace_trunk(pen: Pen) -> None:
        base = height * 0.055
        pen.polygon(
            [
                (x - base * 1.9, y + base * 0.3),
                (x - base * 0.8, y - height * 0.12),
                (x - base * 0.7, y - height * 0.36),
                (x + base * 0.7, y - height * 0.36),
                (x + base * 0.8, y - height * 0.12),
                (x + base * 1.9, y + base * 0.3),
            ]
        )
        for fork in forks:
            pen.line(
                [(x, y - height * 0.32), ((x + fork[0]) / 2, y - height * 0.45), fork], base * 0.7
            )

    canvas.fill(canvas.mask(trace_trunk), trunk)
    puffs = []
    for _ in range(90):
        turn, far = chance.between(0, 2 * math.pi), math.sqrt(chance.draw())
        puffs.append(
            (
                x + math.cos(turn) * far * height * 0.47,
                y - height * 0.7 + math.sin(turn) * far * height * 0.25,
                height * chance.between(0.035, 0.085),
            )
        )
    layers = (
        (0.0, 0.0, 1.0, mix(leaf, (10, 14, 24), 0.35)),
        (-0.012, -0.03, 0.82, leaf),
        (-0.03, -0.06, 0.52, mix(leaf, light, 0.28)),
        (-0.04, -0.075, 0.26, mix(leaf, light, 0.5)),
    )
    for right, down, size, color in layers:

        def trace(pen: Pen, right: float = right, down: float = down, size: float = size) -> None:
            for px, py, radius in puffs:
                pen.ellipse(
                    (px + right * height, py + down * height), radius * size * 1.15, radius * size
                )

        canvas.fill(canvas.mask(trace), color)


def trace_cactus(pen: Pen, foot: Point, height: float, chance: Chance) -> None:
    """Draw a saguaro with two arms."""
    x, y = foot
    thick = height * 0.075

    def limb(points: list[Point], half: float) -> None:
        pen.line(points, half * 2)
        for end in points:
            pen.ellipse(end, half, half)

    limb([(x, y), (x, y - height)], thick)
    for side in (-1, 1):
        at, up = height * chance.between(0.35, 0.55), height * chance.between(0.22, 0.36)
        elbow = x + side * height * 0.2
        limb([(x, y - at), (elbow, y - at), (elbow, y - at - up)], thick * 0.72)


def paint_grass(canvas: Canvas, color: Color, chance: Chance, tall: float = 0.07) -> None:
    """Fringe the lower edge with blades of grass."""
    floor = canvas.height

    def trace(pen: Pen) -> None:
        for _ in range(round(300 * canvas.width / canvas.unit)):
            x, grow = chance.draw() * canvas.width, canvas.unit * tall * chance.between(0.25, 1.0)
            sway, half = grow * chance.between(-0.35, 0.35), canvas.unit * 0.0024
            pen.polygon(
                [
                    (x - half, floor),
                    (x + sway * 0.35, floor - grow * 0.6),
                    (x + sway, floor - grow),
                    (x + sway * 0.4 + half, floor - grow * 0.55),
                    (x + half, floor),
                ]
            )

    canvas.fill(canvas.mask(trace), color)


def paint_flowers(canvas: Canvas, top: float, colors: Sequence[Color], chance: Chance) -> None:
    """Scatter blossoms below ``top``, larger towards the viewer."""
    for color in colors:

        def trace(pen: Pen) -> None:
            for _ in range(round(130 * canvas.width / canvas.unit)):
                near = chance.draw() ** 0.8
                place = (chance.draw() * canvas.width, top + (canvas.height - top) * near)
                size = canvas.unit * (0.0015 + 0.0055 * near * chance.between(0.6, 1))
                pen.ellipse(place, size, size * 0.8)

        canvas.fill(canvas.mask(trace), color, 0.92)
