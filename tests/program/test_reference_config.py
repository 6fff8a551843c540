"""VGen's configurations from the program: `vgen convert FILE.yaml`, and `vgen gen -c FILE KEY VALUE ...` on tiny models whose files are
in the reference's layout. The configurations are our own, in its dialect."""

import json
import shutil

import pytest
import torch
from media import pixels, png, y4m

# The trunk of `vgen tiny`, as VGen writes a network.
NETWORK = """\
UNet: {
    'type': '%s',
    'in_dim': 4,
    'dim': 32,
    'context_dim': 32,
    'out_dim': 4,
    'dim_mult': [1, 2],
    'num_heads': 8,
    'head_dim': 16,
    'num_res_blocks': 1,
    'attn_scales': [1.0, 0.5],
    'dropout': 0.1,
    'temporal_attention': True,
    'use_fps_condition': False,
    %s
}
"""
FILES = """\
embedder: {
    'type': 'FrozenOpenCLIPTextVisualEmbedder',
    'layer': 'penultimate',
    'pretrained': 'models/clip.pth'
}
auto_encoder: {
    'type': 'AutoencoderKL',
    'pretrained': 'models/vae.pth'
}
log_dir: 'out'
"""
DIFFUSION = """\
Diffusion: {
    'type': 'DiffusionDDIM',
    'schedule': 'cosine', # cosine
    'schedule_param': {
        'num_timesteps': 1000,
        'zero_terminal_snr': True,
    },
    'mean_type': 'v',
}
"""
T2V = """\
TASK_TYPE: inference_text2video_entrance
use_fp16: True
guide_scale: 3.0
use_fp16: True
decoder_bs: 2
max_frames: 4
resolution: [64, 64]
ddim_timesteps: 4
scale: 8
seed: 11
round: 2
batch_size: 1
vldm_cfg: configs/base.yaml
test_list_path: data/prompts.txt
test_model: models/unet.pth
"""


def make_checkout(vgen, system: str, network: str, features: str = "") -> None:
    """models/ with the tiny model's files as VGen keeps them, configs/base.yaml and an empty data/."""
    vgen("tiny", system, "tiny")
    (vgen.folder / "models").mkdir()
    for part, file in (("unet", "unet.pth"), ("vae", "vae.pth"), ("text_encoder", "clip.pth")):
        vgen("convert", f"tiny/{part}/model.safetensors", f"models/{file}", "--to", "reference")
    if (vgen.folder / "tiny/image_encoder").exists():  # open_clip's file holds both towers
        vgen("convert", "tiny/image_encoder/model.safetensors", "models/pictures.pth", "--to", "reference")
        towers = [torch.load(vgen.folder / f"models/{name}.pth", weights_only=True) for name in ("clip", "pictures")]
        torch.save({**towers[0], **towers[1]}, vgen.folder / "models/clip.pth")
    (vgen.folder / "configs").mkdir()
    (vgen.folder / "data").mkdir()
    base = "TASK_TYPE: train_t2v_entrance\n" + NETWORK % (network, features) + FILES + DIFFUSION
    (vgen.folder / "configs/base.yaml").write_text(base)


@pytest.fixture
def checkout(vgen):
    make_checkout(vgen, "t2v", "UNetSD_T2VBase", "'upper_len': 128,")
    (vgen.folder / "data/prompts.txt").write_text("a fox\n# left out\ntwo birds\n")
    (vgen.folder / "configs/t2v.yaml").write_text(T2V)
    return vgen


def test_a_configuration_runs_unchanged(checkout):
    done = checkout("gen", "-c", "configs/t2v.yaml", "--json").document["clips"]
    folder = "out/prompts"
    names = ["0000_a_fox", "0001_a_fox", "0004_two_birds", "0005_two_birds"]
    assert [clip["path"] for clip in done] == [f"{folder}/rank_01_00_{name}.mp4" for name in names]
    assert [clip["frames"] for clip in done] == [4] * 4
    manifest = done[1]["manifest"]
    assert (manifest["seed"], manifest["guidance"], manifest["sampler"]["steps"]) == (12, 3.0, 4)
    assert manifest["negative_prompt"].startswith("Distorted")


def test_pairs_change_it(checkout):
    (checkout.folder / "list.txt").write_text("a cat\n")
    shutil.move(checkout.folder / "models/unet.pth", checkout.folder / "models/x.pth")
    words = ["test_list_path", "list.txt", "test_model", "models/x.pth", "seed", 3, "round", 1, "guide_scale", "1e0"]
    (clip,) = checkout("gen", "-c", "configs/t2v.yaml", *words, "--json").document["clips"]
    assert clip["path"] == "out/list/rank_01_00_0000_a_cat.mp4"
    assert (clip["manifest"]["seed"], clip["manifest"]["guidance"]) == (3, 1.0)
    assert checkout.names("out") == {"list/rank_01_00_0000_a_cat.mp4"}


