"""Model folders and weight files of every layout, from Python: opened, converted, loaded, run."""

import json

import numpy as np
import pytest
import torch

import vgen
from vgen import conditioning, nn, pipelines, unet, vae, weights

# A tiny model that every layout has a place for.
TEXT = conditioning.ClipTextOptions(width=64, heads=1, layers=3, mlp=96, context_length=20, embed=24)
UNET = unet.UNetOptions(
    channels=32,
    context_channels=64,
    levels=[{"multiplier": 1, "attention": True}, {"multiplier": 2, "attention": True}, {"multiplier": 2, "attention": False}],
    blocks_per_level=1,
    head_channels=16,
    first_heads=8,
)
VAE = vae.AutoencoderKlOptions(channels=32, multipliers=[1, 2, 2], blocks=1)
INDEX = pipelines.ModelIndex(schedule={"schedule": "scaled_linear"}, prediction="epsilon")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("convert")
    text = conditioning.ClipText(TEXT)
    text.initialise(1)
    net, autoencoder = unet.UNet(UNET), vae.AutoencoderKl(VAE)
    nn.initialise(net, 2)
    nn.initialise(autoencoder, 3)
    for part, options, module in (("text_encoder", TEXT, text), ("unet", UNET, net), ("vae", VAE, autoencoder)):
        pipelines.write_part(root / "vgen", part, options, module, torch.float32)
    (root / "vgen" / "model_index.json").write_text(json.dumps(INDEX.to_dict()))
    for layout in ("reference", "diffusers"):
        report = vgen.convert(root / "vgen", root / layout, to=layout)
        assert [item.path.exists() for item in report.items] == [True] * 3
    return root


def test_every_layout_makes_the_same_clip(folders):
    frames = {}
    for layout in ("vgen", "reference", "diffusers"):
        pipe = vgen.Pipeline.from_pretrained(folders / layout)
        clip = pipe("a red circle", num_frames=2, height=16, width=16, num_inference_steps=2, guidance_scale=3, seed=3)
        frames[layout] = np.asarray(clip).astype(int)
    assert frames["vgen"].std() > 5
    for layout in ("reference", "diffusers"):
        assert np.abs(frames[layout] - frames["vgen"]).max() <= 1, layout


def test_a_folder_says_what_it_is(folders):
    for layout in ("vgen", "reference", "diffusers"):
        folder = pipelines.open_model_folder(folders / layout)
        assert folder.layout == layout and folder.unet.options == UNET and folder.vae.options == VAE
        assert folder.unet.part == "unet" and folder.unet.layout == layout and folder.unet.file.exists()
        assert folder.index.prediction == "epsilon"
    (folders / "empty").mkdir()
    with pytest.raises(vgen.Error, match="empty"):
        pipelines.open_model_folder(folders / "empty")


def test_parts_load_from_every_layout(folders, tmp_path):
    source = folders / "vgen" / "unet" / "model.safetensors"
    wanted = weights.read_state_dict(source)
    for layout, name in (("reference", "unet.pth"), ("diffusers", "unet.safetensors")):
        report = vgen.convert(source, tmp_path / name, to=layout)
        assert report.items[0].tensors == len(wanted)
        part = pipelines.open_part(tmp_path / name)
        assert (part.part, part.layout) == ("unet", layout)
        net = unet.UNet(UNET)
        assert pipelines.load_part(part, net).fits
        assert all(torch.equal(value, wanted[key]) for key, value in net.state_dict().items())
    with pytest.raises(vgen.WeightsError, match="unet.pth"):
        pipelines.load_part(pipelines.open_part(tmp_path / "unet.pth"), vae.AutoencoderKl(VAE))


def test_the_system_is_read_off_the_tensors(folders, tmp_path):
    options = unet.UNetOptions(
        **UNET.to_dict()
        | {
            "stem": [{"type": "image_latents"}],
            "embeddings": [{"type": "fps"}],
            "context": [
                {"type": "text"},
                {"type": "local_image_tokens"},
                {"type": "image_tokens", "channels": 64, "hidden": 128},
            ],
        }
    )
    net = unet.UNet(options)
    nn.initialise(net, 4)
    pipelines.write_part(tmp_path, "unet", options, net, torch.float32)
    for to, name in (("reference", "i2vgen_xl_00854500.pth"), ("diffusers", "unet.safetensors")):
        vgen.convert(tmp_path / "unet" / "model.safetensors", tmp_path / name, to=to)
        part = pipelines.open_part(tmp_path / name)
        kinds = [feature.kind for feature in (*part.options.stem, *part.options.embeddings, *part.options.context)]
        assert kinds == ["image_latents", "fps", "text", "local_image_tokens", "image_tokens"]
        assert pipelines.load_part(part, unet.UNet(part.options)).fits
        assert not part.adapters
        with pytest.raises(vgen.WeightsError, match="use --system i2vgen_xl"):
            pipelines.open_part(tmp_path / name, system="higen")


def test_the_system_is_chosen_where_shapes_fit_several(folders, tmp_path):
    released = tmp_path / "released"
    vgen.convert(folders / "vgen", released, to="reference")
    (released / "model_index.json").unlink()
    (released / "text2video_pytorch_model.pth").rename(released / "model.pth")
    folder = pipelines.open_model_folder(released, system="sr600")
    assert folder.index.system == "sr600" and folder.unet.options.row_padding == 2 and folder.image_encoder is None
    pipe = vgen.Pipeline.from_pretrained(released, system="dream_video")
    assert pipe.index.system == "dream_video" and pipe.index.prediction == "epsilon"
    with pytest.raises(vgen.WeightsError, match="not one of higen"):
        vgen.Pipeline.from_pretrained(released, system="higen")
    with pytest.raises(vgen.ConfigError, match="did you mean 'sr600'"):
        vgen.Pipeline.from_pretrained(released, system="sr60")
    vgen.convert(released, tmp_path / "tuned", system="instruct_video")
    assert pipelines.open_model_folder(tmp_path / "tuned").index.system == "instruct_video"


def test_converting(folders, tmp_path):
    events = []
    report = vgen.convert(
        folders / "vgen", tmp_path / "half", to="diffusers", dtype=torch.bfloat16, progress=lambda *event: events.append(event)
    )
    assert report.to_dict()["notes"] == report.notes and events
    state = weights.read_state_dict(tmp_path / "half" / "unet" / "diffusion_pytorch_model.safetensors")
    assert {value.dtype for value in state.values()} == {torch.bfloat16}
    planned = vgen.convert(folders / "vgen", tmp_path / "no", to="reference", dry_run=True)
    assert len(planned.items) == 3 and not (tmp_path / "no").exists()
    with pytest.raises(vgen.ConfigError, match="diffusers"):
        vgen.convert(folders / "vgen", tmp_path / "no", to="difusers")
    with pytest.raises(vgen.ConfigError, match="half"):
        vgen.convert(folders / "vgen", tmp_path / "half")
    with pytest.raises(vgen.IoError, match="nowhere"):
        vgen.convert(tmp_path / "nowhere", tmp_path / "no")
