"""What pictures and clips of any kind get. The table of issue 4, row by row, and the tests that hold it:

| input | tests |
|---|---|
| checkpoint of another system, an annotator's file in place of a UNet | cpp/pipelines ReleasedFolders WhatIsNoUNetOfTheSystemSaysWhatItIs, WeightsOfAnotherSystem*; test_systems.py: test_refused |
| condition that the model does not take, required one missing, wrong frame count or size | test_systems.py: test_refused; cpp/pipelines Knobs; python test_family.py: test_what_a_system_cannot_use_is_refused |
| picture with alpha, grey, 16-bit, palette, EXIF-rotated, CMYK, 1x1, 20000x20000 | test_pictures_of_every_kind, test_orientation, test_cmyk, test_huge |
| clip without motion vectors, variable frame rate, one frame, broken in the middle | test_systems.py: test_motion_of_a_clip; test_variable_frame_rate, test_one_frame, test_broken_in_the_middle |
| adapter for another width or base, NaN, half of its keys unknown | python test_adapters.py: test_bad_files_leave_the_pipeline_as_it_was, test_the_program_refuses |
| drawn motion outside of the frame, key frames out of order | test_systems.py: test_refused; cpp/conditioning DrawnMotion, DrawnMask |
| reference configuration with a missing file or an unknown key | test_reference_config.py: test_everything_wrong_is_one_report, test_bad_configurations |
"""

import struct
import subprocess

import pytest
from media import png, write_png, y4m

pytestmark = pytest.mark.long


def run(vgen, tiny, picture, code=0):
    result = vgen("gen", "-m", tiny("i2vgen_xl"), "--image", picture, "a fox", "-o", "out.y4m", code=code)
    return result, (vgen.folder / "out.y4m").read_bytes() if code == 0 else b""


def test_pictures_of_every_kind(vgen, tiny):
    """The same grey wedge in all of PNG's ways; and alpha, which is dropped."""
    size = range(32)
    kinds = {
        "rgb": (8, 2, lambda x: bytes((8 * x,) * 3)),
        "grey": (8, 0, lambda x: bytes((8 * x,))),
        "grey with alpha": (8, 4, lambda x: bytes((8 * x, 100 + x))),
        "rgb with alpha": (8, 6, lambda x: bytes((8 * x,) * 3 + (255 - x,))),
        "rgb, 16 bits": (16, 2, lambda x: struct.pack(">3H", *(8 * x * 257,) * 3)),
        "grey, 16 bits": (16, 0, lambda x: struct.pack(">H", 8 * x * 257)),
    }
    clips = {}
    for name, (bits, kind, pixel) in kinds.items():
        rows = b"".join(b"\0" + b"".join(pixel(x) for x in size) for _ in size)
        write_png(vgen.folder / "wedge.png", 32, 32, bits, kind, rows)
        clips[name] = run(vgen, tiny, "wedge.png")[1]
    assert all(clip == clips["rgb"] for clip in clips.values()), [n for n, c in clips.items() if c != clips["rgb"]]


def test_one_pixel(vgen, tiny):
    png(vgen.folder / "dot.png", 1, 1)
    run(vgen, tiny, "dot.png")


def test_huge(vgen, tiny):
    """20000 x 20000 would be 1.2 GB: refused from its header, in no time."""
    write_png(vgen.folder / "huge.png", 20000, 20000, 8, 2, bytes(1000))
    result, _ = run(vgen, tiny, "huge.png", code=4)
    assert "huge.png" in result.err and "20000x20000" in result.err and "8294400" in result.err, result.err
    assert result.seconds <= 5 and "denoise" not in result.err


def test_no_picture(vgen, tiny):
    (vgen.folder / "fox.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    assert "fox.png" in run(vgen, tiny, "fox.png", code=4)[0].err
    (vgen.folder / "fox.jpg").write_text("a fox")
    assert "fox.jpg" in run(vgen, tiny, "fox.jpg", code=4)[0].err


def jpeg(folder, name, source="fox.png", pixel_format="yuvj444p"):
    command = ["ffmpeg", "-v", "error", "-y", "-i", source, "-pix_fmt", pixel_format, "-q:v", "2", "-huffman", "default", name]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / name).read_bytes()


