# SPDX-License-Identifier: Apache-2.0
"""Every sentence of docs/contracts/scenario.md as a story: the files of tables/ follow its headings and quote it."""

from pathlib import Path

import pytest

from tests.unit.allowances.tables.stories import Story, stories

TABLES = sorted((Path(__file__).parent / "tables").glob("*.txt"))


@pytest.mark.parametrize(
    "story", [pytest.param(story, id=f"{table.stem}: {story.name}") for table in TABLES for story in stories(table)]
)
def test_the_rules_answer_as_the_table_says(story: Story) -> None:
    assert story.answered() == story.lines
