"""What `vgen gen`, `inspect`, `eval`, `train` and `doctor` do when all is well."""

import json
import re
import subprocess

import pytest
from harness import AUTOENCODER, ROOT, await_log

PROMPT = "a red circle moving left on a black background"


def gif(vgen, name):
    data = (vgen.folder / name).read_bytes()
    assert data[:6] == b"GIF89a"
    return data


# ---- gen ----


def test_formats_by_name(vgen, model):
    for name, magic in [("a.gif", b"GIF89a"), ("a.png", b"\x89PNG"), ("a.y4m", b"YUV4MPEG2")]:
        result = vgen("gen", PROMPT, "-m", model, "-o", name)
        assert (vgen.folder / name).read_bytes().startswith(magic)
        assert result.out.startswith(f"{name}: 4 frames of 16x16, ")
    vgen("gen", PROMPT, "-m", model, "-o", "frames/")
    assert vgen.names("frames") == {f"frame_{i:05}.png" for i in range(4)} | {"MANIFEST.json"}
    assert "frames is a folder; write frames/" in vgen("gen", PROMPT, "-m", model, "-o", "frames", code=5).err
    assert "ends in '/'" in vgen("gen", PROMPT, "-m", model, "-o", "clips", code=3).err


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.mkv"])
def test_formats_of_ffmpeg(vgen, model, ffmpeg, name):
    vgen("gen", PROMPT, "-m", model, "-o", name)
    probe = vgen("inspect", name, "--json").document["files"][0]
    assert (probe["width"], probe["height"]) == (16, 16)
    assert probe["manifest"]["prompt"] == PROMPT


def test_without_o_no_file_is_replaced(vgen, model):
    first = vgen("gen", PROMPT, "-m", model, "--json").document["clips"][0]["path"]
    second = vgen("gen", PROMPT, "-m", model, "--json").document["clips"][0]["path"]
    assert re.fullmatch(r"out\.(mp4|gif)", first)
    assert second == first.replace("out", "out-2")
    assert vgen.names() == {first, second}


def test_with_o_a_file_is_replaced_when_the_new_one_is_whole(vgen, model):
    vgen("gen", PROMPT, "-m", model, "-o", "out.gif")
    old = gif(vgen, "out.gif")
    vgen("gen", PROMPT, "-m", model, "-o", "out.gif", "--seed", 1)
    assert gif(vgen, "out.gif") != old
    (vgen.folder / "mine").mkdir()
    (vgen.folder / "mine" / "letter.txt").write_text("x")
    assert "not written by vgen" in vgen("gen", PROMPT, "-m", model, "-o", "mine/", code=5).err


def test_seeds_and_count(vgen, model):
    vgen("gen", PROMPT, "-m", model, "-o", "one.gif", "--seed", 8)
    result = vgen("gen", PROMPT, "-m", model, "-o", "a.gif", "--seed", 7, "--count", 2, "--json")
    assert [c["path"] for c in result.document["clips"]] == ["a-7.gif", "a-8.gif"]
    vgen("gen", PROMPT, "-m", model, "-o", "b.gif", "--seeds", "8,3", "--sheet", "sheet.png")
    assert gif(vgen, "a-8.gif") == gif(vgen, "one.gif") == gif(vgen, "b-8.gif")
    assert gif(vgen, "a-7.gif") != gif(vgen, "a-8.gif")
    sheet = vgen("inspect", "sheet.png", "--json").document["files"][0]
    assert (sheet["width"], sheet["height"]) == (4 * 18 + 2, 2 * 18 + 2)


@pytest.mark.long
def test_every_option_changes_the_clip(vgen, model):
    vgen("gen", PROMPT, "-m", model, "-o", "base.gif")
    base = gif(vgen, "base.gif")
    for words in (
        ["--steps", 2],
        ["--sampler", "euler"],
        ["--sampler", "DPMSolverMultistepScheduler"],
        ["--guidance", 1.5],
        ["--frames", 3],
        ["--size", "16x24"],
        ["--fps", 4],
        ["--seed", 9],
        ["--negative", "a blue square"],
        ["--dtype", "bf16"],
        ["--set", "sampler.eta=1"],
        ["--set", "guidance_rescale=0.9"],
        ["--set", "{}={}".format("sampler", "{type: heun, steps: 3}")],
    ):
        vgen("gen", PROMPT, "-m", model, "-o", "other.gif", *words)
        assert gif(vgen, "other.gif") != base, words
    vgen("gen", PROMPT, "-m", model, "-o", "same.gif", "--steps", 4, "--set", "sampler.eta=0", "--threads", 1)
    assert gif(vgen, "same.gif") == base


