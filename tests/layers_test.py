"""The dependency picture is true: #includes, vgen/cmake/layers.txt and vgen/CMakeLists.txt agree, and headers stay light."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
VGEN = ROOT / "vgen"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.MULTILINE)
TORCH = re.compile(r"^(ATen|c10|torch|caffe2)/")
SOURCES = {".hpp", ".cpp", ".inc", ".cu", ".cuh"}
# Files of cli/ that make the program itself: they must not see torch.
TORCH_FREE_CLI = {
    "main.cpp",
    "arguments.hpp",
    "arguments.cpp",
    "commands.cpp",
    "console.hpp",
    "console.cpp",
    "system.hpp",
    "system.cpp",
}


def read_layers(text: str) -> tuple[dict[str, set[str]], set[str]]:
    """Direct dependencies of each folder, and the folders that may see torch."""
    allowed, with_torch = {}, set()
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        name, _, rest = line.partition(":")
        if name.endswith("*"):
            name = name[:-1]
            with_torch.add(name)
        allowed[name] = set(rest.split())
    return allowed, with_torch


def closure(allowed: dict[str, set[str]], name: str) -> set[str]:
    """Everything that `name` may use: fails on a cycle or an unknown folder."""
    seen, todo = set(), [*allowed[name]]
    while todo:
        each = todo.pop()
        assert each in allowed, f"layers.txt: {name} leads to {each}, which has no line of its own"
        assert each != name, f"layers.txt: {name} depends on itself"
        if each not in seen:
            seen.add(each)
            todo += allowed[each]
    return seen


ALLOWED, WITH_TORCH = read_layers((VGEN / "cmake/layers.txt").read_text())
FILES = sorted(p for p in VGEN.rglob("*") if p.suffix in SOURCES and p.parent != VGEN)


def folder_of(path: Path) -> str:
    return path.relative_to(VGEN).parts[0]


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text())


def problems(path: Path, text: str) -> list[str]:
    """What is wrong with the includes of one source, in words."""
    folder, out = folder_of(path), []
    if folder not in ALLOWED:
        return [f"folder {folder} is not in layers.txt"]
    may_use = closure(ALLOWED, folder) | {folder}
    torch_free = folder not in WITH_TORCH or (folder == "cli" and path.name in TORCH_FREE_CLI)
    header = path.suffix in {".hpp", ".cuh"}
    for include in INCLUDE.findall(text):
        if include == "vgen/vgen.hpp":
            out.append("vgen/vgen.hpp is for users; nothing inside vgen/ includes it")
        elif include.startswith("vgen/"):
            parts = include.split("/")
            if len(parts) > 2 and parts[1] not in may_use:
                out.append(f"{include}: {folder} may use only {', '.join(sorted(may_use))}")
        elif torch_free and TORCH.match(include):
            out.append(f"{include}: {folder} is torch-free")
        elif re.match(r"torch/(torch|extension|nn)\b|torch/nn/|ATen/ATen\.h$", include):
            out.append(f"{include}: costs 10 s a file; take narrow headers")
        elif include.startswith("spdlog/") and (folder, path.name) != ("core", "log.cpp"):
            out.append(f"{include}: spdlog lives in core/log.cpp")
        elif re.match(r"lib(av|sw)\w+/", include) and folder != "video":
            out.append(f"{include}: FFmpeg lives in video/")
        elif header and re.match(r"nlohmann/|spdlog/|Eigen/", include):
            out.append(f"{include}: not in headers; a consumer of the wheel does not have it")
        elif header and re.match(r"xtensor/", include) and path.name != "xtensor.hpp":
            out.append(f"{include}: only in headers named xtensor.hpp, which a consumer includes at will")
    return out


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(VGEN)))
def test_includes(path):
    assert problems(path, path.read_text()) == []


def test_every_folder_with_sources_has_a_layer():
    assert {folder_of(p) for p in FILES} <= set(ALLOWED)


def test_layers_agree_with_cmake():
    found = {}
    for name, rest in re.findall(r"^vgen_folder\((\w+)([^)]*)\)", (VGEN / "CMakeLists.txt").read_text(), re.MULTILINE):
        arguments, key = {"DEPENDS": set(), "LINK": set(), "EXCLUDE": set(), "TORCH": set()}, ""
        words = rest.split()
        for word in words:
            if word in arguments:
                key = word
            else:
                arguments[key].add(word)
        found[name] = (arguments["DEPENDS"], "TORCH" in words)
    assert found == {name: (ALLOWED[name], name in WITH_TORCH) for name in ALLOWED if name != "cli"}


def test_torch_free_folders_use_torch_free_folders_only():
    for name in ALLOWED.keys() - WITH_TORCH:
        assert not closure(ALLOWED, name) & WITH_TORCH, name


@pytest.mark.parametrize(
    ("place", "line", "word"),
    [
        ("samplers/x.cpp", '#include "vgen/unet/unet.hpp"', "may use only"),
        ("schedulers/x.hpp", "#include <ATen/core/Tensor.h>", "torch-free"),
        ("cli/main.cpp", "#include <ATen/Parallel.h>", "torch-free"),
        ("nn/x.cpp", "#include <torch/torch.h>", "narrow"),
        ("nn/x.hpp", "#include <spdlog/spdlog.h>", "core/log.cpp"),
        ("formats/x.hpp", "#include <nlohmann/json.hpp>", "not in headers"),
        ("unknown/x.hpp", "", "not in layers.txt"),
        ("core/x.hpp", '#include "vgen/vgen.hpp"', "for users"),
        ("cuda/x.cu", "#include <c10/cuda/CUDAStream.h>", "torch-free"),
    ],
)
def test_the_check_itself_finds(place, line, word):
    assert [p for p in problems(VGEN / place, line + "\n") if word in p]


def test_a_cycle_is_found():
    with pytest.raises(AssertionError, match="depends on itself"):
        closure({"a": {"b"}, "b": {"a"}}, "a")
