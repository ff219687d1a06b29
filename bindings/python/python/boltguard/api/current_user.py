"""`CurrentUser`: django-bolt's annotation for the user of the request."""

from __future__ import annotations

from typing import Annotated, Any

from boltguard.api.params import Depends
from boltguard.auth.users import get_current_user

CurrentUser = Annotated[Any, Depends(get_current_user)]
