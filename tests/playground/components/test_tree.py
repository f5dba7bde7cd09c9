"""What the family tree sends to the browser."""

from __future__ import annotations

from playground.components import tree as component
from playground.components.tree import Node, prepare, tree
from tests.playground.helpers import unpack

NODES = [Node("a", "<b>A</b>", "1900", 0, (), "All.", "X", ("zoo/a",)), Node("b", "B", "1901", 1, ("a",), "", "", ())]


def test_the_ideas_come_back_in_order_and_as_they_were_given():
    head, arrays = unpack(prepare(NODES, ["one", "two"], "k"))
    assert arrays == {}
    assert head["columns"] == ["one", "two"]
    assert [
        Node(**each | {"after": tuple(each["after"]), "models": tuple(each["models"])}) for each in head["nodes"]
    ] == NODES


def test_only_ideas_of_the_tree_can_be_chosen(monkeypatch):
    mounted = {}
    monkeypatch.setattr(component, "trigger", lambda name, data, **rest: mounted.update(rest))
    tree(NODES, ["one", "two"], key="k", on_open=print)
    assert [each for each in ("a", "", "c", None, 1, ["a"], "b") if mounted["valid"](each)] == ["a", "b"]
    assert mounted["on_trigger"] is print
