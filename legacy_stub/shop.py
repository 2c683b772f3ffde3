"""The shop's pages: products and their pictures, orders, logins.

Every page is whole without a script. Where scripts run, ``loja.js`` sends orders to
``POST /images`` and completes the pictures from ``GET /images``: the URLs that any program uses, so
that whoever stands behind them serves the pages too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from legacy_stub import shop_forms
from legacy_stub.database import Product
from legacy_stub.flask_style import Answer, Request
from legacy_stub.routing import Handler, Rule, rule
from legacy_stub.shop_accounts import Accounts
from legacy_stub.shop_forms import HOME, NewProduct
from legacy_stub.shop_pages import (
    DEFAULT_SIZE,
    PROMPT_CHARACTERS,
    file_handlers,
    isolated,
    render,
    shelves,
)
from legacy_stub.shop_pictures import READY, Picture, PictureError, Pictures
from legacy_stub.shop_session import SessionCookies
from legacy_stub.shop_visit import Visit, Visits

PRODUCTS_A_PAGE = 24  # divides by 2, 3 and 4: whole rows at every width
PICTURES_SHOWN = 60  # of one product, the newest
LARGEST_ID = 2**63 - 1  # of a SQLite row
EXPIRED = "A página ficou aberta por muito tempo. Confira e envie outra vez."

Page = Callable[[Visit, Request, int], Answer]


class ShopPages:
    """The handlers of ``/loja``, ``/entrar`` and ``/sair``.

    Args:
        sessions: Opens a database session.
        pictures: Where pictures come from.
        accounts: Who may log in.
        cookies: Reads and writes the session cookie.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        *,
        pictures: Pictures,
        accounts: Accounts,
        cookies: SessionCookies,
    ) -> None:
        self._sessions = sessions
        self._pictures = pictures
        self._accounts = accounts
        self._visits = Visits(cookies, accounts)

    def rules(self) -> tuple[Rule, ...]:
        """Return the paths of this module."""
        return (
            rule("/loja", {"GET": self._of(self.all), "POST": self._of(self.create)}),
            rule("/loja/<int>", {"GET": self._of(self.one), "POST": self._of(self.order)}),
            rule("/entrar", {"GET": self._of(self.door), "POST": self._of(self.log_in)}),
            rule("/sair", {"POST": self._of(self.log_out)}),
            *(rule(path, {"GET": handler}) for path, handler in file_handlers().items()),
        )

    def all(self, visit: Visit, request: Request, _number: int) -> Answer:
        """Show the products, a page of them at a time."""
        wanted = shop_forms.read_page(shop_forms.read_query(request))
        empty = NewProduct(name="", price_text="", price=None)
        return self._show_all(visit, wanted, empty)

    def create(self, visit: Visit, request: Request, _number: int) -> Answer:
        """Take a new product from somebody who is logged in."""
        if visit.account is None:
            visit.flash("Entre para cadastrar produtos.", "error")
            return self._visits.redirect(visit, "/entrar")
        form = shop_forms.read_form(request)
        product = shop_forms.read_product(form)
        if not visit.may_post(form):
            return self._show_all(visit, 1, product, problem=EXPIRED)
        if product.price is None or product.errors:
            return self._show_all(visit, 1, product)
        with self._sessions() as session:
            row = Product(name=product.name, price=product.price)
            session.add(row)
            session.commit()
            visit.flash(f"“{isolated(row.name)}” já está na loja.")
            return self._visits.redirect(visit, f"{HOME}/{row.id}")

    def one(self, visit: Visit, _request: Request, product_id: int) -> Answer:
        """Show one product, its pictures and the form to order another."""
        return self._show_one(visit, product_id, prompt="", size=DEFAULT_SIZE)

    def order(self, visit: Visit, request: Request, product_id: int) -> Answer:
        """Take an order from a browser without scripts, and answer when the picture is there."""
        form = shop_forms.read_form(request)
        prompt, size = shop_forms.read_prompt(form), form.get("size", DEFAULT_SIZE)
        if not visit.may_post(form):
            return self._show_one(visit, product_id, prompt=prompt, size=size, problem=EXPIRED)
        if self._find(product_id) is None:
            return self._missing(visit)
        try:
            picture = self._pictures.order(prompt, size, product_id)
        except PictureError as error:
            status = 500 if error.is_fault else 400
            return self._show_one(
                visit, product_id, prompt=prompt, size=size, problem=error.text, status=status
            )
        is_ready = picture.status == READY
        visit.flash("Sua imagem está pronta." if is_ready else "Sua imagem está a caminho.")
        return self._visits.redirect(visit, f"{HOME}/{product_id}")

    def door(self, visit: Visit, request: Request, _number: int) -> Answer:
        """Show the form to log in; who is logged in goes on."""
        back = shop_forms.read_back(shop_forms.read_query(request))
        if visit.account is not None:
            return self._visits.redirect(visit, back)
        return self._show_door(visit, back=back)

    def log_in(self, visit: Visit, request: Request, _number: int) -> Answer:
        """Begin a session for an account."""
        form = shop_forms.read_form(request)
        back, email = shop_forms.read_back(form), form.get("email", "")
        if not visit.may_post(form):
            return self._show_door(visit, back=back, email=email, problem=EXPIRED)
        account = self._accounts.log_in(email, form.get("password", ""))
        if account is None:
            problem = "E-mail ou senha não conferem."
            return self._show_door(visit, back=back, email=email, problem=problem)
        visit.log_in(account)
        visit.flash(f"Você entrou como {account.name}.")
        return self._visits.redirect(visit, back)

    def log_out(self, visit: Visit, request: Request, _number: int) -> Answer:
        """End the session."""
        if visit.may_post(shop_forms.read_form(request)):
            visit.log_out()
            visit.flash("Até logo!")
        else:
            visit.flash(EXPIRED, "error")
        return self._visits.redirect(visit, HOME)

    def _of(self, page: Page) -> Handler:
        def handle(request: Request, number: int) -> Answer:
            return page(self._visits.open(request), request, number)

        return handle

    def _show_all(
        self, visit: Visit, wanted: int, product: NewProduct, *, problem: str = ""
    ) -> Answer:
        with self._sessions() as session:
            total = session.scalar(select(func.count()).select_from(Product)) or 0
            pages = max(1, -(-total // PRODUCTS_A_PAGE))
            number = min(wanted, pages)
            query = select(Product).order_by(Product.id).limit(PRODUCTS_A_PAGE)
            products = list(session.scalars(query.offset((number - 1) * PRODUCTS_A_PAGE)))
        ids = [row.id for row in products]
        values = {
            "products": products,
            "shelves": shelves(ids, self._known(ids) or []),
            "total": total,
            "number": number,
            "pages": pages,
            "new": product,
            "problem": problem,
        }
        html = render("loja.html", visit, values)
        return self._visits.page(visit, html, 400 if problem or product.errors else 200)

    def _show_one(
        self,
        visit: Visit,
        product_id: int,
        *,
        prompt: str,
        size: str,
        problem: str = "",
        status: int = 400,
    ) -> Answer:
        product = self._find(product_id)
        if product is None:
            return self._missing(visit)
        known = self._known([product_id])
        pictures = known or []
        values = {
            "product": product,
            "pictures": pictures[:PICTURES_SHOWN],
            "total": len(pictures),
            "is_whole": known is not None,
            "shown": PICTURES_SHOWN,
            "prompt": prompt,
            "size": size,
            "limit": PROMPT_CHARACTERS,
            "problem": problem,
        }
        html = render("produto.html", visit, values)
        return self._visits.page(visit, html, status if problem else 200)

    def _show_door(self, visit: Visit, *, back: str, email: str = "", problem: str = "") -> Answer:
        values = {"back": back, "email": email, "problem": problem}
        html = render("entrar.html", visit, values)
        return self._visits.page(visit, html, 400 if problem else 200)

    def _known(self, product_ids: Collection[int]) -> list[Picture] | None:
        """Return their pictures; None when nobody can say, which leaves the rest of the page."""
        try:
            return self._pictures.of(product_ids)
        except PictureError:
            return None

    def _missing(self, visit: Visit) -> Answer:
        return self._visits.page(visit, render("falta.html", visit, {}), 404)

    def _find(self, product_id: int) -> Product | None:
        if product_id > LARGEST_ID:
            return None
        with self._sessions() as session:
            return session.get(Product, product_id)
