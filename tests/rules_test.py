"""Rules of SECURITY.md that can be read off the sources."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    p
    for folder in ("vgen", "bindings", "python")
    for p in (ROOT / folder).rglob("*")
    if p.suffix in {".hpp", ".cpp", ".cu", ".py"}
)

RULES = {
    # rule: (what must not stand in a source, where it may)
    "S5, no unpickling by others": (r"torch::load\(|pickle_load\(|jit::load\(|\btorch\.load\(|\bpickle\.load", {}),
    "S7, no shell": (r"\bsystem\((?!\))|\bpopen\(|os\.system|shell=True", {}),
    "S7, one place that starts programs": (
        r"\bposix_spawnp?\(|\bexecv\w*\(|\bexecl\w*\(|subprocess",
        {"vgen/video/ffmpeg_program.cpp"},
    ),
    "S9, files are opened for writing in one place": (
        r"\bofstream\b|\bfopen\(|O_WRONLY|O_CREAT|O_RDWR|\bmkstemp",
        # FFmpeg is given the temporary of an AtomicFile; the log of a training run is appended to; a lock holds no data.
        {"vgen/core/atomic_file.cpp", "vgen/core/folder_lock.cpp", "vgen/video/writer.cpp", "vgen/train/events.cpp"},
    ),
    "no network": (r"\bsocket\(|\bgetaddrinfo\(|urllib|requests\.|http\.client", {}),
}


def offenders(pattern: str, allowed: set[str]) -> list[str]:
    """file:line of every match outside comments and texts."""
    out = []
    for path in SOURCES:
        where = str(path.relative_to(ROOT))
        if where in allowed:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            code = re.sub(r"\"(?:\\\\.|[^\"\\\\])*\"|(//|#(?!include)).*$", "", line)
            if re.search(pattern, code):
                out.append(f"{where}:{number}: {line.strip()}")
    return out


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule):
    assert offenders(*RULES[rule]) == []


def test_the_rules_find_what_they_are_for():
    for rule, example in {
        "S7, no shell": 'std::system("ls");',
        "S9, files are opened for writing in one place": "std::ofstream out(path);",
        "S5, no unpickling by others": "torch::load(module, path);",
    }.items():
        assert re.search(RULES[rule][0], example)


def test_exceptions_are_needed():
    for pattern, allowed in RULES.values():
        for where in allowed:
            assert re.search(pattern, (ROOT / where).read_text()), f"{where} needs no exception"
