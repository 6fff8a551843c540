#!/usr/bin/env python3
"""Writes the generated parts of docs/: component pages from header comments, the dependency graph, the help texts.

    scripts/docs.py                     # everything that needs no build
    scripts/docs.py --program vgen      # the help texts of docs/guide/cli.md too

tests/docs_test.py fails when a page is not what this script makes of the sources.
"""

import argparse
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VGEN = ROOT / "vgen"
PAGES = ROOT / "docs/components"
# Folders whose headers are nobody's interface: no page.
INTERNAL_FOLDERS = {"cli", "cuda"}


# ---- layers.txt ----


@dataclass
class Folder:
    name: str
    uses: list[str]
    torch: bool
    summary: str  # the comment at the end of its line


def read_folders() -> list[Folder]:
    """The lines of vgen/cmake/layers.txt, in their order."""
    out = []
    for line in (VGEN / "cmake/layers.txt").read_text().splitlines():
        code, _, comment = line.partition("#")
        if code.strip():
            name, _, uses = code.partition(":")
            out.append(Folder(name.strip().rstrip("*"), uses.split(), name.strip().endswith("*"), comment.strip()))
    return out


def graph(folders: list[Folder]) -> str:
    lines = ["```mermaid", "graph LR"]
    for f in folders:
        lines.append(f"  {f.name}({f.name})" if f.torch else f"  {f.name}[{f.name}]")
    for f in folders:
        lines += [f"  {f.name} --> {used}" for used in f.uses]
    return "\n".join([*lines, "```"])


def folder_table(folders: list[Folder]) -> str:
    lines = ["| folder | what it is | uses | torch |", "|---|---|---|---|"]
    for f in folders:
        name = f"`{f.name}`" if f.name in INTERNAL_FOLDERS else f"[`{f.name}`](components/{f.name}.md)"
        lines.append(f"| {name} | {f.summary} | {', '.join(f.uses)} | {'yes' if f.torch else ''} |")
    return "\n".join(lines)


# ---- reading a header ----

SKIPPED = [  # members that every options struct has, and what C++ needs but nobody calls
    re.compile(r"^(constexpr|inline|static|VGEN_API|\s)*auto\s+(enum_names|fields)\s*\("),
    re.compile(r"^static constexpr std::string_view kind\b"),
    re.compile(r"\boperator==\("),
    re.compile(r"^(explicit\s+)?~?\w+\([^)]*\)\s*(noexcept)?\s*=\s*(delete|default)$"),
    re.compile(r"operator=\("),
    re.compile(r"^~\w+\(\)"),
    re.compile(r"^friend\b"),
    re.compile(r"^static_assert\b"),
    re.compile(r"^using [\w:]+$"),
]


@dataclass
class Item:
    """A declaration, or a class with its members, with the comment above it and the one at its end."""

    text: str
    above: list[str]
    after: str = ""
    members: "list[Item] | None" = None
    body: str = ""  # of a class: its source


def without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


