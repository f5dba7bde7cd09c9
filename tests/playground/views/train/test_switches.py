"""The measured worth of a model's switches: the file's own figures, as text and nothing else."""

from __future__ import annotations

import json

from playground.views.train import switches
from zoo.models.gpt_modern import Config

BASE = {"name": "all", "title": "Everything on", "back": "", "losses": [1.5, 1.6], "steps": [10, 20],
        "worse_by": 0.0, "least": 0.0, "greatest": 0.0}  # fmt: skip
SMALL = BASE | {"name": "a", "title": "a | *b*", "back": "c", "losses": [1.49, 1.59], "worse_by": -0.01,
                "least": -0.011, "greatest": -0.009}  # fmt: skip
LARGE = SMALL | {"name": "d", "title": "d", "losses": [2.0, 2.0], "worse_by": 0.45, "least": 0.4, "greatest": 0.5}
LOST = SMALL | {"name": "e", "title": "e", "losses": [None, 2.0], "worse_by": 0.4, "least": 0.4, "greatest": 0.4}
GONE = LOST | {"name": "f", "title": "f", "losses": [None, None], "worse_by": None, "least": None, "greatest": None}


def test_the_most_valuable_change_stands_first_and_the_model_as_it_is_on_top():
    lines = switches.table([BASE, SMALL, LARGE, LOST, GONE]).splitlines()[2:]
    assert lines == [
        "| Everything on |  | 1.550 |  | 15 |",
        "| f | c | 2 diverged |  | 15 |",
        "| d | c | 2.000 | 0.450 (0.400 … 0.500) | 15 |",
        "| e | c | 2.000, 1 diverged | 0.400 (0.400 … 0.400) | 15 |",
        r"| a \| \*b\* | c | 1.540 | −0.010 (−0.011 … −0.009) | 15 |",
    ]


def test_the_file_that_ships_says_how_it_was_made():
    found = switches.measured(switches.FILE)
    words = switches.about(found)
    assert str(round(found["seconds"])) in words
    assert found["corpus"]["name"] in words
    assert found["command"].startswith("python -m tests.benchmarks.gpt_modern ")
    assert "/" not in found["command"].replace("zoo/models/", "")
    names = [each["name"] for each in found["results"]]
    assert names[0] == "all"
    switches_of_config = {name for name, field in Config.model_fields.items() if field.annotation is bool}
    assert switches_of_config < set(names)
    assert json.dumps(found).count("null") <= 3 * len(names)
    assert len(switches.table(found["results"]).splitlines()) == 2 + len(names)
