from harness import ffmpeg, model, program, tiny, vgen

__all__ = ["ffmpeg", "model", "program", "tiny", "vgen"]
