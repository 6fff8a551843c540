"""What bad input gets from the program. The table of issue 3, row by row, and the tests that hold it:

| input | tests |
|---|---|
| unknown option, config key or sampler | test_wrong_names, test_wrong_configuration, test_overrides_of_a_configuration_say_that_they_are_wrong; cpp/cli arguments |
| model folder without a part; wrong kind of checkpoint | test_model_folder_without_a_part, test_wrong_kind_of_checkpoint; cpp/pipelines NamesTheMissingPart |
| missing, extra or misshaped tensors | test_tensors_that_do_not_fit; cpp/weights AllOrNothing, cpp/pipelines WrongTensorsLoadNothing |
| hostile or truncated safetensors, .pth, YAML | cpp/formats: Safetensors A1-A12, Index A8, TorchPickle B1-B7, Yaml C1-C6, Config C7; test_hostile_files, test_wrong_configuration |
| size, frames, steps, guidance (also C8) | test_numbers_out_of_range, test_the_size_of_the_issue, test_the_back_end_refuses_the_same |
| prompt not UTF-8, 10 MB, longer than the window | test_prompt_that_is_not_utf8, test_prompt_of_ten_megabytes, test_prompt_longer_than_the_window_names_the_dropped_words |
| output folder missing, read-only, full | test_missing_output_folder_*, test_full_disk_*, test_read_only_folder_*, test_disk_that_fills_later_*, test_latents_that_do_not_fit_* |
| NaN in weights or latents | test_nan_*, test_latents_are_refused_when_they_are_damaged; cpp/pipelines SaysWhereNanArose |
| Ctrl-C or SIGTERM at any phase | test_interrupts.py, python/test_interrupt.py |
"""

import contextlib
import json
import os
import pickle
import re
import resource
import shutil
import subprocess
import zipfile

import pytest
from harness import AUTOENCODER, damage, tensors, with_header

PROMPT = "a red circle moving left on a black background"


# ---- unknown option, configuration key, sampler: where, and the nearest valid name ----


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["gne", "x"], 2, ["unknown command 'gne'", "did you mean gen?"]),
        (["gen", "x", "--step", "5"], 2, ["vgen gen: unknown option --step", "did you mean --steps?"]),
        (["gen", "x", "--dtype", "fp31"], 2, ["--dtype", "did you mean fp32?"]),
        (["gen", "x", "--sampler", "dpmp_2m"], 3, ["sampler", "dpmpp_2m"]),
        (["gen", "x", "--set", "samplr=ddim"], 3, ["--set", "samplr", "did you mean 'sampler'?"]),
        (["gen", "x", "--set", "sampler={type: dimd}"], 3, ["sampler.type", "did you mean 'ddim'?"]),
        (["gen", "x", "--set", "steps"], 3, ["path=value"]),
        (["gen", "x", "-o", "out.mp5"], 3, ["out.mp5", ".mp4"]),
        (["eval", "shape"], 2, ["did you mean shapes?"]),
    ],
)
def test_wrong_names(vgen, words, code, says):
    error = vgen(*words, code=code).err
    for piece in says:
        assert piece in error, error
    assert error.count("\n") <= 6
    assert vgen.names() == set()


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        ("  steps: 6", "  stpes: 6", "c.yaml:7:10: ", "did you mean 'steps'?"),
        ("  batch: 2", "  batch: two", "c.yaml:5:10: ", "expected an integer"),
        ("type: autoencoder", "type: autoencodr", "c.yaml:2:9: ", "did you mean 'autoencoder'?"),
        ("  steps: 6", "  steps: 6\n  steps: 7", "c.yaml:8:3: ", "duplicate key 'steps'"),
        ("clip_norm: 1.0", "clip_norm: .nan", "c.yaml:10:14: ", "finite"),
        ("accumulate: 2", "accumulate: *two", "c.yaml:8:15: ", ""),
        ("trainer:", "trainer: !!python/name:os.system", "c.yaml:6:10: ", ""),
        ("trainer:", "_target_: os.system\ntrainer:", "c.yaml:6:11: ", "_target_"),
    ],
)
def test_wrong_configuration(vgen, old, new, where, says):
    (vgen.folder / "c.yaml").write_text(AUTOENCODER.replace(old, new, 1))
    result = vgen("train", "-c", "c.yaml", code=None)
    assert result.code in (3, 4), result.err
    assert where in result.err and says in result.err, result.err
    assert vgen.names() == {"c.yaml"}


