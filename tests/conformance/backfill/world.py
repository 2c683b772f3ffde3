"""A monolith, an image service and the import between them: real processes on real databases."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from sqlalchemy import text

from legacy_stub.database import open_database
from tests.support.processes import Process, environment, running

_RUN = [sys.executable, "-c", "from image_service.cli import main; main()"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where everything is kept.

    Attributes:
        legacy_url: The monolith's database.
        images_url: The service's.
        folder: Blobs, and where processes run.
        service_settings: More of the service's variables.
    """

    legacy_url: str
    images_url: str
    folder: Path
    service_settings: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def monolith(self, **settings: str) -> Iterator[tuple[str, str]]:
        """Run a monolith; its URL and that of its feed."""
        environ = environment(
            LEGACY_DATABASE_URL=self.legacy_url, LEGACY_IMAGE_DELAY="0", **settings
        )
        command = [sys.executable, "-m", "legacy_stub", "--port", "0"]
        with running(command, folder=self.folder, environ=environ) as process:
            shop = process.wait_for_line(r"legacy_stub: listening on (http://.+)")[1]
            if settings.get("LEGACY_CHANGES") == "off":
                yield shop, ""
            else:
                yield shop, process.wait_for_line(r"legacy_stub: changes on (http://.+)")[1]
            assert process.stop() == 0

    @contextmanager
    def service(self) -> Iterator[str]:
        """Run a service; its URL."""
        command = [*_RUN, "serve", "--host", "127.0.0.1", "--port", "0"]
        with running(command, folder=self.folder, environ=self.environ) as process:
            yield process.wait_for_line(r"image_service: listening on (http://[0-9.:]+) .*")[1]
            assert process.stop() == 0

    @contextmanager
    def following(self, feed: str, *flags: str) -> Iterator[Process]:
        """Run an import that goes on until it is stopped."""
        command = [*_RUN, "import", "--from-changes", feed, "--follow", *flags]
        with running(command, folder=self.folder, environ=self.environ) as process:
            yield process

    def bring(self, feed: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """Import to the end, and return how that went."""
        return subprocess.run(  # noqa: S603 - our own program
            [*_RUN, "import", "--from-changes", feed, *flags],
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def verified(self, feed: str) -> str:
        """Import and verify; what was said. Both sides must be the same."""
        done = self.bring(feed, "--verify")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout

    @property
    def environ(self) -> Mapping[str, str]:
        """The service's settings."""
        settings: dict[str, str] = {
            "IMAGE_DATABASE_URL": self.images_url,
            "IMAGE_BLOB_URL": str(self.folder / "blobs"),
            "IMAGE_PROVIDER": "procedural",
        }
        return environment(**{**settings, **self.service_settings})

    def script(self, *statements: str, **values: object) -> None:
        """Change the monolith's tables without the monolith, in one transaction."""
        engine = open_database(self.legacy_url, connections=1)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement), values)
        engine.dispose()


def order(shop: str, prompt: str) -> int:
    """Order an image; its id."""
    answer = httpx.post(f"{shop}/images", json={"prompt": prompt, "size": "256x256"}, timeout=20)
    image_id = answer.json()["id"]
    assert isinstance(image_id, int)
    return image_id


def assert_same_answers(shop: str, service: str, ids: Sequence[int]) -> None:
    """Ask both sides for each image and its picture; every byte must be the same."""
    with (
        httpx.Client(base_url=shop, timeout=20) as old,
        httpx.Client(base_url=service, timeout=20) as new,
    ):
        for path in ["/images", *(f"/images/{n}{end}" for n in ids for end in ("", "/file"))]:
            theirs, ours = old.get(path), new.get(path)
            assert ours.content == theirs.content, path
            assert ours.status_code == theirs.status_code, path
            assert ours.headers["content-type"] == theirs.headers["content-type"], path
