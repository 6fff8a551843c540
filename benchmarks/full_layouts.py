"""Loading of a full-size checkpoint of each system in the reference's layout: random weights are made, converted to .pth with
`vgen convert`, and loaded by full_size_step, which tells the peak of memory.

    cmake --build build/dev --target vgen_program full_size_step      # configured with -DVGEN_BUILD_BENCHMARKS=ON
    .venv/bin/python benchmarks/full_layouts.py --build build/dev --work DIR [--only SYSTEM ...]

Exit 0 only if each file is recognised, every tensor of the network is found in it, nothing is left over, and the peak is at most
1.1x the weights. Needs about 9 GB of memory and 12 GB of disk. full_size.py does the same for t2v and i2vgen_xl in three layouts
and compares a step with diffusers.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys

BOUND = 1.1


def make(system: str, file: pathlib.Path) -> None:
    import torch
    from safetensors.torch import save_file

    from vgen import pipelines, unet

    net = unet.UNet(next(s.unet for s in pipelines.systems() if s.name == system))
    generator = torch.Generator().manual_seed(1)
    state = {name: torch.empty(p.shape).uniform_(-0.1, 0.1, generator=generator) for name, p in net.named_parameters()}
    save_file(state, file)
    print(json.dumps({"tensors": len(state), "parameters": sum(p.numel() for p in state.values())}))


def output(*command: object) -> dict:
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}")
    return json.loads(done.stdout) if done.stdout.lstrip().startswith("{") else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/dev"), help="build folder")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/full_layouts"), help="folder for the files")
    systems = ["t2v", "i2vgen_xl", "higen", "sr600", "tf_t2v", "video_composer", "video_lcm"]
    parser.add_argument("--only", nargs="+", choices=systems, default=systems, help="systems with a network of their own")
    parser.add_argument("--make", nargs=2, help=argparse.SUPPRESS)  # the child of this script
    given = parser.parse_args()
    if given.make:
        make(given.make[0], pathlib.Path(given.make[1]))
        return 0

    held = True
    for system in given.only:
        given.work.mkdir(parents=True, exist_ok=True)
        ours, theirs = given.work / "unet.safetensors", given.work / "unet.pth"
        size = output(sys.executable, __file__, "--make", system, ours)
        output(given.build / "bin/vgen", "convert", ours, theirs, "--to", "reference", "-q")
        ours.unlink()
        row = output(given.build / "benchmarks/full_size_step", theirs, "fp32")
        memory = (row["load_peak_bytes"] - row["before_bytes"]) / row["weights_bytes"]
        good = (row["layout"], row["tensors"], row["parameters"]) == ("reference", size["tensors"], size["parameters"])
        good = good and memory <= BOUND
        held = held and good
        print(f"{'ok  ' if good else 'FAIL'} {system:14} {row['tensors']} tensors, {row['parameters']:,} parameters: "
              f"load {row['load_seconds']:.1f} s, peak {memory:.3f}x the weights", flush=True)  # fmt: skip
        shutil.rmtree(given.work)
    print("every bound holds" if held else "a bound does not hold")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
