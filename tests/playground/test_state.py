"""What the user has chosen, in the session and in the URL, whatever stands there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground import state


class Visit:
    """A session and its address: a fake of the two dictionaries that Streamlit keeps."""

    def __init__(self, **query: str) -> None:
        self.session_state: dict[str, object] = {}
        self.query_params: dict[str, str] = dict(query)


@pytest.fixture
def visit(monkeypatch):
    """(**query) -> a fresh session at this address."""

    def begin(**query: str) -> Visit:
        fresh = Visit(**query)
        monkeypatch.setattr(state, "st", fresh)
        return fresh

    return begin


def test_a_fresh_session_takes_over_the_address(visit):
    visit(added="5.7", token="2", step="logits")
    assert (state.added(), state.token(), state.step()) == ([5, 7], 2, "logits")


def test_without_anything_there_are_defaults(visit):
    visit()
    assert (state.added(), state.token(), state.step()) == ([], None, state.DEFAULT_STEP)


def test_the_session_wins_over_the_address(visit):
    visit(added="5.7", token="2", step="logits")
    state.set_added([1])
    state.set_token(4)
    state.set_step("probs")
    assert (state.added(), state.token(), state.step()) == ([1], 4, "probs")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("999999999.abc", []),
        ("-1.+2.0x3. 4.5 .6", [6]),
        ("...8..9.", [8, 9]),
        ("1e3.²", []),
        ("٣.4", [3, 4]),  # int() reads these digits too
        ("", []),
    ],
)
def test_only_numbers_count_as_added_tokens(visit, text, ids):
    visit(added=text)
    assert state.added() == ids


@pytest.mark.parametrize("text", ["-5", "1.5", "abc", "1000000", "²", " 1", "1e3", "٣x"])
def test_what_is_no_position_selects_nothing(visit, text):
    visit(token=text)
    assert state.token() is None


@given(added=st.text(), token=st.text())
def test_no_address_gives_anything_but_small_numbers(added, token):
    fake = SimpleNamespace(session_state={}, query_params={"added": added, "token": token})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "st", fake)
        assert all(0 <= each < 10**7 for each in state.added())
        assert len(state.added()) <= 128
        assert state.token() is None or 0 <= state.token() < 10**5


def test_added_tokens_are_limited_when_read_and_when_written(visit):
    visit(added=".".join(["3"] * 10_000))
    limit = len(state.added())
    assert limit < 1000
    state.set_added(range(10_000))
    assert state.added() == list(range(limit))


def test_new_words_let_the_selected_token_go(visit):
    visit(token="2")
    assert state.token() == 2
    state.set_added([1, 2])
    assert state.token() is None


def test_a_token_can_be_selected_and_let_go(visit):
    visit()
    state.set_token(0)
    assert state.token() == 0
    state.set_token(None)
    assert state.token() is None


def test_the_address_gets_what_was_chosen_and_loses_what_was_not(visit):
    session = visit(token="3", prompt="stays")
    state.set_added([4, 5])
    state.end()
    assert session.query_params == {"added": "4.5", "prompt": "stays"}
    again = visit(**session.query_params)
    assert state.added() == [4, 5]
    state.set_added([])
    state.end()
    assert again.query_params == {"prompt": "stays"}


@pytest.mark.parametrize(
    "name", ["model", "prompt", "weights", "seed", "added", "token", "temperature", "top_k", "draw"]
)
def test_an_address_that_asks_for_something_is_no_first_visit(visit, name):
    visit()
    assert state.is_first_visit()
    visit(step="logits")  # the recording has this step too
    assert state.is_first_visit()
    visit(**{name: "0.5" if name == "temperature" else "1"})
    assert not state.is_first_visit()


# --- runs and checkpoints -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "step"), [("", None), ("0", 0), ("120", 120), ("-3", None), ("x", None), ("9" * 12, None)]
)
def test_a_checkpoint_is_a_step_or_the_last(visit, text, step):
    visit(at=text)
    assert state.at() == step
    state.set_at(7)
    assert state.at() == 7
    state.set_at(None)
    assert state.at() is None


@pytest.mark.parametrize("text", ["../secret", "a/b", "short", "x" * 65, "has space here", "ok-but.dotted"])
def test_a_run_that_cannot_be_an_id_is_none(visit, text):
    visit(run=text)
    assert state.get(state.RUN) == ""


def test_the_zoo_of_a_session_takes_runs_and_lets_the_oldest_go(visit):
    visit(zoo="../etc.first-run_id.!!.second-run")
    assert state.zoo() == ["first-run_id", "second-run"]
    state.add_to_zoo("first-run_id")
    assert state.zoo() == ["second-run", "first-run_id"]
    state.take_from_zoo("second-run")
    assert state.zoo() == ["first-run_id"]
    for number in range(state.MAX_ZOO):
        state.add_to_zoo(f"run-number-{number}")
    assert state.zoo() == [f"run-number-{number}" for number in range(state.MAX_ZOO)]


def masked(token: bytes, mask: bytes) -> str:
    """A cookie as the server writes it: the token behind a mask."""
    hidden = bytes(byte ^ mask[i % len(mask)] for i, byte in enumerate(token))
    return f"2|{mask.hex()}|{hidden.hex()}|1795372279"


def test_a_browser_stays_the_same_owner_behind_any_mask(visit):
    def owner(cookie: str | None) -> str:
        fresh = visit()
        fresh.context = SimpleNamespace(cookies={} if cookie is None else {"_streamlit_xsrf": cookie})
        first = state.owner()
        assert state.owner() == first
        return first

    token, other = bytes(range(16)), bytes(range(1, 17))
    mine = owner(masked(token, b"\x01\x02\x03\x04"))
    assert mine == owner(masked(token, b"\xfe\xdc\xba\x98"))
    assert mine != owner(masked(other, b"\x01\x02\x03\x04"))
    assert token.hex() not in mine
    for odd in (None, "", "2|zz|zz|1", "2|||", "1|ab|cd|1", "2|01"):  # nobody else's: a new secret each
        assert len({owner(odd), owner(odd), mine}) == 3
