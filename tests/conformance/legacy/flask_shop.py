"""The product module as a Flask program: ``python -m tests.conformance.legacy.flask_shop FOLDER``.

What the monolith's answers are compared with while it is developed. Written as such programs are,
and served by Werkzeug's own server, like the original.
"""

from __future__ import annotations

import logging
import sys

from flask import Flask, Response, jsonify, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Column, Float, Integer, String
from werkzeug.serving import make_server

db = SQLAlchemy()


class Product(db.Model):  # type: ignore[name-defined,misc]  # a class made at run time
    """A thing in the shop."""

    id = Column(Integer, primary_key=True)
    name = Column(String(80), nullable=False)
    price = Column(Float, nullable=False)

    def to_dict(self) -> dict[str, object]:
        """Return what customers see."""
        return {"id": self.id, "name": self.name, "price": self.price}


def create_app(url: str) -> Flask:
    """Build the program on a database."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    db.init_app(app)
    app.add_url_rule("/products", view_func=get_products, methods=["GET"])
    app.add_url_rule("/products", view_func=create_product, methods=["POST"])
    app.add_url_rule("/products/<int:id>", view_func=get_product, methods=["GET"])
    app.add_url_rule("/products/<int:id>", view_func=update_product, methods=["PUT"])
    app.add_url_rule("/products/<int:id>", view_func=delete_product, methods=["DELETE"])
    with app.app_context():
        db.create_all()
    return app


def get_products() -> Response:
    """List them."""
    return jsonify([product.to_dict() for product in db.session.query(Product).all()])


def get_product(id: int) -> Response:  # noqa: A002 - the placeholder's name
    """Show one."""
    product = db.session.get(Product, id)
    if not product:
        return jsonify({"error": "Produto não encontrado"})
    return jsonify(product.to_dict())


def create_product() -> Response:
    """Store one."""
    data = request.get_json()
    product = Product(name=data.get("name"), price=data.get("price"))
    db.session.add(product)
    db.session.commit()
    return jsonify(product.to_dict())


def update_product(id: int) -> Response:  # noqa: A002 - the placeholder's name
    """Change one."""
    product = db.session.get(Product, id)
    if not product:
        return jsonify({"error": "Produto não encontrado"})
    data = request.get_json()
    product.name = data.get("name")
    product.price = data.get("price")
    db.session.commit()
    return jsonify(product.to_dict())


def delete_product(id: int) -> Response:  # noqa: A002 - the placeholder's name
    """Delete one."""
    product = db.session.get(Product, id)
    if not product:
        return jsonify({"error": "Produto não encontrado"})
    db.session.delete(product)
    db.session.commit()
    return jsonify({"success": "Produto deletado"})


def main(folder: str) -> None:
    """Serve until killed; say where."""
    logging.disable(logging.CRITICAL)  # a line and a traceback for every request
    app = create_app(f"sqlite:///{folder}/flask.db")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stderr.write(f"flask_shop: listening on http://127.0.0.1:{server.server_port}\n")
    sys.stderr.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
