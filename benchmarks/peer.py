"""The other side of benchmarks/run.py: the requests of cpp/worker.cpp answered with diffusers, in torch's own process.

    peer.py [cpu|cuda]

One JSON object a line comes in, one goes out. Runs in an environment with scripts/requirements-compare.txt; the parts of
the UNet, the autoencoder, the video and training need of it only diffusers.
"""

import functools
import json
import resource
import sys
import time

import torch
from diffusers import AutoencoderKL, DDIMScheduler, I2VGenXLUNet, UNet3DConditionModel
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_temporal import TransformerTemporalModel
from safetensors.torch import load_file, save_file

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
DEVICE = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cpu")


def unet_config(o):
    """What diffusers calls vgen's UNetOptions."""
    kinds = [["DownBlock3D", "CrossAttnDownBlock3D"][level["attention"]] for level in o["levels"]]
    return {
        "in_channels": o["in_channels"],
        "out_channels": o["out_channels"],
        "down_block_types": kinds,
        "up_block_types": [k.replace("Down", "Up") for k in reversed(kinds)],
        "block_out_channels": [o["channels"] * level["multiplier"] for level in o["levels"]],
        "layers_per_block": o["blocks_per_level"],
        "norm_num_groups": o["norm_groups"],
        "cross_attention_dim": o["context_channels"],
        "attention_head_dim": o["head_channels"],
    }


def build_i2vgen_xl(o):
    return I2VGenXLUNet(**unet_config(o))


def build_unet(o):
    """UNet3DConditionModel of vgen's UNetOptions, without values."""
    config = unet_config(o)
    config["in_channels"] += sum(s["channels"] for s in o.get("stem", []))
    model = UNet3DConditionModel(**config)
    if o["first_heads"] != 8:  # fixed in diffusers
        model.transformer_in = TransformerTemporalModel(
            num_attention_heads=o["first_heads"],
            attention_head_dim=o["head_channels"],
            in_channels=o["channels"],
            num_layers=1,
            norm_num_groups=o["norm_groups"],
        )
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):  # 0.1 in the temporal convolutions, fixed in diffusers
            module.p = o.get("temporal_dropout", 0.1)
    return model


def build_vae(o):
    widths = [o["channels"] * m for m in o["multipliers"]]
    return AutoencoderKL(
        in_channels=o["in_channels"],
        out_channels=o["out_channels"],
        down_block_types=["DownEncoderBlock2D"] * len(widths),
        up_block_types=["UpDecoderBlock2D"] * len(widths),
        block_out_channels=widths,
        layers_per_block=o["blocks"],
        latent_channels=o["latent_channels"],
        norm_num_groups=o["norm_groups"],
        sample_size=o["resolution"],
        scaling_factor=o["scale_factor"],
    )


def build_vision(o):
    """open_clip's image tower."""
    from open_clip.transformer import QuickGELU, VisionTransformer

    return VisionTransformer(
        image_size=o["image_size"],
        patch_size=o["patch"],
        width=o["width"],
        layers=o["layers"],
        heads=o["heads"],
        mlp_ratio=o["mlp"] / o["width"],
        output_dim=o["embed"],
        act_layer=QuickGELU if o["quick_gelu"] else torch.nn.GELU,
    )


def build_depth(o):
    """transformers' DPT with the epsilon of MiDaS."""
    from transformers import DPTConfig, DPTForDepthEstimation

    every = o["layers"] // 4
    return DPTForDepthEstimation(
        DPTConfig(
            hidden_size=o["width"],
            num_hidden_layers=o["layers"],
            num_attention_heads=o["heads"],
            intermediate_size=4 * o["width"],
            image_size=o["image_size"],
            patch_size=o["patch"],
            neck_hidden_sizes=o["neck"],
            backbone_out_indices=[every * (i + 1) - 1 for i in range(4)],
            fusion_hidden_size=o["fusion"],
            layer_norm_eps=1e-5,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            add_projection=False,
        )
    )


