"""The WSGI application of a server's worker process: ``instance_images_api.wsgi:application``.

The configuration is that of the command line: the file that INSTANCE_IMAGES_CONFIG_FILE names, or
the one in /etc.
"""

import logging
import os
import threading
from pathlib import Path

from instance_images.config import logs
from instance_images.config.settings import CONFIG_FILE_VARIABLE, load_settings
from instance_images_api.application import create_application
from instance_images_api.keystone import KeystoneComparison

threading.excepthook = logs.log_end_of_thread
logs.keep_quiet()
_named = os.environ.get(CONFIG_FILE_VARIABLE)
_settings = load_settings([Path(_named)] if _named else [])
_problem = logs.follow_options(_settings.log_config_files, debug=False)
if not _settings.log_config_files:
    logs.show_on_stderr()
    logging.getLogger().setLevel(logging.INFO)
logging.getLogger("alembic").setLevel(logging.WARNING)  # it logs two lines per health check
_comparison = KeystoneComparison(_settings)
_comparison.compare_at_start()
application = create_application(_settings, comparison=_comparison)
