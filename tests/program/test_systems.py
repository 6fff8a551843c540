"""Every system from the command line, on tiny models with random weights: the commands that people will type, and what is refused
before a model is loaded."""

import shutil
import subprocess

import pytest
from harness import tensors, write_safetensors
from media import pixels, png, write_png, y4m

pytestmark = pytest.mark.long

SYSTEMS = ["t2v", "i2vgen_xl", "higen", "sr600", "tf_t2v", "video_composer", "video_lcm", "dream_video", "instruct_video"]


@pytest.fixture
def files(vgen):
    """fox.png, ref.png, first.png, mask.png and clip.y4m in the folder of the test."""
    for i, name in enumerate(("fox", "ref", "first")):
        png(vgen.folder / f"{name}.png", shift=70 * i)
    white_half = b"".join(b"\0" + bytes(20) + b"\xff" * 20 for _ in range(30))
    write_png(vgen.folder / "mask.png", 40, 30, 8, 0, white_half)
    y4m(vgen.folder / "clip.y4m")
    return vgen.folder


def needed(system):
    return {"i2vgen_xl": ["--image", "fox.png"], "sr600": ["--video", "clip.y4m"]}.get(system, [])


# ---- the commands of the guide ----


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_makes_a_batch_of_seeds(vgen, tiny, files, system):
    words = ["gen", "--system", system, "-m", tiny(system), *needed(system), "a fox in snow", "-o", "fox.png", "--seeds", "3,4"]
    clips = vgen(*words, "--json").document["clips"]
    assert [c["path"] for c in clips] == ["fox-3.png", "fox-4.png"]
    assert all(c["frames"] == 4 and c["manifest"]["system"] == system for c in clips)
    one, two = ((files / c["path"]).read_bytes() for c in clips)
    if system != "sr600":  # whose noise is made by the clip; the seed's share is small
        assert one != two
    vgen("gen", "-m", tiny(system), *needed(system), "a fox in snow", "-o", "again.png", "--seed", 4)
    assert (files / "again.png").read_bytes() == two


def test_higen_and_then_super_resolution(vgen, tiny, files):
    vgen("gen", "--system", "higen", "-m", tiny("higen"), "--motion", 500, "--appearance", 0.9, "a fox", "-o", "fox.y4m")
    result = vgen("upscale", "-m", tiny("sr600"), "fox.y4m", "a fox, sharp", "-o", "fox-720p.png")
    assert "fox-720p.png: 4 frames of 64x80" in result.out, result.out
    for stage in ("invert", "denoise", "decode"):
        assert f"vgen: {stage}" in result.err, result.err
    # In one go, without a file between them that would have to be exact.
    one = vgen("gen", "-m", tiny("higen"), "--motion", 500, "--appearance", 0.9, "a fox", "-o", "one.y4m",
               "--upscale", tiny("sr600"), "--upscale-prompt", "a fox, sharp", "--json").document["clips"]  # fmt: skip
    assert [c["path"] for c in one] == ["one.y4m", "one-upscaled.y4m"]
    assert one[1]["manifest"]["prompt"] == "a fox, sharp" and one[1]["manifest"]["inputs"] == {"video": "one.y4m"}
    other = vgen("gen", "-m", tiny("higen"), "--motion", 100, "--appearance", 0.1, "a fox", "-o", "other.y4m", "--json")
    assert (files / "other.y4m").read_bytes() != (files / "fox.y4m").read_bytes()
    assert other.document["clips"][0]["manifest"]["motion"] == 100


def test_upscale(vgen, tiny, files):
    y4m(files / "two.y4m", frames=2, fps=12)
    result = vgen("upscale", "-m", tiny("sr600"), "two.y4m", "a square", "--json").document["clips"][0]
    assert result["path"].startswith("two-upscaled.") and result["frames"] == 2
    assert result["manifest"]["fps"] == 12 and result["manifest"]["frames"] == 4  # the model saw each frame twice
    vgen("upscale", "-m", tiny("sr600"), "two.y4m", "a square", "--double-frames", "no", "-o", "plain.png")
    assert vgen("inspect", "plain.png", "--json").document["files"][0]["frames"] == 2
    # A clip that vgen made holds its prompt; another one does not.
    vgen("gen", "-m", tiny("t2v"), "a square on grey", "-o", "made.png")
    again = vgen("upscale", "-m", tiny("sr600"), "made.png", "-o", "large.png", "--json").document["clips"][0]
    assert again["manifest"]["prompt"] == "a square on grey"
    assert 'say what it shows: vgen upscale two.y4m "' in vgen("upscale", "-m", tiny("sr600"), "two.y4m", code=3).err
    # More frames than the model takes.
    y4m(files / "long.y4m", frames=7)
    cut = vgen("upscale", "-m", tiny("sr600"), "long.y4m", "x", "-o", "cut.png", "--json")
    assert "the first 4 are used" in cut.err and cut.document["clips"][0]["frames"] == 4
    assert (
        vgen("upscale", "-m", tiny("sr600"), "long.y4m", "x", "-o", "all.png", "--frames", 7, "--json").document["clips"][0][
            "frames"
        ]
        == 7
    )
    assert "a model of t2v enlarges no clip" in vgen("upscale", "-m", tiny("t2v"), "long.y4m", "x", "-o", "z.png", code=3).err
    help_text = vgen("upscale", "--help").out
    assert "vgen upscale -m SR_DIR fox.mp4" in help_text.split("examples:")[1]