def midas_names(state):
    """A state dictionary of transformers' DPT under the names of midas_v3_dpt_large.pth."""
    out = {}
    layers = 1 + max(int(k.split(".")[3]) for k in state if k.startswith("dpt.encoder.layer."))
    for i in range(layers):
        theirs, ours = f"dpt.encoder.layer.{i}.", f"blocks.{i}."
        for end in ("weight", "bias"):
            qkv = [state[f"{theirs}attention.attention.{x}.{end}"] for x in ("query", "key", "value")]
            out[f"{ours}attn.to_qkv.{end}"] = torch.cat(qkv)
            for a, b in (("attention.output.dense", "attn.proj"), ("intermediate.dense", "mlp.0"), ("output.dense", "mlp.2"),
                         ("layernorm_before", "norm1"), ("layernorm_after", "norm2")):  # fmt: skip
                out[f"{ours}{b}.{end}"] = state[f"{theirs}{a}.{end}"]
    pairs = {"dpt.embeddings.patch_embeddings.projection": "patch_embedding"}
    for i in range(4):
        n = i + 1
        pairs[f"neck.reassemble_stage.readout_projects.{i}.0"] = f"fc{n}.0"
        pairs[f"neck.reassemble_stage.layers.{i}.projection"] = f"conv{n}.0"
        if i != 2:
            pairs[f"neck.reassemble_stage.layers.{i}.resize"] = f"conv{n}.1"
        pairs[f"neck.convs.{i}"] = f"conv{n}.{1 if i == 2 else 2}"
        fusion = f"neck.fusion_stage.layers.{3 - i}."
        pairs[fusion + "projection"] = f"fusion{n}.conv_out"
        for layer in (1, 2):
            for conv, index in ((1, 1), (2, 3)):
                pairs[f"{fusion}residual_layer{layer}.convolution{conv}"] = f"fusion{n}.layer{layer}.residual.{index}"
    for index in (0, 2, 4):
        pairs[f"head.head.{index}"] = f"head.{index}"
    for theirs, ours in pairs.items():
        for end in ("weight", "bias"):
            if f"{theirs}.{end}" in state:
                out[f"{ours}.{end}"] = state[f"{theirs}.{end}"]
    out["cls_embedding"] = state["dpt.embeddings.cls_token"]
    out["pos_embedding"] = state["dpt.embeddings.position_embeddings"]
    out["head.4.weight"] = out["head.4.weight"].transpose(0, 1)
    return {k: v.contiguous() for k, v in out.items()}


ENCODERS = {  # builder, our names of a state dictionary, forward
    "vae": (build_vae, lambda s: s, lambda m, x: m.encode(x).latent_dist.mean),
    "vision": (build_vision, lambda s: {"visual." + k: v for k, v in s.items()}, lambda m, x: m(x)),
    "depth": (build_depth, midas_names, lambda m, x: m(x).predicted_depth.unsqueeze(1)),
}


