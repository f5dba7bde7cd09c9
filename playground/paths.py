"""The files of the pages, by which the navigation announces them and views switch to them."""

NEXT_WORD = "pages/next_word.py"
FORWARD_PASS = "pages/forward_pass.py"
TOKENIZERS = "pages/tokenizers.py"
UNTRAINED_AND_PRETRAINED = "pages/untrained_and_pretrained.py"
TRAIN = "pages/train.py"
SEQUENTIAL_AND_PARALLEL = "pages/sequential_and_parallel.py"
MODEL_ZOO = "pages/model_zoo.py"
