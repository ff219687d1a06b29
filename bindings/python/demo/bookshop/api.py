"""The API of the bookshop. By default, handlers require a token or an API key, as configured in the settings."""

import msgspec
from django.conf import settings
from django.contrib.auth import aauthenticate
from django.contrib.auth.signals import user_logged_in

from boltguard import BoltAPI, Depends
from boltguard.auth import (
    AllowAny,
    HasPermission,
    IsStaff,
    ViaBackend,
    alogout,
    create_jwt_for_user,
    get_current_user,
)
from boltguard.exceptions import Unauthorized

api = BoltAPI()


class Login(msgspec.Struct):
    username: str
    password: str


class Book(msgspec.Struct):
    title: str


books = [Book("Sketch of the Analytical Engine"), Book("The Education of a Computer")]


@api.post("/login", guards=[AllowAny()])
async def login(request, credentials: Login):
    user = await aauthenticate(request, username=credentials.username, password=credentials.password)
    if user is None:
        raise Unauthorized(detail="Wrong name or password")
    # Sets `last_login`, and notifies packages such as django-axes, which count failed logins.
    await user_logged_in.asend(type(user), request=request, user=user)
    permissions = settings.PEOPLE[user.username]["permissions"]
    token = create_jwt_for_user(
        user, expires_in=900, extra_claims={"permissions": permissions}, secret=settings.TOKEN_SECRET
    )
    return {"access_token": token, "token_type": "bearer", "expires_in": 900}


@api.post("/logout", guards=[ViaBackend("jwt")])
async def log_out(request):
    await alogout(request)
    return {"status": "logged out"}


@api.get("/public", guards=[AllowAny()])
async def public():
    return {"message": "Anyone may read this"}


@api.get("/me", guards=[ViaBackend("jwt")])
async def me(user=Depends(get_current_user)):
    return {"id": user.id, "username": user.username, "email": user.email, "is_staff": user.is_staff}


@api.get("/context")
async def context(request):
    return request.context


@api.get("/books", guards=[HasPermission("books.read")])
async def read_books():
    return books


@api.post("/books", guards=[HasPermission("books.add")], status=201)
async def add_book(book: Book):
    books.append(book)
    return book


@api.get("/accounts", guards=[ViaBackend("jwt") & IsStaff() & ~HasPermission("banned")])
def accounts(request):
    """A sync handler, as an example."""
    return {"seen_by": request.user.username, "books": len(books)}
