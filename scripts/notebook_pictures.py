#!/usr/bin/env python3
"""Runs the notebooks and keeps the pictures that pages of the documentation show: docs/images/NAME.png or .svg of each cell whose metadata say
"picture": "NAME".

scripts/notebook_pictures.py [NOTEBOOK]...      all of examples/notebooks by default
"""

import base64
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

ROOT = Path(__file__).resolve().parents[1]


def pictures(path: Path) -> dict[str, bytes]:
    notebook = nbformat.read(path, as_version=4)
    if not any("picture" in cell.metadata for cell in notebook.cells):
        return {}
    with tempfile.TemporaryDirectory() as folder:
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    out = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if name := cell.metadata.get("picture"):
                if "image/svg+xml" in data:
                    out[f"{name}.svg"] = data["image/svg+xml"].encode()
                elif "image/png" in data:
                    out[f"{name}.png"] = base64.b64decode(data["image/png"])
    return out


def main() -> None:
    paths = [Path(p) for p in sys.argv[1:]] or sorted((ROOT / "examples/notebooks").glob("*.ipynb"))
    for path in paths:
        for name, data in pictures(path).items():
            (ROOT / "docs/images" / name).write_bytes(data)
            print(f"{path.name}: docs/images/{name}")


if __name__ == "__main__":
    main()
