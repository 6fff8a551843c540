"""Pictures and clips for tests, written by hand."""

from __future__ import annotations

import struct
import subprocess
import zlib


def png(path, width=40, height=30, shift=0):
    """A picture with edges: RGB, 8 bits."""
    rows = b"".join(
        b"\0" + b"".join(bytes(((x * 6 + shift) % 256, (y * 8) % 256, 255 * ((x // 8 + y // 8) % 2))) for x in range(width))
        for y in range(height)
    )
    write_png(path, width, height, 8, 2, rows)


def write_png(path, width, height, bits, kind, rows):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def y4m(path, frames=4, width=32, height=24, fps=8):
    """A square that moves over a grey ground."""
    out = f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C444\n".encode()
    for f in range(frames):
        plane = bytearray(b"\x50" * (width * height))
        for y in range(8, 16):
            plane[y * width + 4 + 3 * f : y * width + 12 + 3 * f] = b"\xd0" * 8
        out += b"FRAME\n" + bytes(plane) + b"\x80" * (2 * width * height)
    path.write_bytes(out)


def pixels(path) -> bytes:
    """RGB of all frames of a file, without its metadata."""
    words = ["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    return subprocess.run(words, capture_output=True, check=True).stdout
