"""Sessions with tokens in cookies, and an API for the browser that has them."""

from datetime import timedelta

import msgspec

from boltguard import BoltAPI
from boltguard.auth import InMemoryRevocation, IsAuthenticated, JWTAuthentication
from boltguard.sessions import TokenSessions

# Only the cookie is read, so that the steps with tokens in headers are independent of it.
browser = JWTAuthentication(cookie="__Host-access", header=None, revocation_store=InMemoryRevocation())
sessions = TokenSessions(browser, cookies=True, access_lifetime=timedelta(minutes=5))

basket_api = BoltAPI(auth=[browser], guards=[IsAuthenticated()])
baskets: dict[str, list[str]] = {}


class Item(msgspec.Struct):
    title: str


@basket_api.get("/")
async def show(request):
    return {"user_id": request.context.user_id, "titles": baskets.get(request.context.user_id, [])}


@basket_api.post("/", status=201)
async def add(request, item: Item):
    baskets.setdefault(request.context.user_id, []).append(item.title)
    return item
