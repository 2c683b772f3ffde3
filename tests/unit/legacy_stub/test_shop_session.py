"""The session cookie: what Flask wrote, we read, and the other way round."""

from __future__ import annotations

import itsdangerous.timed
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legacy_stub.shop_session import LIFETIME_S, SessionCookies

KEY = "uma-chave-de-teste"
WRITTEN_AT = 1_790_000_000
# Written by Flask 3.1.3 under KEY at that second.
BY_FLASK: list[tuple[str, dict[str, object]]] = [
    (
        ".eJyrVkouLkqLL8nPTs1TslIyMDQyNjE1M7ewTExKTklNQ-cr6SiVFqcWxWemKFkZ1gIAP_4Scw.arE7gA"
        ".N0_gm3Gqe6me-hLtCynAxp49mR0",
        {"user_id": 1, "csrf_token": "0123456789abcdef0123456789abcdef"},
    ),
    (
        ".eJxdxzsOgCAQBcCr4Ksp8P_pPIcag7hoopHEhYp4d62tJhMx21PzToxuiBD-AxyMIWZI9H4MSlErTrc5KfpLJ5ie"
        "ScLwbWfvDrrQQaVZXpRV3bR6MSvZ__G8mxAflQ.arE7gA.SygkEMNfIph52EMYas7P74Dukgc",
        {
            "csrf_token": "0123456789abcdef0123456789abcdef",
            "_flashes": [("success", "Até logo, Ana!")],
        },
    ),
    (
        ".eJyrVopPy0kszkgtVrKKrlZSKAFSSsWlycmpxcVKOkrBpYkKmbmJ6am5CqnFJTGlBgaphgoFRfl5JYl6CuRLKsXW"
        "6oxaRg3LYnWUSotTi-IzU5SszGsB41WaqA.arE7gA.RJcQT3JyAJOwYsscLBYFXqmVtPg",
        {"user_id": 7, "_flashes": [("success", "Sua imagem está pronta. " * 3)] * 4},
    ),
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The clock of signatures: what stands in it is the time."""
    now = [WRITTEN_AT]
    signer = itsdangerous.timed.TimestampSigner
    monkeypatch.setattr(signer, "get_timestamp", lambda _self: now[0])
    return now


@pytest.mark.parametrize(("cookie", "session"), BY_FLASK, ids=["login", "flash", "compressed"])
def test_a_cookie_of_flask_is_read_and_written_to_the_byte(
    cookie: str, session: dict[str, object], clock: list[int]
) -> None:
    """So a gateway that reads the old application's sessions reads these."""
    assert clock == [WRITTEN_AT]
    cookies = SessionCookies(KEY)
    assert cookies.read(cookie) == session
    assert cookies.write(session) == cookie


@pytest.mark.parametrize(("later_s", "is_read"), [(LIFETIME_S, True), (LIFETIME_S + 1, False)])
def test_a_session_counts_for_31_days(later_s: int, *, is_read: bool, clock: list[int]) -> None:
    cookies = SessionCookies(KEY)
    cookie = cookies.write({"user_id": 1})
    clock[0] += later_s
    assert bool(cookies.read(cookie)) is is_read


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        ".",
        "..",
        "é",
        "x" * 10_000,
        BY_FLASK[0][0][:-1],
        BY_FLASK[0][0] + "A",
        BY_FLASK[0][0].replace(".eJ", ".eK"),
        pytest.param(SessionCookies("another key").write({"user_id": 1}), id="another key"),
    ],
)
def test_what_this_key_did_not_sign_is_no_session(cookie: str, clock: list[int]) -> None:
    assert clock
    assert SessionCookies(KEY).read(cookie) == {}


def test_what_is_signed_and_no_mapping_is_no_session() -> None:
    """Under the same key and salt nothing else is signed, but what is in it is not believed."""
    cookies = SessionCookies(KEY)
    assert cookies.read(cookies._serializer.dumps([1, 2])) == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple),
    max_leaves=10,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), JSON))
def test_what_was_written_is_read(session: dict[str, object]) -> None:
    """Tuples included, as Flask keeps them."""
    cookies = SessionCookies(KEY)
    assert cookies.read(cookies.write(session)) == session
