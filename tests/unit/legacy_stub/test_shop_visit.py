"""A browser's cookies, its forms' token, and the sentences for its next page."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import sessionmaker

from legacy_stub.database import open_database
from legacy_stub.flask_style import Answer, Request
from legacy_stub.shop_accounts import Account, Accounts
from legacy_stub.shop_session import SessionCookies
from legacy_stub.shop_visit import Flash, Visit, Visits, read_cookies

COOKIES = SessionCookies("a key of sixteen characters")


@pytest.fixture
def visits(tmp_path: Path) -> Visits:
    """No account but Ana's."""
    accounts = Accounts(sessionmaker(open_database(f"sqlite:///{tmp_path}/a.db", connections=1)))
    accounts.seed("figueira")
    return Visits(COOKIES, accounts)


def request(cookie: str = "", *, is_https: bool = False) -> Request:
    """A look at a page."""
    return Request(method="GET", target="/loja", cookie=cookie, is_https=is_https)


def told(answer: Answer) -> dict[str, str]:
    """The cookies that an answer sets, by name, with their flags."""
    lines = [value for name, value in answer.headers if name == "Set-Cookie"]
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1; b=2;c=3 ; ", {"a": "1", "b": "2", "c": "3"}),
        ("a=1; a=2", {"a": "1"}),
        ('a="1"; b=x=y', {"a": "1", "b": "x=y"}),
        ("no value; =x; \x7f; a=\xe9", {"": "x", "a": "\xe9"}),
    ],
)
def test_cookies_are_read_as_browsers_send_them(header: str, cookies: dict[str, str]) -> None:
    """A broken one costs none of the others."""
    assert read_cookies(header) == cookies


def test_the_first_visit_is_given_a_name_and_a_later_one_keeps_it(visits: Visits) -> None:
    """What a gateway keeps a customer on one side by never changes."""
    first = told(visits.page(visits.open(request()), "<p>"))
    name, *flags = first["customer"].split("; ")
    assert len(name) == 32
    assert set(flags) == {"Max-Age=34560000", "HttpOnly", "Path=/", "SameSite=Lax"}
    other = told(visits.page(visits.open(request()), "<p>"))["customer"]
    assert not other.startswith(name)
    assert told(visits.page(visits.open(request(f"customer={name}")), "<p>")) == {}


def test_any_name_that_is_there_is_left_alone(visits: Visits) -> None:
    """Also one from elsewhere: to give another would move a customer to another side."""
    assert told(visits.page(visits.open(request("customer=from-elsewhere")), "<p>")) == {}
    assert "customer" in told(visits.page(visits.open(request("customer=")), "<p>"))


def test_cookies_are_for_tls_alone_where_there_is_tls(visits: Visits) -> None:
    visit = visits.open(request(is_https=True))
    visit.flash("x")
    assert all(flags.endswith("; Secure") for flags in told(visits.page(visit, "<p>")).values())
    assert "Secure" not in f"{told(visits.page(visits.open(request()), '<p>'))}"


def test_a_session_is_told_only_when_it_has_changed(visits: Visits) -> None:
    visit = visits.open(request())
    token = visit.token
    cookie = told(visits.page(visit, "<p>"))["session"].partition(";")[0]
    again = visits.open(request(f"session={cookie}; customer=x"))
    assert again.token == token
    assert told(visits.page(again, "<p>")) == {}


def test_an_ended_session_is_taken_from_the_browser(visits: Visits) -> None:
    visit = visits.open(request(f"customer=x; session={COOKIES.write({'user_id': 1})}"))
    assert visit.account == Account(id=1, name="Ana")
    visit.log_out()
    flags = told(visits.redirect(visit, "/loja"))["session"]
    assert flags.startswith("; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly; Path=/")


@pytest.mark.parametrize("user", ["1", 1.0, True, None, 2, [1]])
def test_only_the_number_of_an_account_is_one(visits: Visits, user: object) -> None:
    visit = visits.open(request(f"session={COOKIES.write({'user_id': user})}"))
    assert visit.account is None


def test_a_login_leaves_nothing_of_the_session_before() -> None:
    """So whoever planted one has no part in the new one."""
    visit = Visit(session={"csrf_token": "planted"})
    visit.log_in(Account(id=1, name="Ana"))
    assert visit.token
    assert not visit.may_post({"csrf_token": "planted"})
    assert visit.session["user_id"] == 1


@pytest.mark.parametrize(
    ("session", "form", "may"),
    [
        ({"csrf_token": "abc"}, {"csrf_token": "abc"}, True),
        ({"csrf_token": "abc"}, {"csrf_token": "abd"}, False),
        ({"csrf_token": "abc"}, {"csrf_token": "é"}, False),
        ({"csrf_token": "abc"}, {}, False),
        ({}, {"csrf_token": ""}, False),
        ({}, {}, False),
        ({"csrf_token": ""}, {"csrf_token": ""}, False),
        ({"csrf_token": 5}, {"csrf_token": "5"}, False),
    ],
)
def test_a_form_has_to_bring_its_sessions_token(
    session: dict[str, object], form: dict[str, str], *, may: bool
) -> None:
    assert Visit(session=session).may_post(form) is may


def test_sentences_are_kept_for_one_page() -> None:
    visit = Visit(session={})
    for number in range(5):
        visit.flash(f"{number}", "error" if number % 2 else "success")
    kept = [Flash(kind="success", text="2"), Flash(kind="error", text="3")]
    assert visit.take_flashes() == [*kept, Flash(kind="success", text="4")]
    assert visit.take_flashes() == []
    assert visit.session == {}


@pytest.mark.parametrize("kept", [None, "x", 5, [5], [("success",)], [["success", "x"]], [(1, 2)]])
def test_sentences_that_are_none_are_passed_over(kept: object) -> None:
    assert Visit(session={"_flashes": kept}).take_flashes() == []


def test_the_kind_of_a_sentence_is_a_word() -> None:
    """It becomes a class in the page."""
    visit = Visit(session={"_flashes": [("a b", "x"), ("message", "y")]})
    assert [flash.kind for flash in visit.take_flashes()] == ["", "message"]