def test_plans_of_two_stages(vgen, tiny, files):
    words = ["gen", "-m", tiny("tf_t2v"), "a fox", "--dry-run", "--frames", 2, "--upscale", tiny("sr600")]
    text = vgen(*words).out
    assert text.count("memory    about") == 2 and "2 frames, 64x64" in text and "4 frames, 64x80" in text, text
    plan = vgen(*words, "--json").document
    assert plan["frames"] == 2 and plan["upscale"]["frames"] == 4 and plan["upscale"]["memory_bytes"] > plan["memory_bytes"] / 2


COMPOSED = {
    "depth": ["--depth", "clip.y4m"],
    "depth of a picture": ["--depth", "fox.png"],
    "sketch": ["--sketch", "clip.y4m"],
    "single sketch": ["--single-sketch", "clip.y4m"],
    "style": ["--style", "ref.png"],
    "first frame": ["--image", "first.png"],
    "mask": ["--mask", "mask.png", "--video", "clip.y4m"],
    "mask of a picture": ["--mask", "mask.png", "--image", "first.png"],
    "drawn": ["--draw-motion", "0.2,0.5 -> 0.8,0.5 @ 0..4"],
    "drawn, with a first frame": ["--draw-motion", "0.2,0.5 -> 0.8,0.5", "--image", "first.png"],
    "finished": ["--condition", "depth=clip.y4m"],
    "several": ["--depth", "clip.y4m", "--style", "ref.png", "--draw-motion", "0,0 -> 1,1", "--single-sketch", "fox.png"],
}


def test_any_subset_of_conditions(vgen, tiny, files):
    seen = {}
    for name, words in {"none": [], **COMPOSED}.items():
        vgen("gen", "-m", tiny("video_composer"), *words, "a fox", "-o", "out.y4m")
        clip = (files / "out.y4m").read_bytes()
        assert clip not in seen, (name, seen[clip])
        seen[clip] = name


def test_motion_of_a_clip(vgen, tiny, files, ffmpeg):
    vgen("gen", "-m", tiny("video_composer"), "a fox", "-o", "plain.y4m")
    subprocess.run(["ffmpeg", "-v", "error", "-i", "clip.y4m", "-c:v", "mpeg4", "clip.mp4"], cwd=files, check=True)
    result = vgen(
        "gen", "-m", tiny("video_composer"), "--motion-from", "clip.mp4", "--depth", "clip.mp4", "a fox", "-o", "out.y4m"
    )
    assert "motion" not in result.err
    assert (files / "out.y4m").read_bytes() != (files / "plain.y4m").read_bytes()
    # A codec without motion vectors: re-encoded, and said so.
    result = vgen("gen", "-m", tiny("video_composer"), "--motion-from", "clip.y4m", "a fox", "-o", "out.y4m", code=None)
    assert "exports no motion vectors" in result.err and "re-encode to mpeg4" in result.err, result.err


def test_the_drawn_motion_of_the_guide(vgen, tiny, files):
    vgen("gen", "--system", "video_composer", "-m", tiny("video_composer"), "--draw-motion", "0.2,0.5 -> 0.8,0.5 @ 0..16",
         "--image", "first.png", "a fox", "--frames", 16, "-o", "out.y4m")  # fmt: skip
    assert (files / "out.y4m").exists()


