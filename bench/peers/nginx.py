"""nginx, from the machine's own packages: there is no wheel of it."""

from __future__ import annotations

import os

from bench.cases import CUSTOMER_HEADER, route_prefix
from bench.debian import libraries, program, version
from bench.peers.peer import Launch, Peer, Setting

_LINE = (
    '{"time":"$time_iso8601","method":"$request_method","path":"$uri","status":$status,'
    '"duration_s":$request_time,"client":"$remote_addr","backend":"$side",'
    '"bytes_in":$request_length,"bytes_out":$body_bytes_sent,'
    '"first_byte_s":"$upstream_header_time"}'
)


def prepare(setting: Setting) -> Launch:
    """Write the configuration and say how nginx is started."""
    binary = program("nginx")
    path = setting.folder / "nginx.conf"
    path.write_text(configuration(setting))
    return Launch(
        command=[binary, "-p", str(setting.folder), "-c", str(path), "-g", "daemon off;"],
        environment=libraries(binary),
        version=version(binary, r"nginx/(\S+)"),
    )


def configuration(setting: Setting) -> str:
    """All of it."""
    # keepalive_requests: its default would close connections in the middle of a run.
    upstreams = [
        f"  upstream {name} {{ server 127.0.0.1:{port}; keepalive 64; "
        "keepalive_requests 100000000; }"
        for name, port in setting.origins.items()
    ]
    variable = CUSTOMER_HEADER.lower().replace("-", "_")
    locations = [
        f"    location {route_prefix(index)}/ {{ proxy_pass http://$side; }}"
        for index in range(setting.routes)
    ]
    lines = [
        # A superuser's worker would become somebody who cannot read the temporary folder.
        *(["user root root;"] if os.geteuid() == 0 else []),
        "worker_processes 1;",
        "pid nginx.pid;",
        "error_log error.log error;",
        "events { worker_connections 8192; }",
        "http {",
        f"  log_format line escape=json '{_LINE}';",
        # As late as Figueira's lines, and as many in a write.
        "  access_log access.log line buffer=64k flush=1s;",
        "  client_max_body_size 0;",
        "  keepalive_requests 100000000;",
        "  proxy_http_version 1.1;",
        '  proxy_set_header Connection "";',
        "  proxy_set_header Host $host;",
        "  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        *(f"  {kind}_temp_path {kind};" for kind in _TEMPORARY),
        f"  split_clients $http_{variable} $side {{ 50% a; * b; }}",
        *upstreams,
        "  server {",
        f"    listen 127.0.0.1:{setting.port};",
        *locations,
        "    location / { proxy_pass http://a; }",
        "  }",
        f"  server {{ listen 127.0.0.1:{setting.admin_port}; access_log off; stub_status; }}",
        "}",
        "",
    ]
    return "\n".join(lines)


_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

NGINX = Peer(
    name="nginx",
    label="nginx",
    prepare=prepare,
    is_sticky=True,
    features="100 locations, split by hash, its few counters, JSON access log; as by default, what "
    "one end sends and the other does not take at once goes through files",
)