def test_dry_run_writes_nothing(vgen, model):
    result = vgen("gen", PROMPT, "-m", model, "-o", "out.gif", "--dry-run", "--seeds", "1,2")
    for piece in (PROMPT, "4 frames, 16x16, 8 fps, seeds 1, 2", "ddim (steps=4", "guidance 3", "MB", "out-1.gif"):
        assert piece in result.out, result.out
    plan = vgen("gen", PROMPT, "-m", model, "-o", "out.gif", "--dry-run", "--json").document
    assert plan["memory_bytes"] > 0 and plan["sampler"]["type"] == "ddim" and plan["frames"] == 4
    assert vgen.names() == set()


def test_progress(vgen, model):
    result = vgen("gen", PROMPT, "-m", model, "-o", "out.gif")
    for stage in ("load", "denoise", "decode 4/4", "write 4/4"):
        assert f"vgen: {stage}" in result.err, result.err
    assert vgen("gen", PROMPT, "-m", model, "-o", "out.gif", "-q").err == ""
    # On a terminal: one line a stage, with a bar.
    script = subprocess.run(
        ["script", "-qec", f"{vgen.program} gen '{PROMPT}' -m {model} -o out.gif", "/dev/null"],
        cwd=vgen.folder, env={**vgen.environment, "TERM": "xterm"}, capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "[========================] 4/4" in script.stdout, script.stdout


def test_inspect_tells_how_a_clip_was_made_and_its_command_makes_it_again(vgen, model):
    for name, words in [
        ("a.png", ["--seed", 5, "--steps", 3, "--guidance", 2.5, "--negative", "it's blue", "--fps", 5]),
        ("b.png", ["--sampler", "dpmpp_2m_sde", "--size", "24x16", "--set", "guidance_rescale=0.5", "--dtype", "bf16"]),
    ]:
        vgen("gen", "it's a 'red' circle", "-m", model, "-o", name, *words)
        text = vgen("inspect", name).out
        assert "it's a 'red' circle" in text and "made by vgen" in text, text
        command = vgen("inspect", name, "--json").document["files"][0]["command"]
        assert command in text
        extension = name[-4:]
        subprocess.run(
            f"{command.replace('vgen', vgen.program, 1)} -o again{extension}",
            shell=True, check=True, cwd=vgen.folder, env=vgen.environment,
        )  # fmt: skip
        assert (vgen.folder / f"again{extension}").read_bytes() == (vgen.folder / name).read_bytes()
    vgen("gen", PROMPT, "-m", model, "-o", "frames/")
    assert PROMPT in vgen("inspect", "frames").out


def test_inspect_reads_the_manifest_of_a_video(vgen, model, ffmpeg):
    for name in ("a.mp4", "a.gif"):
        vgen("gen", PROMPT, "-m", model, "-o", name, "--seed", 6)
        found = vgen("inspect", name, "--json").document["files"][0]
        assert found["manifest"]["seed"] == 6 and "--seed 6" in found["command"]


# ---- eval ----


def test_eval(vgen, model):
    result = vgen("eval", "shapes", "-m", model, "--prompts", 3, "--steps", 2, "--out", "scores", "--sheet", "s.png")
    assert re.search(r"^total +3 ", result.out, re.MULTILINE), result.out
    assert "eval 3/3" in result.err
    assert vgen.names() == {"scores/scores.json", "scores/clips.png", "s.png"}
    scores = json.loads((vgen.folder / "scores" / "scores.json").read_text())
    assert len(scores["clips"]) == 3 and scores["total"]["clips"] == 3
    again = vgen("eval", "shapes", "-m", model, "--prompts", 3, "--steps", 2, "--json").document
    assert again["total"] == scores["total"]


# ---- train ----


def test_train_says_where_it_is_and_goes_on(vgen):
    (vgen.folder / "c.yaml").write_text(AUTOENCODER)
    result = vgen("train", "-c", "c.yaml", "--out", "run", "--set", "trainer.steps=4")
    assert "training in run" in result.err and "train 4/4" in result.err
    assert "finished at step 4, loss " in result.out and "run/model" in result.out
    result = vgen("train", "-c", "c.yaml", "--out", "run", "--json")
    assert "continuing run after step 4" in result.err
    assert (result.document["first"], result.document["step"]) == (4, 6)
    lines = (vgen.folder / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert vgen("train", "-c", "c.yaml", "--resume", "none", code=5).err
    result = vgen("train", "-c", "c.yaml", "--out", "run", "--set", "trainer.adamw.weight_decay=0.5", code=3)
    assert "another configuration" in result.err


def test_train_dry_run_prints_the_whole_configuration(vgen):
    (vgen.folder / "c.yaml").write_text(AUTOENCODER)
    result = vgen("train", "-c", "c.yaml", "--dry-run", "--set", "trainer.learning_rate.base=1e-4")
    assert json.loads(result.out)["trainer"]["learning_rate"]["base"] == 1e-4
    assert vgen.names() == {"c.yaml"}


def test_two_runs_in_one_folder(vgen):
    (vgen.folder / "c.yaml").write_text(AUTOENCODER)
    first = vgen.start("train", "-c", "c.yaml", "--out", "run", "--set", "trainer.steps=100000", text=True)
    await_log(vgen.folder / "run")
    result = vgen("train", "-c", "c.yaml", "--out", "run", code=5)
    assert f"in use by another run (process {first.pid})" in result.err
    first.kill()
    first.communicate()
    vgen("train", "-c", "c.yaml", "--out", "run", "--set", "trainer.steps=100000", "--dry-run")
    step = json.loads((vgen.folder / "run" / "log.jsonl").read_text().splitlines()[-1])["step"]
    vgen("train", "-c", "c.yaml", "--out", "run", "--set", f"trainer.steps={step + 2}")  # the lock died with its process


# ---- help, completion, doctor, exit codes ----

COMMANDS = ["gen", "upscale", "inspect", "convert", "doctor", "parity", "train", "eval"]


def test_help_is_quick_and_complete(vgen):
    for words in (["--help"], *([c, "--help"] for c in COMMANDS)):
        result = vgen.fastest(*words)
        assert result.seconds <= 0.1
        assert result.err == ""
        assert all(len(line) <= 130 for line in result.out.splitlines())
    for command in COMMANDS:
        text = vgen(command, "--help").out
        assert f"  vgen {command} " in text.split("examples:")[1] or f"  vgen {command}\n" in text.split("examples:")[1]
        assert command in vgen("--help").out


def test_help_names_every_sampler(vgen, model):
    valid = vgen("gen", PROMPT, "-m", model, "--sampler", "?", code=3).err
    names = re.search(r"valid: ([^)]*)\)", valid).group(1).split(", ")
    assert len(names) >= 13
    text = " ".join(vgen("gen", "--help").out.split())
    assert [n for n in names if n not in text] == []


def test_completion(vgen):
    script = vgen("completion", "bash").out + '\nCOMP_WORDS=(vgen gen --ste); COMP_CWORD=2; _vgen; echo "${COMPREPLY[@]}"'
    assert subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout.strip() == "--steps"


def test_doctor(vgen):
    result = vgen("doctor")
    assert result.seconds <= 5
    assert "vgen can run here." in result.out


def test_the_table_of_exit_codes_is_true(vgen, model):
    """docs/guide/errors.md against what the program returns; each code once, with its type in --json."""
    table = (ROOT / "docs" / "guide" / "errors.md").read_text()
    rows = {
        int(c): names for codes, names in re.findall(r"^\| ([\d, ]+) \|([^|]*)\|", table, re.MULTILINE) for c in codes.split(",")
    }
    assert set(rows) >= {0, 1, 2, 3, 4, 5, 6, 7, 70, 130, 143}
    (vgen.folder / "bad.safetensors").write_bytes(b"\x64" + bytes(7) + b"{}")
    cases = [
        (2, "UsageError", ["gen", "x", "--nope"]),
        (3, "ConfigError", ["gen", "x", "--steps", "0"]),
        (3, "ConfigError", ["gen", "x", "--sampler", "nope"]),
        (4, "FormatError", ["inspect", "bad.safetensors"]),
        (5, "IoError", ["inspect", "none.safetensors"]),
        (7, "Unavailable", ["gen", "x", "-m", model, "--device", "cuda:7"]),
    ]
    for code, kind, words in cases:
        result = vgen(*words, "--json", code=code)
        error = result.document["error"]
        assert (error["type"], error["exit"]) == (kind, code), words
        assert error["message"].strip() == result.err.strip().splitlines()[-1]
        if kind != "UsageError":
            assert kind in rows[code]
    assert vgen("parity", ROOT / "tests" / "golden", "--only", "nothing", code=1).out
