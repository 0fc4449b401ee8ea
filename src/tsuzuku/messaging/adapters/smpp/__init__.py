# SPDX-License-Identifier: Apache-2.0
"""An operator's SMS centre, spoken to by SMPP in a session that is kept; needs `tsuzuku[smpp]`.

API version: SMPP 3.4, issue 1.2 (https://smpp.org/SMPP_v3_4_Issue1_2.pdf). Checked: 2026-11-22.
"""

from tsuzuku.messaging.adapters.smpp.adapter import SmppGateway
from tsuzuku.messaging.adapters.smpp.config import SmppAccount

__all__ = ["SmppAccount", "SmppGateway"]
