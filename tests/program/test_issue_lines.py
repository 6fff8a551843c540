"""The command lines of issue 4, on tiny models of each system: as they stand there, but for the folders' names and the prompts' dots."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import tensors, write_safetensors
from media import png, y4m
from test_reference_config import SYSTEMS, T2V, make_checkout

pytestmark = pytest.mark.long

LINES = {
    "image": ['vgen gen --system i2vgen_xl -m i2vgen_xl --image fox.png "a fox in snow" -o fox.mp4'],
    "two stages": [
        'vgen gen --system higen -m higen --motion 500 --appearance 0.9 "a fox" && '
        'vgen upscale -m sr600 fox.mp4 "a fox, sharp" -o fox-720p.mp4'
    ],
    "found": [
        'vgen gen --system video_composer -m video_composer --depth clip.mp4 --motion-from clip.mp4 --style ref.jpg "a fox"'
    ],
    "any subset": [
        'vgen gen --system video_composer -m video_composer --motion-from clip.mp4 "a fox"',
        'vgen gen --system video_composer -m video_composer --depth clip.mp4 --style ref.jpg "a fox"',
        'vgen gen --system video_composer -m video_composer "a fox"',
    ],
    "drawn": [
        'vgen gen --system video_composer -m composer_16 --draw-motion "0.2,0.5 -> 0.8,0.5 @ 0..16" --image first.png "a fox"'
    ],
    "four steps": ['vgen gen --system video_lcm -m video_lcm --steps 4 "a fox"'],
    "adapters": [
        "vgen gen -m t2v --adapter dog.safetensors:1.0 --adapter carturn.safetensors:0.8 --lora style.safetensors:0.6@0..30 "
        '"a sks dog turning"'
    ],
}
FRAMES = {"drawn": 16}


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny):
    """A folder with the models and files that the lines name."""
    folder = tmp_path_factory.mktemp("place")
    for system in ("t2v", "i2vgen_xl", "higen", "sr600", "video_composer", "video_lcm"):
        (folder / system).symlink_to(tiny(system))
    shutil.copytree(tiny("video_composer"), folder / "composer_16")  # as many frames as the released model makes
    index = folder / "composer_16" / "model_index.json"
    document = json.loads(index.read_text())
    document["defaults"]["frames"] = 16
    index.write_text(json.dumps(document))
    for name in ("fox", "first"):
        png(folder / f"{name}.png", shift=len(name))
    write_adapters(folder)
    return folder


@pytest.fixture
def media(place, ffmpeg):
    def encode(*words):
        subprocess.run(["ffmpeg", "-v", "error", "-y", *words], cwd=place, check=True)

    y4m(place / "clip.y4m", frames=16)
    encode("-i", "clip.y4m", "-c:v", "libx264", "-pix_fmt", "yuv420p", "clip.mp4")
    encode("-i", "clip.y4m", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-frames:v", "4", "fox.mp4")
    encode("-i", "first.png", "ref.jpg")
    return place


def write_adapters(folder: Path) -> None:
    """DreamVideo's identity and motion adapters and a LoRA, for the tiny text-to-video network."""
    network = tensors(folder / "t2v", "unet")

    def bottlenecks(path, kind, sub_layers, condition):
        shapes = {}
        for name in network:
            if not name.endswith(f"{kind}.block.norm1.weight"):
                continue
            block, width = name.removesuffix(".norm1.weight"), network[name]["shape"][0]
            for sub_layer in sub_layers:
                port = f"{block}.{sub_layer}"
                shapes |= {f"{port}.down.weight": (width // 2, width), f"{port}.down.bias": (width // 2,),
                           f"{port}.up.weight": (width, width // 2), f"{port}.up.bias": (width,)}  # fmt: skip
                if condition:
                    shapes |= {f"{port}.condition.weight": (width, 32), f"{port}.condition.bias": (width,)}
        write_safetensors(path, shapes)

    bottlenecks(folder / "dog.safetensors", "spatial", ["after_attn2"], condition=False)
    bottlenecks(folder / "carturn.safetensors", "temporal", ["after_attn1", "after_attn2", "after_ff"], condition=True)
    name = next(n for n in network if n.endswith("temporal.block.attn1.to_q.weight"))
    (out, width), name = network[name]["shape"], name.removesuffix(".weight")
    write_safetensors(folder / "style.safetensors", {f"{name}.lora_down.weight": (2, width), f"{name}.lora_up.weight": (out, 2)})


def shell(folder, program, line):
    path = f"{Path(program).resolve().parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        line, shell=True, cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize("name", LINES)
def test_a_line_as_it_is_written(media, program, vgen, name):
    for line in LINES[name]:
        before = {p: p.stat().st_mtime_ns for p in media.glob("*.mp4")}
        done = shell(media, program, line)
        assert done.returncode == 0, done.stderr
        made = [p for p in media.glob("*.mp4") if before.get(p) != p.stat().st_mtime_ns]
        assert len(made) == line.count("vgen "), (line, made)
        for path in made:
            info = vgen("inspect", path, "--json").document["files"][0]
            assert info["frames"] == FRAMES.get(name, 4), info


def test_every_adapter_of_the_line_counts(media, program, vgen):
    (line,) = LINES["adapters"]
    words = line.split(" --")
    whole = [w for w in words if not w.startswith("vgen")]
    clips = set()
    for left_out in [None, *range(len(whole))]:
        given = [w for i, w in enumerate(whole) if i != left_out]
        prompt = '"a sks dog turning"'
        command = " --".join([words[0], *(w.replace(prompt, "").strip() for w in given)]) + f" {prompt} -o out.png"
        done = shell(media, program, command)
        assert done.returncode == 0, done.stderr
        clips.add((media / "out.png").read_bytes())
    assert len(clips) == 4


def test_the_second_stage_of_a_folder_that_leaves_its_system_open(media, program, vgen, tmp_path):
    """SR600's tensors are those of the text-to-video network; upscale knows what it is for."""
    vgen("convert", media / "sr600", "sr", "--to", "reference")
    for name in ("model_index.json", "configuration.json"):
        (vgen.folder / "sr" / name).unlink()
    result = vgen("upscale", "-m", "sr", media / "fox.mp4", "a fox", "--dry-run")
    assert "1280x720" in result.out, result.out
    result = vgen("gen", "-m", media / "higen", "a fox", "--upscale", "sr", "--dry-run")
    assert "1280x720" in result.out, result.out


def test_the_reference_s_own_files_and_arguments(vgen, program, ffmpeg):
    (system, network, features), (task, keys), _, _ = SYSTEMS["i2vgen"]
    make_checkout(vgen, system, network, features)
    shutil.move(vgen.folder / "models/unet.pth", vgen.folder / "models/x.pth")
    png(vgen.folder / "fox.png", 80, 60)
    (vgen.folder / "list.txt").write_text("fox.png|||a fox in snow\n")
    text = T2V.replace("inference_text2video_entrance", task).replace("round: 2", "round: 1") + keys
    (vgen.folder / "i2vgen_xl_infer.yaml").write_text(text)
    line = "vgen gen -c i2vgen_xl_infer.yaml test_list_path list.txt test_model models/x.pth"
    done = shell(vgen.folder, program, line)
    assert done.returncode == 0, done.stderr
    (clip,) = (vgen.folder / "out").rglob("*.mp4")
    assert vgen("inspect", clip, "--json").document["files"][0]["frames"] == 4
