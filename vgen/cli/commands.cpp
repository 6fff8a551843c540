#include "vgen/cli/arguments.hpp"

namespace vgen::cli {

const std::vector<Option>& common_options() {
  static const std::vector<Option> options = {
      {.name = "json", .kind = Kind::flag, .help = "one JSON document on standard output, errors too"},
      {.name = "quiet", .letter = 'q', .kind = Kind::flag, .help = "no progress"},
      {.name = "verbose", .letter = 'v', .kind = Kind::flag, .help = "log what is done (VGEN_LOG=debug says more)"},
      {.name = "threads",
       .kind = Kind::integer,
       .value = "N",
       .help = "compute threads",
       .fallback = "all cores",
       .low = 1,
       .high = 1024},
      {.name = "help", .letter = 'h', .kind = Kind::flag, .help = "this text"},
  };
  return options;
}

namespace {
const Option model = {
    .name = "model", .letter = 'm', .value = "DIR", .help = "model folder", .fallback = "the shipped model"};
const Option overrides = {
    .name = "set", .value = "A.B=C", .help = "set one option by its path; may be repeated", .repeat = true};
const Option system_choice = {.name = "system",
                              .value = "NAME",
                              .help =
                                  "system of the model: t2v, i2vgen_xl, ... (vgen tiny --help lists them). Needed "
                                  "where the weights fit several; a model of another one is an error",
                              .fallback = "what the folder says or the tensors fit"};
const Option dry_run = {.name = "dry-run", .kind = Kind::flag, .help = "check everything, print the plan, do nothing"};
const Option device = {.name = "device", .value = "NAME", .help = "cpu, cuda or cuda:N", .fallback = "cpu"};
const Option seed = {
    .name = "seed", .kind = Kind::integer, .value = "N", .help = "same seed, same clip", .fallback = "0", .low = 0};
Option dtype(const char* help, const char* fallback) {
  return {.name = "dtype", .value = "TYPE", .help = help, .fallback = fallback, .choices = {"fp32", "bf16", "fp16"}};
}
Option steps(const char* fallback) {
  return {.name = "steps",
          .kind = Kind::integer,
          .value = "N",
          .help = "denoising steps",
          .fallback = fallback,
          .low = 1,
          .high = 1000};
}
const Option sampler = {
    .name = "sampler",
    .value = "NAME",
    .help =
        "ddim, ddpm, dpmpp_2m, dpmpp_2m_sde, dpmpp_3m, dpmpp_sde, euler, euler_ancestral, heun, unipc, lcm, tcd or "
        "plms; diffusers' names are understood; its options: --set sampler.eta=0.5",
    .fallback = "the model's"};
const Option output = {
    .name = "output",
    .letter = 'o',
    .value = "FILE",
    .help =
        ".mp4, .webm, .mkv, .mov, .gif, .png (animated), .y4m, or DIR/ for a folder of PNGs. A file that exists is "
        "replaced when the new one is complete",
    .fallback = "out.mp4, or out-2.mp4, ... if taken; out.gif without FFmpeg"};
const Option negative = {
    .name = "negative", .value = "TEXT", .help = "what the clip should not show", .fallback = "the model's"};
const Option size = {.name = "size", .kind = Kind::size, .value = "WxH", .help = "pixels", .fallback = "the model's"};
const Option decode_chunk = {.name = "decode-chunk",
                             .kind = Kind::integer,
                             .value = "N",
                             .help = "frames decoded at once",
                             .fallback = "by memory",
                             .low = 1,
                             .high = 1024};
const Option sheet = {
    .name = "sheet", .value = "FILE", .help = "also a contact sheet of all frames, a row a clip (.png)"};
Option frames(const char* help, const char* fallback) {
  return {.name = "frames",
          .kind = Kind::integer,
          .value = "N",
          .help = help,
          .fallback = fallback,
          .low = 1,
          .high = 1024};
}
Option fps(const char* fallback) {
  return {.name = "fps",
          .kind = Kind::number,
          .value = "X",
          .help = "frames a second of the file",
          .fallback = fallback,
          .low = 0.01,
          .high = 240};
}
Option amount(const char* name, const char* help, const char* fallback, double high) {
  return {.name = name, .kind = Kind::number, .value = "X", .help = help, .fallback = fallback, .low = 0, .high = high};
}
const Option guidance = {.name = "guidance",
                         .kind = Kind::number,
                         .value = "X",
                         .help = "guidance scale; 1 = none, at half the cost",
                         .fallback = "the model's",
                         .low = -1000,
                         .high = 1000};
}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {.name = "gen",
       .summary = "make a clip from a prompt",
       .positionals = {{.name = "PROMPT",
                        .help = "what the clip shows; '-' reads it from standard input",
                        .unless = {"from-latents", "list"},
                        .without = "config"},
                       {.name = "KEY VALUE",
                        .help = "with -c: keys of the configuration and their values, as VGen takes them",
                        .required = false,
                        .repeat = true,
                        .with = "config"}},
       .options =
           {output,
            model,
            {.name = "config",
             .letter = 'c',
             .value = "FILE",
             .help = "run an inference configuration (.yaml) of VGen as it stands, with its list, checkpoints and "
                     "output folder; options that describe a clip are not read then"},
            system_choice,
            {.name = "adapter",
             .value = "FILE[:X]",
             .help = "attach an identity or motion adapter with scale X; may be repeated",
             .fallback = "",
             .repeat = true},
            {.name = "lora",
             .value = "FILE[:X][@A..B]",
             .help =
                 "attach a LoRA with scale X, in the denoising steps A to B, counted from 0; may be repeated. Files "
                 "of the reference, diffusers, PEFT and kohya",
             .fallback = "",
             .repeat = true},
            {.name = "embedding",
             .value = "FILE",
             .help =
                 "learned words for the prompt (textual inversion), such as DreamVideo's subject '*'; may be repeated",
             .repeat = true},
            negative,
            steps("the model's"),
            sampler,
            guidance,
            frames("frames of the clip", "the model's"),
            size,
            fps("the model's"),
            seed,
            {.name = "count",
             .kind = Kind::integer,
             .value = "N",
             .help = "clips, with seeds S, S+1, ...: out-S.mp4, ...",
             .fallback = "1",
             .low = 1,
             .high = 10000},
            {.name = "seeds",
             .kind = Kind::integers,
             .value = "S,S,...",
             .help = "one clip for each of these seeds, instead of --seed and --count",
             .instead_of = {"seed", "count"},
             .low = 0},
            sheet,
            {.name = "list",
             .value = "FILE",
             .help = "a clip for each line: PROMPT or PROMPT|SEED, PICTURE|||PROMPT for i2vgen_xl, CLIP|||PROMPT for "
                     "sr600; "
                     "out-0001.mp4, ..."},
            {.name = "image",
             .value = "FILE",
             .help = "picture: the first frame (i2vgen_xl, video_composer), or what guides a motion adapter"},
            {.name = "style",
             .value = "FILE",
             .help = "picture whose style the clip takes over (video_composer, tf_t2v)"},
            {.name = "video",
             .value = "FILE",
             .help = "clip: to enlarge (sr600), to fill under --mask, or whose noise is taken (--inverse-noise)"},
            {.name = "depth", .value = "FILE", .help = "clip or picture whose depth is taken (video_composer)"},
            {.name = "sketch", .value = "FILE", .help = "clip or picture whose lines are taken (video_composer)"},
            {.name = "single-sketch", .value = "FILE", .help = "the same, of the first frame alone (video_composer)"},
            {.name = "motion-from", .value = "FILE", .help = "clip whose motion is taken (video_composer)"},
            {.name = "draw-motion",
             .value = "LINE",
             .help = "motion that is drawn: \"0.2,0.5 -> 0.8,0.5 @ 0..16 ~ 0.1\", x,y of the picture, frames, radius; "
                     "may be repeated (video_composer)",
             .repeat = true},
            {.name = "mask",
             .value = "FILE",
             .help = "clip or picture, white where --video (or --image) is to be filled (video_composer)"},
            {.name = "condition",
             .value = "NAME=FILE",
             .help =
                 "ready-made condition by the name that the model has for it: a picture or clip (depth=d.mp4), or a "
                 ".safetensors file with a tensor of that name",
             .repeat = true},
            amount("condition-fps", "frames a second that are taken from clips of conditions", "--fps", 240),
            amount("motion", "higen: how much moves between frames, up to 999", "the model's", 999),
            amount("appearance", "higen: how much the looks change over the clip, up to 1", "the model's", 1),
            {.name = "appearance-guidance",
             .value = "A,B",
             .help = "how strongly --image guides motion adapters, with the prompt and without (dream_video)",
             .fallback = "1,1"},
            amount("inverse-noise", "share of --video's own noise in the start, up to 1 (dream_video)", "0", 1),
            {.name = "upscale",
             .value = "DIR",
             .help = "then enlarge each clip with this model of sr600: out-upscaled.mp4"},
            {.name = "upscale-prompt", .value = "TEXT", .help = "prompt of that stage", .fallback = "PROMPT"},
            dtype("number type of the computation", "fp32"),
            device,
            decode_chunk,
            {.name = "from-latents",
             .value = "FILE",
             .help = "decode latents that an earlier run kept, without denoising"},
            overrides,
            dry_run},
       .examples =
           {"vgen gen \"a red circle moving left on a black background\" -o out.mp4",
            "vgen gen \"a blue square growing\" --seeds 1,2,3 --sheet sheet.png",
            "vgen gen -m T2V_DIR --steps 25 --sampler dpmpp_2m --guidance 9 --frames 16 --size 448x256 --seed "
            "8888 \"a fox\" -o fox.mp4",
            "vgen gen --system i2vgen_xl -m models --image fox.png \"a fox in snow\" -o fox.mp4",
            "vgen gen -m T2V_DIR --adapter dog.safetensors:1.0 --lora style.safetensors:0.6@0..30 \"a sks dog\"",
            "vgen gen -m I2V_DIR --image fox.png \"a fox in snow\" -o fox.mp4",
            "vgen gen -m HIGEN_DIR --motion 500 --appearance 0.9 \"a fox\" --upscale SR_DIR -o fox.mp4",
            "vgen gen -m COMPOSER_DIR --depth clip.mp4 --motion-from clip.mp4 --style ref.jpg \"a fox, oil painting\"",
            "vgen gen -m COMPOSER_DIR --draw-motion \"0.2,0.5 -> 0.8,0.5 @ 0..16\" --image first.png \"a fox\"",
            "vgen gen \"a fox\" --set sampler.type=dpmpp_2m_sde --set guidance_rescale=0.7 --dry-run",
            "vgen gen --from-latents out.mp4.latents.safetensors -o out.mp4",
            "vgen gen -c configs/i2vgen_xl_infer.yaml test_list_path list.txt test_model models/x.pth"}},
      {.name = "upscale",
       .summary = "enlarge a clip; a prompt says which details to add",
       .positionals = {{.name = "CLIP", .help = "the clip; its first 32 frames are used"},
                       {.name = "PROMPT",
                        .help = "what the clip shows; needed unless vgen made the clip, which holds its prompt then",
                        .required = false}},
       .options = {output,
                   {.name = "model", .letter = 'm', .value = "DIR", .help = "model folder of sr600", .required = true},
                   negative,
                   steps("the model's"),
                   sampler,
                   guidance,
                   frames("frames that are read", "what the model takes, 32"),
                   {.name = "double-frames",
                    .value = "YES",
                    .help = "show each frame to the model twice, for clips of 16 frames",
                    .fallback = "yes for clips half as long as it takes",
                    .choices = {"yes", "no"}},
                   size,
                   fps("the clip's"),
                   seed,
                   sheet,
                   dtype("number type of the computation", "fp32"),
                   device,
                   decode_chunk,
                   overrides,
                   dry_run},
       .examples = {"vgen upscale -m SR_DIR fox.mp4 \"a fox in snow\" -o fox-720p.mp4",
                    "vgen upscale -m SR_DIR made-by-vgen.mp4", "vgen upscale -m SR_DIR clip.mp4 \"a fox\" --dry-run"}},
      {.name = "inspect",
       .summary = "say what a weight file, model folder or clip is, and list what it holds",
       .positionals = {{.name = "FILE",
                        .help = "safetensors, index.json, .pth, .pt, .ckpt, .bin or a folder of them; or a video or "
                                "picture"}},
       .options = {{.name = "only", .value = "PATTERN", .help = "tensors whose name matches, such as '*attn1*'"},
                   {.name = "summary", .kind = Kind::flag, .help = "totals without the table"}},
       .examples = {"vgen inspect models/shapes", "vgen inspect model.pth --only '*time_embed*' --json",
                    "vgen inspect out.mp4"}},
      {.name = "convert",
       .summary = "rewrite weights in another layout or number type; VGen's configurations as vgen's",
       .positionals =
           {{.name = "SRC",
             .help = "weight file, or model folder of vgen, the reference or diffusers; or a .yaml of VGen"},
            {.name = "DST",
             .help = "file (.safetensors, .pth, ...) or new folder to make; not needed for a .yaml, which is printed",
             .required = false}},
       .options = {{.name = "to",
                    .value = "LAYOUT",
                    .help = "names, shapes and files of the result",
                    .fallback = "vgen for folders; files keep their names",
                    .choices = {"vgen", "reference", "diffusers"}},
                   system_choice,
                   {.name = "part",
                    .value = "PART",
                    .help = "of a file that holds several",
                    .fallback = "the only one",
                    .choices = {"text_encoder", "unet", "vae", "image_encoder"}},
                   dtype("number type of the result", "as stored"),
                   dry_run},
       .examples = {"vgen convert text2video_pytorch_model.pth unet.safetensors --to diffusers",
                    "vgen convert models/t2v out --to diffusers --dtype bf16",
                    "vgen convert models out --system i2vgen_xl", "vgen convert configs/t2v_infer.yaml"}},
      {.name = "tiny",
       .summary = "write a model of any system with random weights, for trying things out",
       .positionals = {{.name = "SYSTEM",
                        .help = "which network and flow",
                        .choices = {"t2v", "i2vgen_xl", "higen", "sr600", "tf_t2v", "video_composer", "video_lcm",
                                    "dream_video", "instruct_video"}},
                       {.name = "DIR", .help = "folder to make"}},
       .options = {seed},
       .examples = {"vgen tiny i2vgen_xl tiny_i2v", "vgen tiny higen tiny_higen --seed 7"}},
      {.name = "doctor",
       .summary = "check whether vgen can run on this machine",
       .examples = {"vgen doctor", "vgen doctor --json"}},
      {.name = "parity",
       .summary = "rerun golden cases and compare; exit 0 only if all hold",
       .positionals = {{.name = "CASE", .help = "folder of cases, or one case's .json", .repeat = true}},
       .options = {{.name = "only",
                    .value = "PATTERN",
                    .help = "cases whose area, name or area/name matches, such as 'unets/t2v*'"},
                   {.name = "failed", .kind = Kind::flag, .help = "print only cases that do not hold"},
                   device},
       .examples = {"vgen parity tests/golden", "vgen parity tests/golden --only 'diffusion/ddim*'"}},
      {.name = "train",
       .summary = "train from a configuration file",
       .options =
           {{.name = "config", .letter = 'c', .value = "FILE", .help = "YAML or JSON configuration", .required = true},
            {.name = "resume", .value = "DIR", .help = "the run folder, which must exist already"},
            {.name = "out",
             .letter = 'o',
             .value = "DIR",
             .help =
                 "run folder: logs, previews, checkpoints, model/. A run that is there already is continued from its "
                 "newest complete checkpoint, bit for bit as if it had never stopped",
             .fallback = "runs/NAME of NAME.yaml"},
            device,
            overrides,
            dry_run},
       .examples = {"vgen train -c examples/configs/shapes_t2v.yaml --out runs/t2v",
                    "vgen train -c FILE --resume runs/t2v --set trainer.steps=20000"}},
      {.name = "eval",
       .summary = "score a model",
       .positionals = {{.name = "WHAT", .help = "shapes: prompts of the shapes world, judged", .choices = {"shapes"}}},
       .options = {model,
                   {.name = "prompts",
                    .kind = Kind::integer,
                    .value = "N",
                    .help = "prompts to score",
                    .fallback = "500",
                    .low = 1,
                    .high = 100000},
                   seed,
                   steps("the model's"),
                   sampler,
                   guidance,
                   dtype("number type of the computation", "fp32"),
                   device,
                   {.name = "sheet", .value = "FILE", .help = "contact sheet of the first 24 clips (.png)"},
                   {.name = "out",
                    .letter = 'o',
                    .value = "DIR",
                    .help = "keep scores.json (each prompt) and clips.png there"}},
       .examples = {"vgen eval shapes", "vgen eval shapes -m runs/t2v/model --prompts 50 --sheet clips.png --json"}},
  };
  return table;
}

}  // namespace vgen::cli
