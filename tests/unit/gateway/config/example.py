"""A routes.yaml that uses every key, and the snapshot that it stands for."""

from __future__ import annotations

import hashlib

from gateway.config import load
from gateway.errors import ConfigError, Problem
from gateway.parallel_run.plan import (
    Budget,
    Ignore,
    Kept,
    Normalise,
    ParallelRun,
    Pictures,
    Place,
    ReadyWhen,
    Rules,
    StatusPair,
    Tolerate,
)
from gateway.routing.protection import Breaker, Fallback, Health, SoftError
from gateway.routing.snapshot import (
    Address,
    Backend,
    IdPrefix,
    IdRange,
    Match,
    Merge,
    Owner,
    Route,
    Share,
    Snapshot,
    Sticky,
    Timeouts,
    Tls,
    Trust,
)

TEXT = b"""\
version: 1
trust: {proxies: [10.0.0.0/8, "fd00::/8"], testers: [127.0.0.1/32], pin_secret: "${PIN_SECRET:-}"}
backends:
  legacy:
    url: http://Legacy.internal
  image_service:
    url: "http://[::1]:8002"
    timeouts: {connect: 250ms, first_byte: 2m, idle: 1.5s, total: 10m}
    max_connections: 16
    max_waiting: 0
    health: {path: /r?v=1, interval: 2s, timeout: 500ms, unhealthy_after: 1, healthy_after: 4}
    breaker: {failures: 12.5%, window: 1m, min_requests: 8, open: 30s}
    soft_errors: [{json: $.error, as: 404}, {status: 201, json: "$['ok']", equals: false, as: 503}]
    fallback: {on: [unavailable], to: legacy}
  far:
    urls: ["https://A.internal", "https://b.internal:8443"]
    tls: {ca: ca.pem, server_name: Shop.internal}
  near: {url: "unix:/run/shop.sock"}
routes:
  - name: images
    match: [{path_prefix: /images}, {path: /gallery/, methods: [GET, HEAD]}]
    split: {legacy: rest, image_service: 12.345}
    parallel_run: images
    sticky: [{header: X-Customer-Id}, {cookie: Customer}, client_ip]
    owner:
      id: "/images/{id}"
      ranges: {image_service: 1000000001.., legacy: 1..1000000000}
      unknown: legacy
      second_look: image_service
      lists: image_service
  - name: shops
    match: {path_prefix: /shops}
    split: {legacy: rest, image_service: 0}
    owner:
      id: "/shops/{}/images/{id}"
      prefixes: {image_service: img_, legacy: [old-, "pic:"]}
      unknown: legacy
      lists: {merge: $.image.id, order: as_listed, query: [status]}
  - name: beta
    match: {path: /a%20b, headers: {X-Beta: "1"}, query: {"caf\xc3\xa9": "sim, j\xc3\xa1"}}
    backend: image_service
  - name: thumbnails
    match: {path_regex: '/images/[0-9]+/thumb', hosts: [Shop.example, "*.Shop.example", "0:0::1"]}
    backend: image_service
  - {name: rest, match: {path_prefix: /}, backend: legacy, parallel_run: behind}
parallel_runs:
  images:
    control: legacy
    candidate: image_service
    sample: 12.5%
    writes: sandbox
    budget: {per_second: 0.5, per_day: 1000, in_flight: 4}
    headers: [Content-Type, X-Total]
    ignore:
      - {json: "$..created_at", because: two clocks, until: "2027-06-30"}
      - {html: /html/body/form/input/@value, because: one token each, until: "2027-06-30"}
      - {header: X-Total, because: not counted yet, until: "2028-02-29"}
    normalise: [{json: $.id, to: id_alias}, {header: content-type, to: url_host}]
    tolerate: [{json: $.price, absolute: 0.01, relative: 1%}, {header: x-total, relative: 0.5%}]
    unordered: [$.tags]
    same_status: [{control: 404, candidate: 410}]
    images: {compare: perceptual, distance: 0.05}
    examples: {plain: [size, X-Tenant], pictures: true}
    second_control: near
    noise_sample: 5%
    request_headers:
      control: {X-Key: "Bearer ${CONTROL_KEY:-c}"}
      candidate: {Authorization: "Bearer ${CANDIDATE_KEY:-k}", X-Two: "2"}
    build_header: X-Build
    watermark: /backfill?of=images
    mark_secret: "${MARK_SECRET:-}"
    ready_when:
      mismatch_rate_below: 0.25%
      confidence: 99%
      max_uncompared: 0%
      max_latency_ratio: 1.5
  behind:
    control: image_service
    candidate: legacy
    reverse: true
    build_health: {path: /livez, json: $.build}
"""