def test_overrides_of_a_configuration_say_that_they_are_wrong(vgen):
    (vgen.folder / "c.yaml").write_text(AUTOENCODER)
    error = vgen("train", "-c", "c.yaml", "--set", "trainer.stepz=5", code=3).err
    assert error.startswith("--set: trainer: unknown key 'stepz'") and "did you mean 'steps'?" in error, error
    error = vgen("train", "-c", "c.yaml", "--set", "trainer.steps=0", code=3).err
    assert "steps must be >= 1" in error
    assert "none.yaml" in vgen("train", "-c", "none.yaml", code=5).err


# ---- sizes and numbers: within 100 ms, before anything is allocated, with the nearest valid value ----


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--size", "17x16"], "nearest 16x16"),
        (["--size", "16x2"], "nearest 16x8"),
        (["--size", "16x-3"], "nearest 16x8"),
        (["--size", "100000x16"], "nearest 8192x16"),
        (["--frames", "0"], "nearest 1"),
        (["--frames", "-1"], "nearest 1"),
        (["--frames", "1000000000"], "nearest 1024"),
        (["--steps", "0"], "nearest 1"),
        (["--steps", "1001"], "nearest 1000"),
        (["--steps", "99999999999999999999"], "nearest 1000"),
        (["--guidance", "nan"], "got NaN"),
        (["--guidance", "inf"], "nearest 1000"),
        (["--fps", "0"], "nearest 0.01"),
        (["--seed", "-1"], "nearest 0"),
        (["--count", "0"], "nearest 1"),
        (["--seeds", "1,-2"], "nearest 0"),
        (["--threads", "0"], "nearest 1"),
        (["--decode-chunk", "0"], "nearest 1"),
    ],
)
def test_numbers_out_of_range(vgen, model, words, says):
    result = vgen.fastest("gen", PROMPT, "-m", model, *words, code=3)
    assert says in result.err and words[0] in result.err, result.err
    assert result.seconds <= 0.1
    assert vgen.names() == set()


def test_the_size_of_the_issue(vgen):
    """65x64 against a folder whose sides are multiples of 16."""
    for part, config in (("vae", {"multipliers": [1, 2, 4, 4]}), ("unet", {"levels": [{}, {}]})):
        (vgen.folder / "m" / part).mkdir(parents=True)
        (vgen.folder / "m" / part / "config.json").write_text(json.dumps(config))
    result = vgen.fastest("gen", PROMPT, "-m", "m", "--size", "65x64", code=3)
    assert "multiples of 16" in result.err and "nearest 64x64" in result.err
    assert result.seconds <= 0.1


def test_the_back_end_refuses_the_same(vgen, model):
    """Options that come by --set pass the front; the plan refuses them before anything is allocated."""
    for assignment, says in [
        ("width=17", "nearest 16x16"),
        ("frames=0", "nearest 1"),
        ("steps=0", "[1, 1000]"),
        ("steps=1001", "1000"),
        ("guidance=.nan", "finite"),
        ("count=0", "nearest 1"),
        ("sampler.eta=2", "eta must be in [0, 1]"),
    ]:
        error = vgen("gen", PROMPT, "-m", model, "--set", assignment, "-o", "out.gif", code=3).err
        assert says in error, (assignment, error)
    assert vgen.names() == set()


# ---- prompts ----


def test_prompt_that_is_not_utf8(vgen, model):
    result = vgen(b"gen", b"a r\xffd circle", raw=True, code=2)
    assert "argument 2 is not UTF-8" in result.err and "a r\\xffd circle" in result.err
    result = vgen("gen", "-", "-m", model, input=b"a r\xffd circle", code=3)
    assert "UTF-8" in result.err
    assert vgen.names() == set()


