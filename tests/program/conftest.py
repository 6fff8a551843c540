from harness import ffmpeg, model, program, vgen

__all__ = ["ffmpeg", "model", "program", "vgen"]
