"""Pages of a feed, as parsed JSON."""

from __future__ import annotations

SHA = "ab" * 32
ROW: dict[str, object] = {
    "product_id": None,
    "prompt": "praia",
    "size": "256x256",
    "status": "pendente",
    "created_at": None,
    "file": None,
}


def event(position: int, image_id: int, kind: str, **changes: object) -> dict[str, object]:
    """Build an event of an image."""
    payload = {"id": image_id} if kind == "delete" else {"id": image_id, **ROW, **changes}
    return {
        "position": position,
        "aggregatetype": "image",
        "aggregateid": str(image_id),
        "type": kind,
        "timestamp": "2026-11-24T00:31:23.663Z",
        "payload": payload,
    }


def page(*events: dict[str, object], **changes: object) -> dict[str, object]:
    """Build a page; it ends with the feed unless ``changes`` say otherwise."""
    last = max((int(str(one["position"])) for one in events), default=0)
    return {
        "feed": "f",
        "cursor": f"{last}-x",
        "position": last,
        "last": last,
        "more": False,
        "snapshot": False,
        "events": list(events),
        **changes,
    }