def test_prompt_of_ten_megabytes(vgen, model):
    result = vgen("gen", "-", "-m", model, input=b"fox " * 2_500_000, code=3)
    assert "1000000" in result.err.replace("'", "").replace(",", ""), result.err
    assert len(result.err) < 1000
    assert vgen.names() == set()


def test_prompt_longer_than_the_window_names_the_dropped_words(vgen, model):
    words = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
    ]
    result = vgen("gen", " ".join(words), "-m", model, "-o", "out.gif", "--json")
    assert "dropped: fifteen sixteen seventeen" in result.err
    assert result.document["clips"][0]["dropped_words"] == words[14:]


def test_empty_prompt_and_prompt_from_standard_input(vgen, model):
    vgen("gen", "", "-m", model, "-o", "a.gif")
    vgen("gen", PROMPT, "-m", model, "-o", "b.gif")
    vgen("gen", "-", "-m", model, "-o", "c.gif", input=PROMPT.encode() + b"\n")
    assert (vgen.folder / "b.gif").read_bytes() == (vgen.folder / "c.gif").read_bytes()
    assert (vgen.folder / "a.gif").read_bytes() != (vgen.folder / "b.gif").read_bytes()


# ---- output: missing, read-only, full ----


def test_missing_output_folder_is_found_before_denoising(vgen, model):
    result = vgen("gen", PROMPT, "-m", model, "-o", "no/such/out.gif", code=5)
    assert "no/such" in result.err and "denoise" not in result.err


