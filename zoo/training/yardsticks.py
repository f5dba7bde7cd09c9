"""Baselines (yardsticks) of a held-out loss: an even guess, two counted models, and what the language leaves open.

Each is in nats per token, on the very tokens that `valid_loss` scores. Used by `train`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zoo.data import Corpus
from zoo.data.ngram import NGram, count_ngrams
from zoo.tasks import Examples, Task, streams
from zoo.tasks.next_token import NextToken, Windows
from zoo.tokenizers import Tokenizer
from zoo.training.run import Yardsticks

COUNTED = 2_000_000
"""Training tokens that are counted at most."""
ORDERS = (1, 2)
"""Of the counted models: unigram and bigram."""
STORIES = 200
"""Held-out stories whose surprisal is worked out beforehand: more than the windows that are scored hold."""
Floats = NDArray[np.float64]


def measure(
    task: Task, corpus: Corpus, tokenizer: Tokenizer, train: Examples, held_out: Examples, limit: int
) -> Yardsticks:
    """The yardsticks for the first `limit` examples of `held_out`, counted on those of `train`.

    Only where the next token is asked for is more known than a blind guess.
    """
    ceiling, blind = task.ceiling(tokenizer.vocab_size)
    if not (isinstance(task, NextToken) and isinstance(train, Windows) and isinstance(held_out, Windows)):
        why = "How much can be foretold is not known for this task."
        return Yardsticks(ceiling=ceiling, tokens=0, about={"ceiling": blind, "floor": why})
    stream = train.stream
    places = held_out.apart(limit)
    rows = held_out.rows(places).numpy()  # (windows, time + 1)
    unigram, bigram = (_loss(_counted(corpus, tokenizer, stream, order), rows) for order in ORDERS)
    floor, why = _floor(corpus, tokenizer, held_out, places)
    beginning = "the first" if len(stream) > COUNTED else "the"
    source = f"{beginning} {min(COUNTED, len(stream)):,} tokens of the training text"
    about = {
        "ceiling": blind,
        "unigram": f"Each token as often as it comes in {source}, whatever stands before it.",
        "bigram": f"Each token as often as it follows the one before it in {source} (Kneser–Ney smoothing).",
        "floor": why,
    }
    return Yardsticks(
        ceiling=ceiling,
        unigram=unigram,
        bigram=bigram,
        floor=floor,
        tokens=rows[:, 1:].size,
        about=about,
    )


def prepare(corpus: Corpus, tokenizer: Tokenizer) -> None:
    """Count, and work out the surprisal of the first held-out stories, beforehand: a forked worker finds it done."""
    assert corpus.language is not None
    for order in ORDERS:
        _counted(corpus, tokenizer, streams.tokens(corpus, "train", tokenizer).ids, order)
    for story, text in enumerate(list(corpus.valid)[:STORIES]):
        surprisals_of(corpus, story, corpus.language.split(text))


def _counted(corpus: Corpus, tokenizer: Tokenizer, train: Tensor, order: int) -> NGram:
    """A model that only counts, on the beginning of the training tokens; counted once."""
    key = f"{order}-grams {tokenizer.hash}"
    if key not in corpus.memo:
        corpus.memo[key] = count_ngrams(train[:COUNTED].numpy(), tokenizer.vocab_size, order)
    found: NGram = corpus.memo[key]
    return found


def _loss(model: NGram, rows: NDArray[np.int64]) -> float:
    """A counted model's loss on all but the first token of each row."""
    return -float(np.mean([model.log_probs(row)[1:] for row in rows]))


def _floor(
    corpus: Corpus, tokenizer: Tokenizer, held_out: Windows, places: NDArray[np.int64]
) -> tuple[float | None, str]:
    """The loss of whoever knows the language's own distribution, and what it is worth; None where nobody does."""
    if corpus.language is None:
        return None, "Nobody knows how much of this text can be foretold."
    try:
        exact = _exact(corpus, tokenizer, held_out, places)
        if exact is not None:
            return exact, "The exact distribution's own loss on these very tokens: nobody can foretell more on average."
        return None, "Known exactly only where every token is a word of the language: take the word tokenizer."
    except ValueError as error:
        return None, f"Not known: {error}."


def _exact(corpus: Corpus, tokenizer: Tokenizer, held_out: Windows, places: NDArray[np.int64]) -> float | None:
    """The mean surprisal of the scored tokens, where each token is a word; windows begin where stories begin."""
    starts = held_out.starts
    if starts is None:
        return None
    texts, total, count = list(corpus.valid), 0.0, 0
    for place in places.tolist():
        story, left = int(np.searchsorted(starts, place)), held_out.time + 1
        surprisals: list[Floats] = []
        while left > 0:
            end = int(starts[story + 1]) if story + 1 < len(starts) else len(held_out.stream)
            words = _words(corpus, tokenizer, texts[story], held_out.stream[int(starts[story]) : end].tolist())
            if words is None:
                return None
            surprisals.append(surprisals_of(corpus, story, words)[:left])
            left, story = left - len(words) - 1, story + 1
        total += float(np.concatenate(surprisals)[1:].sum())
        count += held_out.time
    return total / count


def _words(corpus: Corpus, tokenizer: Tokenizer, text: str, ids: list[int]) -> list[str] | None:
    """The story's words, if the tokens are these words and the end; else None."""
    assert corpus.language is not None
    words = corpus.language.split(text)
    tokens = [tokenizer.piece(i).strip() for i in ids[:-1]]
    return words if tokens == words and ids[-1] == tokenizer.end_of_text else None


def surprisals_of(corpus: Corpus, story: int, words: list[str]) -> Floats:
    """−log p of each word of a held-out story and of its end, (words + 1,); worked out once."""
    key = f"surprisals {story}"
    if key not in corpus.memo:
        assert corpus.language is not None
        corpus.memo[key] = np.asarray(corpus.language.surprisals(words), dtype=np.float64)
    found: Floats = corpus.memo[key]
    return found
