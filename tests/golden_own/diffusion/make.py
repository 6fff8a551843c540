"""Own goldens from diffusers 0.33.1, in the format of tests/golden/diffusion (case diffusers_8_steps): other steps, salts, shapes and options."""

import json
import math
import sys
import zlib

import diffusers
import numpy as np
import torch
from safetensors.torch import save_file

out_dir = sys.argv[1]


def value(name, shape, salt):
    n = int(np.prod(shape))
    key = zlib.crc32(f"{salt}:{name}".encode())
    with np.errstate(over="ignore"):
        z = (np.uint64(key) << np.uint64(32)) + np.arange(n, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return torch.tensor(math.sqrt(3) * ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1)).float().reshape(shape)


def record(case, salt, steps, shape, base, model, runs):
    x, cond = value("input.x", shape, salt), value("input.cond", shape, salt)
    tensors, values = {}, {}
    for name, cls, options, step in runs:
        kind = name.rsplit(".", 1)[1]
        kw = dict(base, **options, prediction_type={"eps": "epsilon", "v": "v_prediction"}[kind])
        s = getattr(diffusers, cls)(**kw)
        s.set_timesteps(steps)
        count = [0]

        def draw(sh, count=count, **k):
            count[0] += 1
            return value(f"input.randn_like.{count[0] - 1}", shape, salt)

        mod = sys.modules[type(s).__module__]
        old = getattr(mod, "randn_tensor", None)
        if old:
            mod.randn_tensor = draw
        y = x * s.init_noise_sigma
        xs = []
        for t in s.timesteps:
            inp = s.scale_model_input(y, t)
            tau = t.float() / 1024
            o = (model["a0"] + model["a1"] * tau) * inp + (model["b0"] + model["b1"] * tau) * cond + model["c"] * inp.tanh()
            y = s.step(o, t, y, **step).prev_sample
            xs.append(y)
        if old:
            mod.randn_tensor = old
        tensors[name + ".x"] = torch.stack(xs)
        if hasattr(s, "sigmas"):
            tensors[name + ".sigmas"] = s.sigmas.float()
        values[name] = dict(
            **{"class": cls},
            options=options,
            step=step,
            timesteps=s.timesteps.tolist(),
            init_noise_sigma=float(s.init_noise_sigma),
            noise_draws=count[0],
        )

    def entry(n):
        return {"rule": "unit", "salt": salt, "name": n, "shape": shape}

    js = {
        "area": "diffusion",
        "case": case,
        "salt": salt,
        "note": f"recorded from diffusers {diffusers.__version__}, torch {torch.__version__}",
        "config": {"base": base, "num_inference_steps": steps, "model": model},
        "inputs": {
            "x": entry("input.x"),
            "cond": entry("input.cond"),
            "noise": entry("input.randn_like.<n>, n = 0, 1, ... in draw order"),
        },
        "values": values,
        "outputs": {k: {"shape": list(v.shape), "dtype": str(v.dtype).split(".")[1]} for k, v in tensors.items()},
    }
    with open(f"{out_dir}/{case}.json", "w") as file:
        json.dump(js, file, indent=1)
    save_file(tensors, f"{out_dir}/{case}.safetensors")


sd = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
m = {"a0": 0.375, "a1": 0.5, "b0": 0.0625, "b1": 0.0625, "c": 0.25}
m2 = {"a0": 0.25, "a1": 0.625, "b0": -0.125, "b1": 0.3125, "c": 0.125}
D, E, EA, H, U, P, I, L, T = (  # noqa: E741
    "DPMSolverMultistepScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "HeunDiscreteScheduler",
    "UniPCMultistepScheduler",
    "DDPMScheduler",
    "DDIMScheduler",
    "LCMScheduler",
    "TCDScheduler",
)


