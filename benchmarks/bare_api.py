"""A bare handler behind the middleware of the API: it returns the bytes that it finds in a file.

``bare_api:application`` for a WSGI server. BARE_ANSWERS names the file: path and query to text.
"""

import json
import os
from pathlib import Path
from typing import Any

import falcon

import instance_images_api.application as api
from instance_images.config import logs
from instance_images.config.settings import load_settings

ANSWERS = {
    path: text.encode()
    for path, text in json.loads(Path(os.environ["BARE_ANSWERS"]).read_text()).items()
}


def bare_router(_service: Any) -> Any:
    """Return the application that the middleware calls."""
    app: Any = falcon.App()
    app.add_sink(answer)
    return app


def answer(request: falcon.Request, response: falcon.Response) -> None:
    """Answer what the file says."""
    response.content_type = "application/json"
    response.data = ANSWERS.get(request.relative_uri, b"{}")


logs.keep_quiet()
_settings = load_settings([Path(os.environ["INSTANCE_IMAGES_CONFIG_FILE"])])
logs.follow_options(_settings.log_config_files, debug=False)  # the access log is written as well
api.router = bare_router
application = api.create_application(_settings)
