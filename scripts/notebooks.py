#!/usr/bin/env python3
"""Runs the notebooks, keeps the outputs in them, and the pictures that pages of the documentation show: docs/images/NAME.png or .svg of each cell
whose metadata say "picture": "NAME".

scripts/notebooks.py [NOTEBOOK]...      all of examples/notebooks by default

A notebook's metadata "executed" tell which code the outputs are of; tests/examples_test.py compares.
"""

import base64
import hashlib
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def digest(cells: list[dict]) -> str:
    """Of the code, as nbformat or json give the cells."""
    code = "\0".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def execute(path: Path) -> dict[str, bytes]:
    """Runs the notebook and writes it back; gives the pictures by file name."""
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", record_timing=False, resources={"metadata": {"path": folder}}
        )
        client.execute()
    notebook.metadata["executed"] = digest(notebook.cells)
    pictures = {}
    for cell in notebook.cells:
        if "outputs" in cell:  # the last lines of progress say nothing to a reader
            cell.outputs = [o for o in cell.outputs if not o.get("data", {}).get("text/plain", "").startswith("decode ")]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                data.pop("text/html", None)  # a video, of which GitHub shows nothing: the sheet of its frames stays
            if name := cell.metadata.get("picture"):
                if "image/svg+xml" in data:
                    pictures[f"{name}.svg"] = data["image/svg+xml"].encode()
                elif "image/png" in data:
                    pictures[f"{name}.png"] = base64.b64decode(data["image/png"])
    nbformat.write(notebook, path)
    return pictures


def main() -> None:
    paths = [Path(p) for p in sys.argv[1:]] or sorted((ROOT / "examples/notebooks").glob("*.ipynb"))
    for path in paths:
        for name, data in execute(path).items():
            (ROOT / "docs/images" / name).write_bytes(data)
            print(f"{path.name}: docs/images/{name}")


if __name__ == "__main__":
    main()
