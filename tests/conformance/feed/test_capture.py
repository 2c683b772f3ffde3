"""Whatever is done to a row, by whom and how, is told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from legacy_stub.database import Image, Product
from legacy_stub.feed.switching import switch
from tests.conformance.feed.watching import Watched

INSERT = "INSERT INTO product (id, name, price) VALUES (:id, :name, :price)"
ONE = "INSERT INTO product (id, name, price) VALUES (1, 'Caneca', 19.9)"
TWO = "INSERT INTO product (id, name, price) VALUES (2, 'Prato', 30)"


ON_SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


def test_a_product_s_life_is_told_in_order(watched: Watched) -> None:
    with Session(watched.engine) as session:
        session.add(Product(name="Caneca", price=19.9))
        session.commit()
        product = session.get_one(Product, 1)
        product.price = 21.5
        session.commit()
        session.delete(product)
        session.commit()
    events = watched.read()
    assert [(event.type, event.payload) for event in events] == [
        ("create", {"id": 1, "name": "Caneca", "price": 19.9}),
        ("update", {"id": 1, "name": "Caneca", "price": 21.5}),
        ("delete", {"id": 1}),
    ]
    assert [event.position for event in events] == [1, 2, 3]
    assert {event.generation for event in events} == {1}


def test_an_image_is_told_with_what_it_takes_to_fetch_and_check_its_picture(
    watched: Watched,
) -> None:
    with Session(watched.engine) as session:
        image = Image(product_id=7, prompt="uma praia", size="256x256", status="pendente")
        session.add(image)
        session.commit()
        image.png, image.status = b"abc", "pronta"
        session.commit()
    first, second = watched.read()
    assert first.payload["file"] is None
    assert second.payload == {
        "id": 1,
        "product_id": 7,
        "prompt": "uma praia",
        "size": "256x256",
        "status": "pronta",
        "created_at": first.payload["created_at"],
        "file": {
            "version": 2,
            "bytes": 3,
            "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "content_type": "image/png",
            "url": "/changes/images/1/file?version=2",
        },
    }
    assert str(first.payload["created_at"]).endswith("Z")


def test_an_update_that_leaves_the_picture_alone_keeps_its_version(watched: Watched) -> None:
    watched.run(
        "INSERT INTO image (id, prompt, size, status, png) VALUES (1, 'x', '1x1', 'pronta', :png)",
        "UPDATE image SET prompt = 'y'",
        "UPDATE image SET png = NULL",
        png=b"abc",
    )
    versions = [event.file and event.file["version"] for event in watched.read()]
    assert versions == [1, 1, None]


def test_a_deletion_and_a_new_row_with_its_id_are_two_lives(watched: Watched) -> None:
    """The monolith gives the id of a deleted last product again."""
    watched.run(ONE, "DELETE FROM product", ONE, "UPDATE product SET price = 1")
    assert [(event.type, event.generation) for event in watched.read()] == [
        ("create", 1),
        ("delete", 1),
        ("create", 3),
        ("update", 3),
    ]


def test_a_row_that_changes_its_id_goes_and_comes(watched: Watched) -> None:
    watched.run(ONE, "UPDATE product SET id = 5")
    assert watched.told() == [
        ("product", "1", "create"),
        ("product", "1", "delete"),
        ("product", "5", "create"),
    ]


def test_what_is_rolled_back_is_never_told(watched: Watched) -> None:
    with watched.engine.connect() as connection:
        connection.execute(text(ONE))
        connection.rollback()
    with watched.engine.begin() as connection:
        connection.execute(text(TWO))
        savepoint = connection.begin_nested()
        connection.execute(text(ONE))
        savepoint.rollback()
    with watched.engine.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text(TWO))
    assert watched.told() == [("product", "2", "create")]


def test_a_statement_over_many_rows_tells_of_each(watched: Watched) -> None:
    watched.run(ONE, TWO)
    watched.read()
    watched.run("UPDATE product SET price = price + 1", "DELETE FROM product")
    kinds = [kind for _, _, kind in watched.told()]
    assert kinds == ["update", "update", "delete", "delete"]


def test_an_insert_that_a_conflict_turns_into_an_update_is_an_update(watched: Watched) -> None:
    watched.run(
        ONE,
        f"{ONE} ON CONFLICT (id) DO UPDATE SET price = 1",
        f"{ONE} ON CONFLICT DO NOTHING",
    )
    assert watched.told() == [("product", "1", "create"), ("product", "1", "update")]


@pytest.mark.parametrize("price", [0.1 + 0.2, 1e22, 5e-324, 1.7976931348623157e308, 19.9])
def test_a_price_is_told_to_its_last_digit(watched: Watched, price: float) -> None:
    watched.run(INSERT, id=1, name="Caneca", price=price)
    (event,) = watched.read()
    told = event.payload["price"]
    assert isinstance(told, float | int)
    assert float(told) == price


@pytest.mark.parametrize(("price", "told"), [("inf", "Infinity"), ("-inf", "-Infinity")])
def test_a_price_that_json_has_no_number_for_is_told_as_text(
    watched: Watched, price: str, told: str
) -> None:
    watched.run(INSERT, id=1, name="Caneca", price=float(price))
    assert watched.read()[0].payload["price"] == told


@pytest.mark.parametrize(
    "name", ["", 'a "b" \\ \n\t', "Ação 🎨 \u202e", "x" * 80, "\x01\x7f", "null"]
)
def test_a_name_is_told_as_it_is(watched: Watched, name: str) -> None:
    watched.run(INSERT, id=1, name=name, price=1)
    assert watched.read()[0].payload["name"] == name


@ON_POSTGRESQL
def test_truncating_a_table_tells_of_every_row(watched: Watched) -> None:
    watched.run(ONE, TWO)
    watched.read()
    watched.run("TRUNCATE product RESTART IDENTITY", ONE)
    assert watched.told() == [
        ("product", "1", "delete"),
        ("product", "2", "delete"),
        ("product", "1", "create"),
    ]


@ON_POSTGRESQL
def test_a_restore_that_leaves_triggers_out_is_captured_all_the_same(watched: Watched) -> None:
    watched.run("SET LOCAL session_replication_role = replica", ONE)
    assert watched.told() == [("product", "1", "create")]


@ON_POSTGRESQL
def test_a_role_that_may_only_write_products_is_captured(watched: Watched) -> None:
    """It has no right to the outbox, looks elsewhere for tables, and has one of that name."""
    watched.run("DROP ROLE IF EXISTS clerk", "CREATE ROLE clerk")
    watched.run("GRANT USAGE ON SCHEMA public TO clerk", "GRANT INSERT ON product TO clerk")
    watched.run(
        "CREATE TEMPORARY TABLE outbox (position bigint)",
        "SET LOCAL ROLE clerk",
        "SET LOCAL search_path = pg_temp",
        "INSERT INTO public.product (id, name, price) VALUES (1, 'Caneca', 1)",
        "RESET ROLE",
        "DROP TABLE pg_temp.outbox",
    )
    assert watched.told() == [("product", "1", "create")]
    watched.run("DROP OWNED BY clerk", "DROP ROLE clerk")


@ON_SQLITE
def test_a_row_that_replace_removes_is_told_as_gone(watched: Watched) -> None:
    """SQLite fires no trigger of a deletion for it."""
    watched.run(ONE, TWO, "REPLACE INTO product VALUES (1, 'Copo', 5)")
    watched.run("UPDATE OR REPLACE product SET id = 1 WHERE id = 2")
    watched.run("INSERT OR IGNORE INTO product VALUES (1, 'never', 1)")
    assert watched.told()[2:] == [
        ("product", "1", "delete"),
        ("product", "1", "create"),
        ("product", "2", "delete"),
        ("product", "1", "delete"),
        ("product", "1", "create"),
    ]
    assert watched.held() == watched.table()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("x'00ff'", {"base16": "00FF"}),
        ("CAST(x'41ff42' AS TEXT)", "A�B"),
        ("'a' || char(0) || 'b'", "a\0b"),
        ("7", "7"),
    ],
)
@ON_SQLITE
def test_a_value_of_any_type_is_told_and_fails_no_write(
    watched: Watched, value: str, told: object
) -> None:
    watched.run(f"INSERT INTO product VALUES (1, {value}, 'nove')")  # noqa: S608 - our own
    assert watched.read()[0].payload == {"id": 1, "name": told, "price": "nove"}


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs SQLite's command line")
@ON_SQLITE
def test_a_write_from_sqlite_s_command_line_is_captured(watched: Watched, tmp_path: Path) -> None:
    """Another process, another build of SQLite, nothing of ours loaded."""
    subprocess.run(  # noqa: S603 - our own words
        ["sqlite3", tmp_path / "legacy.db", ONE, "UPDATE product SET price = 0.1 + 0.2"],  # noqa: S607
        check=True,
    )
    assert [event.payload["price"] for event in watched.read()] == [19.9, 0.1 + 0.2]


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs SQLite's command line")
@ON_SQLITE
def test_replace_is_told_the_same_where_it_does_fire_triggers(
    watched: Watched, tmp_path: Path
) -> None:
    """Each program decides for itself whether it does."""
    again = "REPLACE INTO product VALUES (1, 'Copo', 5)"
    subprocess.run(  # noqa: S603 - our own words
        ["sqlite3", tmp_path / "legacy.db", "PRAGMA recursive_triggers = ON", ONE, again],  # noqa: S607
        check=True,
    )
    assert [kind for _, _, kind in watched.told()] == ["create", "delete", "create"]


def test_rows_from_before_the_feed_are_captured_from_then_on(engine: Engine) -> None:
    with Session(engine) as session:
        session.add(Product(name="Caneca", price=1))
        session.add(Image(prompt="x", size="1x1", status="pronta", png=b"abc"))
        session.commit()
    switch(engine, on=True)
    watched = Watched(engine)
    watched.run("UPDATE product SET price = 2", "UPDATE image SET prompt = 'y'")
    events = watched.read()
    assert [(event.type, event.generation) for event in events] == [("update", 0), ("update", 0)]
    file = events[1].file
    assert file is not None
    assert file["version"] == 0
    assert events[1].payload["created_at"] is None
    assert watched.held() == watched.table()