def with_orientation(data, orientation):
    """A JPEG with an EXIF segment that says how it is turned."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 0)
    body = b"Exif\0\0" + tiff
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def test_orientation(vgen, tiny, ffmpeg):
    """A picture taken with a camera on its side is seen upright."""
    png(vgen.folder / "fox.png", 48, 32)
    plain = jpeg(vgen.folder, "plain.jpg")
    clips = {}
    for orientation in range(1, 9):
        (vgen.folder / "turned.jpg").write_bytes(with_orientation(plain, orientation))
        clips[orientation] = run(vgen, tiny, "turned.jpg")[1]
    assert clips[1] == run(vgen, tiny, "plain.jpg")[1]
    assert len(set(clips.values())) == 8, "each orientation is another picture"
    # Orientation 6 is a quarter turn clockwise of what is stored.
    subprocess.run(
        ["ffmpeg", "-v", "error", "-noautorotate", "-i", "plain.jpg", "-vf", "transpose=clock", "upright.png"],
        cwd=vgen.folder, check=True,
    )  # fmt: skip
    upright = run(vgen, tiny, "upright.png")[1]
    distance = {o: sum(abs(a - b) for a, b in zip(clip, upright, strict=True)) for o, clip in clips.items()}
    assert min(distance, key=distance.get) == 6, distance


def test_cmyk(vgen, tiny, ffmpeg):
    """Four grey JPEGs as the four inks of one, each with a scan of its own: read, or refused by name."""
    png(vgen.folder / "fox.png", 48, 32)
    grey = jpeg(vgen.folder, "grey.jpg", pixel_format="gray")
    segments, at = {}, 2
    while grey[at + 1] != 0xDA:
        length = struct.unpack(">H", grey[at + 2 : at + 4])[0]
        segments.setdefault(grey[at + 1], []).append(grey[at : at + 2 + length])
        at += 2 + length
    scan = grey[at + 2 + struct.unpack(">H", grey[at + 2 : at + 4])[0] : -2]
    frame = struct.pack(">BBHBHHB", 0xFF, 0xC0, 8 + 12, 8, 32, 48, 4) + b"".join(bytes((i, 0x11, 0)) for i in (1, 2, 3, 4))
    adobe = b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0\0"
    out = b"\xff\xd8" + adobe + b"".join(segments[0xDB]) + frame + b"".join(segments.get(0xC4, []))
    for ink in (1, 2, 3, 4):
        out += b"\xff\xda\x00\x08\x01" + bytes((ink, 0, 0, 63, 0)) + scan
    (vgen.folder / "inks.jpg").write_bytes(out + b"\xff\xd9")
    result, clip = run(vgen, tiny, "inks.jpg", code=None)
    assert result.code in (0, 4), result.err
    if result.code == 4:
        assert "inks.jpg" in result.err
    else:
        assert clip != run(vgen, tiny, "grey.jpg")[1]


# ---- clips ----


def composed(vgen, tiny, *words, code=0):
    return vgen("gen", "-m", tiny("video_composer"), *words, "a fox", "-o", "out.y4m", code=code)


def encode(folder, name, *filters, frames=24):
    y4m(folder / "source.y4m", frames=frames, width=96, height=48, fps=8)
    command = ["ffmpeg", "-v", "error", "-y", "-i", "source.y4m", *filters, "-c:v", "mpeg4", "-g", "4", name]
    subprocess.run(command, cwd=folder, check=True)


def test_variable_frame_rate(vgen, tiny, ffmpeg):
    encode(vgen.folder, "even.mkv")
    assert "variable" not in composed(vgen, tiny, "--depth", "even.mkv").err
    shift = ["-c", "copy", "-bsf:v", "setts=ts=PTS+mod(N*N\\,3)*40", "odd.mp4"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", "even.mkv", *shift], cwd=vgen.folder, check=True)
    result = composed(vgen, tiny, "--depth", "odd.mp4")
    assert "odd.mp4 has a variable frame rate" in result.err, result.err


def test_one_frame(vgen, tiny, ffmpeg):
    encode(vgen.folder, "one.mp4", frames=1)
    composed(vgen, tiny, "--depth", "one.mp4")
    result = composed(vgen, tiny, "--motion-from", "one.mp4")
    assert "one.mp4 has one frame: nothing moves in it" in result.err, result.err
    assert (
        vgen("upscale", "-m", tiny("sr600"), "one.mp4", "a square", "-o", "x.png", "--json").document["clips"][0]["frames"] == 1
    )


def test_broken_in_the_middle(vgen, tiny, ffmpeg):
    encode(vgen.folder, "whole.mkv")
    data = (vgen.folder / "whole.mkv").read_bytes()
    (vgen.folder / "cut.mkv").write_bytes(data[: len(data) * 6 // 10])
    # There are enough frames before the fault: used, and said so where it shows.
    composed(vgen, tiny, "--depth", "cut.mkv")
    result = composed(vgen, tiny, "--depth", "cut.mkv", "--frames", 24, code=None)
    assert result.code in (3, 4) and "cut.mkv" in result.err and "damaged" in result.err, result.err
    result = vgen("upscale", "-m", tiny("sr600"), "cut.mkv", "x", "-o", "x.png", "--frames", 24)
    assert "is damaged after frame" in result.err, result.err
    (vgen.folder / "stub.mkv").write_bytes(data[:300])
    for words in (["--depth", "stub.mkv"], ["--motion-from", "stub.mkv"], ["--mask", "stub.mkv", "--video", "whole.mkv"]):
        result = composed(vgen, tiny, *words, code=4)
        assert "stub.mkv" in result.err, result.err


@pytest.mark.parametrize("name", ["a.txt", "clip.mp4"])
def test_no_clip(vgen, tiny, name):
    (vgen.folder / name).write_text("no clip at all")
    result = vgen("upscale", "-m", tiny("sr600"), name, "x", "-o", "x.png", code=4)
    assert name in result.err and "vgen: load" not in result.err, result.err