class Header:
    """The public declarations of one header: no bodies, no private members, no `detail` namespaces."""

    def __init__(self, path: Path):
        self.path = path
        text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*\n", "\n", path.read_text(), flags=re.MULTILINE)  # preprocessor
        text = re.sub(r"^VGEN_DEFINE_ERROR\((\w+), (\w+), [\w:]+\)", r"class \1 : public \2 {};", text, flags=re.MULTILINE)
        lead = re.match(r"(?:[ \t]*//[^\n]*\n)+", text)
        self.lead = [line.strip()[2:].removeprefix(" ") for line in lead[0].splitlines()] if lead else []
        self.text = text[lead.end() :] if lead else text
        self.at = 0
        self.items = self.scope(public=True)

    @property
    def internal(self) -> bool:
        """Whether the header says that it is not for users."""
        return bool(re.search(r"\b[Ii]nternal( to|\.|$)|^Umbrella|included by .* only", " ".join(self.lead)))

    def matching(self, at: int) -> int:
        """Position after the brace that closes the one at `at`."""
        depth = 0
        for m in re.compile(r"//[^\n]*|\"(?:\\.|[^\"\\])*\"|(?<!\d)'(?:\\.|[^'\\])+'|[{}]").finditer(self.text, at):
            if m[0] in "{}":
                depth += 1 if m[0] == "{" else -1
                if depth == 0:
                    return m.end()
        raise ValueError(f"{self.path}: unbalanced braces")

    def scope(self, public: bool) -> list[Item]:
        """Declarations up to the brace that closes this scope."""
        items, head, comment, parens = [], "", [], 0
        text = self.text

        def close_statement(end: str):
            nonlocal head, comment
            after = re.compile(r"[ \t]*//[ \t]?([^\n]*)").match(text, self.at)
            trailing = ""
            if after:
                trailing, self.at = after[1], after.end()
                while more := re.compile(r"\n[ \t]{12,}//[ \t]*([^\n]*)").match(text, self.at):
                    trailing, self.at = f"{trailing} {more[1]}", more.end()
            plain = re.sub(r"\s+", " ", without_comments(head)).strip()
            known = any(item.text == dedent(head).strip() + end for item in items)  # declared, then defined
            if public and plain and not known and not any(s.search(plain) for s in SKIPPED):
                items.append(Item(dedent(head).strip() + end, comment, trailing))
            head, comment = "", []

        while self.at < len(text):
            c = text[self.at]
            if text.startswith("//", self.at):
                end = text.find("\n", self.at)
                line = text[self.at + 2 : end]
                if head.strip():
                    head += f"//{line}"
                elif not re.match(r" -{2,} ", line):  # "---- writing ----"
                    comment.append(line.removeprefix(" "))
                self.at = end
                continue
            if c == "\n" and not head.strip() and text.startswith("\n", self.at + 1):
                comment = []  # a blank line ends what a comment belongs to
            access = re.compile(r"(public|private|protected):").match(text, self.at)
            if access and not head.strip():
                public, self.at, comment = access[1] != "private", access.end(), []
                continue
            literal = re.compile(r"\"(?:\\.|[^\"\\])*\"|(?<!\d)'(?:\\.|[^'\\])+'").match(text, self.at)
            if literal:
                head, self.at = head + literal[0], literal.end()
                continue
            self.at += 1
            if c in "()":
                parens += 1 if c == "(" else -1
            if c == "}" and parens == 0:
                return items
            if c == ";" and parens == 0:
                close_statement(";")
            elif c == "{" and parens == 0:
                plain = re.sub(r"\s+", " ", without_comments(head)).strip()
                start = self.at - 1
                if re.match(r'namespace\b|extern "C"', plain):
                    inner = self.scope(public=True)
                    if not re.search(r"\b(detail|generic|avx2|avx512)$|^namespace$", plain):
                        items += inner
                    head, comment = "", []
                elif re.match(r"(template ?<.*> ?)?(class|struct)\b[^()=]*$", plain):
                    members = self.scope(public="class" not in plain.split("<")[0].split())
                    body = text[start : self.at]
                    self.at += text.startswith(";", self.at)
                    kept = len(items)
                    close_statement("")
                    if len(items) > kept:
                        items[-1].members, items[-1].body = members, body
                elif re.search(r"\)\s*:[^:].*\w$", plain) and text[start - 1] not in " \n":
                    self.at = self.matching(start)  # a member's initialiser in braces
                    head += text[start : self.at]
                elif ")" in plain and not re.search(r"(^|[^=!<>])=[^=]", re.sub(r"^template <[^>]*>|\(.*\)", "", plain)):
                    self.at = self.matching(start)  # a function's body
                    head = re.sub(r"\)\s*:[^:].*$", ")", head, flags=re.DOTALL)  # member initialisers
                    close_statement(";")
                else:  # an initialiser or an enumeration
                    self.at = self.matching(start)
                    head += text[start : self.at]
            else:
                head += c
        return items


