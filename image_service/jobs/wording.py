"""An order as text, for the jobs table."""

from __future__ import annotations

import json

from image_service.contract import Order, Size


def write_order(order: Order) -> str:
    """Write an order as JSON, ASCII only: no database refuses it."""
    return json.dumps(
        {
            "prompt": order.prompt,
            "size": [order.size.width, order.size.height],
            "product_id": order.product_id,
            "quality": order.quality,
        }
    )


def read_order(text: str) -> Order:
    """Read what ``write_order`` wrote."""
    fields = json.loads(text)
    width, height = fields["size"]
    return Order(
        prompt=fields["prompt"],
        size=Size(width=width, height=height),
        product_id=fields["product_id"],
        quality=fields["quality"],
    )
