"""Folders that `vgen convert` writes, opened by diffusers and torch themselves (marked compare: scripts/requirements-compare.txt)."""

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.compare
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("VGEN_PROGRAM", ROOT / "build" / "release" / "bin" / "vgen"))


def vgen(*words: object) -> str:
    done = subprocess.run([str(PROGRAM), *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny model made by diffusers, and what convert makes of it."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, TextToVideoSDPipeline, UNet3DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    root = tmp_path_factory.mktemp("layouts")
    torch.manual_seed(1)
    unet = UNet3DConditionModel(
        sample_size=8,
        block_out_channels=(32, 64),
        layers_per_block=1,
        cross_attention_dim=64,
        attention_head_dim=16,
        down_block_types=("CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D"),
    )
    for p in unet.parameters():
        torch.nn.init.normal_(p, std=0.1)
    vae = AutoencoderKL(
        block_out_channels=(32, 64),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
    )
    text = CLIPTextModel(
        CLIPTextConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=1, hidden_act="gelu", eos_token_id=2
        )
    )
    # The vocabulary comes from vgen itself: a folder converted from the first one that it can read.
    scheduler = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    first = root / "first"
    unet.save_pretrained(first / "unet")
    vae.save_pretrained(first / "vae")
    text.save_pretrained(first / "text_encoder")
    scheduler.save_pretrained(first / "scheduler")
    (first / "model_index.json").write_text(json.dumps({"_class_name": "TextToVideoSDPipeline"}))
    vgen("convert", first, root / "reference", "--to", "reference")
    vgen("convert", root / "reference", root / "vgen")
    vgen("convert", root / "vgen", root / "diffusers", "--to", "diffusers")
    tokenizer = CLIPTokenizer.from_pretrained(root / "diffusers" / "tokenizer")
    TextToVideoSDPipeline(vae=vae, text_encoder=text, tokenizer=tokenizer, unet=unet, scheduler=scheduler).save_pretrained(
        root / "original", safe_serialization=False
    )
    return {name: root / name for name in ("original", "first", "reference", "vgen", "diffusers")}


def test_diffusers_opens_what_convert_writes(folders: dict[str, Path]) -> None:
    import torch
    from diffusers import TextToVideoSDPipeline

    pipes = [TextToVideoSDPipeline.from_pretrained(folders[name]) for name in ("original", "diffusers")]
    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = (getattr(p, part).state_dict() for p in reversed(pipes))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[k], theirs[k]) for k in ours), part
    assert pipes[0].scheduler.config.prediction_type == pipes[1].scheduler.config.prediction_type
    torch.testing.assert_close(pipes[0].scheduler.betas, pipes[1].scheduler.betas)
    ids = [p.tokenizer("a red panda, 4k", padding="max_length").input_ids for p in pipes]
    assert ids[0] == ids[1] and len(ids[0]) == 77 and ids[0][-1] == 0


def test_frames_are_those_of_diffusers(folders: dict[str, Path], tmp_path: Path) -> None:
    import numpy as np
    import torch
    from diffusers import TextToVideoSDPipeline
    from PIL import Image

    pipe = TextToVideoSDPipeline.from_pretrained(folders["original"])
    noise = torch.randn((1, 4, 2, 16, 16), generator=torch.Generator().manual_seed(7))
    how = dict(num_frames=2, height=32, width=32, num_inference_steps=4, guidance_scale=5.0, latents=noise)
    wanted = np.floor(np.asarray(pipe("a red panda", negative_prompt="grey", output_type="np", **how).frames[0]) * 255)
    assert wanted.std() > 5  # a picture, not a grey plane
    for name in ("original", "first", "reference", "vgen", "diffusers"):
        words = [
            "--frames",
            2,
            "--size",
            "32x32",
            "--steps",
            4,
            "--guidance",
            5,
            "--seed",
            7,
            "--negative",
            "grey",
            "--sampler",
            "ddim",
        ]
        vgen("gen", "a red panda", "-m", folders[name], "-o", f"{tmp_path / name}/", *words)
        pictures = sorted((tmp_path / name).glob("*.png"))
        ours = np.stack([np.asarray(Image.open(p)).astype(float) for p in pictures])
        assert np.abs(ours - wanted).max() <= 2, name


