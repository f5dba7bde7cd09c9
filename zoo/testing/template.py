"""A model to start from: it predicts from the mean of all tokens so far."""

import torch
from pydantic import BaseModel, Field
from torch import Tensor, nn

from zoo import ModelPlugin, ModelSpec, record


class AveragerConfig(BaseModel):
    width: int = Field(64, ge=8, le=512, description="Size of each token's vector.")


class Averager(nn.Module):  # ids (batch, time) -> logits (batch, time, vocab)
    def __init__(self, width: int, vocab_size: int) -> None:
        super().__init__()
        self.embed, self.unembed = nn.Embedding(vocab_size, width), nn.Linear(width, vocab_size)

    def forward(self, ids: Tensor) -> Tensor:
        mean = self.embed(ids).cumsum(1) / torch.arange(1, ids.shape[1] + 1)[:, None]  # (batch, time, width)
        return record("logits", self.unembed(record("mean", mean)))


class AveragerPlugin(ModelPlugin):
    spec = ModelSpec("you/averager", "Averager", family="other", task="next-token", summary="The mean of all so far.")
    Config = AveragerConfig

    def build(self, config: AveragerConfig, vocab_size: int) -> Averager:
        return Averager(config.width, vocab_size)
