"""The products: create, read, update, delete, with every wart of the original."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub.database import Product
from legacy_stub.flask_style import Answer, Request, json_answer, read_json
from legacy_stub.routing import Rule, rule

MISSING = {"error": "Produto não encontrado"}
DELETED = {"success": "Produto deletado"}


class Products:
    """The handlers of ``/products``, each in a session of its own."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def rules(self) -> tuple[Rule, ...]:
        """Return the paths of this module."""
        return (
            rule("/products", {"GET": self.all, "POST": self.create}),
            rule("/products/<int>", {"GET": self.one, "PUT": self.update, "DELETE": self.delete}),
        )

    def all(self, _request: Request, _number: int) -> Answer:
        """Answer every product, in order of id."""
        with self._sessions() as session:
            products = session.scalars(select(Product).order_by(Product.id))
            return json_answer([_record(product) for product in products])

    def one(self, _request: Request, product_id: int) -> Answer:
        """Answer one product."""
        with self._sessions() as session:
            product = session.get(Product, product_id)
            return json_answer(MISSING if product is None else _record(product))

    def create(self, request: Request, _number: int) -> Answer:
        """Store a new product; what is wrong with it, the database finds out."""
        name, price = _name_and_price(request)
        with self._sessions() as session:
            product = Product(name=name, price=price)
            session.add(product)
            session.commit()
            return json_answer(_record(product))

    def update(self, request: Request, product_id: int) -> Answer:
        """Replace name and price; the body is looked at only when the product exists."""
        with self._sessions() as session:
            product = session.get(Product, product_id)
            if product is None:
                return json_answer(MISSING)
            product.name, product.price = _name_and_price(request)
            session.commit()
            return json_answer(_record(product))

    def delete(self, _request: Request, product_id: int) -> Answer:
        """Delete one product."""
        with self._sessions() as session:
            product = session.get(Product, product_id)
            if product is None:
                return json_answer(MISSING)
            session.delete(product)
            session.commit()
            return json_answer(DELETED)


def _record(product: Product) -> dict[str, object]:
    return {"id": product.id, "name": product.name, "price": product.price}


def _name_and_price(request: Request) -> tuple[str, float]:
    """Return what was sent under these names, unchecked: of any type, None when absent.

    A value the database cannot store, and JSON that is not an object, are the original's unhandled
    errors: status 500.
    """
    value = read_json(request)
    if not isinstance(value, dict):
        raise TypeError(type(value))
    return value.get("name"), value.get("price")  # type: ignore[return-value]  # see above