def limited_files(size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB. Only root can make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "vgen-test", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk_is_found_before_denoising(vgen, model, small_disk):
    (small_disk / "ballast").write_bytes(bytes((2 << 20) - 8192))
    result = vgen("gen", PROMPT, "-m", model, "-o", "disk/out.gif", code=5)
    assert "MiB needed" in result.err and "denoise" not in result.err, result.err
    assert {p.name for p in small_disk.iterdir()} == {"ballast"}


def test_read_only_folder_is_found_before_denoising(vgen, model, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = vgen("gen", PROMPT, "-m", model, "-o", "disk/out.gif", code=5)
    assert "cannot write into 'disk': Read-only" in result.err and "denoise" not in result.err, result.err
    result = vgen("train", "-c", model.parents[1] / "ae.yaml", "--out", "disk/run", code=5)
    assert "disk/run" in result.err


def test_disk_that_fills_later_keeps_the_latents_and_the_command_goes_on(vgen, model, tmp_path):
    """The clip is larger than files may be, its latents are not: exit 5, and the command that is printed makes the clip."""
    words = ["gen", PROMPT, "-m", model, "--frames", 16, "--size", "64x64", "-o", "out.y4m"]
    result = vgen(*words, code=5, preexec_fn=limited_files(80_000))
    assert "out.y4m" in result.err
    command = re.search(r"vgen (gen --from-latents .*)$", result.err, re.MULTILINE).group(1)
    assert vgen.names() == {"out.y4m.latents.safetensors"}
    subprocess.run(f"{vgen.program} {command}", shell=True, check=True, cwd=vgen.folder, env=vgen.environment)
    vgen(*words[:-1], "direct.y4m")
    assert (vgen.folder / "out.y4m").read_bytes() == (vgen.folder / "direct.y4m").read_bytes()


def test_latents_that_do_not_fit_beside_the_output_are_kept_elsewhere(vgen, model, small_disk, tmp_path):
    """There is room at the start; something else fills the disk while the clip is made."""
    (tmp_path / "tmp").mkdir()
    process = vgen.start(
        "gen", PROMPT, "-m", model, "--steps", 300, "-o", "disk/out.gif", text=True, env={"TMPDIR": str(tmp_path / "tmp")}
    )
    for line in process.stderr:
        if "denoise" in line:
            break
    with contextlib.suppress(OSError), open(small_disk / "ballast", "wb") as ballast:
        ballast.write(bytes(2 << 20))
    error = process.stderr.read()
    assert process.wait() == 5, error
    assert "No space left" in error
    assert "vgen gen --from-latents" in error and str(tmp_path / "tmp") in error, error
    assert [p.name for p in (tmp_path / "tmp").iterdir()] == ["out.gif.latents.safetensors"]
    assert {p.name for p in small_disk.iterdir()} == {"ballast"}


def test_latents_are_refused_when_they_are_damaged(vgen, model):
    vgen("gen", PROMPT, "-m", model, "--frames", 16, "--size", "64x64", "-o", "x.y4m", code=5,
         preexec_fn=limited_files(80_000))  # fmt: skip
    path = vgen.folder / "x.y4m.latents.safetensors"
    data = bytearray(path.read_bytes())
    data[-4:] = b"\x00\x00\xc0\x7f"
    path.write_bytes(data)
    error = vgen("gen", "--from-latents", path, "-o", "out.gif", code=6).err
    assert "latents hold NaN" in error
    path.write_bytes(data[:-5])
    assert vgen("gen", "--from-latents", path, "-o", "out.gif", code=4).err
    shutil.copy(model / "vae" / "model.safetensors", vgen.folder / "other.safetensors")
    assert "no tensor 'latents'" in vgen("gen", "--from-latents", "other.safetensors", "-o", "out.gif", code=4).err
    assert not (vgen.folder / "out.gif").exists()


# ---- model folders: the program's answer; the details are tested with the weights ----


def test_model_folder_without_a_part(vgen, model):
    assert "does not exist" in vgen("gen", PROMPT, "-m", "none", code=5).err
    shutil.copytree(model, vgen.folder / "m")
    shutil.rmtree(vgen.folder / "m" / "vae")
    error = vgen("gen", PROMPT, "-m", "m", code=None)
    assert error.code in (4, 5) and "vae" in error.err
    (vgen.folder / "m" / "model_index.json").unlink()
    error = vgen("gen", PROMPT, "-m", "m", code=None)
    assert error.code in (4, 5) and "model_index.json" in error.err


@pytest.mark.parametrize("given", ["vae", "vae/model.safetensors"])
def test_not_a_model_folder(vgen, model, given):
    error = vgen("gen", PROMPT, "-m", model / given, code=None)
    assert error.code in (3, 4, 5) and given in error.err, error.err


# ---- what a newcomer gets wrong: what, where, why, and the way out ----


def test_a_name_of_the_hub_is_no_folder(vgen):
    error = vgen("gen", PROMPT, "-m", "damo-vilab/text-to-video-ms-1.7b", code=5).err
    assert "does not exist" in error and "hf download damo-vilab/text-to-video-ms-1.7b --local-dir DIR" in error
    for name in ("models/none", "./none/none", "none"):  # one's own folder, misspelt
        (vgen.folder / "models").mkdir(exist_ok=True)
        assert "hf download" not in vgen("gen", PROMPT, "-m", name, code=5).err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "git lfs pull"),
        (b"<!doctype html><html>Sign in</html>", "a web page"),
        (b"\n<?xml version='1.0'?><Error/>", "a web page"),
        (b'{"system": "t2v"}', "name the folder"),
    ],
)
def test_downloads_that_are_no_weights(vgen, content, says):
    (vgen.folder / "unet.pth").write_bytes(content)
    error = vgen("inspect", "unet.pth", code=4).err
    assert error.startswith("unet.pth: ") and says in error, error


def test_folders_and_files_in_each_others_place(vgen, model, tiny):
    (vgen.folder / "out").write_text("a file")
    error = vgen("gen", PROMPT, "-m", model, "-o", "out/", code=5).err  # before anything is denoised
    assert "out is a file" in error and "latents" not in error, error
    (vgen.folder / "clips").mkdir()
    error = vgen("gen", "-m", tiny("i2vgen_xl"), "--image", "clips", PROMPT, code=5).err
    assert "'clips' is a folder; expected a video or picture" in error, error
    error = vgen("gen", PROMPT, "-m", model, "-o", "clips", code=5).err
    assert "clips is a folder; write clips/" in error, error
    assert "--list: no such file: none.txt" in vgen("gen", "--list", "none.txt", "-m", model, code=5).err
    error = vgen("gen", PROMPT, "-m", model, "-o", "none/out.gif", code=5).err
    assert "'none'" in error and "make it first" in error, error
    error = vgen("gen", PROMPT, "-m", model, "--lora", "none.pth:x", code=5).err
    assert "none.pth:x does not exist" in error and "FILE:SCALE" in error, error


