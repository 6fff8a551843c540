#!/usr/bin/env python3
"""The released size, for real: 1,411,233,860 parameters with seeded random weights.

Writes them with diffusers, converts them to every layout with `vgen convert`, loads each one in a process of its own
(peak memory against the size of the weights, checksum of what was loaded), runs one guided step at 16x32x32 latents in
fp32 and bf16, and compares with diffusers' UNet3DConditionModel on the same weights. Needs about 9 GB of memory, 18 GB of
disk, some minutes, and an environment with torch and scripts/requirements-compare.txt. One model is in memory at any time.

    cmake --build build/dev --target vgen_program full_size_step      # configured with -DVGEN_BUILD_BENCHMARKS=ON
    PYTHON benchmarks/full_size.py --build build/dev --work DIR [--keep] [--json FILE]

Exit 0 only if every bound holds: peak <= 1.1x the weights, the same bits from every layout, fp32 within 1e-4 of diffusers.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

SHAPE = (1, 4, 16, 32, 32)  # latents of one 256x256 clip of 16 frames
CONFIG = dict(block_out_channels=(320, 640, 1280, 1280), cross_attention_dim=1024, attention_head_dim=64, layers_per_block=2)
SIZE = (1_411_233_860, 1480)  # parameters, tensors
MEMORY_BOUND, VALUE_BOUND, BF16_BOUND = 1.1, 1e-4, 0.1


def make(work: pathlib.Path) -> None:
    """Random weights whose network gives values of about one, saved as diffusers saves them; and the inputs."""
    import torch
    from diffusers import UNet3DConditionModel
    from safetensors.torch import save_file

    with torch.device("meta"):
        net = UNet3DConditionModel(**CONFIG)
    net.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(2026)
    with torch.no_grad():
        for name, p in net.named_parameters():
            if p.dim() >= 2:
                p.normal_(0, (1 / p[0].numel()) ** 0.5, generator=generator)
            else:
                p.normal_(1.0 if "norm" in name and name.endswith("weight") else 0.0, 0.05, generator=generator)
    net.save_pretrained(work / "diffusers" / "unet")
    save_file(
        {
            "x": torch.randn(SHAPE, generator=generator),
            "t": torch.tensor([501, 501]),
            "context": torch.randn(2, 77, 1024, generator=generator),
        },
        str(work / "inputs.safetensors"),
    )


def diffusers_step(work: pathlib.Path) -> None:
    import torch
    from diffusers import UNet3DConditionModel
    from safetensors.torch import load_file, save_file

    net = UNet3DConditionModel.from_pretrained(work / "diffusers" / "unet").eval()
    given = load_file(str(work / "inputs.safetensors"))
    start = time.perf_counter()
    with torch.no_grad():
        out = net(given["x"].repeat(2, 1, 1, 1, 1), given["t"], given["context"]).sample.contiguous()
    seconds = time.perf_counter() - start
    save_file({"out": out, "guided": out[1:] + 9 * (out[:1] - out[1:])}, str(work / "diffusers_out.safetensors"))
    (work / "diffusers.json").write_text(json.dumps({"step_seconds": seconds, "threads": torch.get_num_threads()}))


def compare(a: pathlib.Path, b: pathlib.Path) -> dict:
    """max|a - b| / max|b| of each tensor."""
    from safetensors.torch import load_file

    x, y = load_file(str(a)), load_file(str(b))
    return {name: ((x[name] - y[name]).abs().max() / y[name].abs().max()).item() for name in y}


def output(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/dev"), help="build folder")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/full_size"), help="folder for the files (18 GB)")
    parser.add_argument("--keep", action="store_true", help="keep the files")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--only", choices=("make", "diffusers"), help=argparse.SUPPRESS)  # the children of this script
    given = parser.parse_args()
    work = given.work
    if given.only:
        (make if given.only == "make" else diffusers_step)(work)
        return 0

    work.mkdir(parents=True, exist_ok=True)
    vgen, step = given.build / "bin" / "vgen", given.build / "benchmarks" / "full_size_step"
    unet, inputs = work / "diffusers" / "unet" / "diffusion_pytorch_model.safetensors", work / "inputs.safetensors"
    child = (sys.executable, __file__, "--work", work, "--only")
    if not (unet.exists() and inputs.exists()):
        print("making the weights", file=sys.stderr)
        output(*child, "make")
    if not (work / "diffusers.json").exists():
        print("one step of diffusers", file=sys.stderr)
        output(*child, "diffusers")
    theirs = json.loads((work / "diffusers.json").read_text())
    print(f"diffusers: step {theirs['step_seconds']:.1f} s, {theirs['threads']} threads")

    held = True
    rows: dict = {}
    # The reference's file makes the steps; that the others hold the same bits is told by their checksums.
    for layout, file in (("reference", work / "unet.pth"), ("vgen", work / "unet.safetensors"), ("diffusers", unet.parent)):
        if not file.exists():
            start = time.perf_counter()
            output(vgen, "convert", unet, file, "--to", layout, "-q")
            print(f"converted to the layout {layout} in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        for dtype in ("fp32", "bf16"):
            out = work / f"{dtype}.safetensors"
            row = json.loads(output(step, file, dtype, *((inputs, out) if layout == "reference" else ())))
            row["memory"] = (row["load_peak_bytes"] - row["before_bytes"]) / row["weights_bytes"]
            good = row["memory"] <= MEMORY_BOUND and (row["parameters"], row["tensors"], row["layout"]) == (*SIZE, layout)
            text = f"load {row['load_seconds']:.1f} s, peak {row['memory']:.3f}x the weights"
            if layout == "reference":
                row["against_diffusers"] = compare(out, work / "diffusers_out.safetensors")
                worst = max(row["against_diffusers"].values())
                good = good and worst <= (VALUE_BOUND if dtype == "fp32" else BF16_BOUND)
                text += f", step {row['step_seconds']:.1f} s, {worst:.1e} from diffusers in fp32"
            else:
                good = good and row["checksum"] == rows["reference", dtype]["checksum"]
                text += ", the same bits" if good else ", OTHER BITS"
            rows[layout, dtype] = row
            held = held and good
            print(f"{'ok  ' if good else 'FAIL'} {layout:9} {dtype}: {text}", flush=True)
    if given.json:
        figures = {"diffusers": theirs, "vgen": {" ".join(key): row for key, row in rows.items()}}
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    if not given.keep:
        shutil.rmtree(work)
    print("every bound holds" if held else "a bound does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(main())
