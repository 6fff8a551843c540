"""The shapes world and its judge: a captioned clip, what can be read back from its pixels, and a table over many.

python examples/python/shapes_judge.py
"""

from vgen import data, metrics, video

clip = data.shapes_clip(seed=1, index=42)
print(clip.caption, clip.frames.shape)
video.write_video("shapes.png", clip.frames, fps=clip.fps)  # an animated PNG, which needs no FFmpeg

frames, info = video.read_video("shapes.png")
verdict = metrics.judge(frames)  # from pixels alone
print(verdict)
print(metrics.score(verdict, clip.attributes))

table = metrics.ShapesTable()
for index in range(50):
    clip = data.shapes_clip(seed=2, index=index)
    table.add(metrics.score(metrics.judge(clip.frames), clip.attributes))
print(f"true clips that the judge confirms: {table.share('all'):.0%}")
assert table.share("all") == 1
