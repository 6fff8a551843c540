#!/usr/bin/env python3
"""The released size, for real: 1,411,233,860 parameters with seeded random weights.

Writes them with diffusers, converts them to every layout with `vgen convert`, loads each one in a process of its own
(peak memory against the size of the weights), runs one guided step at 16x32x32 latents in fp32 and bf16, and compares
with diffusers' UNet3DConditionModel on the same weights. Needs about 9 GB of memory, 20 GB of disk, some minutes, and an
environment with torch and scripts/requirements-compare.txt. One model is in memory at any time.

    cmake --build build/dev --target vgen_program full_size_step      # configured with -DVGEN_BUILD_BENCHMARKS=ON
    PYTHON benchmarks/full_size.py --build build/dev --work DIR [--keep] [--json FILE]

Exit 0 only if every bound holds: peak <= 1.1x the weights, fp32 within 1e-4 of diffusers.
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
MEMORY_BOUND, VALUE_BOUND = 1.1, 1e-4


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


def diffusers_step(work: pathlib.Path, dtype: str) -> None:
    import torch
    from diffusers import UNet3DConditionModel
    from safetensors.torch import load_file, save_file

    kind = torch.bfloat16 if dtype == "bf16" else torch.float32
    net = UNet3DConditionModel.from_pretrained(work / "diffusers" / "unet", torch_dtype=kind).eval()
    given = load_file(str(work / "inputs.safetensors"))
    start = time.perf_counter()
    with torch.no_grad():
        out = net(given["x"].repeat(2, 1, 1, 1, 1).to(kind), given["t"], given["context"].to(kind)).sample
    seconds = time.perf_counter() - start
    out = out.float()
    save_file({"out": out, "guided": out[1:] + 9 * (out[:1] - out[1:])}, str(work / f"diffusers_{dtype}.safetensors"))
    print(json.dumps({"step_seconds": seconds, "threads": torch.get_num_threads()}))


def compare(a: pathlib.Path, b: pathlib.Path) -> dict:
    """max|a - b| / max|b| of each tensor, and whether they are bit-equal."""
    from safetensors.torch import load_file

    x, y = load_file(str(a)), load_file(str(b))
    return {
        name: {
            "relative": ((x[name] - y[name]).abs().max() / y[name].abs().max()).item(),
            "equal": bool((x[name] == y[name]).all()),
        }
        for name in y
    }


def output(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/dev"), help="build folder")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/full_size"), help="folder for the files (20 GB)")
    parser.add_argument("--keep", action="store_true", help="keep the files")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--only", choices=("make", "fp32", "bf16"), help=argparse.SUPPRESS)  # the children of this script
    given = parser.parse_args()
    work = given.work
    if given.only:
        make(work) if given.only == "make" else diffusers_step(work, given.only)
        return 0

    work.mkdir(parents=True, exist_ok=True)
    vgen, step = given.build / "bin" / "vgen", given.build / "benchmarks" / "cpp" / "full_size_step"
    unet = work / "diffusers" / "unet" / "diffusion_pytorch_model.safetensors"
    child = (sys.executable, __file__, "--work", work, "--only")
    if not (unet.exists() and (work / "inputs.safetensors").exists()):
        print("making the weights", file=sys.stderr)
        output(*child, "make")
    files = {"diffusers": unet, "reference": work / "unet.pth", "vgen": work / "unet.safetensors"}
    figures: dict = {"parameters": 0, "layouts": {}, "diffusers": {}}
    for layout in ("reference", "vgen"):
        if files[layout].exists():
            continue
        start = time.perf_counter()
        output(vgen, "convert", unet, files[layout], "--to", layout, "-q")
        print(f"converted to {layout} in {time.perf_counter() - start:.0f} s", file=sys.stderr)

    held = True
    for dtype in ("fp32", "bf16"):
        figures["diffusers"][dtype] = json.loads(output(*child, dtype))
        for layout, file in files.items():
            if dtype == "bf16" and layout != "reference":  # the tensors are the same: once is enough
                continue
            out = work / f"{layout}_{dtype}{'_ours' if layout == 'diffusers' else ''}.safetensors"
            row = json.loads(output(step, file, work / "inputs.safetensors", out, dtype))
            row["memory"] = (row["load_peak_bytes"] - row["before_bytes"]) / row["weights_bytes"]
            row["against_diffusers"] = compare(out, work / f"diffusers_{dtype}.safetensors")
            worst = max(each["relative"] for each in row["against_diffusers"].values())
            # Weights stored as fp32 and loaded as bf16 are read and given back one by one: the bound is on the result.
            good = row["memory"] <= MEMORY_BOUND and (dtype == "bf16" or worst <= VALUE_BOUND)
            held = held and good and row["parameters"] == 1_411_233_860 and row["tensors"] == 1480
            figures["layouts"][f"{layout}_{dtype}"] = row
            print(
                f"{'ok  ' if good else 'FAIL'} {layout:9} {dtype}: load {row['load_seconds']:.1f} s, peak {row['memory']:.3f}x the weights, "
                f"step {row['step_seconds']:.1f} s (diffusers {figures['diffusers'][dtype]['step_seconds']:.1f} s), worst difference {worst:.1e}",
                flush=True,
            )
            figures["parameters"] = row["parameters"]
    for layout in ("reference", "vgen"):  # the same tensors, so the same bits whatever the file
        same = all(
            each["equal"]
            for each in compare(work / f"{layout}_fp32.safetensors", work / "diffusers_fp32_ours.safetensors").values()
        )
        figures["layouts"][f"{layout}_fp32"]["equal_to_diffusers_layout"] = same
        held = held and same
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    if not given.keep:
        shutil.rmtree(work)
    print("every bound holds" if held else "a bound does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(main())
