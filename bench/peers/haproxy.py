"""HAProxy, from the machine's own packages: there is no wheel of it."""

from __future__ import annotations

from bench.cases import CUSTOMER_HEADER, route_prefix
from bench.debian import libraries, program, version
from bench.peers.peer import Launch, Peer, Setting

_LINE = (
    '{"time":"%tr","method":"%HM","path":"%{+E}HP","status":%ST,"duration_ms":%Ta,'
    '"client":"%ci","route":"%[var(txn.route)]","backend":"%b","bytes_in":%U,"bytes_out":%B,'
    '"first_byte_ms":%Tr,"attempts":%rc,"error":"%ts"}'
)


def prepare(setting: Setting) -> Launch:
    """Write the configuration and say how HAProxy is started."""
    binary = program("haproxy")
    routes = setting.folder / "routes.map"
    routes.write_text(routes_map(setting))
    path = setting.folder / "haproxy.cfg"
    path.write_text(configuration(setting, str(routes)))
    return Launch(
        command=[binary, "-db", "-f", str(path)],
        environment=libraries(binary),
        version=version(binary, r"version (\d[^\s-]*)"),
    )


def routes_map(setting: Setting) -> str:
    """Prefix and name of every route, as HAProxy reads a map."""
    names = [route_prefix(index) for index in range(setting.routes)]
    return "".join(f"{name}/ {name.strip('/')}\n" for name in names)


def configuration(setting: Setting, routes: str) -> str:
    """All of it but the map, whose path is given."""
    lines = [
        "global",
        "  nbthread 1",
        "  maxconn 8192",
        # It writes no files itself: its standard output is one here.
        "  log stdout format raw local0 info",
        "defaults",
        "  mode http",
        "  log global",
        "  timeout connect 1s",
        "  timeout client 60s",
        "  timeout server 60s",
        "frontend customers",
        f"  bind 127.0.0.1:{setting.port}",
        "  option forwardfor",
        f"  log-format '{_LINE}'",
        f"  http-request set-var(txn.route) path,map_beg({routes})",
        "  use_backend a if !{ var(txn.route) -m found }",
        f"  use_backend a if {{ req.hdr({CUSTOMER_HEADER}),xxh32,mod(100) lt 50 }}",
        "  default_backend b",
        "frontend metrics",
        f"  bind 127.0.0.1:{setting.admin_port}",
        "  no log",
        "  http-request use-service prometheus-exporter",
    ]
    for name, port in setting.origins.items():
        lines += [f"backend {name}", f"  server {name} 127.0.0.1:{port}"]
    return "\n".join([*lines, ""])


HAPROXY = Peer(
    name="haproxy",
    label="HAProxy",
    prepare=prepare,
    is_sticky=True,
    features="100 routes in a map, split by hash, Prometheus metrics, JSON access log: one write "
    "for each line",
)