def test_the_run_is_that_of_the_same_model_folder(checkout):
    """The converted index beside the same files, and the heads that a folder without a configuration is taken to have: vgen gen -m makes
    the same clip."""
    config = checkout("convert", "configs/t2v.yaml", "--json").document["config"]
    (checkout.folder / "models/model_index.json").write_text(json.dumps(config["index"]))
    words = ["round", 1, "UNet.head_dim", 32, "UNet.num_heads", 4]
    (clip, *_) = checkout("gen", "-c", "configs/t2v.yaml", *words, "--json").document["clips"]
    words = ["--seed", 11, "-o", "same.mp4", "--decode-chunk", 2, "--json"]
    (other,) = checkout("gen", "-m", "models", "a fox", *words).document["clips"]
    for key in ("prompt", "negative_prompt", "seed", "sampler", "guidance", "schedule", "frames", "width", "height"):
        assert clip["manifest"][key] == other["manifest"][key], key
    if shutil.which("ffmpeg"):
        assert pixels(checkout.folder / clip["path"]) == pixels(checkout.folder / "same.mp4")


def test_dry_run_writes_nothing(checkout):
    before = checkout.names()
    shown = checkout("gen", "-c", "configs/t2v.yaml", "--dry-run").out
    assert "t2v, 4 clips of 4 frames, 64x64, ddim with 4 steps, guidance 3" in shown
    assert checkout.names() == before


def test_everything_wrong_is_one_report(checkout):
    text = T2V.replace("guide_scale", "guide_scael").replace("base.yaml", "nowhere.yaml").replace("seed: 11", "seed: x")
    text = text.replace("models/unet.pth", "models/absent.pth")
    (checkout.folder / "configs/t2v.yaml").write_text(text)
    before = checkout.names()
    error = checkout("gen", "-c", "configs/t2v.yaml", "sede", 1, code=3).err
    for line in (
        "configs/t2v.yaml:3:14: unknown key 'guide_scael'; did you mean 'guide_scale'?",
        "configs/t2v.yaml:10:7: seed: expected an integer, got a string",
        "configs/t2v.yaml:13:11: cannot open 'configs/nowhere.yaml'",
        "configs/t2v.yaml:15:13: test_model: no file 'models/absent.pth'",
        "the command line: unknown key 'sede'; did you mean 'seed'?",
    ):
        assert line in error, error
    assert checkout.names() == before


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("data/prompts.txt", "data/absent.txt", "t2v.yaml:14:17: test_list_path: no file 'data/absent.txt'"),
        ("models/unet.pth", "models/absent.pth", "t2v.yaml:15:13: test_model: no file 'models/absent.pth'"),
        ("text2video", "text2vidoe", "t2v.yaml:1:12: TASK_TYPE: unknown task 'inference_text2vidoe_entrance'; did you mean"),
        ("seed: 11", "seed: !!python/object/apply:os.system [id]", "t2v.yaml:10:7: tags are not read"),
        ("ddim_timesteps: 4", "ddim_timesteps: many", "t2v.yaml:8:17: ddim_timesteps: expected an integer, got a string"),
    ],
)
def test_bad_configurations(checkout, old, new, says):
    (checkout.folder / "configs/t2v.yaml").write_text(T2V.replace(old, new))
    assert says in checkout("gen", "-c", "configs/t2v.yaml", code=3).err


def test_wrong_checkpoints(checkout):
    shutil.copy(checkout.folder / "models/vae.pth", checkout.folder / "models/unet.pth")
    error = checkout("gen", "-c", "configs/t2v.yaml", code=4).err
    assert "models/unet.pth: expected the part 'unet'" in error
    assert "nothing was loaded" in error


def test_a_network_that_the_checkpoint_is_not(checkout):
    base = (checkout.folder / "configs/base.yaml").read_text().replace("'dim_mult': [1, 2]", "'dim_mult': [1, 4]")
    (checkout.folder / "configs/base.yaml").write_text(base)
    assert "models/unet.pth" in checkout("gen", "-c", "configs/t2v.yaml", code=4).err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [(["seed"], 3, "'seed' has no value"), (["--steps", "3"], 3, "--steps is not read beside a configuration")],
)
def test_wrong_words_behind_a_configuration(checkout, words, code, says):
    assert says in checkout("gen", "-c", "configs/t2v.yaml", *words, code=code).err


def test_a_training_file_is_not_run(checkout):
    error = checkout("gen", "-c", "configs/base.yaml", code=3).err
    assert "train_t2v_entrance trains a model" in error


def test_a_prompt_of_several_words_is_told_to_be_quoted(vgen):
    assert "put the prompt in quotes" in vgen("gen", "a", "fox", code=2).err


