"""A clip from a prompt, with progress, a look at the steps, and a contact sheet of several seeds.

python examples/python/text_to_video.py ["a prompt"] [MODEL]
"""

import sys

import numpy as np

import vgen
from vgen import video

prompt = sys.argv[1] if len(sys.argv) > 1 else "a red circle moving left on a black background"
pipe = vgen.Pipeline.from_pretrained(sys.argv[2] if len(sys.argv) > 2 else None)

clip = pipe(prompt, seed=7)
print(clip, clip.save("clip.gif"))

# The same run, one step at a time: what the model believes the clip to be.
for step in pipe.steps(prompt, seed=7):
    frames = step.preview()  # uint8 [F, H, W, 3]
    print(f"step {step.index + 1} of {step.total}, t = {step.t:.0f}, mean level {frames.mean():.0f}")
assert np.array_equal(pipe.decode(step.latent), clip.frames)

# One row a seed.
clips = pipe(prompt, num_videos_per_prompt=3, seed=100)
video.write_image("sheet.png", video.contact_sheet([each.frames for each in clips]))
print("sheet.png: seeds", [each.seed for each in clips])
