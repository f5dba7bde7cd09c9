"""Train the tokenizers that come with the playground, one of each kind, and write what is known of them.

    python -m zoo.pretrained.tokenizers.ship stories.jsonl.xz

Each sees the whole training part of the corpus, as the shipped GPT's tokenizer did, which is the one of kind
"bpe" and is not written again. Training twice gives the same files. This is a command; nothing imports it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from zoo.data import Corpus, read_corpus
from zoo.pretrained.facts import CORPORA, UNKNOWN
from zoo.pretrained.shipped import shipped_tokenizer
from zoo.pretrained.tokenizers.shipped import FOLDER, SIZE
from zoo.tokenizers import Kind, Tokenizer, train_tokenizer

TRAINED: tuple[Kind, ...] = ("char", "word", "bpe-char", "wordpiece", "unigram")
LIBRARIES = ("tokenizers", "sentencepiece")


def ship(corpus: Corpus, out: Path) -> str:
    """Write a `tokenizer.json` of each kind and CARD.md into `out`; returns the card."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for kind in TRAINED:
        tokenizer = train_tokenizer(kind, corpus.train, SIZE)
        tokenizer.save(out / f"{kind}.json")
        rows.append(_row(f"`{kind}.json`", tokenizer, (out / f"{kind}.json").read_bytes(), corpus))
        print(f"{kind}: {tokenizer.vocab_size:,} entries", flush=True)
    written = _card(corpus, rows)
    (out / "CARD.md").write_text(written, encoding="utf-8")
    return written


def _row(name: str, tokenizer: Tokenizer, content: bytes, corpus: Corpus) -> str:
    """What the card says of one, measured on the held-out texts."""
    tokens = sum(map(len, tokenizer.encode_batch(list(corpus.valid))))
    each = sum(map(len, corpus.valid)) / tokens
    sha256 = hashlib.sha256(content).hexdigest()
    return f"| {name} | {tokenizer.vocab_size:,} | {len(content):,} | {each:.2f} | `{sha256[:16]}…` |"


def _card(corpus: Corpus, rows: Sequence[str]) -> str:
    about = CORPORA.get(corpus.sha256, UNKNOWN)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    data = (
        f"{about.what} Licence: {about.licence}. File: `{corpus.name}`, SHA-256 `{corpus.sha256}`. Each was trained on "
        f"its whole training part ({len(corpus.train):,} documents, {sum(map(len, corpus.train)):,} characters) and "
        f"measured on what was held out ({sum(map(len, corpus.valid)):,} characters)."
    )
    bpe = (
        "The one of kind `bpe` is the tokenizer of the shipped GPT, "
        f"`zoo/pretrained/weights/gpt-stories/tokenizer.json` ({shipped_tokenizer().vocab_size:,} entries, the same "
        "text), and is not stored twice. `byte` needs no training."
    )
    table = [
        "| file | entries | bytes | characters per token, held out | SHA-256 |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    parts = [
        "# Tokenizers of each kind, learned from stories",
        _filled(data),
        "\n".join([*table, *rows]),
        _filled(bpe),
        f"Made by the following, with {versions}:",
        f"    python -m zoo.pretrained.tokenizers.ship {corpus.name}",
        "What is frequent in the stories takes few tokens; other texts, and other languages, take more.",
    ]
    return "\n\n".join(parts) + "\n"


def _filled(paragraph: str) -> str:
    return textwrap.fill(paragraph, 100, break_long_words=False, break_on_hyphens=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status: 2, with one clear line, where the corpus can't be used."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo.pretrained.tokenizers.ship", description=__doc__.splitlines()[0]
    )
    parser.add_argument("corpus", type=Path, help="the texts to learn from")
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder to write (the shipped one)")
    options = parser.parse_args(arguments)
    print("training on the whole text: some minutes for tens of millions of characters", flush=True)
    try:
        ship(read_corpus(options.corpus), options.out)
    except ValueError as error:
        print(f"ship: {str(error).splitlines()[0]}", file=sys.stderr)
        return 2
    print(f"saved in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
