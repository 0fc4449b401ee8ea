# SPDX-License-Identifier: Apache-2.0
"""What a simulated provider shares with its merchant: the API key, and the webhook secrets, newest first."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tsuzuku.kernel.whole_files import write_whole

SECRETS_FILE = "secrets.json"


def control_headers(folder: Path) -> dict[str, str]:
    """What lets its owner control the simulator of a folder. FileNotFoundError if none was ever started there."""
    return {"Authorization": f"Bearer {_read(folder)['api_key']}"}


def new_webhook_secret() -> str:
    """What most providers sign webhooks with."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def own_secrets(folder: Path, *, key_prefix: str, new_secret: Callable[[], str] = new_webhook_secret) -> dict[str, Any]:
    """The secrets of a folder that is ours; made when there are none."""
    try:
        return _read(folder)
    except FileNotFoundError:
        made = {"api_key": f"{key_prefix}{secrets.token_urlsafe(32)}", "webhook_secrets": [new_secret()]}
        write_whole(folder / SECRETS_FILE, json.dumps(made), mode=0o600)
        return made


def rotate_webhook_secret(folder: Path, *, new_secret: Callable[[], str] = new_webhook_secret) -> dict[str, Any]:
    """Adds a webhook secret; the one before stays valid beside it, older ones do not."""
    found = _read(folder)
    found["webhook_secrets"] = [new_secret(), *found["webhook_secrets"][:1]]
    write_whole(folder / SECRETS_FILE, json.dumps(found), mode=0o600)
    return found


def _read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / SECRETS_FILE).read_text(encoding="utf-8"))
    return found
