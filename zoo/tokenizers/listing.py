"""All tokens of a text as a file: JSON or CSV, with the tokenizer's name and hash in it; and the tokenizer itself.

The CSV can be opened in a spreadsheet without harm: a piece stands there as a JSON string, so that its cell begins
with a quotation mark and is never read as a formula, blanks can be seen, and `json.loads` gives the piece back.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json

from zoo.tokenizers.cut import Cut, cut
from zoo.tokenizers.tokenizer import Tokenizer

COLUMNS = ("position", "id", "piece", "name", "bytes", "start", "end", "tokenizer", "sha256")
"""Of the CSV; the last two are filled in the first row alone."""


def as_json(tokenizer: Tokenizer, *, text: str, key: str) -> str:
    """One object: the lists have an entry for each token.

    Raises:
        ValueError: the text holds a lone surrogate.
    """
    found = _all(tokenizer, text)
    return json.dumps(
        {
            "tokenizer": key,
            "sha256": tokenizer.hash,
            "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "characters": len(text),
            "tokens": found.total,
            "ids": found.ids,
            "pieces": found.pieces,
            "names": found.names,
            "bytes": found.bytes,
            "spans": found.spans,
        },
        ensure_ascii=False,
    )


def as_csv(tokenizer: Tokenizer, *, text: str, key: str) -> str:
    """A row for each token, under the names in `COLUMNS`; `bytes` as 0x2063.

    Raises:
        ValueError: the text holds a lone surrogate.
    """
    found, file = _all(tokenizer, text), io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    origin = [_cell(key), tokenizer.hash]
    rows = zip(found.ids, found.pieces, found.names, found.bytes, found.spans, strict=True)
    for position, (token, piece, name, raw, span) in enumerate(rows):
        writer.writerow([position, token, _cell(piece), _cell(name), f"0x{raw}", *span, *origin])
        origin = ["", ""]
    return file.getvalue()


def as_tokenizer_json(tokenizer: Tokenizer) -> str:
    """The `tokenizer.json`; its SHA-256 is the tokenizer's hash."""
    return str(tokenizer.raw.to_str())


def _all(tokenizer: Tokenizer, text: str) -> Cut:
    return cut(tokenizer, text=text, most=None)


def _cell(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
