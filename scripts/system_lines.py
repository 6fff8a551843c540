#!/usr/bin/env python3
"""Counts the lines of code that each system of the family has for itself, as a Markdown table.

scripts/system_lines.py              print it
scripts/system_lines.py --write      and put it into docs/guide/systems.md

A line counts if it holds code: blank lines, comments and lines of closing brackets alone do not. What a system has for itself is found by
name, below: its preset, its row in the table of systems, its flow, and features of the network that no other system has. A feature or flow of
several systems is counted once, as shared. The trunk, samplers, encoders, adapters and everything else that would be there with one system
only is not counted.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PRESETS, OPTIONS, FEATURES, KEYS, UNET = (
    f"vgen/unet/{n}" for n in ("presets.hpp", "options.hpp", "features.cpp", "reference_keys.cpp", "unet.cpp")
)
SYSTEM = "vgen/pipelines/system.cpp"


def code(text: str) -> str:
    """The text without comments and the content of literals; lines stay where they are."""
    return re.sub(r'//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda m: "" if m[0].startswith("//") else '""', text)


def counts(line: str) -> bool:
    return bool(re.sub(r"[\s{}();,]", "", line))


def block(file: str, start: str) -> int:
    """Lines from the one that matches `start` to the end of its braces."""
    lines = code((ROOT / file).read_text()).splitlines()
    original = (ROOT / file).read_text().splitlines()
    first = [i for i, line in enumerate(original) if re.search(start, line)]
    if len(first) != 1:
        raise SystemExit(f"{file}: {len(first)} lines match {start!r}, expected one; mend the lists of {sys.argv[0]}")
    depth, n = 0, 0
    for line in lines[first[0] :]:
        n += counts(line)
        depth += line.count("{") - line.count("}")
        if depth == 0 and re.search(r"[};]", line):
            return n
    raise SystemExit(f"{file}: no end of {start!r}")


def whole(file: str) -> int:
    return sum(counts(line) for line in code((ROOT / file).read_text()).splitlines())


def matching(file: str, pattern: str) -> int:
    """Lines with a word that exists for one feature only."""
    found = sum(counts(line) for line in code_with_literals(file) if re.search(pattern, line))
    if not found:
        raise SystemExit(f"{file}: nothing matches {pattern!r}")
    return found


def code_with_literals(file: str) -> list[str]:
    return re.sub(r"//[^\n]*", "", (ROOT / file).read_text()).splitlines()


def preset(name: str) -> int:
    return block(PRESETS, rf"^inline UNetOptions {name}\(")


def row(name: str) -> int:
    return block(SYSTEM, rf'{{\.name = "{name}"')


def feature(options: str, implementation: str = "", keys: str = "") -> int:
    """A feature's options, class, the line that makes it, and its names in the reference's checkpoints."""
    n = block(OPTIONS, rf"^struct {options} ")
    if implementation:
        n += block(FEATURES, rf"^class {implementation} ") + block(FEATURES, rf"operator\(\)\(const {options}&")
    return n + (matching(KEYS, keys) if keys else 0)


# system: (preset, row, flow, features)
def own() -> dict[str, tuple[int, int, int, dict[str, int]]]:
    return {
        "t2v": (0, row("t2v"), 0, {}),
        "i2vgen_xl": (
            preset("i2vgen_xl"),
            row("i2vgen_xl"),
            whole("vgen/pipelines/i2vgen_xl.cpp"),
            {
                "`ImageLatents`": feature("ImageLatents", "ImageLatentsFeature", "image_latents|local_image_concat"),
                "`LocalImageTokens`": feature("LocalImageTokens", "LocalImageTokensFeature", "local_image_tokens"),
                "`Fps`": feature("Fps", "FpsFeature", "fps_embedding"),
            },
        ),
        "higen": (
            preset("higen"),
            row("higen"),
            whole("vgen/pipelines/higen.cpp"),
            {
                "`SpatialPrior`": feature("SpatialPrior", "SpatialPriorFeature", "spatial_prior"),
                "`Motion`": feature("Motion", "MotionFeature", "msim_embedding"),
                "`Appearance`": feature("Appearance", "AppearanceFeature", "embedding.appearance"),
                "`TextResampler`": feature("TextResampler", "TextResamplerFeature", "text_resampler|context_transformer"),
                "`TemporalBypass`": block(OPTIONS, "^enum class TemporalBypass") + matching(UNET, "TemporalBypass"),
            },
        ),
        "sr600": (
            preset("sr600"),
            row("sr600"),
            whole("vgen/pipelines/sr600.cpp"),
            {
                "`FreeU`": feature("FreeU") + whole("vgen/unet/free_u.hpp") + matching(UNET, "free_u|frequencies"),
                "`row_padding`": matching(UNET, "row_padding|cropped_"),
            },
        ),
        "tf_t2v": (preset("tf_t2v"), row("tf_t2v"), 0, {}),
        "video_composer": (
            block(PRESETS, r"^inline UNetOptions video_composer\(UNetOptions"),
            row("video_composer"),
            0,
            {"`Histogram`": feature("Histogram", "HistogramFeature", "hist_context")},
        ),
        "video_lcm": (preset("video_lcm"), row("video_lcm"), 0, {}),
        "dream_video": (0, row("dream_video"), 0, {}),
        "instruct_video": (0, row("instruct_video"), 0, {}),
    }


def shared() -> list[tuple[str, str, int]]:
    composed = "`tf_t2v`, `video_composer`, `video_lcm`"
    maps = (
        feature("DenseMaps", "DenseMapsFeature", "_embedding_after|feature != .maps.")
        + block(OPTIONS, "^struct DenseMap ")
        + block(FEATURES, "^class MapEncoder ")
    )
    dropout = feature("ConditionDropout") + whole("vgen/unet/condition_dropout.hpp") + whole("vgen/unet/condition_dropout.cpp")
    mixer = whole("vgen/unet/frame_mixer.hpp") + block(FEATURES, "^FrameMixer::FrameMixer")
    mixer += block(FEATURES, "^Tensor FrameMixer::forward") + block(KEYS, "^std::string mixer_rest")
    return [
        ("preset of any subset of conditions", composed, block(PRESETS, r"^inline UNetOptions video_composer\(const")),
        ("`DenseMaps`", composed, maps),
        ("`ConditionDropout` (training)", composed, dropout),
        ("flow `denoise_composed`", composed, block(SYSTEM, "^Tensor denoise_composed")),
        ("`FrameMixer`", "`i2vgen_xl`, `video_composer`, `video_lcm`", mixer),
        ("`ImageTokens`", "`i2vgen_xl`, " + composed, feature("ImageTokens", "ImageTokensFeature", "pre_image_condition")),
        ("flow `denoise_from_text`", "`t2v`, `dream_video`, `instruct_video`", block(SYSTEM, "^Tensor denoise_from_text")),
    ]


def table() -> str:
    out = ["| system | preset | row | flow | features of its own | together |", "|---|---|---|---|---|---|"]
    for name, (preset_lines, row_lines, flow, features) in own().items():
        listed = ", ".join(f"{each} {n}" for each, n in features.items())
        total = preset_lines + row_lines + flow + sum(features.values())
        out.append(f"| `{name}` | {preset_lines or ''} | {row_lines} | {flow or ''} | {listed} | {total} |")
    out += ["", "| shared | by | lines |", "|---|---|---|"]
    out += [f"| {what} | {systems} | {n} |" for what, systems, n in shared()]
    return "\n".join(out) + "\n"


def main() -> None:
    text = table()
    print(text, end="")
    if "--write" in sys.argv[1:]:
        page = ROOT / "docs/guide/systems.md"
        marked = re.compile(r"(<!-- scripts/system_lines.py -->\n).*?(<!-- end -->)", re.S)
        old = page.read_text()
        if not marked.search(old):
            raise SystemExit(f"{page} has no place for the table")
        page.write_text(marked.sub(lambda m: m[1] + text + m[2], old))


if __name__ == "__main__":
    main()
