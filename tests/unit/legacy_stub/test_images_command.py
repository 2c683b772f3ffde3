"""``python -m legacy_stub images``: what it says and what it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import respx
from sqlalchemy.orm import sessionmaker

from legacy_stub.__main__ import main
from legacy_stub.database import open_database
from legacy_stub.gallery.tally import Outcome, Tally

NOTHING = "compared: 0 same, 0 different, 0 failed, 0 shed\n"


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A monolith's database, and an environment that names it."""
    url = f"sqlite:///{tmp_path}/legacy.db"
    open_database(url, connections=1).dispose()
    monkeypatch.setenv("LEGACY_DATABASE_URL", url)
    monkeypatch.delenv("LEGACY_IMAGES", raising=False)
    monkeypatch.setenv("IMAGE_SERVICE_URL", "http://images.test")
    return url


def test_what_holds_is_shown_and_an_order_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for arguments in (["images"], ["images", "remote", "--force"], ["images"]):
        assert main(arguments) == 0
        said.append(capsys.readouterr().out)
    assert said == [
        f"images: local (by LEGACY_IMAGES)\n{NOTHING}",
        f"images: remote (by command)\n{NOTHING}",
        f"images: remote (by command)\n{NOTHING}",
    ]


def test_taken_back_the_environment_holds_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGACY_IMAGES", "both")
    assert main(["images", "local"]) == 0
    assert main(["images", "default"]) == 0
    assert capsys.readouterr().out.splitlines()[-2] == "images: both (by LEGACY_IMAGES)"


@pytest.mark.parametrize("mode", ["remote", "both"])
def test_what_is_no_image_service_is_not_moved_to(
    mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the monolith itself, or the gateway before it: orders would come back for ever."""
    with respx.mock(base_url="http://images.test") as service:
        service.get("/readyz").respond(404)
        assert main(["images", mode]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "legacy_stub: IMAGE_SERVICE_URL: no image service is ready there (image service: status "
        "404 to GET /readyz); start it, name another place, or order it all the same with --force\n"
    )
    assert main(["images"]) == 0
    assert capsys.readouterr().out.startswith("images: local ")


def test_one_that_answers_is_moved_to(capsys: pytest.CaptureFixture[str]) -> None:
    with respx.mock(base_url="http://images.test") as service:
        service.get("/readyz").respond(text="ok")
        assert main(["images", "remote"]) == 0
    assert capsys.readouterr().out.startswith("images: remote (by command)\n")


def test_a_comparison_begins_with_no_counts(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_database(database, connections=1)
    Tally(sessionmaker(engine)).add(Outcome.DIFFERENT)
    engine.dispose()
    assert main(["images"]) == 0
    assert "0 same, 1 different" in capsys.readouterr().out
    assert main(["images", "both", "--force"]) == 0
    assert capsys.readouterr().out.endswith(NOTHING)


def test_no_new_database_is_made_for_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a wrong folder the command would otherwise change nothing that runs."""
    monkeypatch.setenv("LEGACY_DATABASE_URL", f"sqlite:///{tmp_path}/elsewhere.db")
    assert main(["images", "local"]) == 1
    line = capsys.readouterr().err
    assert line.startswith(f"legacy_stub: LEGACY_DATABASE_URL: there is no database {tmp_path}")
    assert line.count("\n") == 1
    assert not (tmp_path / "elsewhere.db").exists()


def test_a_wrong_word_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["images", "elsewhere"])
    assert caught.value.code == 2
    assert "invalid choice: 'elsewhere'" in capsys.readouterr().err
