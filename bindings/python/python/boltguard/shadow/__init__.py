"""Shadow mode: `BoltguardMiddleware` decides about each request, but only compares its decision with the present one.

It never changes a response. Disagreements are logged, and counted in a table that `manage.py boltguard_routes --shadow`
reads.
"""

from boltguard.shadow.views import shadow_protect

__all__ = ["shadow_protect"]
