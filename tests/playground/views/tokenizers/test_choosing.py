"""Which tokenizers can be chosen: each by a title of its own."""

from __future__ import annotations

from playground.views.tokenizers import choosing, own
from playground.views.tokenizers.lab import Column


def test_no_two_have_one_title_and_an_earlier_one_keeps_its_own(monkeypatch):
    mine = [Column(f"file:{n}", title, "BPE", True) for n, title in enumerate(["GPT-2", "a.json", "a.json"])]
    monkeypatch.setattr(own, "offers", lambda: mine)
    found = choosing.offered()
    titles = [each.title for each in found]
    assert titles[:3] == ["GPT-2 (2)", "a.json (2)", "a.json"], "the newest comes first, and gives way"
    assert len(set(titles)) == len(titles)
    assert [each.key for each in found[:3]] == ["file:0", "file:1", "file:2"]
    assert next(each for each in found if each.key == "gpt2").title == "GPT-2"
