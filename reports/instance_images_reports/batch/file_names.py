"""How the file of an account is called. Pure.

An id comes from the cloud. It names a file only if that is harmless everywhere, and cannot be taken
for another account's file where a file system ignores case; else its digest stands for it. The
manifest says whose file it is.
"""

import hashlib
import re

FOLDER = "accounts"
_DIGEST = "sha256-"
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def account_file_name(account_id: str, currency: str, suffix: str) -> str:
    """Return the path of the file within the folder of reports, with ``/``.

    Different accounts and currencies have different paths.
    """
    is_plain = _PLAIN.fullmatch(account_id) and not account_id.startswith(_DIGEST)
    digest = hashlib.sha256(account_id.encode()).hexdigest()
    stem = account_id if is_plain else f"{_DIGEST}{digest}"
    if not re.fullmatch("[A-Z]{3}", currency):
        raise ValueError(f"{currency!r} is no currency")
    return f"{FOLDER}/{stem}_{currency}{suffix}"
