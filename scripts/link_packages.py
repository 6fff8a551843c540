"""Hard-links installed packages, with all they require, into another environment of the same Python: a clean one in a second.

usage: link_packages.py ENVIRONMENT PACKAGE...
"""

import os
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def closure(names: list[str]) -> dict[str, object]:
    """Distributions by name: those asked for and what they require."""
    found, todo = {}, list(names)
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # its marker is for another system
            continue
        for requirement in found[name].requires or []:
            text, _, marker = requirement.partition(";")
            if "extra" not in marker or name == "cuda-toolkit":  # the parts of cuda-toolkit[cublas,...] are its extras
                todo.append(re.match(r"[\w.-]+", text.strip()).group())
    return found


def main(environment: str, *names: str) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = Path(environment) / "lib" / version / "site-packages"
    count = 0
    for each in closure(list(names)).values():
        for file in each.files or []:
            source = Path(each.locate_file(file)).resolve()
            if ".." in file.parts or not source.is_file() or source.suffix == ".pyc":
                continue
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, target)
            except FileExistsError:
                continue
            count += 1
    print(f"{count} files of {', '.join(names)} linked into {site}")


if __name__ == "__main__":
    main(*sys.argv[1:])
