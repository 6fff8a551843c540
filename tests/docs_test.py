"""The docs are true: generated pages are fresh, links lead somewhere, every snippet comes from code that runs."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^( *)(```+)([^\n]*)\n(.*?)^\1\2[ \t]*$", re.DOTALL | re.MULTILINE)


def load_script(name: str):
    spec = importlib.util.spec_from_file_location(f"vgen_{name}", ROOT / f"scripts/{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_generator():
    return load_script("docs")


def markdown_files() -> list[Path]:
    skipped = {".venv", "build", "dist", "runs", "out", ".git", "node_modules"}
    return sorted(p for p in ROOT.rglob("*.md") if not skipped & set(p.relative_to(ROOT).parts[:-1]))


PAGES = markdown_files()


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def fences(path: Path) -> list[tuple[str, str]]:
    """(info string, text) of every fenced block."""
    return [(m[3].strip(), m[4]) for m in FENCE.finditer(path.read_text())]


# ---- generated pages ----


GENERATED = load_generator().pages()


@pytest.mark.parametrize("path", GENERATED, ids=name)
def test_generated_page_is_fresh(path):
    assert path.exists() and path.read_text() == GENERATED[path], "run scripts/docs.py and commit what it changes"


def test_no_component_page_without_a_folder():
    by_hand = {"shapes_world.md"}
    assert {p.name for p in (ROOT / "docs/components").glob("*.md")} - by_hand == {
        p.name for p in GENERATED if p.parent.name == "components"
    }


def test_generator_reads_a_header(tmp_path):
    header = tmp_path / "x.hpp"
    header.write_text(
        """// What it is (Author 2020). Second sentence.
//
//   call(1);                       // an example
#pragma once
#include <vector>
namespace vgen::x {
struct XOptions {
  static constexpr std::string_view kind = "x";
  int steps = 1'000, order = 2;
  std::optional<double> eta = {};
  std::vector<int> times = {1, 2};
  bool operator==(const XOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &XOptions::steps, "how many"), field("order", &XOptions::order, "of it"),
                      field("eta", &XOptions::eta, "noise, "
                            "more noise"), field("times", &XOptions::times, "when")};
  }
};
namespace detail { inline int hidden() { return 1; } }
// Runs it.
inline int call(int n, const XOptions& o = {}) { if (n) { return 1; } return o.steps; }  // gives n
class Y : public Z {
 public:
  explicit Y(int n) : Z(n), n_{n} { check("{"); }
  int n() const { return n_; }

 private:
  int n_ = 0;
};
}  // namespace vgen::x
"""
    )
    docs = load_generator()
    page = docs.component_page(docs.Folder("x", [], False, "an example"), [docs.Header(header)])
    assert "| [`x.hpp`](#xhpp) | What it is |" in page
    assert "```cpp\ncall(1);                       // an example\n```" in page
    for row in ("`steps` | `1'000` | how many", "`order` | `2` | of it", "`eta` | `none` | noise, more noise"):
        assert f"| {row} |" in page
    assert "| `times` | `{1, 2}` | when |" in page
    assert "// Runs it.\nint call(int n, const XOptions& o = {});  // gives n" in page
    assert "class Y : public Z {\n  explicit Y(int n);\n  int n() const;\n};" in page
    assert "hidden" not in page and "n_" not in page


def test_lines_of_systems_are_fresh():
    assert load_script("system_lines").table() in (ROOT / "docs/guide/systems.md").read_text(), (
        "run scripts/system_lines.py --write"
    )


def test_lines_of_code_are_counted(tmp_path, monkeypatch):
    lines = load_script("system_lines")
    monkeypatch.setattr(lines, "ROOT", tmp_path)
    (tmp_path / "x.cpp").write_text(
        """// a comment
int before = 1;