def test_adapters_and_a_picture_that_guides_them(vgen, tiny, files):
    """A LoRA and DreamVideo's motion adapter in the reference's names, made by hand."""
    model = tiny("dream_video")
    names = tensors(model, "unet")
    layer = next(n for n in names if n.endswith("temporal.block.attn1.to_q.weight"))
    out, width = names[layer]["shape"]
    name = layer.removesuffix(".weight")
    write_safetensors(files / "style.safetensors", {f"{name}.lora_down.weight": (2, width), f"{name}.lora_up.weight": (out, 2)})
    block = name.removesuffix(".attn1.to_q")
    width = names[f"{block}.norm1.weight"]["shape"][0]
    port = f"{block}.after_attn1"
    write_safetensors(files / "turn.safetensors", {
        f"{port}.down.weight": (width // 2, width), f"{port}.down.bias": (width // 2,), f"{port}.up.weight": (width, width // 2),
        f"{port}.up.bias": (width,), f"{port}.condition.weight": (width, 32), f"{port}.condition.bias": (width,),
    })  # fmt: skip
    clips = {}
    for words in (
        [],
        ["--lora", "style.safetensors:0.6"],
        ["--lora", "style.safetensors:0.6@0..1"],
        ["--adapter", "turn.safetensors:0.8"],
        ["--adapter", "turn.safetensors:0.8", "--lora", "style.safetensors"],
        ["--adapter", "turn.safetensors", "--image", "fox.png"],
        ["--adapter", "turn.safetensors", "--image", "fox.png", "--appearance-guidance", "1,0"],
    ):
        vgen("gen", "-m", model, *words, "a sks dog turning", "-o", "out.png")
        assert (files / "out.png").read_bytes() not in clips, (words, clips[(files / "out.png").read_bytes()])
        clips[(files / "out.png").read_bytes()] = words
    command = vgen("inspect", "out.png", "--json").document["files"][0]["command"]
    assert "--lora turn.safetensors:1" in command and "--image fox.png" in command and "appearance_guidance=[1.0,0.0]" in command
    again = command.replace("vgen", vgen.program, 1) + " -o again.png"
    subprocess.run(again, shell=True, check=True, cwd=files, env=vgen.environment)
    assert (files / "again.png").read_bytes() == (files / "out.png").read_bytes()


def test_inspect_gives_the_command_of_a_composed_clip(vgen, tiny, files):
    vgen("gen", "-m", tiny("video_composer"), *COMPOSED["several"], "a fox", "-o", "out.png", "--seed", 5)
    command = vgen("inspect", "out.png", "--json").document["files"][0]["command"]
    again = command.replace("vgen", vgen.program, 1) + " -o again.png"
    subprocess.run(again, shell=True, check=True, cwd=files, env=vgen.environment)
    assert (files / "again.png").read_bytes() == (files / "out.png").read_bytes()


def test_lists(vgen, tiny, files):
    (files / "prompts.txt").write_text("# of a fox\n\na fox\na red car|7\n")
    clips = vgen("gen", "-m", tiny("t2v"), "--list", "prompts.txt", "-o", "out.png", "--seed", 3, "--json").document["clips"]
    assert [(c["path"], c["manifest"]["prompt"], c["manifest"]["seed"]) for c in clips] == [
        ("out-0001.png", "a fox", 3),
        ("out-0002.png", "a red car", 7),
    ]
    vgen("gen", "-m", tiny("t2v"), "a red car", "-o", "one.png", "--seed", 7)
    assert (files / "one.png").read_bytes() == (files / "out-0002.png").read_bytes()

    (files / "lists").mkdir()
    (files / "lists" / "pictures.txt").write_text("fox.png|||a fox\nbeside.png|||a car\n")
    (files / "lists" / "beside.png").write_bytes((files / "ref.png").read_bytes())
    words = ["gen", "-m", tiny("i2vgen_xl"), "--list", "lists/pictures.txt", "-o", "i.png"]
    clips = vgen(*words, "--count", 2, "--json").document["clips"]
    assert [c["path"] for c in clips] == [f"i-{line}-{seed}.png" for line in ("0001", "0002") for seed in (0, 1)]
    vgen("gen", "-m", tiny("i2vgen_xl"), "--image", "ref.png", "a car", "-o", "one.png", "--seed", 1)
    assert pixels(files / "one.png") == pixels(files / "i-0002-1.png")  # the manifests name other files
    assert "lines     2" in vgen(*words, "--dry-run").out

    (files / "lists" / "pictures.txt").write_text("fox.png|||a fox\na car\nnone.png|||a tree\n")
    result = vgen(*words, code=3)
    assert "pictures.txt:2: " in result.err and "pictures.txt:3: no such file: none.png" in result.err, result.err
    assert "vgen: load" not in result.err
    (files / "empty.txt").write_text("# nothing\n")
    assert "holds no prompt" in vgen("gen", "-m", tiny("t2v"), "--list", "empty.txt", code=3).err
    assert vgen("gen", "-m", tiny("t2v"), "--list", "none.txt", code=5).err


def test_inverse_noise(vgen, tiny, files):
    vgen("gen", "-m", tiny("dream_video"), "a fox", "-o", "plain.png")
    vgen("gen", "-m", tiny("dream_video"), "a fox", "-o", "mixed.png", "--video", "clip.y4m", "--inverse-noise", 0.5)
    assert (files / "plain.png").read_bytes() != (files / "mixed.png").read_bytes()


# ---- what a system does not take, what it needs ----


@pytest.mark.parametrize(
    ("system", "words", "says"),
    [
        ("t2v", ["--motion", 500], ["t2v: this model takes no motion", "given: motion", "higen, which takes it"]),
        ("t2v", ["--appearance", 0.5], ["takes no appearance"]),
        ("t2v", ["--image", "fox.png"], ["takes no picture", "it takes nothing; given: image"]),
        ("t2v", ["--depth", "clip.y4m"], ["takes no condition 'depth'", "video_composer"]),
        ("t2v", ["--inverse-noise", 0.5], ["takes no inverse_noise", "dream_video, which takes it"]),
        ("tf_t2v", ["--depth", "clip.y4m"], ["takes no condition 'depth'", "it takes style"]),
        ("video_composer", ["--motion", 500], ["takes no motion"]),
        ("video_composer", ["--video", "clip.y4m"], ["takes no clip"]),
        ("video_composer", ["--condition", "dept=clip.y4m"], ["takes no condition 'dept'", "it takes image, style, depth"]),
        ("i2vgen_xl", [], ["needs a picture", "--image FILE"]),
        ("i2vgen_xl", ["--image", "fox.png", "--style", "ref.png"], ["takes no style", "it takes image"]),
        ("sr600", [], ["needs a clip", "--video FILE"]),
        ("higen", ["--draw-motion", "0,0 -> 1,1"], ["takes no condition 'motion'"]),
        ("video_composer", ["--mask", "mask.png"], ["of what?", "--video FILE"]),
        ("video_composer", ["--motion-from", "clip.y4m", "--draw-motion", "0,0 -> 1,1"], ["give one of them"]),
        ("higen", ["--system", "t2v"], ["--system t2v", "is of higen"]),
        ("higen", ["--system", "t3v"], ["did you mean 't2v'"]),
        ("video_composer", ["--draw-motion", "0.2,0.5 -> 1.8,0.5"], ["point (1.8, 0.5)", "outside of the picture"]),
        ("video_composer", ["--draw-motion", "0,0 -> 1,1 @ 3..1"], ["frames 3..1", "out of order"]),
        ("video_composer", ["--draw-motion", "0,0 -> 1,1 @ 0..9"], ["frames 0..9", "frames 0..3"]),
        ("video_composer", ["--draw-motion", "0,0"], ["at least 2 points"]),
        ("video_composer", ["--depth", "short.y4m"], ["depth: short.y4m has 3 frames", "the clip to make has 4", "--frames 3"]),
        ("video_composer", ["--condition", "depth=short.y4m"], ["'depth' has 3 frames, the clip to make 4"]),
    ],
)
def test_refused(vgen, tiny, files, system, words, says):
    y4m(files / "short.y4m", frames=3)
    result = vgen("gen", "-m", tiny(system), *words, "a fox", "-o", "out.png", code=3)
    for piece in says:
        assert piece in result.err, result.err
    assert "vgen: load" not in result.err, "refused before the model is loaded"
    assert not (files / "out.png").exists()


def test_missing_files_are_named_all_at_once(vgen, tiny, files):
    words = ["--depth", "no.mp4", "--style", "none.jpg", "--image", "first.png"]
    error = vgen("gen", "-m", tiny("video_composer"), *words, "a fox", "-o", "out.png", code=5).err
    assert "style: none.jpg" in error and "depth: no.mp4" in error and "first.png" not in error
    assert "vgen: load" not in error


def test_networks_of_conditions_that_are_missing(vgen, tiny, files):
    shutil.copytree(tiny("video_composer"), files / "m")
    shutil.rmtree(files / "m" / "depth")
    error = vgen("gen", "-m", "m", "--depth", "clip.y4m", "a fox", "-o", "out.png", code=5).err
    assert "midas_v3_dpt_large.pth" in error and "'depth'" in error and "iic/tf-t2v" in error, error
    shutil.rmtree(files / "m" / "sketch")
    error = vgen("gen", "-m", "m", "--single-sketch", "fox.png", "a fox", "-o", "out.png", code=5).err
    assert "sketch_simplification_gan.pth" in error, error
    shutil.copy(tiny("video_composer") / "vae" / "model.safetensors", files / "m" / "midas_v3_dpt_large.pth")
    error = vgen("gen", "-m", "m", "--depth", "clip.y4m", "a fox", "-o", "out.png", code=4).err
    assert "midas_v3_dpt_large.pth" in error, error
    vgen("gen", "-m", "m", "--style", "ref.png", "a fox", "-o", "out.png")  # what is not needed may be missing
