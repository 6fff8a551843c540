"""An encoder of one's own in a pipeline: "a red circle | a blue circle" means half of each.

python examples/python/custom_encoder.py [MODEL]
"""

import sys

import torch

import vgen
from vgen import conditioning


class Mixed(conditioning.Encoder):
    """Encodes each part of a text with another encoder and averages the results."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def encode(self, texts):
        means = [self.inner.encode(text.split("|")).words.mean(0, keepdim=True) for text in texts]
        return torch.cat(means)  # [n, L, D]


pipe = vgen.Pipeline.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else None)
pipe.components.text = Mixed(pipe.components.text)
clip = pipe("a red circle growing on a black background | a blue circle growing on a black background", seed=7)
print(clip.save("mixed.gif"))