def dedent(text: str) -> str:
    """Continuation lines keep their indentation relative to the least indented of them."""
    first, *rest = text.strip().split("\n")
    indents = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
    cut = max(min(indents, default=0) - 4, 0)
    return "\n".join([first, *(line[cut:] for line in rest)])


# ---- options ----


@dataclass
class Options:
    name: str
    kind: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)  # name, default, help


def default_of(declarations: list[Item], name: str) -> str:
    for d in declarations:
        code = without_comments(d.text).strip().rstrip(";")
        split = re.match(r"(?:static |constexpr )*((?:[\w:]+(?:<.*?>+)?))[\s&*]+(.*)$", code, re.DOTALL)
        if not split or "(" in code.split("=")[0].split("{")[0]:
            continue
        kind, names = split[1], split[2]
        for piece in re.split(r",(?![^{<]*[}>])", names):
            found = re.match(rf"\s*{name}\s*(?:=\s*(.*)|(\{{.*\}}))?$", piece, re.DOTALL)
            if found:
                value = re.sub(r"\s+", " ", found[1] or found[2] or "").strip()
                if kind.startswith("std::optional") and value in ("", "{}"):
                    return "none"
                if kind.startswith("std::vector") and value in ("", "{}"):
                    return "[]"
                if kind == "std::string" and value in ("", "{}"):
                    return '""'
                if kind.startswith("std::map") and value in ("", "{}"):
                    return "{}"
                if re.fullmatch(r"[\w:]+::[a-z]\w*", value):
                    return value.split("::")[-1]  # an enumerator is spelled as in a configuration
                return value.replace("std::int64_t(2) << 30", "2147483648") if value not in ("", "{}") else kind
    return ""


def options_of(item: Item) -> Options | None:
    """Names, defaults and help texts of a struct that lists its fields()."""
    if not item.members or not re.search(r"constexpr auto fields\(\)", item.body):
        return None
    name = re.search(r"struct\s+(?:VGEN_API\s+)?(\w+)", item.text)[1]
    kind = re.search(r'kind = "([^"]*)"', item.body)
    out = Options(name, kind[1] if kind else "")
    for found in re.finditer(r'field\(\s*"(\w+)",\s*&\w+::\w+,\s*((?:"(?:\\.|[^"\\])*"\s*)+)\)', item.body):
        text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', found[2]))
        out.rows.append((found[1], default_of(item.members, found[1]), text))
    return out


# ---- writing a page ----


def prose(lines: list[str]) -> str:
    """A header's first comment as Markdown: indented lines become code, paths of docs become links."""
    out, code = [], []

    def flush():
        if code:
            cut = min(len(line) - len(line.lstrip()) for line in code if line.strip())
            language = "cpp" if any(re.search(r"[;{]\s*(//.*)?$|#include", line) for line in code) else "text"
            out.extend(["", f"```{language}", *(line[cut:] for line in code), "```", ""])
            code.clear()

    for line in lines:
        if line.startswith("  "):
            code.append(line.rstrip())
        else:
            flush()
            out.append(plain(line.rstrip()))
    flush()
    text = "\n".join(out).strip()
    text = re.sub(r"\bdocs/components/(\w+\.md)", r"[\1](\1)", text)
    text = re.sub(r"\bdocs/(\S+?\.md)", r"[\1](../\1)", text)
    text = re.sub(r"\b(tests/golden/README\.md)", r"[\1](../../\1)", text)
    return re.sub(r"\n{3,}", "\n\n", text)


def plain(text: str) -> str:
    """<name> outside of `code` would be taken for HTML, and not be shown."""
    return re.sub(r"(`[^`]*`)|<(?=\w)", lambda m: m[1] or "\\<", text)


def escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def render(items: list[Item], tables: list[Options], indent: str = "") -> list[str]:
    out: list[str] = []
    for item in items:
        lines: list[str] = []
        if item.members is None:
            text = re.sub(r"^inline |VGEN_API ", "", item.text, flags=re.MULTILINE)
            joined = re.sub(r"\s*\n\s*", " ", text).replace("( ", "(")
            if len(indent + joined) <= 120 and "//" not in text and not text.startswith(("template", "enum")):
                text = joined
            lines = [indent + line for line in text.split("\n")]
            if item.after:
                lines[-1] += f"  // {item.after}"
        else:
            options = options_of(item)
            members = item.members
            if options:
                tables.append(options)
                fields = {row[0] for row in options.rows}
                members = [m for m in members if "(" in m.text.split("=")[0] or not declares_only(m, fields)]
                if not members:
                    continue
            inner = render(members, tables, indent + "  ")
            head = re.sub(r"\s+", " ", item.text.replace("VGEN_API ", ""))
            after = f"  // {item.after}" if item.after else ""
            lines = [f"{indent}{head} {{", *inner, f"{indent}}};{after}"] if inner else [f"{indent}{head};{after}"]
        if out and not indent and (item.above or len(lines) > 2 or out[-1] == "};"):
            out.append("")
        out += [f"{indent}// {line}".rstrip() for line in item.above]
        out += lines
    return out


def declares_only(item: Item, names: set[str]) -> bool:
    code = without_comments(item.text)
    return any(re.search(rf"\b{name}\b", code) for name in names)


def first_sentence(lines: list[str]) -> str:
    text = " ".join(line for line in lines if not line.startswith("  ")).split("  ")[0]
    text = re.sub(r"\s*\([^()]*\b(?:et al|\d{4})\b[^()]*\)", "", text)  # citations stand on the page
    return re.split(r"(?<!al)(?<!eq)\.(?=\s+[A-Z0-9`(])", text)[0].rstrip(".: ")


def link(folder: str) -> str:
    return f"`{folder}`" if folder in INTERNAL_FOLDERS else f"[{folder}]({folder}.md)"


def component_page(folder: Folder, headers: list[Header]) -> str:
    name = folder.name
    namespace = "vgen" if name in ("core", "tensor") else f"vgen::{name}"
    out = [
        f"# {name}",
        "",
        f"<!-- Made by scripts/docs.py from vgen/{name}/*.hpp. Edit the comments there, then run the script. -->",
        "",
        f"{folder.summary[:1].upper()}{folder.summary[1:]}.",
        "",
        f"Namespace `{namespace}`. Uses "
        + (", ".join(map(link, folder.uses)) if folder.uses else "nothing else of vgen")
        + ("." if folder.torch else "; free of torch.")
        + " [Architecture](../architecture.md)",
        "",
        "| header | |",
        "|---|---|",
    ]
    for h in headers:
        anchor = re.sub(r"[^\w-]", "", h.path.name)
        out.append(f"| [`{h.path.name}`](#{anchor}) | {escape(plain(first_sentence(h.lead)))} |")
    for h in headers:
        tables: list[Options] = []
        code = render(h.items, tables)
        out += ["", f"## {h.path.name}", "", prose(h.lead)]
        for t in tables:
            if t.rows:
                kind = f", in a configuration `{t.kind}`" if t.kind else ""
                out += ["", f"**`{t.name}`**{kind}", "", "| option | default | meaning |", "|---|---|---|"]
                out += [f"| `{n}` | {f'`{escape(d)}`' if d else ''} | {escape(plain(text))} |" for n, d, text in t.rows]
        if code:
            out += ["", "```cpp", f'#include "vgen/{name}/{h.path.name}"', "", *code, "```"]
    return "\n".join(out) + "\n"


# ---- keys of VGen's configurations ----


