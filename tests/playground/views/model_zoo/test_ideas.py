"""Every built-in model has its idea, its paper, and its place in the family tree."""

from __future__ import annotations

import re

import pytest

from playground.views.model_zoo.ideas import IDEAS
from playground.views.model_zoo.tree import GENERATIONS, NODES
from zoo.registry import discover

FOUND = discover([])
BUILT_IN = [model for model, source in FOUND.sources.items() if source.endswith("(built in)")]


@pytest.mark.parametrize("model", BUILT_IN)
def test_a_built_in_model_has_its_idea_in_two_sentences_with_a_paper(model):
    idea = IDEAS[model]
    assert len(re.findall(r"[.!?](?= [A-Z“]|$)", idea.sentences)) == 2, idea.sentences
    assert idea.papers
    for paper in idea.papers:
        assert re.fullmatch(r"[^“”\d]+ (19|20)\d\d, “[^“”]+”", paper), paper


@pytest.mark.parametrize("model", BUILT_IN)
def test_a_built_in_model_stands_in_the_family_tree_once(model):
    assert sum(model in node.models for node in NODES) == 1


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.id)
def test_the_tree_says_what_was_added_and_claims_no_result_that_nobody_measures(node):
    assert not re.search(r"\b(faster|slower|better|best|times|percent)\b|\d|%", node.added), node.added


def test_there_is_no_idea_of_a_model_that_is_gone():
    assert set(IDEAS) <= set(BUILT_IN)
    assert {model for node in NODES for model in node.models} <= set(BUILT_IN)


def test_every_idea_of_the_tree_but_the_first_adds_to_those_before_it():
    before: list[str] = []
    for node in NODES:
        assert set(node.after) <= set(before)
        assert bool(node.after) == bool(before)
        assert 0 <= node.column < len(GENERATIONS)
        assert re.search(r"(19|20)\d\d", node.year)
        before.append(node.id)
    assert len(set(before)) == len(before)
