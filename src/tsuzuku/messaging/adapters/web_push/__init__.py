# SPDX-License-Identifier: Apache-2.0
"""Push messages to browsers, through whatever push service each of them uses.

API version: RFC 8030 (the push service), RFC 8291 (encryption), RFC 8292 (VAPID). Checked: 2026-11-22.

What arrives in the service worker is JSON: `title`, `text`, `link` (a path of ours), `language`, and `id`, which is the
same when a message is sent again: as the `tag` of its notification it keeps one from being shown twice.
"""

from tsuzuku.messaging.adapters.web_push.adapter import WebPushGateway
from tsuzuku.messaging.adapters.web_push.vapid import public_text, vapid_key

__all__ = ["WebPushGateway", "public_text", "vapid_key"]
