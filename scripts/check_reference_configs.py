#!/usr/bin/env python3
"""Converts every configuration of a VGen checkout and compares the result with tests/golden/configs/README.md.

    scripts/check_reference_configs.py /path/to/VGen --program build/release/bin/vgen [--table]

For each file: task, networks, effective values, keys written twice, keys without effect, and the merged keys against a
merge by PyYAML. Exit 1 if one differs. --table prints a row for each file, for docs/guide/from-vgen.md.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = (ROOT / "tests/golden/configs/README.md").read_text()
# Keys that a class or an entry point takes by name and then ignores: the golden table counts them as read.
TAKEN_AND_IGNORED = {
    "Diffusion.var_type",
    "UNet.inpainting",
    "UNet.temporal_attn_times",
    "UNet.use_fps_condition",
    "UNet.use_image_dataset",
    "UNet.use_scale_shift_norm",
    "UNet.use_sim_mask",
    "UNet.y_dim",
    "auto_encoder.ddconfig.video_kernel_size",
    "img_dataset.max_words",
    "target_fps",
    "vid_dataset.max_words",
    "vid_reward_dataset.max_words",
}
BASES = ("vldm_cfg", "subject_cfg", "motion_cfg")


def rows_of(name: str) -> list[list[str]]:
    """Cells of the table between the markers <!-- name -->, without its head."""
    table = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", GOLDEN, re.DOTALL).group(1)
    rows = [line.strip().strip("|").split("|") for line in table.strip().splitlines()]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def files_in(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def merged_by_pyyaml(checkout: Path, path: Path) -> dict:
    """The file over its base files, as its entry point merges them: blocks are updated one level deep."""
    own = yaml.safe_load(path.read_text())
    layers = []
    if own["TASK_TYPE"].startswith("inference_") and "instructvideo" not in own["TASK_TYPE"]:
        used = BASES[1:] if "dreamvideo" in own["TASK_TYPE"] else BASES[:1]
        layers = [yaml.safe_load((checkout / own[key]).read_text()) for key in used if own.get(key)]
    out: dict = {}
    for layer in [*layers, own]:
        for key, value in layer.items():
            if isinstance(value, dict) and isinstance(out.get(key), dict):
                out[key] = {**out[key], **value}
            else:
                out[key] = value
    return out


def contains(ours, theirs) -> bool:
    """Blocks may hold more (VGen's defaults); text that looks like a number stays text."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and all(str(k) in ours and contains(ours[str(k)], v) for k, v in theirs.items())
    return ours == theirs


def effective_row(effective: dict, own: dict) -> list[str]:
    """Cells of the golden table, from the converter's merged keys."""
    task = effective["TASK_TYPE"]
    training = not task.startswith("inference_")
    steps = effective.get("ddim_timesteps")
    if "videolcm" in task and not training:
        steps = effective["num_inference_steps"]
    width, height = effective["resolution"]
    frames = effective.get("max_frames", effective["frame_lens"])
    fps = effective["sample_fps"] if training else effective.get("target_fps", effective["sample_fps"])
    return [
        task.removeprefix("inference_").removesuffix("_entrance"),
        effective["UNet"]["type"],
        effective["Diffusion"]["type"],
        str(steps),
        str(float(effective["guide_scale"])),
        f"{width}x{height}",
        str(frames),
        str(fps),
        str(len(own)),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--program", default="vgen")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    checkout = arguments.checkout.resolve()
    golden = {files_in(row[0])[0]: row[1:] for row in rows_of("table")}
    twice: dict[str, set[str]] = {}
    for row in rows_of("duplicates"):
        for file in files_in(row[1]):
            twice.setdefault(file, set()).update(files_in(row[0]))
    idle: dict[str, set[str]] = {}
    for files, keys in rows_of("idle"):
        for file in files_in(files):
            idle.setdefault(file, set()).update(files_in(keys))

    paths = sorted((checkout / "configs").rglob("*.yaml"))
    converted, problems = 0, []
    for path in paths:
        name = str(path.relative_to(checkout / "configs").with_suffix(""))
        relative = path.relative_to(checkout)
        ran = subprocess.run(
            [arguments.program, "convert", "--json", relative], cwd=checkout, capture_output=True, text=True, check=False
        )
        result = json.loads(ran.stdout) if ran.stdout else {}
        if ran.returncode:
            problems.append(f"{name}: {result.get('error', {}).get('message', ran.stderr)}")
            continue
        converted += 1
        config, effective = result["config"], result["effective"]
        ours = [key for key in result["keys"] if key["where"].startswith(f"{relative}:")]
        if name in golden:
            theirs = merged_by_pyyaml(checkout, path)
            if not contains(effective, theirs):
                wrong = [key for key, value in theirs.items() if not contains(effective.get(key), value)]
                problems.append(f"{name}: merged keys differ from PyYAML's: {wrong}")
            row = effective_row(effective, yaml.safe_load(path.read_text()))
            expected = [*golden[name][:8], golden[name][8].split("/")[0].strip()]
            expected[0] = expected[0].removesuffix(" (not registered)").strip()
            if row != expected:
                problems.append(f"{name}: expected {expected}, got {row}")
        found = {
            match for note in result["notes"] for match in re.findall(rf"^{relative}:\d+:\d+: '(\w+)' is written twice", note)
        }
        if found != twice.get(name, set()):
            problems.append(f"{name}: keys written twice: expected {twice.get(name)}, got {found}")
        # A block without effect stands for its keys.
        unused = {key["key"] for key in ours if not key["used"]}
        unused = {key for key in unused if key.split(".")[0] not in unused - {key}}
        registered = name in golden and "(not registered)" not in golden[name][0]
        extra, missing = unused - idle.get(name, set()) - TAKEN_AND_IGNORED, idle.get(name, set()) - unused
        if registered and (extra or missing):
            problems.append(f"{name}: keys without effect: not in the golden table {extra}, missing {missing}")
        if arguments.table:
            defaults = config.get("index", {}).get("defaults", {})
            sampler = defaults.get("sampler", {})
            size = f"{defaults['width']}x{defaults['height']}x{defaults['frames']}" if defaults else ""
            clips = len(config["requests"]) if "requests" in config else ""
            print(
                f"| `{name}` | {config.get('system', '')} | {size} | {sampler.get('type', '')} {sampler.get('steps', '')} "
                f"| {defaults.get('guidance', '')} | {clips} | {sum(k['used'] for k in ours)} | {len(unused)} |"
            )
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{converted} of {len(paths)} configurations converted; {len(problems)} differ from the golden table")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
