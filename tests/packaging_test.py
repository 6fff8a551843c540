"""What is installed serves others: a CMake consumer builds and runs, and a wrong or missing torch gets one clear line.

The package is that of VGEN_CMAKE_DIR (scripts/test_wheel.sh gives the wheel's), else an installation of the build folder VGEN_BUILD.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("VGEN_BUILD", ROOT / "build/release"))


def run(*command, **kwargs):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=500, check=False, **kwargs)
    return done.returncode, done.stdout + done.stderr


def succeed(*command, **kwargs):
    code, output = run(*command, **kwargs)
    assert code == 0, f"{' '.join(map(str, command))}\n{output}"
    return output


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Folder of vgenConfig.cmake."""
    if given := os.environ.get("VGEN_CMAKE_DIR"):
        return Path(given)
    if not (BUILD / "lib/libvgen.so").exists():
        pytest.skip(f"no build in {BUILD}")
    prefix = tmp_path_factory.mktemp("prefix")
    succeed("cmake", "--install", BUILD, "--prefix", prefix)
    return prefix / "share/cmake/vgen"


def configure(package, folder, *options):
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    return run("cmake", *generator, "-S", ROOT / "tests/consumer", "-B", folder, f"-Dvgen_DIR={package}", *options)


def test_consumer_builds_and_runs(package, tmp_path):
    assert len((ROOT / "tests/consumer/CMakeLists.txt").read_text().splitlines()) <= 12
    code, output = configure(package, tmp_path / "build", "-DCMAKE_BUILD_TYPE=Release")
    assert code == 0, output
    succeed("cmake", "--build", tmp_path / "build")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}  # no library path, no settings of ours
    output = succeed(tmp_path / "build/consumer", tmp_path / "model", tmp_path / "out.gif", env=environment, cwd=tmp_path)
    assert "4 frames by gif" in output
    assert "refused:" in output and "steps" in output
    assert (tmp_path / "out.gif").read_bytes()[:6] == b"GIF89a"


def test_installed_program_runs(package, tmp_path):
    prefix = package.parents[2]
    program = prefix / "bin/vgen"
    if not program.exists():  # a wheel: the program is in the environment's bin
        program = next(p for p in prefix.parents if (p / "bin/vgen").exists()) / "bin/vgen"
    output = succeed(program, "doctor", env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, cwd=tmp_path)
    assert "vgen can run here." in output
    assert str(prefix) in output  # its own library, not one of the build tree


def fake_torch(folder, version):
    for part in ("include/ATen", "lib"):
        (folder / part).mkdir(parents=True)
    (folder / "include/ATen/ATen.h").touch()
    (folder / "lib/libtorch_cpu.so").touch()
    (folder / "version.py").write_text(f"__version__ = '{version}'\n")
    return folder


def one_line(output, *words):
    return [line for line in output.splitlines() if all(w in line for w in words)]


def test_consumer_with_another_torch_is_told(package, tmp_path):
    torch = fake_torch(tmp_path / "torch", "2.3.1+cu118")
    code, output = configure(package, tmp_path / "build", f"-DVGEN_TORCH_DIR={torch}")
    assert code != 0
    text = " ".join(output.split())
    assert "found torch 2.3 in" in text and "pip install 'torch==" in text


def test_program_with_another_torch_is_told(package, tmp_path):
    prefix = package.parents[2]
    program = prefix / "bin/vgen"
    if not program.exists():
        program = next(p for p in prefix.parents if (p / "bin/vgen").exists()) / "bin/vgen"
    fake_torch(tmp_path / "site/torch", "2.3.1+cu118")
    lib = tmp_path / "site/vgen/lib"
    lib.mkdir(parents=True)
    (lib / "libvgen_cli_backend.so").touch()
    code, output = run(program, "inspect", "x", env={"PATH": "/usr/bin", "VGEN_LIB_DIR": str(lib)})
    assert code != 0
    assert (
        one_line(output, "built for torch", "found torch 2.3.1+cu118", "pip install 'torch==") and len(output.splitlines()) == 1
    )
    (tmp_path / "site/torch/lib/libtorch_cpu.so").unlink()
    code, output = run(program, "inspect", "x", env={"PATH": "/usr/bin", "VGEN_LIB_DIR": str(lib)})
    assert code != 0


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2.3.1+cu118", ("vgen: needs torch", "found torch 2.3 in")),
        (None, ("vgen: no torch", "pip install --no-build-isolation .")),
    ],
)
def test_build_with_a_wrong_torch_is_told(tmp_path, version, words):
    torch = fake_torch(tmp_path / "torch", version) if version else tmp_path / "none"
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    options = [f"-DVGEN_TORCH_DIR={torch}", f"-DPython_EXECUTABLE={sys.executable}", "-DVGEN_BUILD_TESTS=OFF", "-DVGEN_CUDA=OFF"]
    code, output = run("cmake", *generator, "-S", ROOT, "-B", tmp_path / "build", *options)
    assert code != 0
    assert one_line(output, *words, "pip install 'torch==2.11.*'")
