"""vgen against diffusers 0.33.1 on this machine, in turns, with the same weights and inputs.

    python benchmarks/run.py --vgen build/bench --peer-python /path/to/venv/bin/python [--only unet_fp32 video ...]

Each part starts two processes that stay up (cpp/worker.cpp and peer.py), gives both the same files, lets them work in
turns, and compares what they computed: a part whose error gate fails is void and says so. Results go to
benchmarks/results/PART.json; `--table` prints them. README.md has the protocol. Needs torch, numpy and safetensors.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
FULL = {
    "in_channels": 4,
    "out_channels": 4,
    "channels": 320,
    "context_channels": 1024,
    "levels": [
        {"multiplier": 1, "attention": True},
        {"multiplier": 2, "attention": True},
        {"multiplier": 4, "attention": True},
        {"multiplier": 4, "attention": False},
    ],
    "blocks_per_level": 2,
    "head_channels": 64,
    "first_heads": 8,
    "norm_groups": 32,
}
VAE = {
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": 4,
    "inner_channels": 4,
    "channels": 128,
    "multipliers": [1, 2, 4, 4],
    "blocks": 2,
    "resolution": 256,
    "norm_groups": 32,
    "scale_factor": 0.18215,
}

VISION = {"image_size": 224, "patch": 14, "width": 1280, "heads": 16, "layers": 32, "mlp": 5120, "embed": 1024,
          "quick_gelu": False}  # fmt: skip
DEPTH = {"image_size": 384, "patch": 16, "width": 1024, "heads": 16, "layers": 24, "neck": [256, 512, 1024, 1024],
         "fusion": 256}  # fmt: skip


def flops(b, f, h, w, length):
    """Of one forward of the full-size UNet (docs of performance, closed form checked against an operator count)."""
    s = h * w
    return b * (285.6e6 * f * s + 7301 * f * s * s + 26.7e3 * s * f * f + 11.3e3 * f * s * length + 51.1e6 * f * length)


class Side:
    """One of the two processes."""

    def __init__(self, command, env=None):
        self.name = pathlib.Path(command[-2]).name  # before the device
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
        )

    def cpu(self):
        """Processor seconds of all its threads so far."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            times = f.read().rsplit(")", 1)[1].split()[11:13]
        return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")

    def ask(self, do, **q):
        before = self.cpu()
        self.process.stdin.write(json.dumps({"do": do, **q}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args}: ended without an answer to {do}")
        reply = json.loads(line)
        shown = {k: v for k, v in reply.items() if k in ("seconds", "loss", "error")}
        print(self.name, do, json.dumps(shown), file=sys.stderr)
        if "error" in reply:
            raise SystemExit(f"{self.process.args[0]}: {do}: {reply['error']}")
        reply["cpu"] = self.cpu() - before
        return reply

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, args):
        self.args = args
        self.folder = pathlib.Path(args.scratch or tempfile.mkdtemp(prefix="vgen-bench-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.env = {"OMP_NUM_THREADS": str(args.threads)}

    def ours(self, program="worker"):
        return Side([str(pathlib.Path(self.args.vgen) / "benchmarks" / program), self.args.device], self.env)

    def theirs(self):
        return Side([self.args.peer_python, str(HERE / "peer.py"), self.args.device], self.env)

    def sides(self):
        return self.ours(), self.theirs()

    def path(self, name):
        return str(self.folder / name)

    def around(self, command):
        """Runs --before or --after, which may stop other work on the machine while figures are taken."""
        if command:
            subprocess.run(shlex.split(command), check=True)

    def turns(self, contenders, warm=None):
        """`contenders`: functions of the round that answer a request. They work in turns, A B A B ..., first `warm` rounds
        that do not count. Seconds and processor seconds of each, and the last answers."""
        warm = self.args.warm if warm is None else warm
        found = [{"seconds": [], "cpu_seconds": []} for _ in contenders]
        for i in range(warm + self.args.rounds):
            if i == warm:
                self.around(self.args.before)
            for ask, row in zip(contenders, found, strict=True):
                row["last"] = ask(i)
                if i >= warm:
                    row["seconds"] += row["last"]["seconds"]
                    row["cpu_seconds"].append(row["last"]["cpu"])
        self.around(self.args.after)
        return found

    def report(self, part, ours, theirs, peer, **more):
        ratio = lambda f, key: round(f(theirs[key]) / max(f(ours[key]), 1e-9), 3)  # noqa: E731
        row = {
            "part": part,
            "peer": peer,
            "vgen_seconds": ours["seconds"],
            "peer_seconds": theirs["seconds"],
            "ratio_of_minima": ratio(min, "seconds"),
            "ratio_of_medians": ratio(statistics.median, "seconds"),
            "cpu_seconds": [ours["cpu_seconds"], theirs["cpu_seconds"]],
            "ratio_of_cpu": ratio(min, "cpu_seconds"),
            **more,
        }
        self.keep(part, row)

    def peaks(self, *sides):
        """Peak memory of the processes, and on a device also what its tensors took there."""
        found = [side.ask("memory") for side in sides]
        keys = {"peak_bytes": "peak"} | ({"device_peak_bytes": "device_peak"} if self.args.device == "cuda" else {})
        return {name: [f[key] for f in found] for name, key in keys.items()}

    def keep(self, part, row):
        row["machine"] = machine(self.args.device) | {"threads": self.args.threads}
        if self.args.device != "cpu":
            part = row["part"] = f"{part}_{self.args.device}"
        out = pathlib.Path(self.args.results)
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{part}.json").write_text(json.dumps(row, indent=1) + "\n")
        print(json.dumps({k: v for k, v in row.items() if k != "machine"}), flush=True)

    # ---- parts ----

    def unet_inputs(self, b, f, h, w, seed):
        import torch
        from safetensors.torch import save_file

        g = torch.Generator().manual_seed(seed)
        file = self.path(f"inputs-{b}-{f}-{h}-{w}-{seed}.safetensors")
        save_file(
            {
                "latent": torch.randn(b, 4, f, h, w, generator=g),
                "time": torch.randint(1, 1000, (b,), generator=g),
                "text": torch.randn(b, 77, 1024, generator=g),
                "target": torch.randn(b, 4, f, h, w, generator=g),
            },
            file,
        )
        return file

    def unet(self, dtype, modes):
        """One forward of the full-size UNet; `modes` of the peer: eager, compiled, channels_last."""
        a = self.args
        b, f, h, w = a.batch, a.frames, a.height, a.width
        mine, yours = self.sides()
        weights = self.path(f"unet-full-{dtype}.safetensors")
        if not os.path.exists(weights):
            yours.ask("make_unet", options=FULL, weights=weights, seed=1, dtype=dtype)
        files = [self.unet_inputs(b, f, h, w, seed) for seed in range(3)]
        load = [s.ask("unet", options=FULL, weights=weights, dtype=dtype)["seconds"] for s in (mine, yours)]

        def step(side, out, **q):
            def ask(i):
                side.ask("inputs", file=files[i % 3])
                return side.ask("unet_step", rounds=1, output=self.path(out + ".safetensors"), **q)

            return ask

        ours, *others = self.turns([step(mine, "mine")] + [step(yours, mode, mode=mode) for mode in modes])
        memory = self.peaks(mine, yours)
        mine.close()
        yours.close()
        work = flops(b, f, h, w, 77)
        exact = self.path(f"exact-{b}-{f}-{h}-{w}-{(a.rounds + a.warm - 1) % 3}.safetensors")
        if dtype == "fp32" and modes[0] == "eager":
            os.replace(self.path("eager.safetensors"), exact)
        for mode, theirs in zip(modes, others, strict=True):
            yours_file = self.path(mode + ".safetensors") if os.path.exists(self.path(mode + ".safetensors")) else exact
            self.report(
                f"unet_{dtype}_{mode}",
                ours,
                theirs,
                "diffusers " + mode,
                shape=[b, 4, f, h, w],
                dtype=dtype,
                load_seconds=load,
                **memory,
                gflops=[round(work / min(t["seconds"]) / 1e9, 1) for t in (ours, theirs)],
                gate=self.gate(self.path("mine.safetensors"), yours_file, exact, dtype),
            )

    def gate(self, mine, yours, exact, dtype):
        """fp32: the two outputs differ by at most 1e-4. Half precision: our distance to the fp32 output of diffusers is at most 1.25
        times that of diffusers' own."""
        from safetensors.torch import load_file

        m, y = (load_file(p)["output"].double() for p in (mine, yours))
        far = lambda p, q: ((p - q).norm() / q.norm()).item()  # noqa: E731
        if dtype == "fp32":
            return {"difference": far(m, y), "limit": 1e-4, "holds": far(m, y) <= 1e-4}
        if not os.path.exists(exact):
            return {"holds": None, "note": "run unet_fp32 with the same sizes and rounds in the same --scratch first"}
        e = load_file(exact)["output"].double()
        ours, theirs = far(m, e), far(y, e)
        return {"ours_to_fp32": ours, "theirs_to_fp32": theirs, "holds": ours <= 1.25 * theirs}

    def part_unet_fp32(self):
        self.unet("fp32", self.args.modes)

    def part_unet_bf16(self):
        self.unet("bf16", self.args.modes)

    def part_unet_fp16(self):
        if self.args.device == "cpu":
            raise SystemExit("unet_fp16: needs --device cuda")
        self.unet("fp16", self.args.modes)

    def part_i2vgen_step(self):
        """A guided step of I2VGen-XL's full-size network in the middle of a run, at its own, small size. The gate looks at
        the guided prediction, for the step's result is mostly the latent that it began with."""
        import torch
        from safetensors.torch import load_file, save_file

        frames, h, w = 8, 16, 16
        mine, yours = self.sides()
        weights = self.path("i2vgen-full-fp32.safetensors")
        same = {"options": FULL, "weights": weights, "dtype": "fp32", "system": "i2vgen_xl"}
        if not os.path.exists(weights):
            yours.ask("make_unet", **same, seed=6)
        g = torch.Generator().manual_seed(7)
        file = self.path("i2vgen-inputs.safetensors")
        image = torch.randn(1, 1, 1024, generator=g)
        save_file(
            {f"latent{i}": torch.randn(1, 4, frames, h, w, generator=g) for i in range(3)}
            | {
                "text": torch.randn(2, 77, 1024, generator=g),
                "local_image": torch.randn(1, 4, h, w, generator=g).repeat(2, 1, 1, 1),
                "image": torch.cat([image, torch.zeros_like(image)]),  # the branch without the prompt has no picture
                "fps": torch.tensor([16, 16]),
            },
            file,
        )
        load = []
        for side in (mine, yours):
            load.append(side.ask("unet", **same)["seconds"])
            side.ask("inputs", file=file)

        def step(side, out):
            q = {"rounds": 1, "guidance": 9.0, "time": 501, "steps": 50, "output": self.path(out)}
            return lambda i: side.ask("guided_step", latent=f"latent{i % 3}", **q)

        ours, theirs = self.turns([step(mine, "m.safetensors"), step(yours, "y.safetensors")])
        memory = self.peaks(mine, yours)
        mine.close()
        yours.close()
        m, y = (load_file(self.path(p))["output"].double() for p in ("m.safetensors", "y.safetensors"))
        far = ((m - y).norm() / y.norm()).item()
        self.report("i2vgen_step", ours, theirs, "diffusers eager", shape=[2, 4, frames, h, w], dtype="fp32",
                    load_seconds=load, **memory, gate={"difference": far, "limit": 1e-4, "holds": far <= 1e-4})  # fmt: skip

    def part_growth(self):
        """One forward of the full-size UNet at several sizes against the closed form of its work."""
        mine = self.ours()
        mine.ask("unet", weights=self.path("unet-full-fp32.safetensors"), dtype="fp32")
        rows = []
        # one thread: processor seconds, which other work on the machine disturbs less
        processor = self.args.threads == 1 and self.args.device == "cpu"
        self.around(self.args.before)
        for f, h, w in ((4, 16, 16), (8, 16, 16), (16, 16, 16), (24, 16, 16), (8, 16, 32), (8, 24, 24), (8, 32, 32)):
            mine.ask("inputs", file=self.unet_inputs(1, f, h, w, 0))
            replies = [mine.ask("unet_step", rounds=1) for _ in range(2)]
            seconds = min(r["cpu"] if processor else r["seconds"][0] for r in replies)
            rows.append({"frames": f, "area": h * w, "seconds": seconds, "gflop": flops(1, f, h, w, 77) / 1e9})
        self.around(self.args.after)
        mine.close()
        x = [r["gflop"] for r in rows]
        y = [r["seconds"] for r in rows]
        slope, offset = statistics.linear_regression(x, y)
        for r in rows:
            r["residual"] = round(r["seconds"] / (slope * r["gflop"] + offset) - 1, 3)
        self.keep("growth", {"rows": rows, "gflops_per_second": round(1 / slope, 1), "offset_seconds": round(offset, 3),
                             "clock": "processor" if processor else "wall"})  # fmt: skip

    def part_vae(self):
        import torch
        from safetensors.torch import load_file, save_file

        mine, yours = self.sides()
        weights = self.path("vae-full.safetensors")
        if not os.path.exists(weights):
            yours.ask("make_vae", options=VAE, weights=weights, seed=2, dtype="fp32")
        for side in (mine, yours):
            side.ask("vae", options=VAE, weights=weights, dtype="fp32")
        file = self.path("vae-inputs.safetensors")
        n = self.args.vae_frames
        save_file({"latent": torch.randn(1, 4, n, 32, 32, generator=torch.Generator().manual_seed(3))}, file)
        for side in (mine, yours):
            side.ask("inputs", file=file)
        ours, theirs = self.turns(
            [
                lambda i: mine.ask("decode", rounds=1, chunk=n, output=self.path("m.safetensors")),
                lambda i: yours.ask("decode", rounds=1, chunk=n, output=self.path("y.safetensors")),
            ]
        )
        m, y = (load_file(self.path(p))["output"].double() for p in ("m.safetensors", "y.safetensors"))
        far = ((m - y).norm() / y.norm()).item()
        mine.close()
        yours.close()
        self.report("vae_decode", ours, theirs, "diffusers eager", frames=n, size=[256, 256], dtype="fp32",
                    gate={"difference": far, "limit": 1e-4, "holds": far <= 1e-4})  # fmt: skip

    def encoder(self, which, options, side, peer):
        """One picture of side x side through a network that encodes it; equal weights on both sides."""
        import torch
        from safetensors.torch import load_file, save_file

        mine, yours = self.ours("encoders"), self.theirs()
        weights = self.path(f"{which}-encoder.safetensors")
        if not os.path.exists(weights):
            yours.ask("make_encoder", which=which, options=options, weights=weights, seed=4)
        mine.ask(which, options=options, weights=weights)
        yours.ask("encoder", which=which, options=options, weights=weights)
        file = self.path(f"{which}-inputs.safetensors")
        save_file({"pictures": torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(3)) * 2 - 1}, file)
        for each in (mine, yours):
            each.ask("inputs", file=file)
        files = [self.path(p) for p in ("m.safetensors", "y.safetensors")]
        ours, theirs = self.turns(
            [
                lambda i: mine.ask("encode", which=which, rounds=1, output=files[0]),
                lambda i: yours.ask("encode", which=which, rounds=1, output=files[1]),
            ]
        )
        memory = self.peaks(mine, yours)
        m, y = (load_file(p)["output"].double() for p in files)
        far = ((m - y).norm() / y.norm()).item()
        mine.close()
        yours.close()
        self.report(f"{which}_encode", ours, theirs, peer, shape=[1, 3, side, side], dtype="fp32", **memory,
                    gate={"difference": far, "limit": 1e-4, "holds": far <= 1e-4})  # fmt: skip

    def part_vae_encode(self):
        self.encoder("vae", VAE, 256, "diffusers eager")

    def part_vision(self):
        self.encoder("vision", VISION, 224, "open_clip eager")

    def part_depth(self):
        self.encoder("depth", DEPTH, 384, "transformers eager")

    def model(self):
        """The shipped model in both processes, with its options."""
        mine, yours = self.sides()
        folder = pathlib.Path(self.args.model)
        mine.ask("pipeline", folder=str(folder))
        mine.ask("export", folder=str(self.folder))
        unet, vae = (json.loads((folder / p / "config.json").read_text()) for p in ("unet", "vae"))
        yours.ask("unet", options=unet, weights=self.path("unet.safetensors"), dtype="fp32")
        yours.ask("vae", options=vae, weights=self.path("vae.safetensors"), dtype="fp32")
        return mine, yours, unet, vae, json.loads((folder / "model_index.json").read_text())

    def part_video(self):
        from safetensors.torch import load_file

        mine, yours, unet, vae, index = self.model()
        prompt = "a red circle moving left on a black background"
        first = mine.ask("video", rounds=1, prompt=prompt, output=self.path("words.safetensors"))
        yours.ask("inputs", file=self.path("words.safetensors"))
        down = 2 ** (len(vae["multipliers"]) - 1)
        q = {
            "betas": first["betas"],
            "steps": first["steps"],
            "guidance": first["guidance"],
            "prediction": {"v": "v_prediction", "eps": "epsilon"}.get(index["prediction"], index["prediction"]),
            "shape": [1, unet["in_channels"], first["frames"], first["height"] // down, first["width"] // down],
        }
        theirs_file = {mode: self.path(f"video-{mode}.safetensors") for mode in self.args.modes}
        ours, *others = self.turns(
            [lambda i: mine.ask("video", rounds=1, prompt=prompt)]
            + [lambda i, m=m: yours.ask("video", rounds=1, output=theirs_file[m], mode=m, **q) for m in self.args.modes]
        )
        memory = self.peaks(mine, yours)
        mine.close()
        yours.close()
        m = load_file(self.path("words.safetensors"))["latents"].double()
        for mode, theirs in zip(self.args.modes, others, strict=True):
            y = load_file(theirs_file[mode])["output"].double()
            cosine = ((m * y).sum() / m.norm() / y.norm()).item()
            self.report("video_" + mode, ours, theirs, "diffusers " + mode, model=self.args.model, steps=first["steps"],
                        size=[first["frames"], first["height"], first["width"]], **memory,
                        gate={"cosine_of_latents": cosine, "limit": 0.999, "holds": cosine >= 0.999})  # fmt: skip

    def part_training(self):
        import torch
        from safetensors.torch import save_file

        mine, yours, unet, _, _ = self.model()
        g = torch.Generator().manual_seed(5)
        shape = (16, unet["in_channels"], 16, 8, 8)
        file = self.path("train-inputs.safetensors")
        save_file(
            {
                "latent": torch.randn(shape, generator=g),
                "target": torch.randn(shape, generator=g),
                "time": torch.randint(1, 1000, (16,), generator=g),
                "text": torch.randn(16, 32, unet["context_channels"], generator=g),
            },
            file,
        )
        for side in (mine, yours):
            side.ask("inputs", file=file)
        ours, theirs = self.turns([lambda i, side=side: side.ask("train_step", rounds=1, rate=1e-4) for side in (mine, yours)])
        memory = self.peaks(mine, yours)
        mine.close()
        yours.close()
        losses = [r["last"]["loss"] for r in (ours, theirs)]
        far = abs(losses[0] / losses[1] - 1)
        self.report("training", ours, theirs, "diffusers eager, AdamW(fused=True)", shape=list(shape), dtype="fp32",
                    **memory, losses=losses, gate={"difference": far, "limit": 1e-4, "holds": far <= 1e-4})  # fmt: skip

    def part_tokenizer(self):
        import random

        words = pathlib.Path(HERE.parent / "docs").glob("**/*.md")
        words = sorted({w for p in words for w in p.read_text(encoding="utf-8").split() if w.isascii()})
        draw = random.Random(1)
        file = self.path("prompts.txt")
        pathlib.Path(file).write_text(
            "".join(" ".join(draw.choices(words, k=draw.randint(4, 24))) + "\n" for _ in range(20000)), encoding="utf-8"
        )
        for which in ("open_clip", "transformers fast"):
            mine, yours = self.sides()
            ours, theirs = self.turns(
                [
                    lambda i: mine.ask("tokenize", rounds=1, file=file),  # noqa: B023
                    lambda i: yours.ask("tokenize", rounds=1, file=file, which=which),  # noqa: B023
                ],
                warm=min(1, self.args.warm),
            )
            mine.close()
            yours.close()
            more = {"prompts": 20000, "bytes": os.path.getsize(file)}
            if which == "open_clip":
                same = ours["last"]["checksum"] == theirs["last"]["checksum"]
                more["gate"] = {"same_ids": same, "holds": same}
            self.report("tokenizer_" + which.replace(" ", "_"), ours, theirs, which, **more)

    def part_start(self):
        """From the start of the program to the end of its first denoising step, to its end, and the help text."""
        program = str(pathlib.Path(self.args.vgen) / "bin/vgen")
        first, whole, help_seconds = [], [], []
        self.around(self.args.before)
        for _ in range(self.args.rounds + self.args.warm):
            start = time.perf_counter()
            command = [program, "gen", "-m", self.args.model, "-o", self.path("start.gif"), "a red circle moving left"]
            run = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, **self.env})
            seen = b""
            while b"denoise" not in seen:
                piece = os.read(run.stderr.fileno(), 4096)
                if not piece:
                    raise SystemExit(f"{command}: no step reported: {seen.decode()}")
                seen += piece
            first.append(time.perf_counter() - start)
            run.communicate()
            whole.append(time.perf_counter() - start)
            start = time.perf_counter()
            subprocess.run([program, "--help"], stdout=subprocess.DEVNULL, check=True)
            help_seconds.append(time.perf_counter() - start)
        self.around(self.args.after)
        w = self.args.warm
        self.keep("start", {"first_step_seconds": first[w:], "whole_seconds": whole[w:], "help_seconds": help_seconds[w:],
                            "model": self.args.model})  # fmt: skip


