"""From the words of a prompt to what is painted: scene, hour, weather, tint."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeVar

from image_service.painting.canvas import Color
from image_service.painting.chance import Chance

_Key = TypeVar("_Key")

Scene = Literal["sea", "mountain", "forest", "city", "desert", "snow", "field", "lake"]
Hour = Literal["dawn", "day", "sunset", "dusk", "night"]
Weather = Literal["clear", "clouds", "mist", "rain"]

# Words are compared without accents, in lower case, by their beginning: "montanh" meets
# montanha, montanhas, montanhoso. Portuguese and English stand side by side.
_SCENES: dict[Scene, tuple[str, ...]] = {
    "sea": ("praia", "mar", "mares", "oceano", "ilha", "costa", "onda", "coqueiro", "palmeira",
            "barco", "navio", "veleiro", "surf", "beach", "sea", "ocean", "island", "coast",
            "wave", "palm", "boat", "sail", "ship", "tropic", "shore"),
    "mountain": ("montanh", "serra", "pico", "alpes", "vulcao", "cordilheira", "mountain",
                 "peak", "alps", "volcano", "summit", "hike", "trilha", "mochila", "backpack"),
    "forest": ("floresta", "mata", "selva", "bosque", "arvore", "pinheiro", "madeira", "forest",
               "wood", "jungle", "tree", "pine", "amazon", "leaf", "folha"),
    "city": ("cidade", "predio", "rua", "urban", "metropole", "sao paulo", "city", "town",
             "street", "building", "skyline", "tower", "torre", "neon", "carro", "car", "cars",
             "celular", "phone", "notebook", "laptop", "computador", "computer"),
    "desert": ("deserto", "duna", "cacto", "areia", "saara", "lencois", "desert", "dune",
               "cactus", "cacti", "sand", "sahara", "canyon"),
    "snow": ("neve", "nevad", "inverno", "gelo", "natal", "polar", "artico", "snow", "winter",
             "ice", "frozen", "christmas", "arctic", "casaco", "coat"),
    "field": ("campo", "fazenda", "sitio", "lavanda", "trigo", "flor", "flores", "cafe", "sertao",
              "colina", "vale", "jardim", "uva", "vinh", "cerrado", "figueira", "field", "farm",
              "lavender", "wheat", "flower", "coffee", "hill", "valley", "garden", "meadow",
              "vineyard", "wine", "mug", "caneca", "fig"),
    "lake": ("lago", "lagoa", "rio", "represa", "cachoeira", "agua", "pantanal", "lake", "river",
             "water", "pond", "reflex", "reflect", "fjord"),
}  # fmt: skip
_HOURS: dict[Hour, tuple[str, ...]] = {
    "night": ("noite", "noturn", "lua", "luar", "estrel", "meia-noite", "aurora boreal", "preto",
              "preta", "night", "moon", "star", "stars", "midnight", "dark", "black", "galax"),
    "dusk": ("anoitec", "crepuscul", "roxo", "roxa", "dusk", "twilight", "evening", "purple"),
    "sunset": ("por do sol", "entardec", "poente", "laranja", "tarde", "vermelh", "sunset",
               "orange", "golden", "dourad", "red"),
    "dawn": ("amanhec", "madrugada", "nascer do sol", "manha", "rosa", "dawn", "sunrise",
             "morning", "pink"),
    "day": ("dia", "ensolarad", "azul", "verde", "branc", "verao", "day", "sunny", "noon", "blue",
            "green", "white", "summer", "bright"),
}  # fmt: skip
_WEATHERS: dict[Weather, tuple[str, ...]] = {
    "mist": ("nevoa", "neblina", "nevoeiro", "bruma", "mist", "fog", "haze"),
    "rain": ("chuva", "chuvos", "tempestade", "garoa", "rain", "storm"),
    "clouds": ("nuvem", "nuvens", "nublad", "cloud"),
    "clear": ("limpo", "clear"),
}
_TINTS: dict[Color, tuple[str, ...]] = {
    (214, 69, 65): ("vermelh", "red", "crimson"),
    (240, 140, 50): ("laranja", "orange", "cobre", "copper"),
    (245, 200, 80): ("amarel", "yellow", "dourad", "gold", "ouro"),
    (70, 160, 90): ("verde", "green"),
    (60, 130, 210): ("azul", "azuis", "blue"),
    (135, 90, 180): ("roxo", "roxa", "lavanda", "lavender", "violeta", "lilas", "purple", "violet"),
    (235, 120, 165): ("rosa", "pink"),
}
# Short words must be met whole: "mar" is not "marrom", "car" not "caro", "red" not "rede".
_WHOLE_WORD_UP_TO = 4
_HOURS_BY_CHANCE: tuple[Hour, ...] = ("dawn", "day", "day", "sunset", "sunset", "dusk", "night")
_WEATHERS_BY_CHANCE: tuple[Weather, ...] = ("clear", "clouds", "clouds", "mist")
_ANY_SCENE: tuple[Scene, ...] = ("sea", "mountain", "forest", "desert", "field", "lake", "lake")


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What to paint; ``tint`` is a colour the prompt names, None when it names none."""

    scene: Scene
    hour: Hour
    weather: Weather
    tint: Color | None


def read_theme(prompt: str, chance: Chance) -> Theme:
    """Choose by the prompt's words, and by chance where it says nothing."""
    text = _plain(prompt)
    scene = _met(_SCENES, text)
    hour = _met(_HOURS, text)
    weather = _met(_WEATHERS, text)
    return Theme(
        scene=chance.fork("scene").pick(_ANY_SCENE) if scene is None else scene,
        hour=chance.fork("hour").pick(_HOURS_BY_CHANCE) if hour is None else hour,
        weather=chance.fork("weather").pick(_WEATHERS_BY_CHANCE) if weather is None else weather,
        tint=_met(_TINTS, text),
    )


def _plain(prompt: str) -> str:
    decomposed = unicodedata.normalize("NFKD", prompt.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _met(table: dict[_Key, tuple[str, ...]], text: str) -> _Key | None:
    """Return the key whose word stands first in the text, None when no word is there."""
    places = [
        (match.start(), order, key)
        for order, (key, words) in enumerate(table.items())
        if (match := _pattern(words).search(text))
    ]
    return min(places, key=lambda place: place[:2])[2] if places else None


@functools.cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    whole = [re.escape(word) for word in words if len(word) <= _WHOLE_WORD_UP_TO]
    begun = [re.escape(word) for word in words if len(word) > _WHOLE_WORD_UP_TO]
    either = [rf"(?:{'|'.join(whole)})s?\b"] if whole else []
    return re.compile(rf"\b(?:{'|'.join(either + begun)})")