def test_models_that_do_something_else(vgen, tiny):
    other = tiny("i2vgen_xl")
    assert (
        "a model of i2vgen_xl enlarges no clip; expected one of sr600" in vgen("upscale", "-m", other, "a.mp4", "x", code=3).err
    )
    assert "enlarges no clip" in vgen("gen", "x", "--upscale", other, code=3).err
    assert "i2vgen_xl also needs a picture" in vgen("eval", "shapes", "-m", other, "--prompts", "1", code=3).err
    assert "(valid: t2v, i2vgen_xl" in vgen("gen", "x", "-m", other, "--system", "i2v", code=3).err


def test_no_case_to_compare(vgen):
    result = vgen("parity", ".", "--only", "x*", code=1)
    assert "no case whose area, name or area/name matches 'x*' in ." in result.out, result.out


def test_wrong_kind_of_checkpoint(vgen, model):
    """The VAE's weights where the UNet's should be."""
    shutil.copytree(model, vgen.folder / "m")
    shutil.copy(model / "vae" / "model.safetensors", vgen.folder / "m" / "unet")
    error = vgen("gen", PROMPT, "-m", "m", "-o", "out.gif", code=4).err
    assert "expected the part 'unet'" in error and "found a vae" in error, error
    assert "m/unet/model.safetensors" in error and "nothing was loaded" in error, error


def test_tensors_that_do_not_fit(vgen, model):
    """One report: counts, the first five names, and nothing is loaded."""
    names = sorted(tensors(model, "unet"))
    turned = next(n for n in names if len(s := tensors(model, "unet")[n]["shape"]) == 2 and s[0] != s[1])

    def change(header):
        for name in [n for n in names if n.startswith("up.") and n != turned][:7]:
            header[f"{name}_x"] = header.pop(name)
        header[turned]["shape"].reverse()

    with_header(model, vgen.folder / "m", "unet", change)
    error = vgen("gen", PROMPT, "-m", "m", "-o", "out.gif", code=4).err
    for piece in (
        "m/unet/model.safetensors",
        "7 missing",
        "7 unexpected",
        "1 misshaped",
        turned,
        "and 2 more",
        "nothing was loaded",
    ):
        assert piece in error, error
    assert sum(f"{n}_x" in error for n in names) == 5, error
    assert not (vgen.folder / "out.gif").exists()


def test_hostile_files(vgen, model):
    """Each kind of attack is tested with the parsers (tests/cpp/formats); here, that the program passes their answer on."""
    shutil.copytree(model, vgen.folder / "m")
    weights = vgen.folder / "m" / "unet" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "unet/model.safetensors" in vgen("gen", PROMPT, "-m", "m", "-o", "out.gif", code=4).err

    class Shell:
        def __reduce__(self):
            return os.system, (f"touch {vgen.folder / 'executed'}",)

    with zipfile.ZipFile(vgen.folder / "evil.pth", "w") as archive:
        archive.writestr("evil/data.pkl", pickle.dumps({"w": Shell()}, protocol=2))
        archive.writestr("evil/version", "3\n")
    result = vgen("inspect", "evil.pth", "--json", code=4)
    assert "system" in result.err and result.document["error"]["type"] == "UnsafePickleError", result.err
    assert not (vgen.folder / "executed").exists()


def test_no_model_at_all_says_what_to_do(vgen):
    result = vgen("gen", PROMPT, code=None, env={"VGEN_MODEL": ""})
    if result.code == 0:
        pytest.skip("the shipped model is there")
    assert result.code == 7 and "-m DIR" in result.err


# ---- NaN ----