def test_convert_writes_a_file(checkout):
    checkout("convert", "configs/t2v.yaml", "ours.yaml")
    text = (checkout.folder / "ours.yaml").read_text()
    assert "guide_scale -> index.defaults.guidance" in text
    assert "UNet.upper_len -> no effect" in text
    assert "written twice" in text


# ---- the other systems: what is written differently in their files ----

COMPOSED = "'config': None, 'num_tokens': 4,"
EVERYTHING = "['text', 'mask', 'depthmap', 'sketch', 'motion', 'image', 'local_image', 'single_sketch']"
SYSTEMS = {
    "higen": (
        ("higen", "UNetSD_HiGen", "'num_tokens': 16, 'context_embedding_depth': 2, 'y_dim': 32,"),
        ("inference_higen_entrance", "motion_factor: 500\nappearance_factor: 1.0\nnoise_strength: 0.1\n"),
        "a fox|5\n",
        [("rank_01_00_0000_a_fox.mp4", 16)],
    ),
    "i2vgen": (
        ("i2vgen_xl", "UNetSD_I2VGen", "'concat_dim': 4, 'num_tokens': 4, 'y_dim': 32,"),
        ("inference_i2vgen_entrance", "target_fps: 16\nuse_zero_infer: True\n"),
        "data/still.png|||a fox\n",
        [("still_01_00_a_fox_00.mp4", 11)],
    ),
    "tft2v": (
        ("tf_t2v", "UNetSD_TFT2V", COMPOSED),
        ("inference_tft2v_entrance", "video_compositions: ['text', 'image']\npositive_prompt: ', 4k render'\n"),
        "a fox\n",
        [("rank_01_00_0000_a_fox.mp4", 11)],
    ),
    "vcomposer": (
        ("video_composer", "UNetSD_TFT2V", COMPOSED),
        (
            "inference_tft2v_vcomposer_entrance",
            f"video_compositions: {EVERYTHING}\nsample_fps: 8\ndata_dir: data\nchunk_size: 2\n"
            "partial_keys: [['y', 'local_image'], ['y', 'masked'], ]\n",
        ),
        "clip.y4m|||a fox\n",
        [(f"rank_01_00_0000_condition_y_{name}_a_fox.mp4", 11) for name in ("local_image", "masked")],
    ),
    "videolcm": (
        ("video_lcm", "UNetSD_VideoLCM", COMPOSED),
        ("inference_videolcm_entrance", "video_compositions: ['text']\nnum_inference_steps: 2\n"),
        "a fox\n",
        [("rank_01_00_0000_a_fox.mp4", 11)],
    ),
    "dreamvideo": (
        ("dream_video", "UNetSD_DreamVideo", ""),
        ("inference_dreamvideo_entrance", "noise_strength: 0.1\ntest_data_dir: data\nbase_model: models/unet.pth\n"),
        "still.png|||a * runs\n",
        [("a_*_runs_11_0.mp4", 11)],
    ),
    "instructvideo": (
        ("instruct_video", "UNetSD_LoRA", "'use_lora': False, 'lora_rank': 4, 'lora_alpha': ,"),
        (
            "inference_instructvideo_entrance",
            "frame_lens: [4]\nwebvid_dir: 'data/'\nwebvid_cap_file: ''\nwebvid_eval_text: 'prompts'\nwebvid_test_caps: 1\n"
            "webvid_dir_save: 'out/prompts_'\ninfer_checkpoint: models/unet.pth\nsuffix: ''\n",
        ),
        "01/7.mp4|||a fox|||16\n02/8.mp4|||a dog|||16\n",
        [("0000_7_a-fox.mp4", 11)],
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_runs(vgen, name):
    (system, network, features), (task, keys), lines, expected = SYSTEMS[name]
    make_checkout(vgen, system, network, features)
    (vgen.folder / "data/prompts.txt").write_text(lines)
    png(vgen.folder / "data/still.png", 80, 60)
    y4m(vgen.folder / "data/clip.y4m", frames=12)
    text = T2V.replace("inference_text2video_entrance", task).replace("round: 2", "round: 1") + keys
    if name == "dreamvideo":
        text = text.replace("vldm_cfg: configs/base.yaml", "subject_cfg: configs/base.yaml")
    if name == "instructvideo":  # it merges no base file
        text += (vgen.folder / "configs/base.yaml").read_text().replace("TASK_TYPE: train_t2v_entrance\n", "")
    (vgen.folder / "configs/run.yaml").write_text(text)
    clips = vgen("gen", "-c", "configs/run.yaml", "--json").document["clips"]
    folder = {"dreamvideo": "out/run", "instructvideo": "out/prompts_1"}.get(name, "out/prompts")
    assert [(clip["path"], clip["manifest"]["seed"]) for clip in clips] == [(f"{folder}/{file}", seed) for file, seed in expected]
    assert all(clip["frames"] == 4 and (vgen.folder / clip["path"]).exists() for clip in clips)