def machine(device):
    import torch

    with open("/proc/cpuinfo") as f:
        cpu = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.machine())
    with open("/proc/cpuinfo") as f:
        flags = next((line.split(":")[1].split() for line in f if line.startswith("flags")), [])
    found = {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "features": [k for k in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if k in flags],
        "date": datetime.date.today().isoformat(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 1),
    }
    if device == "cuda":
        found |= {"device": torch.cuda.get_device_name(), "cuda": torch.version.cuda, "tf32": False}
    return found


def table(results):
    print("| part | shape | vgen s (min, median) | peer s (min, median) | ratio of minima | gate |\n|---|---|---|---|---|---|")
    for file in sorted(results.glob("*.json")):
        r = json.loads(file.read_text())
        if "ratio_of_minima" not in r:
            continue
        seconds = [f"{min(r[k]):.3f}, {statistics.median(r[k]):.3f}" for k in ("vgen_seconds", "peer_seconds")]
        gate = {True: "holds", False: "VOID", None: "-"}[r.get("gate", {}).get("holds")]
        shape = "x".join(map(str, r.get("shape", []))) or r.get("model", r.get("prompts", ""))
        print(f"| {r['part']} ({r['peer']}) | {shape} | {seconds[0]} | {seconds[1]} | {r['ratio_of_minima']:.2f} | {gate} |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--vgen", default="build/bench", help="build folder with benchmarks/worker and bin/vgen")
    p.add_argument("--peer-python", default=sys.executable, help="python with scripts/requirements-compare.txt")
    p.add_argument("--model", default=str(HERE.parent / "models/shapes"), help="model folder of the whole-video part")
    p.add_argument("--only", nargs="+", help="parts to run")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--warm", type=int, default=3, help="rounds before those that count")
    p.add_argument("--device", default="cpu", choices=["cpu", "cuda"], help="where both sides compute")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--frames", type=int, default=16)
    p.add_argument("--height", type=int, default=32)
    p.add_argument("--width", type=int, default=32)
    p.add_argument("--vae-frames", type=int, default=4)
    p.add_argument("--modes", nargs="+", default=["eager", "compiled"], choices=["eager", "compiled", "channels_last"],
                   help="how diffusers runs its networks")  # fmt: skip
    p.add_argument("--results", default=str(HERE / "results"), help="folder of the results")
    p.add_argument("--scratch", help="folder for weights and inputs, kept (default: a temporary one)")
    p.add_argument("--before", help="command to run before figures are taken, e.g. one that stops other work")
    p.add_argument("--after", help="command to run after that")
    p.add_argument("--table", action="store_true", help="print the kept results")
    args = p.parse_args()
    if args.table:
        return table(pathlib.Path(args.results))
    bench = Bench(args)
    parts = [n[5:] for n in vars(Bench) if n.startswith("part_")]  # as defined: growth and bf16 use what fp32 leaves
    for part in args.only or [p for p in parts if p != "unet_fp16" or args.device != "cpu"]:
        if part not in parts:
            raise SystemExit(f"no part {part}; there are {', '.join(parts)}")
        getattr(bench, "part_" + part)()


if __name__ == "__main__":
    main()
