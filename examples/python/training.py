"""Trains from a configuration file, in Python. With the defaults two steps, to see that all is well.

python examples/python/training.py [STEPS]
"""

import sys

import vgen
from vgen import train

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 2
small = {"trainer.steps": steps}
if steps < 100:
    small |= {"trainer.sample_every": 0, "task.batch": 2}

autoencoder = train.read_config("examples/configs/shapes_vae.yaml", small)
print(train.run(autoencoder, "runs/shapes_vae", progress=lambda stage, done, total, seconds: print(f"{stage} {done}/{total}")))

text = train.read_config("examples/configs/shapes_text.yaml", small)
print(train.run(text, "runs/shapes_text"))

few = {"task.clips": 4} if steps < 100 else {}
text_to_video = train.read_config("examples/configs/shapes_t2v.yaml", {**small, **few})
print(train.run(text_to_video, "runs/shapes_t2v"))

pipe = vgen.Pipeline.from_pretrained("runs/shapes_t2v/model")
print(pipe("a red circle moving left on a black background", num_inference_steps=2).save("trained.gif"))