def key_tables() -> str:
    """Tables of vgen/reference_config/keys.hpp: what each key became, and where it never had an effect."""
    text = re.sub(r'"\s*\n\s*"', "", (VGEN / "reference_config/keys.hpp").read_text())
    named = dict(re.findall(r'(k\w+) = "([^"]*)"', text))
    letters: dict[str, list[str]] = {}
    for task, letter in re.findall(r'Task\{(?:\.type = )?"(\w+)",\s*(?:\.letter = )?"(\w)"', text):
        short = re.sub(r"^inference_|_entrance$", "", task)
        letters.setdefault(letter, []).append(short)
    classes: dict[str, list[str]] = {}
    for name, letter in re.findall(r'UnetClass\{"UNetSD_(\w+)", "(\w)"\}', text):
        classes.setdefault(letter, []).append(name)
    diffusions = {"d": ["DiffusionDDIM"], "r": ["DiffusionDDIMReward"], "s": ["DiffusionDDIMSR"]}
    everywhere, training = set(named["kAll"]), set(named["kTraining"])

    def readers(given: str, names: dict[str, list[str]]) -> str:
        given = given.strip('"')
        read = set(named.get(given, given))
        if given == "*" or read == set(names):
            return "all"
        out = []
        if names is letters:
            for group, label in ((everywhere - training, "all inference"), (training, "all training")):
                if group <= read:
                    out.append(label)
                    read -= group
        return ", ".join(out + [name for letter, each in names.items() if letter in read for name in each])

    def table(block: str, names: dict[str, list[str]], prefix: str = "") -> list[str]:
        rows = []
        for key, who, became, idle in re.findall(
            r'\{"(\w+)",\s*"[\w?*]+",\s*("[^"]*"|k\w+),\s*("[^"]*"|\w+)(?:,\s*"([^"]*)")?\}', block
        ):
            by = readers(who, names)
            why = "" if by == "all" else idle or "nothing reads it"
            rows.append(f"| `{prefix}{key}` | {by} | {escape(became.strip(chr(34)))} | {escape(why)} |")
        return rows

    def part(begin: str, end: str) -> str:
        return text[text.index(begin) : text.index(end, text.index(begin))]

    head = ["| key | read by | what it became | elsewhere: no effect, because |", "|---|---|---|---|"]
    out = ["Top level; `read by` names entry points (`TASK_TYPE` without `inference_` and `_entrance`).", "", *head]
    out += table(part("top_keys()", "Keys inside blocks"), letters)
    out += ["", "`UNet`; `read by` names classes (without `UNetSD_`).", "", *head]
    out += table(part("unet_keys()", "struct UnetClass"), classes, "UNet.")
    out += ["", "`Diffusion`.", "", *head]
    out += table(part("diffusion_keys()", "struct Block"), diffusions, "Diffusion.")
    return "\n".join(out)


# ---- all pages ----


def fill(text: str, name: str, content: str) -> str:
    """Replaces what stands between the markers `name` in a page."""
    begin, end = f"<!-- generated: {name} -->", "<!-- end -->"
    pattern = re.compile(re.escape(begin) + r"\n.*?" + re.escape(end), re.DOTALL)
    assert pattern.search(text), f"no marker {begin}"
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def pages(program: str = "") -> dict[Path, str]:
    """Every generated page and its text."""
    folders = read_folders()
    out = {}
    for f in folders:
        headers = [Header(p) for p in sorted((VGEN / f.name).glob("*.hpp"))]
        headers = [h for h in headers if not h.internal]
        if f.name not in INTERNAL_FOLDERS:
            out[PAGES / f"{f.name}.md"] = component_page(f, headers)
    architecture = ROOT / "docs/architecture.md"
    text = fill(architecture.read_text(), "graph", graph(folders))
    out[architecture] = fill(text, "folders", folder_table(folders))
    from_vgen = ROOT / "docs/guide/from-vgen.md"
    out[from_vgen] = fill(from_vgen.read_text(), "keys", key_tables())
    if program:
        cli = ROOT / "docs/guide/cli.md"
        text = cli.read_text()
        for command in re.findall(r"<!-- generated: (vgen [\w ]*--help) -->", text):
            words = command.split()[1:]
            run = subprocess.run([program, *words], capture_output=True, text=True, check=True)
            text = fill(text, command, f"```text\n{run.stdout.rstrip()}\n```")
        out[cli] = text
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="", help="the vgen program whose help texts go into docs/guide/cli.md")
    for path, text in pages(parser.parse_args().program).items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
