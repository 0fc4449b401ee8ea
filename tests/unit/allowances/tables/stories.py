# SPDX-License-Identifier: Apache-2.0
"""Stories as text tables: what happens on the left, what the rules answer on the right.

    == a sentence of docs/contracts/scenario.md
    -- a remark
    zone Europe/Paris                                  (Asia/Tokyo where left out)
    plan W1 data_bytes=1000 days=7 stacking=extend     (a plan's fields by the contract's names; joins=A,B is a list)
    04-01 09:00 | renew W1 | 1000 | 04-08 09:00 | W1 running 1000 04-01 09:00 > 04-08 09:00
    at          | event    | what remains, was refused, throttled or unserved | online until, losing what | lots

Times are local ones of 2026; `b` marks the second of two equal ones, when clocks go back.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tsuzuku.allowances.simulator import simulate


@dataclass
class Story:
    """One story and the lines that its table expects."""

    name: str
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Tokyo"))
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def answered(self) -> list[str]:
        """The lines as the rules answer them."""
        scenario = {"timezone": self.zone.key, "plans": self.plans, "events": self.events}
        answers = simulate(json.dumps(scenario))
        told = (line.split(" | ")[:2] for line in self.lines)
        return [" | ".join([*left, *self._cells(answer)]) for left, answer in zip(told, answers, strict=True)]

    def _cells(self, answer: dict[str, Any]) -> list[str]:
        remaining = [_amount(answer["remaining_bytes"])]
        remaining += [answer["refused"]] if answer["refused"] else []
        remaining += [
            f"{what} {answer[f'{what}_bytes']}" for what in ("throttled", "unserved") if answer[f"{what}_bytes"]
        ]
        losing = [f"losing {each['bytes']} {self._local(each['at'])}" for each in answer["expires"]]
        lots = [self._lot(lot) for lot in answer["lots"]]
        return [
            ", ".join(remaining),
            ", ".join([self._local(answer["online_until"]), *losing]),
            "; ".join(lots) or "none",
        ]

    def _lot(self, lot: dict[str, Any]) -> str:
        text = f"{lot['plan']} {lot['state']} {_amount(lot['remaining_bytes'])}"
        if lot["starts_at"] is None:
            return text
        return f"{text} {self._local(lot['starts_at'])} > {self._local(lot['ends_at'])}"

    def _local(self, text: str | None) -> str:
        if text is None:
            return "-"
        local = datetime.fromisoformat(text).astimezone(self.zone)
        return local.strftime("%m-%d %H:%M:%S").removesuffix(":00") + "b" * local.fold

    def read(self, line: str) -> None:
        """Takes in one line of the story."""
        word, _, rest = line.partition(" ")
        if word == "zone":
            self.zone = ZoneInfo(rest)
        elif word == "plan":
            code, *fields = rest.split()
            self.plans[code] = {name: _value(name, text) for name, text in (each.split("=") for each in fields)}
        else:
            at, event, *_ = line.split(" | ")
            verb, _, argument = event.partition(" ")
            local = datetime.fromisoformat(f"2026-{at.removesuffix('b')}")
            moment = local.replace(tzinfo=self.zone, fold=int(at.endswith("b")))
            self.events.append({"at": moment.isoformat(), verb: _argument(verb, argument)})
            self.lines.append(line)


def stories(table: Path) -> Iterator[Story]:
    """The stories of a table file."""
    story: Story | None = None
    for raw in table.read_text(encoding="utf-8").splitlines():
        line = " ".join(raw.split())
        if line.startswith("== "):
            if story:
                yield story
            story = Story(line.removeprefix("== "))
        elif line and not line.startswith("--"):
            assert story is not None, "a story begins with =="
            story.read(line)
    if story:
        yield story


def _amount(amount: int | None) -> str:
    return "unlimited" if amount is None else str(amount)


def _value(name: str, text: str) -> object:
    if name == "joins":
        return [code for code in text.split(",") if code]
    return json.loads(text) if re.fullmatch(r"null|-?\d+", text) else text


def _argument(verb: str, text: str) -> object:
    if verb == "renew":
        return text
    return int(text) if verb == "use" else True
