"""`figueira explain` says whose a resource is, and how the id told so."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app

_ROUTES = """\
version: 1
backends: {legacy: {url: "http://127.0.0.1:1"}, image_service: {url: "http://127.0.0.1:2"}}
routes:
  - name: images
    match: {path_prefix: /shops}
    split: {legacy: rest, image_service: 0}
    owner:
      id: "/shops/{}/images/{id}"
      ranges: {legacy: 1..1000}
      prefixes: {image_service: ["img_", "pic:"]}
      unknown: legacy
      second_look: image_service
      lists: merge
  - {name: monolith, match: {path_prefix: /}, backend: legacy}
"""
_TWICE = "; a safe method that misses it there asks image_service too (owner.second_look)"


@pytest.mark.parametrize(
    ("keys", "query", "allowed"),
    [("[status]", "status=1&page=2", "status"), ("[]", "page=2", "none"), ("[status]", "", "")],
    ids=["another-key", "none-allowed", "no-query"],
)
def test_a_list_that_is_asked_for_with_another_query_is_said_to_be_refused(
    tmp_path: Path, keys: str, query: str, allowed: str
) -> None:
    """As the gateway refuses it: an operator would look for the fault in a backend."""
    file = tmp_path / "routes.yaml"
    merged = f"lists: {{merge: $.id, query: {keys}}}"
    file.write_text(_ROUTES.replace("lists: merge", merged), "utf-8")
    asked = f"/shops/3/images?{query}"
    result = CliRunner().invoke(app, ["explain", "--config", str(file), "GET", asked])
    said = (
        f"GET {asked} is answered by the gateway itself\n"
        "  because  400 Bad Request: This list cannot be asked for with such a query. "
        f"(owner.lists.query allows {allowed})\n"
    )
    assert (result.exit_code, result.stdout == said) == ((1, True) if allowed else (0, False))


@pytest.mark.parametrize(
    ("target", "where", "because"),
    [
        ("/7", "legacy", "id 7 lies in its range 1..1000; the split is for new resources"),
        ("/%2B007.0", "legacy", "id 7 lies in its range 1..1000; the split is for new resources"),
        (
            "/img_7/file",
            "image_service",
            "id img_7 begins with its prefix img_; the split is for new resources",
        ),
        (
            "/pic%3A7",
            "image_service",
            "id pic%3A7 begins with its prefix pic:; the split is for new resources",
        ),
        (
            "/2000",
            "legacy",
            f"id '2000' lies in no range and has no known prefix (owner.unknown){_TWICE}",
        ),
        (
            "?page=2",
            "legacy+image_service",
            "their lists become one (owner.lists: merge); the split is for new resources",
        ),
    ],
    ids=["number", "odd-spelling", "prefix", "escaped-prefix", "unknown", "list"],
)
def test_the_owner_is_told_with_what_the_id_says(
    tmp_path: Path, target: str, where: str, because: str
) -> None:
    file = tmp_path / "routes.yaml"
    file.write_text(_ROUTES, "utf-8")
    asked = f"/shops/3/images{target}"
    result = CliRunner().invoke(app, ["explain", "--config", str(file), "GET", asked])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[:3] == [
        f"GET {asked} goes to {where}",
        "  route    images",
        f"  because  {because}",
    ]
