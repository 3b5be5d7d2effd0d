"""Entry point of ``python -m minicloud``."""

import sys

sys.dont_write_bytecode = True  # until cli.py knows where the cache is

from minicloud.cli import main  # noqa: E402

sys.exit(main())