class X : public Y {  // one
  // not this
  std::string brace = "}";
  int f() {
    return 1;
  }
};
int after = 1;
"""
    )
    assert lines.block("x.cpp", "^class X ") == 4 and lines.whole("x.cpp") == 6
    with pytest.raises(SystemExit, match="0 lines match"):
        lines.block("x.cpp", "^class Z ")


# ---- links ----


def anchors(path: Path) -> set[str]:
    """Anchors that GitHub gives to the headings of a page."""
    text, out = FENCE.sub("", path.read_text()), set()
    for heading in re.findall(r"^#+[ \t]+(.*?)[ \t]*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number, base = 0, slug
        while slug in out:
            number += 1
            slug = f"{base}-{number}"
        out.add(slug)
    return out


def broken_links(path: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`|<!--.*?-->", "", FENCE.sub("", path.read_text()), flags=re.DOTALL)
    out = []
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text):
        link = target[0] or target[1]
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        to = (path.parent / file).resolve() if file else path
        if not to.exists():
            out.append(f"{link}: no such file")
        elif ROOT not in [to, *to.parents]:
            out.append(f"{link}: outside the project")
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            out.append(f"{link}: no such heading")
    return out


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links(path):
    assert broken_links(path) == []


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_html(path):
    """<name> in a text vanishes where Markdown is shown."""
    text = re.sub(r"``.*?``|`[^`\n]*`|<!--.*?-->|\\<|<https?:[^>]*>", "", FENCE.sub("", path.read_text()), flags=re.DOTALL)
    assert re.findall(r"</?[A-Za-z][^>\n]*>", text) == []


def test_a_broken_link_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    page = tmp_path / "a.md"
    page.write_text(
        "# Some *Title*: x.y\n[1](b.md) [2](#some-title-xy) [3](#none) [4](../..) `[5](no.md)`\n```\n[6](no.md)\n```\n"
    )
    assert [link.split(":")[0] for link in broken_links(page)] == ["b.md", "#none", "../.."]


def test_every_page_is_reachable():
    """From README.md and docs/README.md by links alone."""
    seen, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text()):
            if not re.match(r"[a-z]+:", link):
                todo.append((page.parent / link).resolve())
    assert {name(p) for p in (ROOT / "docs").rglob("*.md")} - {name(p) for p in seen} == set()


# ---- snippets ----
#
# ```python   all blocks of a page run in order in one process, in an empty folder, with a tiny model as the shipped one
# ```sh       each block runs the same way, line after line, stopping at the first failure
# ```cpp      stands in a file of examples/cpp or tests/cpp, which the build compiles and runs
# Other fences (text, console, yaml, none) are not run.

WITH_CODE = [p for p in PAGES if (p not in GENERATED or p.name in ("architecture.md", "cli.md")) and "golden" not in name(p)]


def pages_with(language: str) -> list[Path]:
    return [p for p in WITH_CODE if any(info == language for info, _ in fences(p))]


def squeeze(text: str) -> str:
    """Code without what formatting may change: white space and comments."""
    return re.sub(r"\s+", "", re.sub(r"//[^\n]*", "", text))


@pytest.mark.parametrize("path", pages_with("cpp"), ids=name)
def test_cpp_snippets_stand_in_compiled_files(path):
    compiled = [squeeze(p.read_text()) for folder in ("examples/cpp", "tests/cpp") for p in (ROOT / folder).rglob("*.[ch]pp")]
    for info, text in fences(path):
        if info == "cpp":
            assert any(squeeze(text) in source for source in compiled), f"in no file of examples/cpp or tests/cpp:\n{text}"


@pytest.fixture
def environment(program, tiny_model) -> dict[str, str]:
    paths = [str(program.parent), str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return {**os.environ, "VGEN_MODEL": str(tiny_model), "PATH": ":".join(paths), "VGEN_LOG": "warn"}


@pytest.fixture
def folder(tmp_path) -> Path:
    """An empty folder that looks like a checkout to a snippet: it sees examples/ and tests/."""
    for shared in ("examples", "tests"):
        (tmp_path / shared).symlink_to(ROOT / shared)
    return tmp_path


def run(command: list[str], folder: Path, environment: dict[str, str]):
    result = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, f"{result.stdout[-2000:]}\n{result.stderr[-4000:]}"


@pytest.mark.long
@pytest.mark.parametrize("path", pages_with("python"), ids=name)
def test_python_snippets_run(path, folder, environment):
    code = "\n".join(text for info, text in fences(path) if info == "python")
    (folder / "snippets.py").write_text(code)
    run([sys.executable, "snippets.py"], folder, environment)


@pytest.mark.long
@pytest.mark.parametrize("path", pages_with("sh"), ids=name)
def test_shell_snippets_run(path, folder, environment):
    for info, text in fences(path):
        if info == "sh":
            run(["bash", "-euo", "pipefail", "-c", text], folder, environment)


def test_help_texts_are_fresh(program):
    path = ROOT / "docs/guide/cli.md"
    fresh = load_generator().pages(str(program))[path]
    assert path.read_text() == fresh, f"run scripts/docs.py --program {program} and commit what it changes"


# ---- ledgers: what they name exists ----


@pytest.mark.parametrize("page", ["docs/parity.md", "SECURITY.md"])
def test_a_ledger_names_what_exists(page):
    """Every file, golden case and test."""
    sources = re.sub(r"\s+", " ", " ".join(p.read_text() for p in (ROOT / "tests/cpp").rglob("*_test.cpp")))
    tests = {f"{suite}.{test}" for suite, test in re.findall(r"TEST(?:_F|_P)?\((\w+), (\w+)\)", sources)}
    seen = {"files": 0, "tests": 0}
    for quoted in re.findall(r"`([^`\n]+)`", (ROOT / page).read_text()):
        if re.fullmatch(r"[A-Z]\w+\.[A-Z]\w+", quoted):
            seen["tests"] += 1
            assert quoted in tests
        elif re.fullmatch(r"(vgen|tests)/[\w/.]+", quoted):
            seen["files"] += 1
            assert (ROOT / quoted).exists(), quoted
        elif re.fullmatch(r"(diffusion|unets|vae|clip|pipelines|training)/\w+", quoted):
            assert (ROOT / f"tests/golden/{quoted}.json").exists(), quoted
    assert min(seen.values()) >= 10, seen


def test_every_kind_of_golden_is_in_the_ledger():
    """A golden whose kind nobody mentions is a quirk nobody looked at."""
    text = (ROOT / "docs/parity.md").read_text()
    kinds = {re.match(r"[a-z]+", p.stem)[0] for p in (ROOT / "tests/golden/diffusion").glob("*.json")}
    missing = {kind for kind in kinds if f"`diffusion/{kind}" not in text}
    assert missing == set()