def grid(steps):
    runs = []
    for sp in ("linspace", "leading", "trailing"):
        o = {"timestep_spacing": sp, **({"steps_offset": 1} if sp == "leading" else {})}
        runs += [
            (f"dpmpp_2m_{sp}.eps", D, o, {}),
            (f"dpmpp_2m_{sp}.v", D, o, {}),
            (f"euler_{sp}.v", E, o, {}),
            (f"unipc_{sp}.eps", U, o, {}),
            (f"heun_{sp}.eps", H, o, {}),
            (f"euler_a_{sp}.v", EA, o, {}),
        ]
        for n, c in (("dpmpp_2m", D), ("unipc", U), ("euler", E), ("heun", H)):
            runs.append((f"{n}_{sp}_karras.eps", c, dict(o, use_karras_sigmas=True), {}))
    return runs


def zero():
    z = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return [
        ("ddim.v", I, dict(z, clip_sample=False, set_alpha_to_one=False), {"eta": 0.7}),
        ("dpmpp_2m.v", D, z, {}),
        ("dpmpp_2m_sde.v", D, dict(z, algorithm_type="sde-dpmsolver++"), {}),
        ("unipc.v", U, z, {}),
        ("lcm.v", L, {"rescale_betas_zero_snr": True}, {}),
        ("tcd.v", T, {"rescale_betas_zero_snr": True}, {"eta": 0.6}),
    ]


def more():
    return [
        ("dpmpp_2m_heun.eps", D, {"solver_type": "heun"}, {}),
        ("dpmpp_2m_sde_heun.eps", D, {"solver_type": "heun", "algorithm_type": "sde-dpmsolver++"}, {}),
        ("dpmpp_3m_karras.eps", D, {"solver_order": 3, "use_karras_sigmas": True}, {}),
        ("dpmpp_3m.v", D, {"solver_order": 3, "lower_order_final": False}, {}),
        ("dpmpp_2m_end.eps", D, {"final_sigmas_type": "sigma_min"}, {}),
        ("dpmpp_2m_end_high.eps", D, {"final_sigmas_type": "sigma_min", "lower_order_final": False}, {}),
        ("unipc_3.eps", U, {"solver_order": 3}, {}),
        ("unipc_2_bh1.v", U, {"solver_order": 2, "solver_type": "bh1", "final_sigmas_type": "sigma_min"}, {}),
        ("unipc_1.eps", U, {"solver_order": 1}, {}),
        ("euler_exponential.v", E, {"use_exponential_sigmas": True}, {}),
        ("euler_end.eps", E, {"final_sigmas_type": "sigma_min"}, {}),
        ("ddim_one.eps", I, {"clip_sample": False}, {}),
        ("ddim_linspace.v", I, {"clip_sample": False, "timestep_spacing": "linspace"}, {"eta": 1.0}),
        ("ddpm_large.eps", P, {"clip_sample": False, "variance_type": "fixed_large"}, {}),
        ("ddpm_trailing.v", P, {"clip_sample": False, "timestep_spacing": "trailing"}, {}),
        ("lcm.v", L, {"original_inference_steps": 100, "timestep_scaling": 7.0}, {}),
        ("tcd.eps", T, {"original_inference_steps": 40}, {"eta": 0.0}),
    ]


record("diffusers_spacings_12", "own", 12, [1, 2, 2, 3, 2], sd, m, grid(12))
record(
    "diffusers_spacings_7",
    "own7",
    7,
    [1, 2, 2, 3, 2],
    dict(sd, beta_schedule="linear", beta_start=0.0001, beta_end=0.02),
    m2,
    grid(7),
)
record("diffusers_zero_snr_6", "own zero", 6, [2, 2, 1, 3, 2], sd, m2, zero())
record("diffusers_options_9", "own more", 9, [1, 3, 2, 2, 1], sd, m2, more())
record(
    "diffusers_cosine_20",
    "own cosine",
    20,
    [1, 2, 2, 2, 2],
    {"beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 1000},
    m,
    [
        ("dpmpp_2m.v", D, {}, {}),
        ("dpmpp_3m.v", D, {"solver_order": 3}, {}),
        ("unipc.v", U, {}, {}),
        ("ddim.v", I, {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}, {}),
    ],
)
