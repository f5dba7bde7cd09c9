"""`predict` and `trace`: the model's own numbers, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from zoo.inference import load
from zoo.trace.trace import Trace

Refused = Callable[[tuple[int, str, str], str], None]


class TestPredict:
    def test_json_is_the_models_own_distribution(self, run: Any, trained: Path) -> None:
        status, out, _ = run("predict", "--model", str(trained), "--prompt", "the cat", "--top", "5", "--json")
        found = json.loads(out)
        assert status == 0
        assert [list(each) for each in found] == [["token", "id", "logit", "prob"]] * 5
        model = load(str(trained))
        with torch.no_grad():
            logits = model.module(torch.tensor([model.tokenizer.encode("the cat").ids]))[0, -1].double().numpy()
        probs = np.exp(logits) / np.exp(logits).sum()
        best = np.argsort(-logits)[:5]
        assert [each["id"] for each in found] == best.tolist()
        assert [each["logit"] for each in found] == pytest.approx(logits[best].tolist())
        assert [each["prob"] for each in found] == pytest.approx(probs[best].tolist())
        assert [each["token"] for each in found] == [model.tokenizer.piece(int(i)) for i in best]

    def test_the_full_vocabulary_sums_to_one(self, run: Any, trained: Path) -> None:
        _, out, _ = run("predict", "--model", str(trained), "--prompt", "the", "--top", "100000", "--json")
        found = json.loads(out)
        assert len(found) == load(str(trained)).tokenizer.vocab_size
        assert math.fsum(each["prob"] for each in found) == pytest.approx(1)

    def test_words_for_a_reader(self, run: Any, trained: Path) -> None:
        status, out, _ = run("predict", "--model", str(trained), "--prompt", "the", "--top", "2")
        assert status == 0
        assert len(out.splitlines()) == 2
        assert "logit" in out
        assert "%" in out

    def test_unknown_words_are_named_on_standard_error_and_answered_all_the_same(self, run: Any) -> None:
        status, out, err = run("predict", "--model", "zoo/seq2seq", "--prompt", "The zzz", "--top", "2", "--json")
        assert status == 0
        assert len(json.loads(out)) == 2
        assert err == "zoo: note: 1 of the text's 2 tokens are unknown to Seq2seq\n"
        assert run("predict", "--model", "zoo/seq2seq", "--prompt", "The cat")[2] == ""

    def test_the_untrained_twin_has_its_own_numbers_by_seed(self, run: Any, trained: Path) -> None:
        command = ("predict", "--model", str(trained), "--prompt", "the", "--json")
        first, again, other, real = (
            run(*command, *more)[1] for more in (["--untrained"], ["--untrained"], ["--untrained", "--seed", "1"], [])
        )
        assert first == again
        assert len({first, other, real}) == 3

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--prompt", ""], "the text is empty: type at least one word"),
            (["--prompt", "x" * 99], "reads at most 16: shorten it"),
            (["--prompt", "caf\udce9"], "the text is not valid Unicode at character 3"),
            (["--top", "0"], "argument --top: 0 is not 1 or more"),
            (["--top", "five"], "argument --top: invalid whole number value: 'five'"),
            (["--seed", "-1"], "argument --seed: -1 is not within 0"),
            (["--seed", str(2**32)], f"argument --seed: {2**32} is not within 0"),
            (["--model", "zoo/gtp"], "no model has the id 'zoo/gtp'; did you mean zoo/gpt"),
            (["--model", "no/such/folder"], "no model has the id 'no/such/folder'"),
            (["--model", "."], ". is neither a run folder (run.json) nor a Hugging Face folder (config.json)"),
        ],
    )
    def test_bad_input(self, run: Any, refused: Refused, trained: Path, more: Sequence[str], message: str) -> None:
        refused(run("predict", "--model", str(trained), "--prompt", "the", *more), message)

    def test_damaged_runs(self, run: Any, refused: Refused, trained: Path, tmp_path: Path) -> None:
        for name in ("run.json", "tokenizer.json"):
            (tmp_path / name).write_bytes((trained / name).read_bytes())
        command = ("predict", "--model", str(tmp_path), "--prompt", "the")
        refused(run(*command), "has no checkpoint")
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "0000001.safetensors").write_bytes(b"junk")
        refused(run(*command), "0000001.safetensors cannot be read")
        (tmp_path / "run.json").write_text("{}")
        refused(run(*command), "run.json cannot be used: model: Field required")


class TestTrace:
    def test_every_step_is_saved_and_holds(self, run: Any, trained: Path, tmp_path: Path) -> None:
        out_file = tmp_path / "trace.safetensors"
        command = ("trace", "--model", str(trained), "--prompt", "the cat", "--out", str(out_file))
        status, out, _ = run(*command)
        trace = Trace.load(out_file)
        assert status == 0
        assert f"{len(trace.steps)} steps of {len(trace.ids)} tokens saved in {out_file}" in out
        assert "identities recomputed and found true, largest difference" in out
        arrays = load_file(out_file)
        assert {"embed.out", "blocks.0.attn.pattern", "blocks.0.resid", "logits", "probs"} <= set(arrays)
        predicted = load(str(trained)).predict("the cat", 1)[0]
        assert int(arrays["logits"][-1].argmax()) == predicted.id
        status, out, _ = run(*command, "--json")
        report = json.loads(out)
        assert status == 0
        assert report["steps"] == len(trace.steps)
        assert {check["ok"] for check in report["checks"]} == {True}

    def test_a_number_that_does_not_hold_is_exit_1(
        self, run: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save = Trace.save

        def falsify(trace: Trace, path: Path) -> None:
            trace.steps["blocks.0.attn.pattern"][0][0, 0, 0] += 0.01
            save(trace, path)

        monkeypatch.setattr(Trace, "save", falsify)
        command = ("trace", "--model", str(trained), "--prompt", "the cat", "--out", str(tmp_path / "t.safetensors"))
        status, out, _ = run(*command)
        assert status == 1
        assert "FALSE: blocks.0.attn.pattern" in out

    @pytest.mark.parametrize("out", [".", "no/such/folder/t.safetensors"])
    def test_a_file_that_cannot_be_written(self, run: Any, refused: Refused, trained: Path, out: str) -> None:
        command = ("trace", "--model", str(trained), "--prompt", "the cat", "--out", out)
        refused(run(*command), f"cannot write {out}: ")


def test_a_hugging_face_folder_can_be_used(run: Any, stories260k: Path) -> None:
    status, out, _ = run("predict", "--model", str(stories260k), "--prompt", "Once upon a", "--top", "1", "--json")
    assert status == 0
    assert json.loads(out)[0]["token"].strip() == "time"
