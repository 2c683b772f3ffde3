"""What the README shows is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.config import load
from gateway.errors import ConfigError

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_routes_yaml_of_the_readme_is_good() -> None:
    (shown,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    names = [route.name for route in load(shown.encode()).routes]
    assert names == ["images", "monolith"]


def test_the_mistake_of_the_readme_is_told_as_the_readme_says() -> None:
    mistaken = (ROOT / "routes.yaml").read_text("utf-8").replace("    split:", "    splt:")
    with pytest.raises(ConfigError) as caught:
        load(mistaken.encode())
    assert str(caught.value) in README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(link: str) -> None:
    path, _, anchor = link.partition("#")
    assert (ROOT / path).is_file()
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text("utf-8"), re.M) if anchor else []
    slugs = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
    assert anchor in ["", *slugs]
