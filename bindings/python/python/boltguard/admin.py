"""What the admin shows."""

from django.contrib import admin

from boltguard.api_keys import is_installed

if is_installed():
    from boltguard.api_keys.admin import APIKeyAdmin
    from boltguard.models import APIKey

    admin.site.register(APIKey, APIKeyAdmin)