@pytest.mark.parametrize(
    ("part", "parameter", "says"),
    [
        ("unet", "mid.res1.conv1.weight", ["unet: NaN or Inf in mid.res1", "at step 1 of 4"]),
        ("text_encoder", "norm.weight", ["text encoder", "before step 1"]),
        ("vae", "decoder.conv_in.weight", ["vae", "decoded frames"]),
    ],
)
def test_nan_in_weights_names_module_and_step(vgen, model, part, parameter, says):
    assert parameter in tensors(model, part), sorted(tensors(model, part))
    bad = damage(model, vgen.folder / "bad", part, parameter)
    result = vgen("gen", PROMPT, "-m", bad, "-o", "out.gif", "--json", code=6)
    for piece in [*says, f"parameter {parameter}"]:
        assert piece in result.err, result.err
    assert result.document["error"]["type"] == "NumericsError"
    assert not (vgen.folder / "out.gif").exists()


def test_nan_in_training_stops_and_keeps_the_last_good_checkpoint(vgen):
    (vgen.folder / "c.yaml").write_text(AUTOENCODER)
    words = ["train", "-c", "c.yaml", "--out", "run", "--set", "trainer.max_bad_steps=3", "--set", "trainer.steps=50"]
    result = vgen(*words, "--set", "trainer.learning_rate.base=1e30", "--set", "trainer.clip_norm=0", code=6)
    assert "3 steps in a row" in result.err and "run/checkpoints" in result.err, result.err


# ---- disks in training ----


def test_full_disk_in_training_keeps_the_checkpoint_before(vgen):
    (vgen.folder / "c.yaml").write_text(AUTOENCODER)
    vgen("train", "-c", "c.yaml", "--out", "run", "--set", "trainer.steps=2")
    error = vgen("train", "-c", "c.yaml", "--out", "run", code=5, preexec_fn=limited_files(20_000)).err
    assert "checkpoint of step 4 was not written, earlier ones are intact" in error, error
    assert {p.name for p in (vgen.folder / "run" / "checkpoints").iterdir()} == {"step-2", "LATEST"}
    assert "after step 2" in vgen("train", "-c", "c.yaml", "--out", "run").err


# ---- standard streams ----


def test_closed_standard_output(vgen, model):
    """As `vgen inspect FILE | head -1`: quiet, with the code of SIGPIPE."""
    for words in (["inspect", model], ["gen", PROMPT, "-m", model, "-o", "out.gif"], ["--help"]):
        reader, writer = os.pipe()
        os.close(reader)
        process = vgen.start(*words, stdout=writer)
        os.close(writer)
        error = process.communicate()[1].decode()
        assert process.returncode in (141, -13), (words, error)
        assert "rror" not in error and "ipe" not in error, error
    assert (vgen.folder / "out.gif").exists(), "the file was whole before the line was printed"


def test_full_standard_output(vgen, model):
    for words in (["inspect", model], ["--help"], ["inspect", model, "--json"]):
        with open("/dev/full", "w") as full:
            process = vgen.start(*words, stdout=full)
            error = process.communicate()[1].decode()
        assert process.returncode == 5 and "standard output" in error, (words, error)


def test_closed_standard_error_does_not_stop_the_work(vgen, model):
    reader, writer = os.pipe()
    os.close(reader)
    process = vgen.start("gen", PROMPT, "-m", model, "-o", "out.gif", stderr=writer)
    os.close(writer)
    process.communicate()
    assert process.returncode == 0
    assert (vgen.folder / "out.gif").exists()


# ---- paths ----


def test_paths(vgen, model):
    assert "not UTF-8" in vgen(b"gen", b"x", b"-o", b"\xff.gif", raw=True, code=2).err
    name = "n" * 240 + ".gif"
    vgen("gen", PROMPT, "-m", model, "-o", name)
    assert vgen.names() == {name}
    error = vgen("gen", PROMPT, "-m", model, "-o", "n" * 300 + ".gif", code=5).err
    assert "too long" in error and len(error) < 1500
    error = vgen("gen", PROMPT, "-m", model, "-o", "d/" * 2500 + "x.gif", code=5).err
    assert len(error) < 1500
    vgen("gen", PROMPT, "-m", model, "-o", "with blank é🎬.gif")
    assert "with blank é🎬.gif" in vgen.names()


def test_unwritable_home_and_caches_do_not_matter(vgen, model):
    vgen("gen", PROMPT, "-m", model, "-o", "out.gif", env={"HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere/cache"})
