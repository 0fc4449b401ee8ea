# SPDX-License-Identifier: Apache-2.0
"""What templates may not do under our Content-Security-Policy, and the tags."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation

import tsuzuku
from tsuzuku.look.line import Stretch

TEMPLATES = sorted(Path(tsuzuku.__file__).parent.rglob("templates/**/*.html"))
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def render(source: str, **context: object) -> str:
    return Template("{% load look %}" + source).render(Context({"now": NOW, **context}))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_inline_style_or_script(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert re.findall(r"\sstyle=|<style|\son\w+=|javascript:|hx-on|<script(?![^>]*\ssrc=)", source) == []


@pytest.mark.parametrize(
    ("language", "text"), [("en", "a b"), ("ko", "a b"), ("zh-hans", "ab"), ("zh-hant", "ab"), ("ja", "ab")]
)
def test_sentences_stand_apart_where_their_stops_do_not_do_it(language: str, text: str) -> None:
    with translation.override(language):
        assert render("a{% gap %}b") == text


def test_the_line_says_what_it_shows() -> None:
    laid = (Stretch(NOW, NOW + timedelta(hours=12)),)
    planned = (Stretch(NOW + timedelta(hours=12), NOW + timedelta(hours=84)),)
    text = render("{% line now=now laid=laid planned=planned %}", laid=laid, planned=planned)
    label = re.search(r'role="img" aria-label="([^"]*)"', text)
    assert label is not None
    assert label[1] == "Online until Tue 24 Nov, 24:00. With this plan: online until Fri 27 Nov, 24:00."
    assert re.findall(r'<text class="planned"[^>]*>([^<]*)<', text) == ["+3\u00a0days", "27"]


@pytest.mark.parametrize(
    ("laid", "flight", "text"),
    [
        ((), None, "Not online now."),
        ((Stretch(NOW, None),), None, "Online without an end."),
        (
            (Stretch(NOW, NOW + timedelta(days=2)),),
            5,
            "Online until Thu 26 Nov, 12:00. The flight home on Sun 29 Nov is not covered.",
        ),
        (
            (Stretch(NOW, NOW + timedelta(days=6)),),
            5,
            "Online until Mon 30 Nov, 12:00. The flight home on Sun 29 Nov is covered.",
        ),
    ],
)
def test_the_line_in_words(laid: tuple[Stretch, ...], flight: int | None, text: str) -> None:
    day = None if flight is None else (NOW + timedelta(days=flight)).date()
    assert f'aria-label="{text}"' in render("{% line now=now laid=laid flight=day %}", laid=laid, day=day)


def test_the_small_line_is_silent_and_has_no_labels() -> None:
    text = render("{% line now=now laid=laid is_small=True %}", laid=(Stretch(NOW, NOW + timedelta(days=2)),))
    assert 'class="line small" width="100%" height="20" aria-hidden="true"' in text
    assert "<text" not in text


def test_a_field_is_tied_to_its_hint_and_its_mistakes() -> None:
    class Form(forms.Form):
        number = forms.CharField(label="Number", widget=forms.TextInput(attrs={"placeholder": "123"}))

    good = render('{% field form.number hint="On the card" class="digits" %}', form=Form())
    assert 'aria-describedby="id_number_hint"' in good
    assert [word for word in ("placeholder", "aria-invalid", "mistake") if word in good] == []
    bad = render('{% field form.number hint="On the card" %}', form=Form({}))
    assert 'aria-invalid="true"' in bad
    assert 'aria-describedby="id_number_hint id_number_errors"' in bad
    assert '<p class="mistake" id="id_number_errors">This field is required.</p>' in bad


def test_the_style_sheet_is_light() -> None:
    import gzip

    css = (Path(tsuzuku.__file__).parent / "look/static/look/tsuzuku.css").read_bytes()
    assert len(gzip.compress(css, 9)) < 6_000
