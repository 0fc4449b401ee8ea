# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/ that are written from the code: states, facts, error codes.

`python -m tsuzuku.project.reference docs` writes them; a test fails when they are not what the code says.
"""

import inspect
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TypeVar

import tsuzuku
from tsuzuku.journal.events import Event
from tsuzuku.journal.listeners import listeners_for
from tsuzuku.kernel.errors import DomainError
from tsuzuku.kernel.states import States

T = TypeVar("T")

_NOTICE = "Written by `make reference` from the code; change the code, not this page."


def pages() -> dict[str, str]:
    """Every generated page by its path below docs/."""
    _import_rooms()
    subjects = {f"states/{states.subject}.md": _states_page(states) for states in _all_states()}
    return {**subjects, "reference/facts.md": _facts_page(), "reference/errors.md": _errors_page()}


def domain_errors() -> list[type[DomainError]]:
    """Everything that the rooms refuse, by code."""
    _import_rooms()
    errors = [error for error in _subclasses(DomainError) if hasattr(error, "code")]
    return sorted(errors, key=lambda error: (error.code, error.__module__))


def write_pages(folder: Path) -> None:
    """Writes the pages below a folder."""
    for path, text in pages().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _import_rooms() -> None:
    """States, facts and errors announce themselves when their modules are loaded."""
    for module in walk_packages(tsuzuku.__path__, "tsuzuku."):
        # `testing` needs pytest, and neither has any of them.
        if module.name.split(".")[1] not in {"testing", "project"}:
            import_module(module.name)


def _all_states() -> Iterator[States]:
    for name, module in sorted(sys.modules.items()):
        if name.startswith("tsuzuku.") and name.endswith(".states"):
            yield from (value for value in vars(module).values() if isinstance(value, States))


def _states_page(states: States) -> str:
    lines = [f"# States: {states.subject}", "", _NOTICE, "", "```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {states.initial}"]
    for source, targets in states.moves.items():
        lines += [f"    {source} --> {target}" for target in sorted(targets) or ["[*]"]]
    lines += ["```", "", "| state | may become |", "|---|---|"]
    lines += [
        f"| {source} | {', '.join(sorted(targets)) or 'nothing more'} |" for source, targets in states.moves.items()
    ]
    return "\n".join([*lines, ""])


def _facts_page() -> str:
    lines = ["# Facts", "", _NOTICE, "", "| kind | what happened | told with | who listens |", "|---|---|---|---|"]
    events = [event for event in _subclasses(Event) if hasattr(event, "kind")]
    for event in sorted(events, key=lambda event: event.kind):
        told = ", ".join(field.name for field in fields(event))
        heard = ", ".join(each.name for each in listeners_for(event.kind))
        lines.append(f"| {event.kind} | {_sentence(event)} | {told} | {heard or 'nobody yet'} |")
    return "\n".join([*lines, ""])


def _errors_page() -> str:
    lines = ["# Error codes", "", _NOTICE, "", "| code | room | what is the case |", "|---|---|---|"]
    lines += [f"| {error.code} | {error.__module__.split('.')[1]} | {_sentence(error)} |" for error in domain_errors()]
    return "\n".join([*lines, ""])


def _subclasses(base: type[T]) -> Iterator[type[T]]:
    """The classes below a base that belong to the product, wherever they were defined."""
    for below in base.__subclasses__():
        if below.__module__.startswith("tsuzuku."):
            yield below
        yield from _subclasses(below)


def _sentence(documented: type) -> str:
    """The first sentence of a docstring, fit for a cell."""
    return (inspect.getdoc(documented) or "").split("\n\n")[0].replace("\n", " ").replace("|", "/")


def main(folder: str) -> None:
    """Writes the pages; for the Makefile."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tsuzuku.project.settings")
    django.setup()
    write_pages(Path(folder))


if __name__ == "__main__":
    main(sys.argv[1])
