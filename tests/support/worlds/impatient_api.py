"""The API for gunicorn, with less patience for database and Keystone than operators have."""

from typing import Any

SECONDS = 2


def application() -> Any:
    """Return the WSGI application: ``impatient_api:application()`` for gunicorn."""
    from instance_images.db.connections import bounded_waits
    from instance_images_api import keystone, service
    from instance_images_api.middleware import database_health

    bounded_waits.CONNECT_SECONDS = keystone.TIMEOUT_SECONDS = SECONDS
    service.ANSWER_SECONDS = database_health.ANSWER_SECONDS = SECONDS
    from instance_images_api.wsgi import application

    return application