class Twin(torch.nn.Module):
    """UNet3DConditionModel with two features of vgen's small models that it lacks: channels beside the latent that tell
    the place of each frame (frame_position), and a term of the time embedding that tells each frame its place and the
    mean of the caption (frame_text), which a hook gives to every residual block."""

    def __init__(self, options):
        super().__init__()
        self.net = build_unet(options)
        self.positions = [s["channels"] for s in options.get("stem", [])]
        self.frame_text, self.term = None, None
        for o in options.get("embeddings", []):
            self.places, width = o["channels"], 4 * options["channels"]
            self.frame_text = torch.nn.Sequential(
                torch.nn.Linear(options["context_channels"] + self.places, width), torch.nn.SiLU(), torch.nn.Linear(width, width)
            )
            for module in self.net.modules():
                if isinstance(module, ResnetBlock2D):
                    module.register_forward_pre_hook(lambda _, inputs: (inputs[0], inputs[1] + self.term))

    @staticmethod
    @functools.cache
    def place(frames, channels, dtype):
        """[channels, frames]"""
        angle = (torch.arange(frames, device=DEVICE) + 0.5) * (torch.pi / frames)
        rows = [f(angle * k) for k in range(1, channels // 2 + 1) for f in (torch.cos, torch.sin)]
        return torch.stack(rows).to(dtype)

    def forward(self, x, t, text):
        frames = x.shape[2]
        if self.frame_text is not None:
            place = self.place(frames, self.places, text.dtype).t().expand(len(text), -1, -1)
            mean = text.mean(1, keepdim=True).expand(-1, frames, -1)
            self.term = self.frame_text(torch.cat([mean, place], 2)).flatten(0, 1)
        parts = [self.place(frames, n, x.dtype)[None, :, :, None, None] for n in self.positions]
        if parts:
            x = torch.cat([x, *(p.expand(len(x), -1, -1, *x.shape[3:]) for p in parts)], 1)
        return self.net(x, t, encoder_hidden_states=text).sample


def twin_name(name):
    for ours, theirs in (("fc1", "0"), ("fc2", "2")):
        name = name.replace(f"embedding.frame_text.mlp.{ours}", f"frame_text.{theirs}")
    return name if name.startswith("frame_text.") else "net." + name


def filled(build, options, weights, dtype, name=str):
    with torch.device("meta"):
        model = build(options)
    state = {name(k): v.to(DTYPES[dtype]) for k, v in load_file(weights, device=str(DEVICE)).items()}
    model.load_state_dict(state, assign=True)
    return model.eval().requires_grad_(False)


def make_weights(build, options, file, seed, dtype):
    """Values that keep activations near 1, exact in bfloat16: matrices N(0, 1/fan_in), norms near 1, small biases."""
    generator = torch.Generator(DEVICE).manual_seed(seed)
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in build(options).state_dict().items()}
    state = {}
    for name, shape in shapes.items():
        value = torch.randn(shape, generator=generator, device=DEVICE)
        if len(shape) > 1:
            value *= shape[1:].numel() ** -0.5
        else:
            value = value * 0.1 + (1 if "norm" in name and name.endswith("weight") else 0)
        state[name] = value.to(torch.bfloat16).to(DTYPES[dtype]).cpu()
    save_file(state, file)


class Peer:
    def __init__(self):
        self.tensors, self.unet, self.compiled, self.vae, self.optimizer = {}, None, None, None, None

    @staticmethod
    def wait():
        """Kernels of a device run behind the program; a figure holds what they took."""
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    def timed(self, rounds, f):
        seconds = []
        for _ in range(rounds):
            self.wait()
            start = time.perf_counter()
            f()
            self.wait()
            seconds.append(time.perf_counter() - start)
        return seconds

    def save(self, q, out):
        if "output" in q:
            save_file({"output": out.float().cpu().contiguous()}, q["output"])

    def do_inputs(self, q):
        self.tensors = load_file(q["file"], device=str(DEVICE))

    def do_make_unet(self, q):
        build = build_i2vgen_xl if q.get("system") == "i2vgen_xl" else build_unet
        make_weights(build, q["options"], q["weights"], q["seed"], q["dtype"])

    def do_make_vae(self, q):
        make_weights(build_vae, q["options"], q["weights"], q["seed"], q["dtype"])

    def do_unet(self, q):
        how = (build_i2vgen_xl, str) if q.get("system") == "i2vgen_xl" else (Twin, twin_name)
        self.unet = filled(how[0], q["options"], q["weights"], q["dtype"], how[1])
        self.compiled = None

    def network(self, mode):
        """The UNet as it is, compiled (once, at its first call), or with its convolutions in channels_last for good."""
        if mode == "compiled":
            if self.compiled is None:
                self.compiled = torch.compile(self.unet)
            return self.compiled
        if mode == "channels_last":
            self.unet.to(memory_format=torch.channels_last)
        return self.unet

    def do_vae(self, q):
        self.vae = filled(build_vae, q["options"], q["weights"], q["dtype"])

    def do_unet_step(self, q):
        x, t, text = (self.tensors[k] for k in ("latent", "time", "text"))
        dtype = next(self.unet.parameters()).dtype
        x, text = x.to(dtype), text.to(dtype)
        network = self.network(q["mode"])
        with torch.no_grad():
            seconds = self.timed(q["rounds"], lambda: setattr(self, "out", network(x, t, text)))
        self.save(q, self.out)
        return {"seconds": seconds}

    def do_guided_step(self, q):
        """A step of I2VGenXLPipeline's loop, whose UNet takes the frames behind the first, too: their time, from 0 to 1."""
        scheduler = DDIMScheduler(
            beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, set_alpha_to_one=False
        )
        scheduler.set_timesteps(q["steps"], device=DEVICE)
        dtype = next(self.unet.parameters()).dtype
        x, t, given = self.tensors[q["latent"]], torch.tensor(q["time"], device=DEVICE), self.tensors
        first, frames = given["local_image"].unsqueeze(2), x.shape[2]
        times = torch.arange(1, frames, device=DEVICE) / (frames - 1)
        rest = times.view(1, 1, -1, 1, 1).expand(*first.shape[:2], -1, *first.shape[3:])
        conditions = {
            "encoder_hidden_states": given["text"].to(dtype),
            "image_latents": torch.cat([first, rest], 2).to(dtype),
            "image_embeddings": given["image"].to(dtype),
            "fps": given["fps"],
        }

        def step():
            out = self.unet(torch.cat([x, x]).to(dtype), t, **conditions).sample
            bound, free = out.chunk(2)
            self.out = free + q["guidance"] * (bound - free)
            scheduler.step(self.out, t, x)

        with torch.no_grad():
            seconds = self.timed(q["rounds"], step)
        self.save(q, self.out)
        return {"seconds": seconds}

    def decode_latents(self, z, chunk):
        z = (z / self.vae.config.scaling_factor).transpose(1, 2).flatten(0, 1).to(self.vae.dtype)
        pieces = [self.vae.decode(part).sample for part in z.split(chunk)]
        return torch.cat(pieces)[None].transpose(1, 2)

    def do_decode(self, q):
        with torch.no_grad():
            seconds = self.timed(
                q["rounds"], lambda: setattr(self, "out", self.decode_latents(self.tensors["latent"], q["chunk"]))
            )
        self.save(q, self.out)
        return {"seconds": seconds}

    def do_make_encoder(self, q):
        """Weights for both sides: WEIGHTS under our names, WEIGHTS.peer under theirs."""
        build, ours, _ = ENCODERS[q["which"]]
        make_weights(build, q["options"], q["weights"] + ".peer", q["seed"], "fp32")
        save_file(ours(load_file(q["weights"] + ".peer")), q["weights"])

    def do_encoder(self, q):
        build, _, self.forward = ENCODERS[q["which"]]
        self.encoder = filled(build, q["options"], q["weights"] + ".peer", "fp32")

    def do_encode(self, q):
        (pictures,) = self.tensors.values()
        with torch.no_grad():
            seconds = self.timed(q["rounds"], lambda: setattr(self, "out", self.forward(self.encoder, pictures)))
        self.save(q, self.out)
        return {"seconds": seconds}

    def do_train_step(self, q):
        self.unet.requires_grad_(True).train()
        if self.optimizer is None:
            self.optimizer = torch.optim.AdamW(self.unet.parameters(), lr=q["rate"], weight_decay=0, fused=True)
        loss = 0.0

        def step():
            nonlocal loss
            out = self.unet(self.tensors["latent"], self.tensors["time"], self.tensors["text"])
            value = torch.nn.functional.mse_loss(out, self.tensors["target"])
            value.backward()
            loss = value.item()
            self.optimizer.step()
            self.optimizer.zero_grad()

        return {"seconds": self.timed(q["rounds"], step), "loss": loss}

    def do_video(self, q):
        """25 guided DDIM steps and the decoding, from given text vectors: the loop of TextToVideoSDPipeline."""
        scheduler = DDIMScheduler(
            trained_betas=q["betas"],
            prediction_type=q["prediction"],
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            timestep_spacing="leading",
        )
        words = self.tensors["words"]
        text = torch.stack([words[1], words[0]])
        network = self.network(q["mode"])

        def run():
            generator = torch.Generator().manual_seed(7)
            z = torch.randn(q["shape"], generator=generator).to(DEVICE)
            scheduler.set_timesteps(q["steps"], device=DEVICE)
            for t in scheduler.timesteps:
                out = network(torch.cat([z, z]), t, text)
                free, bound = out.chunk(2)
                out = free + q["guidance"] * (bound - free)
                z = scheduler.step(out, t, z).prev_sample
            self.out = z
            pixels = self.decode_latents(z, z.shape[2])
            self.frames = ((pixels / 2 + 0.5).clamp(0, 1) * 255).to(torch.uint8).cpu()

        with torch.no_grad():
            seconds = self.timed(q["rounds"], run)
        self.save(q, self.out)
        return {"seconds": seconds}

    def do_tokenize(self, q):
        import os
        import tempfile

        import open_clip
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors  # noqa: F401
        from transformers import CLIPTokenizerFast

        with open(q["file"], encoding="utf-8") as f:
            lines = f.read().split("\n")[:-1]
        slow = open_clip.get_tokenizer("ViT-H-14")
        if q["which"] == "open_clip":

            def run():
                self.ids = slow(lines)
        else:
            folder = tempfile.mkdtemp()
            with open(os.path.join(folder, "vocab.json"), "w") as f:
                json.dump(slow.encoder, f)
            with open(os.path.join(folder, "merges.txt"), "w") as f:
                f.write("#version: 0.2\n" + "\n".join(" ".join(m) for m in slow.bpe_ranks) + "\n")
            fast = CLIPTokenizerFast.from_pretrained(folder, pad_token="<end_of_text>")

            def run():
                self.ids = fast(lines, padding="max_length", truncation=True, max_length=77, return_tensors="pt")

        seconds = self.timed(q["rounds"], run)
        checksum = 0
        if q["which"] == "open_clip":
            for i in self.ids.flatten().tolist():
                checksum = (checksum * 31 + i) % 1000000007
        return {"seconds": seconds, "checksum": checksum}

    def do_memory(self, q):
        with open("/proc/self/status") as f:
            now = next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) * 1024
        reply = {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, "now": now}
        if DEVICE.type == "cuda":
            reply["device_peak"] = torch.cuda.max_memory_allocated()
        return reply

    def answer(self, q):
        start = time.perf_counter()
        out = getattr(self, "do_" + q["do"])(q)
        self.wait()
        return out or {"seconds": time.perf_counter() - start}


def main():
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False  # as in the worker: fp32 is fp32
    peer = Peer()
    for line in sys.stdin:
        try:
            reply = peer.answer(json.loads(line))
        except Exception as e:  # the caller prints it
            reply = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