def test_torch_loads_what_convert_writes(folders: dict[str, Path]) -> None:
    import torch

    for name in ("text2video_pytorch_model.pth", "open_clip_pytorch_model.bin"):
        state = torch.load(folders["reference"] / name, weights_only=True)
        assert all(isinstance(t, torch.Tensor) for t in state.values())
        torch.load(folders["reference"] / name, weights_only=True, mmap=True)
    vae = torch.load(folders["reference"] / "VQGAN_autoencoder.pth", weights_only=True)["state_dict"]
    assert all(key.startswith("first_stage_model.") for key in vae)


@pytest.fixture(scope="module")
def i2vgen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny I2VGen-XL folder made by vgen, as diffusers would write it, and diffusers' network in it with weights of its own."""
    import torch
    from diffusers import I2VGenXLUNet

    root = tmp_path_factory.mktemp("i2vgen")
    vgen("tiny", "i2vgen_xl", root / "tiny")
    vgen("convert", root / "tiny", root / "diffusers", "--to", "diffusers")
    torch.manual_seed(2)
    unet = I2VGenXLUNet.from_config(I2VGenXLUNet.load_config(root / "diffusers" / "unet"))
    for p in unet.parameters():
        torch.nn.init.normal_(p, std=0.1)
    unet.save_pretrained(root / "diffusers" / "unet")
    vgen("convert", root / "diffusers", root / "reference", "--to", "reference")
    vgen("convert", root / "reference", root / "vgen")
    vgen("convert", root / "vgen", root / "again", "--to", "diffusers")
    return {name: root / name for name in ("diffusers", "reference", "vgen", "again")}


def test_i2vgen_xl_is_diffusers(i2vgen: dict[str, Path]) -> None:
    import torch
    from diffusers import I2VGenXLUNet

    from vgen import pipelines, unet

    theirs = I2VGenXLUNet.from_pretrained(i2vgen["diffusers"] / "unet").eval()
    again = I2VGenXLUNet.from_pretrained(i2vgen["again"] / "unet")
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in theirs.state_dict().items())
    torch.manual_seed(3)
    frames, width = 3, theirs.config.cross_attention_dim
    x, z = torch.randn(2, 4, frames, 8, 16), torch.randn(2, 4, 8, 16)
    t, fps = torch.tensor([7, 501]), torch.tensor([8, 16])
    text, image = torch.randn(2, 5, width), torch.randn(2, 1, width)
    time = (torch.arange(1, frames) / (frames - 1)).view(1, 1, -1, 1, 1).expand(2, 4, frames - 1, 8, 16)
    with torch.no_grad():
        wanted = theirs(
            x, t, fps=fps, image_latents=torch.cat([z.unsqueeze(2), time], 2), image_embeddings=image, encoder_hidden_states=text
        ).sample
    for name in ("diffusers", "reference", "vgen"):
        part = pipelines.open_model_folder(i2vgen[name]).unet
        net = unet.UNet(part.options)
        pipelines.load_part(part, net)
        net.eval()
        with torch.no_grad():
            out = net(x, t, {"text": text, "image": image, "local_image": z, "fps": fps})
        assert (out - wanted).abs().max() <= 1e-5 * wanted.abs().max(), name


def test_the_image_tower_is_transformers(i2vgen: dict[str, Path]) -> None:
    import torch
    from transformers import CLIPVisionModelWithProjection

    from vgen import conditioning, pipelines

    theirs = CLIPVisionModelWithProjection.from_pretrained(i2vgen["again"] / "image_encoder").eval().float()
    pixels = torch.randn(2, 3, theirs.config.image_size, theirs.config.image_size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = theirs(pixels).image_embeds
    for name in ("diffusers", "reference", "vgen"):
        part = pipelines.open_model_folder(i2vgen[name]).image_encoder
        assert part is not None
        tower = conditioning.ClipVision(part.options)
        pipelines.load_part(part, tower, dtype=torch.float32)
        with torch.no_grad():
            out = tower(pixels)
        assert (out - wanted).abs().max() <= 1e-5 * wanted.abs().max(), name
