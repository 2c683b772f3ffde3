"""Products that a test has to itself."""

from __future__ import annotations

import httpx


def make_product(base: str, name: str = "farol", price: float = 12.5) -> int:
    """Make a product without a picture; return its id.

    An order may name a product that does not exist, and ids of products are given again: a new one
    may well have the pictures that others have ordered.
    """
    with httpx.Client(base_url=base, trust_env=False) as client:
        taken = {image["product_id"] for image in client.get("/images").json()}
        while True:
            made = client.post("/products", json={"name": name, "price": price}).json()
            if made["id"] not in taken:
                return int(made["id"])
