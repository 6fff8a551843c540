"""A complete model folder with seeded random weights, small enough to run in a tenth of a second."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from vgen import conditioning, nn, pipelines, unet, vae

TEXT = conditioning.ClipTextOptions(width=32, heads=2, layers=2, mlp=64, context_length=16, embed=0)
UNET = unet.UNetOptions(
    channels=32,
    context_channels=32,
    levels=[unet.Level(multiplier=1), unet.Level(multiplier=2)],
    blocks_per_level=1,
    head_channels=16,
    first_heads=2,
    norm_groups=8,
    stem=[unet.FramePosition()],
)
VAE = vae.AutoencoderKlOptions(channels=8, multipliers=[1, 1, 1, 1], blocks=1, resolution=64, norm_groups=4)
INDEX = pipelines.ModelIndex(
    defaults={"frames": 4, "height": 32, "width": 48, "fps": 8, "guidance": 3, "sampler": {"type": "ddim", "steps": 3}}
)


def write_tiny_model(folder: Path) -> Path:
    text = conditioning.ClipText(TEXT)
    text.initialise(1)
    net = unet.UNet(UNET)
    nn.initialise(net, 2)
    autoencoder = vae.AutoencoderKl(VAE)
    nn.initialise(autoencoder, 3)
    for part, options, module in (("text_encoder", TEXT, text), ("unet", UNET, net), ("vae", VAE, autoencoder)):
        pipelines.write_part(folder, part, options, module, torch.float32)
    (folder / "model_index.json").write_text(json.dumps(INDEX.to_dict()))
    return folder