RUNS = (
    ParallelRun(
        name="images",
        control="legacy",
        candidate="image_service",
        sample=12_500,
        writes="sandbox",
        budget=Budget(per_second=0.5, per_day=1000, in_flight=4),
        rules=Rules(
            headers=("content-type", "x-total"),
            ignore=(
                Ignore(place=Place(json="$..created_at"), because="two clocks", until="2027-06-30"),
                Ignore(
                    place=Place(html="/html/body/form/input/@value"),
                    because="one token each",
                    until="2027-06-30",
                ),
                Ignore(
                    place=Place(header="x-total"), because="not counted yet", until="2028-02-29"
                ),
            ),
            normalise=(
                Normalise(place=Place(json="$.id"), to="id_alias"),
                Normalise(place=Place(header="content-type"), to="url_host"),
            ),
            tolerate=(
                Tolerate(place=Place(json="$.price"), absolute=0.01, relative=0.01),
                Tolerate(place=Place(header="x-total"), relative=0.005),
            ),
            unordered=(Place(json="$.tags"),),
            same_status=(StatusPair(control=404, candidate=410),),
            pictures=Pictures(compare="perceptual", distance=0.05),
        ),
        ready_when=ReadyWhen(
            mismatch_rate_below=0.0025, confidence=0.99, max_uncompared=0.0, max_latency_ratio=1.5
        ),
        second_control="near",
        noise_sample=5_000,
        headers=(
            ("control", "x-key", "Bearer c"),
            ("candidate", "authorization", "Bearer k"),
            ("candidate", "x-two", "2"),
        ),
        build_header="x-build",
        watermark="/backfill?of=images",
        kept=Kept(plain=("size", "x-tenant"), pictures=True),
    ),
    ParallelRun(
        name="behind",
        control="image_service",
        candidate="legacy",
        sample=100_000,
        is_reversed=True,
        build_health=("/livez", "$.build"),
    ),
)

SNAPSHOT = Snapshot(
    digest=hashlib.sha256(TEXT).hexdigest(),
    trust=Trust(proxies=("10.0.0.0/8", "fd00::/8"), testers=("127.0.0.1/32",)),
    backends=(
        Backend(name="legacy", addresses=(Address(host="legacy.internal", port=80),)),
        Backend(
            name="image_service",
            addresses=(Address(host="::1", port=8002),),
            timeouts=Timeouts(connect_s=0.25, first_byte_s=120.0, idle_s=1.5, total_s=600.0),
            max_connections=16,
            max_waiting=0,
            health=Health(
                path="/r?v=1",
                interval_s=2.0,
                timeout_s=0.5,
                unhealthy_after=1,
                healthy_after=4,
            ),
            breaker=Breaker(failures=0.125, window_s=60.0, min_requests=8, open_s=30.0),
            soft_errors=(
                SoftError(json="$.error", counts_as=404),
                SoftError(json="$['ok']", equals=False, status=201, counts_as=503),
            ),
            fallback=Fallback(to="legacy"),
        ),
        Backend(
            name="far",
            addresses=(Address(host="a.internal", port=443), Address(host="b.internal", port=8443)),
            tls=Tls(ca="what ca.pem holds", server_name="shop.internal"),
        ),
        Backend(name="near", addresses=(Address(path="/run/shop.sock"),)),
    ),
    routes=(
        Route(
            name="images",
            matches=(
                Match(path_prefix="/images"),
                Match(path="/gallery/", methods=("GET", "HEAD")),
            ),
            shares=(
                Share(backend="image_service", start=0, end=12_345),
                Share(backend="legacy", start=12_345, end=100_000),
            ),
            sticky=(
                Sticky(source="header", name="x-customer-id"),
                Sticky(source="cookie", name="Customer"),
                Sticky(source="client_ip"),
            ),
            owner=Owner(
                collection="/images",
                ranges=(
                    IdRange(backend="legacy", first=1, last=1_000_000_000),
                    IdRange(backend="image_service", first=1_000_000_001, last=None),
                ),
                unknown="legacy",
                second_look="image_service",
                lists="image_service",
            ),
            parallel_run="images",
        ),
        Route(
            name="shops",
            matches=(Match(path_prefix="/shops"),),
            shares=(
                Share(backend="image_service", start=0, end=0),
                Share(backend="legacy", start=0, end=100_000),
            ),
            owner=Owner(
                collection="/shops/{}/images",
                prefixes=(
                    IdPrefix(backend="image_service", prefix="img_"),
                    IdPrefix(backend="legacy", prefix="old-"),
                    IdPrefix(backend="legacy", prefix="pic:"),
                ),
                unknown="legacy",
                lists="legacy",
                merge=Merge(id=("image", "id"), order="as_listed", query=("status",)),
            ),
        ),
        Route(
            name="beta",
            matches=(
                Match(
                    path="/a%20b",
                    headers=(("x-beta", "1"),),
                    query=(("café", "sim, já"),),
                ),
            ),
            backend="image_service",
        ),
        Route(
            name="thumbnails",
            matches=(
                Match(
                    path_regex="/images/[0-9]+/thumb",
                    hosts=("shop.example", "*.shop.example", "::1"),
                ),
            ),
            backend="image_service",
        ),
        Route(
            name="rest",
            matches=(Match(path_prefix="/"),),
            backend="legacy",
            parallel_run="behind",
        ),
    ),
    parallel_runs=RUNS,
)


def certificates(name: str) -> str:
    """What a CA file of any name is said to hold."""
    return f"what {name} holds"


def problems_of(text: bytes) -> tuple[Problem, ...]:
    """What is wrong with a file; empty if nothing is."""
    try:
        load(text, certificates=certificates)
    except ConfigError as error:
        return error.problems
    return ()
