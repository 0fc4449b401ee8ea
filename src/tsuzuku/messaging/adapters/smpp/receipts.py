# SPDX-License-Identifier: Apache-2.0
"""Reads delivery receipts: by their optional parameters, else by the text of SMPP 3.4, appendix B."""

import re
from collections.abc import Collection, Mapping

import smpp34

from tsuzuku.messaging.ports import DeliveryReport, Verdict

#: SMPP 3.4, 5.2.12: bits 5 to 2 of esm_class say what a deliver_sm is; 0001 is a receipt.
_KIND_BITS, _RECEIPT = 0b00111100, 0b00000100
_FIELD = re.compile(r"\b(id|stat|err):([^ ]*)", re.IGNORECASE)
#: SMPP 3.4, 5.3.2.12 and 5.3.2.35: the tags of what a receipt may have besides its text.
_RECEIPTED_MESSAGE_ID, _MESSAGE_STATE = 0x001E, 0x0427
#: SMPP 3.4, 5.2.28.
_STATES: Mapping[int, str] = {2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD"}
_VERDICTS: Mapping[str, Verdict] = {
    "DELIVRD": Verdict.DELIVERED,
    "EXPIRED": Verdict.FAILED,
    "DELETED": Verdict.FAILED,
    "UNDELIV": Verdict.FAILED,
    "REJECTD": Verdict.FAILED,
}


def parse_receipt(event: smpp34.DeliverSmEvent, *, dead_errors: Collection[str]) -> DeliveryReport | None:
    """What a deliver_sm tells; None if it is no receipt but somebody's message."""
    if event.esm_class & _KIND_BITS != _RECEIPT:
        return None
    text = {name.lower(): value for name, value in _FIELD.findall(event.short_message.decode("latin-1"))}
    given = {tlv.tag: tlv for tlv in event.tlvs}
    named = given.get(_RECEIPTED_MESSAGE_ID)
    state = given.get(_MESSAGE_STATE)
    word = text.get("stat", "").upper()
    if state is not None and state.value:
        word = _STATES.get(state.value[0], "UNKNOWN")
    verdict = _VERDICTS.get(word, Verdict.UNKNOWN)
    error = text.get("err", "").lstrip("0").upper()
    if verdict is Verdict.FAILED and error in dead_errors:
        verdict = Verdict.BOUNCED
    return DeliveryReport(
        reference=named.value.rstrip(b"\0").decode("latin-1") if named else text.get("id", ""),
        verdict=verdict,
        reason=f"smpp-{word}-{error or 0}".lower()[:64],
    )
