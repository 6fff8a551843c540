"""The examples run: C++ programs, Python scripts, the notebook. Each in a folder of its own, on a tiny model."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]
PROMPT = "a red circle moving left on a black background"
spec = importlib.util.spec_from_file_location("notebooks", ROOT / "scripts/notebooks.py")
notebooks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(notebooks)


def run(command: list, folder: Path, environment: dict[str, str]) -> str:
    result = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, f"{command}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result.stdout


# ---- C++ ----


@pytest.fixture
def example(program):
    """Path of a program of examples/cpp, of the same build as the program vgen."""

    def find(name: str) -> Path:
        path = program.resolve().parents[1] / "examples/cpp" / name
        assert path.exists(), f"{path} is not built: ninja {name}"
        return path

    return find


def test_every_cpp_example_is_built_and_tested():
    names = {p.stem for p in (ROOT / "examples/cpp").glob("*.cpp")}
    built = re.search(r"IN ITEMS ([\w\s]+)\)", (ROOT / "examples/cpp/CMakeLists.txt").read_text())[1].split()
    assert names == set(built)
    tested = set(re.findall(r'example\("(\w+)"\)', Path(__file__).read_text()))
    assert names == tested


def test_text_to_video(example, tiny_model, tmp_path):
    out = run([example("text_to_video"), tiny_model, PROMPT, "out.gif"], tmp_path, dict(os.environ))
    assert "step 1 of " in out and "out.gif: 4 frames, gif" in out
    assert (tmp_path / "out.gif").read_bytes().startswith(b"GIF8")


def test_cpp_examples_fail_as_the_library_says(example, tmp_path):
    missing = subprocess.run(
        [example("text_to_video"), "no-model", PROMPT, "out.gif"], cwd=tmp_path, capture_output=True, text=True
    )
    assert missing.returncode == 5 and "no-model does not exist" in missing.stderr
    assert subprocess.run([example("text_to_video")], capture_output=True).returncode == 2


def test_parts(example, tmp_path):
    first, second = map(float, run([example("parts")], tmp_path, dict(os.environ)).split())
    assert 0 < first < 100 and 0 < second < 100


def test_custom_sampler(example, tiny_model, tmp_path):
    out = run([example("custom_sampler"), tiny_model, PROMPT, "out.gif"], tmp_path, dict(os.environ))
    assert float(re.search(r"order ([\d.]+)", out)[1]) > 1.7, out
    assert (tmp_path / "out.gif").exists()


def test_custom_encoder(example, tiny_model, tmp_path):
    outs = []
    for prompt in ("a red circle", "a red circle | a blue square", "a blue square"):
        run([example("custom_encoder"), tiny_model, prompt, "out.gif"], tmp_path, dict(os.environ))
        outs.append((tmp_path / "out.gif").read_bytes())
    assert len(set(outs)) == 3, "the encoder has no effect"


def test_shapes_judge(example, tmp_path):
    out = run([example("shapes_judge"), "clip.png"], tmp_path, dict(os.environ))
    assert "triangle" in out.splitlines()[0] and out.splitlines()[1].endswith("all 1")


def test_read_checkpoint(example, tiny_model, tmp_path):
    out = run([example("read_checkpoint"), tiny_model / "unet/model.safetensors"], tmp_path, dict(os.environ))
    assert "time_embed.fc1.weight [" in out and "missing" in out


def test_systems(example, tmp_path):
    out = run([example("systems"), "all"], tmp_path, dict(os.environ))
    names = ["t2v", "i2vgen_xl", "higen", "sr600", "tf_t2v", "video_composer", "video_lcm", "dream_video", "instruct_video"]
    assert [line.split(":")[0] for line in out.splitlines()] == names and out.count(": 4 frames") == 9, out
    clips = {name: (tmp_path / "all" / f"{name}.gif").read_bytes() for name in names}
    assert len(set(clips.values())) == 9


# ---- Python ----


@pytest.mark.parametrize("path", sorted((ROOT / "examples/python").glob("*.py")), ids=lambda p: p.name)
def test_python_example(path, tiny_model, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    run([sys.executable, path], tmp_path, {**os.environ, "VGEN_MODEL": str(tiny_model)})


# ---- notebooks ----


@pytest.mark.parametrize("path", sorted((ROOT / "examples/notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebook(path, tiny_model, tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.setenv("VGEN_MODEL", str(tiny_model))
    notebook = nbformat.read(path, as_version=4)
    began = time.perf_counter()
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert time.perf_counter() - began < 120
    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert "data:video/mp4" in shown or "data:image/" in shown, "no clip was shown"
    assert "image/png" in shown


@pytest.mark.parametrize("path", sorted((ROOT / "examples/notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_hold_the_outputs_of_their_code(path):
    notebook = json.loads(path.read_text())
    assert notebook["metadata"].get("executed") == notebooks.digest(notebook["cells"]), (
        "run scripts/notebooks.py and commit what it changes"
    )
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert all(output["output_type"] != "error" for output in outputs)
