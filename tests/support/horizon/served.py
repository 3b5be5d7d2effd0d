"""Horizon with its static files, as Apache or nginx would serve it: for gunicorn.

A web server merges the double slashes in the addresses that Horizon's scripts ask for.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

_served = WhiteNoise(get_wsgi_application(), root=settings.STATIC_ROOT, prefix="static")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request."""
    environ["PATH_INFO"] = re.sub("//+", "/", environ["PATH_INFO"])
    return _served(environ, start_response)
