"""Own goldens of areas clip, vae and unets from Pillow, open_clip and diffusers: python make_networks.py FOLDER (see README.md)."""

import json
import pathlib
import re
import sys
import zlib

import numpy as np
import open_clip
import torch
from diffusers import AutoencoderKL, UNet3DConditionModel
from PIL import Image
from safetensors.torch import save_file

FOLDER = pathlib.Path(sys.argv[1])
CLIP_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
CLIP_STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)


# ---- the formula (tests/golden/README.md) ----


def bits(salt, name, count):
    key = np.uint64(zlib.crc32(f"{salt}:{name}".encode())) << np.uint64(32)
    with np.errstate(over="ignore"):
        z = key + np.arange(count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def value(salt, name, shape):
    return ((bits(salt, name, int(np.prod(shape))) >> np.uint64(40)).astype(np.float64) / 2**23 - 1).reshape(shape)


def rounded(v):
    return torch.from_numpy(np.asarray(v, dtype=np.float32).copy())


def unit(salt, name, shape):
    return rounded(np.sqrt(3.0) * value(salt, name, shape))


def parameter(salt, name, shape):
    v = value(salt, name, shape)
    if len(shape) >= 2:
        return rounded(np.sqrt(3 / np.prod(shape[1:])) * v)
    return rounded(1 + 0.1 * v if len(shape) == 1 and name.endswith("weight") else 0.1 * v)


def fill(module, salt, named):
    """Fills the parameters of `module`; named(key, shape) gives the reference's name and shape. Returns those by key."""
    names = {}
    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            if key == "attn_mask":
                continue
            names[key] = named(key, list(tensor.shape))
            tensor.copy_(parameter(salt, *names[key]).view(tensor.shape))
    return names


def given(salt, name, shape):
    return {"rule": "unit", "salt": salt, "name": name, "shape": list(shape)}


def save(area, case, description, tensors):
    (FOLDER / area).mkdir(parents=True, exist_ok=True)
    (FOLDER / area / f"{case}.json").write_text(json.dumps({"area": area, "case": case, **description}) + "\n")
    save_file({k: v.detach().contiguous() for k, v in tensors.items()}, str(FOLDER / area / f"{case}.safetensors"))


# ---- clip ----


def scene(height, width, k):
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    t = (3 * x + 5 * y + 7 * k + 85 * c) % 256
    v = 40 + np.where(t < 128, t, 255 - t)
    r = min(height, width) // 4
    v = np.where((x - (width // 4 + 2 * k) % width) ** 2 + (y - height // 2) ** 2 <= r * r, 255 - v, v)
    inside = (5 * width // 8 <= x) & (x < 7 * width // 8) & (height // 4 <= y) & (y < height // 2)
    return np.where(inside, (2 * v + 60 * c) % 256, v).astype(np.uint8)


def preprocess(kind, height, width, k, sides):
    name = f"{kind}_{height}x{width}"
    if kind == "noise":
        picture = (bits("own", name, height * width * 3) >> np.uint64(56)).astype(np.uint8).reshape(height, width, 3)
    else:
        picture = scene(height, width, k)
    tensors = {}
    for n in sides:  # as torchvision's Resize and CenterCrop do it
        w, h = (n, int(n * height / width)) if width <= height else (int(n * width / height), n)
        image = Image.fromarray(picture)
        image = image if (w, h) == (width, height) else image.resize((w, h), Image.BICUBIC)
        top, left = round((h - n) / 2), round((w - n) / 2)
        pixels = np.asarray(image)[top : top + n, left : left + n].astype(np.float32) / 255
        tensors[f"size_{n}"] = rounded(((pixels - CLIP_MEAN) / CLIP_STD).transpose(2, 0, 1))
    description = {"kind": kind, "salt": "own", "name": name, "height": height, "width": width, "k": k}
    save("clip", f"preprocess_{name}", {"picture": {**description, "crc32": zlib.crc32(picture.tobytes())}}, tensors)


def towers(case, config, texts):
    salt = f"own.{case}"
    model = open_clip.model.CLIP(**config).eval()
    names = fill(model, salt, lambda key, shape: (key, shape))
    tokens = open_clip.SimpleTokenizer()(texts)
    side = config["vision_cfg"]["image_size"]
    image = unit(salt, "input.image", [2, 3, side, side])
    tensors = {"tokens": tokens}
    with torch.no_grad():
        for layer, blocks in (("last", model.transformer.resblocks), ("penultimate", model.transformer.resblocks[:-1])):
            x = model.token_embedding(tokens) + model.positional_embedding
            for block in blocks:
                x = block(x, attn_mask=model.attn_mask)
            x = model.ln_final(x)
            tensors[f"{layer}.words"] = x
            tensors[f"{layer}.pooled"] = x[torch.arange(len(texts)), tokens.argmax(-1)] @ model.text_projection
        tensors["encode_text"], tensors["encode_image"] = model.encode_text(tokens), model.encode_image(image)
    save(
        "clip",
        case,
        {
            "salt": salt,
            "config": config,
            "texts": texts,
            "weights": {name: shape for name, shape in names.values()},
            "inputs": {"image": given(salt, "input.image", image.shape)},
        },
        tensors,
    )


# ---- vae ----


def vae(case, channels, multipliers, blocks, latent, height, width):
    salt, levels = f"own.{case}", len(multipliers)
    net = AutoencoderKL(
        block_out_channels=[channels * m for m in multipliers],
        layers_per_block=blocks,
        latent_channels=latent,
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
    ).eval()

    def named(key, shape):
        key = key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut").replace("group_norm", "norm")
        key = re.sub(r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block.", key)
        key = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", key)
        key = re.sub(r"up_blocks\.(\d+)\.resnets\.", lambda m: f"up.{levels - 1 - int(m[1])}.block.", key)
        key = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", key)
        key = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", key).replace(
            "mid_block.attentions.0", "mid.attn_1"
        )
        key = re.sub(r"to_([qkv])\.", r"\1.", key).replace("to_out.0", "proj_out")
        return key, shape + [1, 1] if ".attn_1." in key and len(shape) == 2 else shape

    names = fill(net, salt, named)
    x, z = unit(salt, "input.x", [2, 3, height, width]), unit(salt, "input.z", [1, latent, 3, 5]).requires_grad_()
    picture = net.decode(z).sample
    gradient = unit(salt, "input.grad", list(picture.shape))
    (picture * gradient).sum().backward()
    with torch.no_grad():
        moments = net.encode(x).latent_dist.parameters
    noise = torch.randn(moments[:, :latent].shape, generator=torch.Generator().manual_seed(5))
    sample = moments[:, :latent] + torch.exp(0.5 * moments[:, latent:].clamp(-30, 20)) * noise
    config = {
        "cls": "AutoencoderKL",
        "ddconfig": {
            "double_z": True,
            "z_channels": latent,
            "resolution": 64,
            "in_channels": 3,
            "out_ch": 3,
            "ch": channels,
            "ch_mult": multipliers,
            "num_res_blocks": blocks,
            "attn_resolutions": [],
            "dropout": 0.0,
            "video_kernel_size": [3, 1, 1],
        },
        "embed_dim": latent,
        "sample_seed": 5,
        "scale_factor": 0.3,
    }
    save(
        "vae",
        case,
        {
            "salt": salt,
            "config": config,
            "weights": {name: shape for name, shape in names.values()},
            "inputs": {n: given(salt, f"input.{n}", t.shape) for n, t in (("x", x), ("z", z), ("grad", gradient))},
        },
        {
            "moments": moments,
            "noise": noise,
            "sample": sample,
            "first_stage": 0.3 * sample,
            "decode": picture,
            "grad.z": z.grad,
            "grad.decoder.conv_in.weight": net.decoder.conv_in.weight.grad,
        },
    )


# ---- unets ----

RES = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
ENDS = {
    "conv_in": "input_blocks.0.0",
    "transformer_in": "input_blocks.0.1",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
PLACES = {"attentions": 1, "temp_attentions": 2}


def reference_name(key, attention, blocks):
    for theirs, name in ENDS.items():
        if key.startswith(theirs + "."):
            return name + key[len(theirs) :]
    block, kind, j, rest = re.match(r"(mid_block|(?:down|up)_blocks\.\d+)\.(\w+)\.(\d+)\.(.*)", key).groups()
    j = int(j)
    if block == "mid_block":
        base, res = "middle_block", 3 * j
    else:
        i = int(block.split(".")[1])
        n = i * (blocks + 1) + j
        if kind == "downsamplers":
            return f"input_blocks.{(i + 1) * (blocks + 1)}.op.{rest[len('conv.') :]}"
        if kind == "upsamplers":
            return f"output_blocks.{i * (blocks + 1) + blocks}.{3 if attention[len(attention) - 1 - i] else 1}.{rest}"
        base, res = (f"input_blocks.{n + 1}" if block.startswith("down") else f"output_blocks.{n}"), 0
    if kind == "resnets":
        part, leaf = rest.split(".", 1)
        return f"{base}.{res}.{RES[part]}.{leaf}"
    return f"{base}.{res}.temopral_conv.{rest}" if kind == "temp_convs" else f"{base}.{PLACES[kind]}.{rest}"


def split_name(name):
    match = re.match(r"(input_blocks|output_blocks)\.(\d+)\.(.*)", name) or re.match(
        r"(time_embed|middle_block|out)()\.(.*)", name
    )
    return match[1], int(match[2] or 0), match[3]


def stem(first, n):  # holds other modules than the blocks after it, under the same indices
    return first == "input_blocks" and n == 0


def state_dict_order(names):
    """The reference's order, learned from the golden of its real plan."""
    golden = json.loads((pathlib.Path(__file__).parent.parent / "golden" / "unets" / "t2v.json").read_text())["parameters"]
    rank, top, blocks = {}, {}, {}
    for name, _ in golden:
        first, n, rest = split_name(name)
        top.setdefault(first, len(top))
        blocks.setdefault((first, n), []).append(rest)
    for (first, n), rests in sorted(blocks.items(), key=lambda block: -len(block[1])):  # the fullest shows the whole order
        for rest in rests:
            rank.setdefault((first, stem(first, n), rest), len(rank))

    def place(name):
        first, n, rest = split_name(name)
        return top[first], n, rank[first, stem(first, n), rest]

    return sorted(names, key=place)


def unet(case, multipliers, attention, blocks, context, shape, times, channels, head, latent=4):
    salt = f"own.{case}"
    net = UNet3DConditionModel(
        in_channels=latent,
        block_out_channels=[channels * m for m in multipliers],
        cross_attention_dim=context,
        attention_head_dim=head,
        layers_per_block=blocks,
        down_block_types=["CrossAttnDownBlock3D" if a else "DownBlock3D" for a in attention],
        up_block_types=["CrossAttnUpBlock3D" if a else "UpBlock3D" for a in reversed(attention)],
    ).eval()

    def named(key, dims):
        name = reference_name(key, attention, blocks)
        conv1d = re.search(r"(blocks\.\d+\.2|^input_blocks\.0\.1|^middle_block\.2)\.proj_(in|out)\.weight$", name)
        return name, dims + [1] if conv1d and len(dims) == 2 else dims

    names = fill(net, salt, named)
    key_of, shape_of = {name: key for key, (name, _) in names.items()}, dict(names.values())
    order = state_dict_order(shape_of)
    x = unit(salt, "input.x", shape).requires_grad_()
    y = unit(salt, "input.y", [shape[0], 9, context]).requires_grad_()
    out = net(x, torch.tensor(times), y).sample
    loss = (out * unit(salt, "probe", list(out.shape))).mean()
    loss.backward()
    gradients = {name: p.grad for name, p in net.named_parameters()}
    watched = ["input_blocks.1.0.in_layers.2.weight", "middle_block.1.transformer_blocks.0.attn2.to_k.weight", "out.2.weight"]
    tensors = {"main/out": out}
    tensors |= {f"main/grad/{name}": gradients[key_of[name]].reshape(shape_of[name]) for name in watched}
    save(
        "unets",
        case,
        {
            "class": "UNetSD_T2VBase",
            "salt": salt,
            "constructor": {
                "in_dim": latent,
                "dim": channels,
                "y_dim": context,
                "context_dim": context,
                "out_dim": 4,
                "dim_mult": multipliers,
                "num_heads": 8,
                "head_dim": head,
                "num_res_blocks": blocks,
                "attn_scales": [0.5**i for i, a in enumerate(attention) if a],
                "dropout": 0.1,
                "temporal_attention": True,
                "use_fps_condition": False,
            },
            "parameters": [[name, shape_of[name]] for name in order],
            "runs": {
                "main": {
                    "forward": {
                        "x": {"unit": "input.x", "shape": shape},
                        "t": {"int64": times},
                        "y": {"unit": "input.y", "shape": list(y.shape)},
                    },
                    "loss": loss.item(),
                    "grad_l2": [gradients[key_of[name]].norm().item() for name in order],
                    "input_grad_l2": {"x": x.grad.norm().item(), "y": y.grad.norm().item()},
                }
            },
            "tensors": {name: {"shape": list(t.shape), "stride": 1} for name, t in tensors.items()},
        },
        tensors,
    )


def main():
    torch.set_num_threads(1)
    preprocess("noise", 224, 224, 0, [224, 7])
    preprocess("noise", 7, 5, 0, [16, 31])
    preprocess("noise", 301, 173, 0, [16, 31, 7])
    preprocess("scene", 33, 97, 3, [16, 31, 7])
    preprocess("scene", 100, 40, 11, [16, 31, 40])
    preprocess("noise", 64, 65, 0, [16, 31, 64])
    preprocess("noise", 1, 9, 0, [16, 7])
    texts = ["ein Frosch, grün & müde", "<end_of_text> x", "a " * 200, "&amp;lt; ½ ＡＢＣ"]
    towers(
        "towers_quickgelu_4",
        {
            "embed_dim": 17,
            "quick_gelu": True,
            "vision_cfg": {"image_size": 21, "layers": 2, "width": 48, "head_width": 12, "patch_size": 7},
            "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 40, "heads": 5, "layers": 4},
        },
        texts,
    )
    towers(
        "towers_mlp_ratio",
        {
            "embed_dim": 8,
            "quick_gelu": False,
            "vision_cfg": {"image_size": 12, "layers": 1, "width": 64, "head_width": 64, "patch_size": 4, "mlp_ratio": 3.0},
            "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 24, "heads": 3, "layers": 2, "mlp_ratio": 2.0},
        },
        texts,
    )
    vae("mult_1_3", 32, [1, 3], 2, 5, 18, 22)
    vae("mult_1_2_1", 32, [1, 2, 1], 1, 4, 40, 33)
    vae("one_level", 64, [1], 1, 3, 9, 8)
    unet("two_levels", [1, 2], [True, False], 1, 24, [1, 4, 5, 6, 10], [3], 32, 16)
    unet("three_blocks", [1, 1, 3], [False, True, True], 3, 40, [2, 4, 2, 12, 4], [999, 0], 64, 32)
    unet("one_level", [1], [True], 1, 8, [3, 6, 3, 5, 7], [1, 500, 2], 32, 8, latent=6)


main()
