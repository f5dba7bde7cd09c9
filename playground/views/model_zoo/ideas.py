"""What each built-in model is about: its idea in two sentences, and the papers that it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Idea:
    """One model's idea."""

    sentences: str
    """Two sentences: what it does, and what that gains or costs."""
    papers: tuple[str, ...]
    """Authors year, “title”; the one that the idea is from stands first."""


IDEAS: dict[str, Idea] = {
    "zoo/bag-of-words": Idea(
        "It counts which words have come so far, and predicts the next one from the mean of their vectors. "
        "The order is thrown away: “dog bites man” and “man bites dog” are the same to it.",
        ("Harris 1954, “Distributional Structure”",),
    ),
    "zoo/n-gram": Idea(
        "It has counted what followed the last two words, and backs off to one word or none where it never saw them. "
        "Nothing is learned by gradient, and what it has not seen word for word it cannot carry over.",
        (
            "Shannon 1948, “A Mathematical Theory of Communication”",
            "Kneser and Ney 1995, “Improved Backing-off for M-gram Language Modeling”",
            "Chen and Goodman 1999, “An Empirical Study of Smoothing Techniques for Language Modeling”",
        ),
    ),
    "zoo/skip-gram": Idea(
        "Each word gets a vector that is good at telling which words stand near it, against a few drawn at random. "
        "Words that are used alike end up pointing the same way, without anybody having said what they mean.",
        (
            "Mikolov, Chen, Corrado and Dean 2013, “Efficient Estimation of Word Representations in Vector Space”",
            "Mikolov, Sutskever, Chen, Corrado and Dean 2013, “Distributed Representations of Words and Phrases and "
            "their Compositionality”",
        ),
    ),
    "zoo/cbow": Idea(
        "Skip-gram turned round: the vectors of the words around a blank are mixed in equal shares, and the mix says "
        "which word is missing. Attention will make the same mix with shares that are learned.",
        ("Mikolov, Chen, Corrado and Dean 2013, “Efficient Estimation of Word Representations in Vector Space”",),
    ),
    "zoo/window": Idea(
        "The vectors of the last few words stand side by side and go through a layer that is learned: similar words "
        "now share what was seen of one of them. What stood before the window does not exist for it.",
        ("Bengio, Ducharme, Vincent and Jauvin 2003, “A Neural Probabilistic Language Model”",),
    ),
    "zoo/rnn": Idea(
        "It reads one word after another and mixes each into a single state, which it carries on: the past may be of "
        "any length. But all of it has to fit into one vector, and what came early is soon worn away.",
        (
            "Elman 1990, “Finding Structure in Time”",
            "Mikolov, Karafiát, Burget, Černocký and Khudanpur 2010, “Recurrent Neural Network Based Language Model”",
        ),
    ),
    "zoo/lstm": Idea(
        "A second state runs beside the first, and is added to instead of being overwritten. Gates between 0 and 1 "
        "say what is kept, what is let in and what is shown, so a word can be held for much longer.",
        (
            "Hochreiter and Schmidhuber 1997, “Long Short-Term Memory”",
            "Gers, Schmidhuber and Cummins 2000, “Learning to Forget: Continual Prediction with LSTM”",
        ),
    ),
    "zoo/gru": Idea(
        "The LSTM's idea with one state and two gates: what is let in takes the place of what is dropped. It gives up "
        "a quarter of the cell's weights for that.",
        (
            "Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk and Bengio 2014, “Learning Phrase "
            "Representations using RNN Encoder–Decoder for Statistical Machine Translation”",
        ),
    ),
    "zoo/seq2seq": Idea(
        "One recurrent network reads a sentence; another starts from the state that the first was left in, and writes "
        "the translation. However long the sentence, it has to fit into that one vector.",
        (
            "Sutskever, Vinyals and Le 2014, “Sequence to Sequence Learning with Neural Networks”",
            "Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk and Bengio 2014, “Learning Phrase "
            "Representations using RNN Encoder–Decoder for Statistical Machine Translation”",
        ),
    ),
    "zoo/seq2seq-attention": Idea(
        "All states of the reader are kept, and before each word the writer mixes them anew, in shares that it has "
        "learned to choose. The one vector is no longer a bottleneck, and the shares show what it looked at.",
        (
            "Bahdanau, Cho and Bengio 2015, “Neural Machine Translation by Jointly Learning to Align and Translate”",
            "Luong, Pham and Manning 2015, “Effective Approaches to Attention-based Neural Machine Translation”",
        ),
    ),
    "zoo/encoder-decoder": Idea(
        "The recurrent cells are gone: the source's words look at each other, the target's at those before them, and "
        "across to the source. Nothing waits for the word before, so a whole sentence is learned from at once.",
        ("Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser and Polosukhin 2017, “Attention Is All You Need”",),
    ),
    "zoo/bert": Idea(
        "The encoder alone: every word sees those on both of its sides, and the model is asked for words that were "
        "blanked out. It reads better for that, and cannot simply write on from left to right.",
        (
            "Devlin, Chang, Lee and Toutanova 2019, “BERT: Pre-training of Deep Bidirectional Transformers for "
            "Language Understanding”",
        ),
    ),
    "zoo/gpt": Idea(
        "The decoder alone: each word looks back at all before it, and the model is asked for the next one. So any "
        "text is a lesson, every place of it at once, and the same model writes.",
        (
            "Radford, Narasimhan, Salimans and Sutskever 2018, “Improving Language Understanding by Generative "
            "Pre-Training”",
            "Radford, Wu, Child, Luan, Amodei and Sutskever 2019, “Language Models are Unsupervised Multitask "
            "Learners”",
        ),
    ),
    "zoo/gpt-modern": Idea(
        "The same decoder with what was learned since: places as rotations, plain norms, squared ReLU, layers that "
        "start at zero. Each change is a switch that can be turned back, to see what it is worth.",
        (
            "Su, Lu, Pan, Murtadha, Wen and Liu 2021, “RoFormer: Enhanced Transformer with Rotary Position Embedding”",
            "So, Mańke, Liu, Dai, Shazeer and Le 2021, “Primer: Searching for Efficient Transformers for Language "
            "Modeling”",
        ),
    ),
}
"""Plugin id -> its idea. A new built-in model gets an entry here; a test asks for it."""
