"""Type stubs of the compiled module: python scripts/stubs.py writes python/vgen/_core/*.pyi; --check only compares (exit 1).

They are generated with the pybind11-stubgen of scripts/requirements.txt and committed, so that editors and mypy know the module without
building it. Run it after a change of bindings/ or of a header that they bind.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUBS = ROOT / "python" / "vgen" / "_core"


def generate() -> dict[str, str]:
    """File name -> text of every stub."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pybind11_stubgen", "vgen._core", "--output-dir", folder, "--exit-code"]
        search = os.pathsep.join(filter(None, [str(ROOT / "python"), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=os.environ | {"PYTHONPATH": search})
        if done.returncode:
            raise SystemExit(f"pybind11-stubgen failed:\n{done.stdout}{done.stderr}")
        made = Path(folder) / "vgen" / "_core"
        return {path.name: with_errors(tidy(path.read_text())) for path in sorted(made.glob("*.pyi"))}


def tidy(text: str) -> str:
    """Without what differs between machines and builds."""
    text = re.sub(r"__version__: str = '.*'", "__version__: str", text)
    # the module's own way to help() and to refuse assignments: a checker knows both better from what else is there
    text = re.sub(r"    __signature__: .*\n", "", text).replace("import inspect\n", "")
    text = re.sub(r"    def __setattr__\(.*\n        \.\.\.\n", "", text)
    text = re.sub(r'    @staticmethod\n    def __replace__\(.*\n        """\n(?:.*\n)*?        """\n', "", text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def with_errors(text: str) -> str:
    """The exceptions as classes. They say that vgen is their module, which takes them from here: to a checker they would be anything."""
    names = re.findall(r"^from vgen import (\w+)\n", text, re.MULTILINE)
    if not names:
        return text
    sys.path.insert(0, str(ROOT / "python"))
    import vgen

    def written(error: type) -> str:
        bases = ", ".join(base.__name__ for base in error.__bases__)
        return f'class {error.__name__}({bases}):\n    """\n    {error.__doc__}\n    """\n'

    errors = sorted((getattr(vgen, name) for name in names), key=lambda error: len(error.__mro__))
    text = re.sub(r"^from vgen import \w+\n", "", text, flags=re.MULTILINE)
    return text + "".join(map(written, errors))


def without_docstrings(text: str) -> str:
    """Comments of headers may change without a new stub."""
    return re.sub(r'\s*"""(?:.|\n)*?"""', "", text)


def main() -> int:
    made = generate()
    there = {path.name: path.read_text() for path in STUBS.glob("*.pyi")}
    if "--check" in sys.argv[1:]:
        wrong = [
            name
            for name in sorted(made.keys() | there.keys())
            if without_docstrings(made.get(name, "")) != without_docstrings(there.get(name, ""))
        ]
        if wrong:
            print(f"stubs are not those of the module: {', '.join(wrong)}; run python scripts/stubs.py")
        return 1 if wrong else 0
    STUBS.mkdir(exist_ok=True)
    for name in there.keys() - made.keys():
        (STUBS / name).unlink()
    for name, text in made.items():
        (STUBS / name).write_text(text)
    print(f"{len(made)} stubs in {STUBS.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
