// Internal to reference_config: the keys of VGen's configurations, what they hold, which entry points read them, and
// what they are called here. docs/guide/from-vgen.md shows them.
#pragma once
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "vgen/reference_config/prompt_list.hpp"

namespace vgen::reference_config {

struct Task {
  std::string_view type;    // TASK_TYPE
  std::string_view letter;  // in Key::readers
  std::string_view system;  // pipelines::System
  ListFormat list = ListFormat::caption;
  // Names of the clips that it makes, and of the clip that it enlarges (prompt_list.hpp, file_name).
  std::string_view clip = "rank_01_00_{index:4}_{caption}.mp4", source = "";
  bool training = false, registered = true;
};
inline constexpr std::string_view kComposedClip = "rank_01_00_{index:4}_condition_{conditions}_{caption}.mp4";

inline constexpr std::array kTasks{
    Task{"inference_text2video_entrance", "t", "t2v"},
    Task{"inference_i2vgen_entrance", "i", "i2vgen_xl", ListFormat::picture_caption,
         "{file}_01_00_{caption}_{index:2}.mp4"},
    Task{"inference_higen_entrance", "h", "higen", ListFormat::caption_seed},
    Task{"inference_sr600_entrance", "s", "sr600", ListFormat::caption_seed, "{source}_sr.mp4",
         "rank_01_00_{index:4}_{caption}.mp4"},
    Task{"inference_tft2v_sr600_entrance", "s", "sr600", ListFormat::caption_video, "{source}_sr.mp4",
         "rank_01_00_{index:4}_{caption}.mp4"},
    Task{"inference_tft2v_entrance", "f", "tf_t2v"},
    Task{"inference_tft2v_vcomposer_entrance", "c", "video_composer", ListFormat::video_caption, kComposedClip},
    Task{"inference_videolcm_entrance", "l", "video_lcm"},
    Task{"inference_videolcm_vcomposer_entrance", "m", "video_lcm", ListFormat::video_caption, kComposedClip},
    Task{"inference_dreamvideo_entrance", "d", "dream_video", ListFormat::picture_caption,
         "{caption}_{seed}_{index}.mp4"},
    Task{"inference_instructvideo_entrance", "r", "instruct_video", ListFormat::video_caption_count,
         "{index:4}_{file}_{caption}.mp4"},
    Task{.type = "train_t2v_entrance", .letter = "T", .system = "t2v", .training = true},
    Task{.type = "train_dreamvideo_entrance", .letter = "D", .system = "dream_video", .training = true},
    Task{.type = "train_videolcm_t2v_entrance", .letter = "L", .system = "video_lcm", .training = true},
    Task{.type = "t2v_instructvideo_entrance", .letter = "R", .system = "instruct_video", .training = true},
    Task{.type = "train_i2v_vs_img_text_entrance",
         .letter = "I",
         .system = "i2vgen_xl",
         .training = true,
         .registered = false},
    Task{.type = "train_t2v_higen_entrance", .letter = "H", .system = "higen", .training = true, .registered = false},
};

// What `partial_keys` call the arguments of the network that the entry points of VideoComposer compute, the conditions'
// names here, and what VGen reads for them at paths that stand in its code.
struct Composition {
  std::string_view theirs, ours;
  std::vector<std::pair<std::string_view, std::string_view>> checkpoints = {};
};
inline const std::vector<Composition>& compositions() {
  static const std::pair<std::string_view, std::string_view> edges{"edges", "models/table5_pidinet.pth"},
      lines{"sketch_simplification", "models/sketch_simplification_gan.pth"};
  static const std::vector<Composition> all{{"y", "text"},
                                            {"depth", "depth", {{"depth", "models/midas_v3_dpt_large.pth"}}},
                                            {"sketch", "sketch", {edges, lines}},
                                            {"single_sketch", "single_sketch", {edges, lines}},
                                            {"local_image", "local_image"},
                                            {"masked", "masked"},
                                            {"image", "image"},
                                            {"motion", "motion"}};
  return all;
}

inline constexpr std::string_view kTraining = "TDLRIH", kAll = "tihsfclmdrTDLRIH";

// Of a value: b boolean, i integer, n number, s text, l list, m map, * anything; ? also null.
struct Key {
  std::string_view name, kind, readers, became;
  std::string_view idle = "nothing reads it";  // why it has no effect in the other tasks
};

inline const std::vector<Key>& top_keys() {
  static const std::vector<Key> keys{
      {"TASK_TYPE", "s", kAll, "system"},
      {"ENABLE", "b", "", ""},
      {"DATASET", "s", "", ""},
      {"vldm_cfg", "s", "tihsfclm", "merged under this file", "only inference merges a base file"},
      {"subject_cfg", "s", "d", "merged under this file"},
      {"motion_cfg", "s", "d", "merged under this file"},
      {"cfg_prefix", "s", "d", "adapters"},
      // the model
      {"UNet", "m", kAll, "unet"},
      {"Diffusion", "m", "tihsfcdrTDLRIH", "index", "the schedule of LCM is written in the entry point"},
      {"auto_encoder", "m", kAll, "checkpoints.vae"},
      {"embedder", "m", kAll, "checkpoints.text_encoder"},
      {"embedmanager", "m", "dD", "adapters.words"},
      {"video_compositions", "l", "fclmL", "unet.stem, unet.context"},
      {"test_model", "s", "tihsfclm", "checkpoints.unet"},
      {"base_model", "s", "d", "checkpoints.unet"},
      {"infer_checkpoint", "s", "r", "checkpoints.unet"},
      {"identity_adapter_path", "s", "d", "adapters.identity"},
      {"identity_adapter_index", "i", "d", "adapters.identity"},
      {"motion_adapter_path", "s", "d", "adapters.motion"},
      {"motion_adapter_index", "i", "d", "adapters.motion"},
      {"text_embedding_path", "s?", "dD", "adapters.words"},
      {"appearance_guide_strength_cond", "n", "dD", "adapters.appearance_guidance"},
      {"appearance_guide_strength_uncond", "n", "dD", "adapters.appearance_guidance"},
      {"use_clip_adapter_condition", "b", "dD", "adapters.appearance"},
      {"use_textInversion", "b", "dD", "adapters.words"},
      // sampling
      {"guide_scale", "n", "tihfdrDIH", "index.defaults.guidance",
       "the entry point writes its own guidance, or runs without"},
      {"ddim_timesteps", "i", "tihfcdrR", "index.defaults.sampler.steps", "the entry point writes its own steps"},
      {"ddim_steps", "l", "R", "task.ddim_steps", "inference steps by ddim_timesteps"},
      {"num_inference_steps", "i", "lmL", "index.defaults.sampler.steps"},
      {"total_noise_levels", "i", "s", "index.defaults.noise_levels"},
      {"double_frames_sr", "b", "s", "run.double_frames"},
      {"max_frames", "i", "tihfclmdL", "index.defaults.frames", "the entry point reads up to 32 frames"},
      {"resolution", "l", "tihfclmdrTDLRIH", "index.defaults.width, height", "super-resolution makes 1280x720"},
      {"target_fps", "n", "i", "index.defaults.fps", "only I2VGen-XL's network looks at it"},
      {"sample_fps", "*", "cmTDLRIH", "inputs.fps (data.fps in training)"},
      {"frame_lens", "l", "rhTDLRIH", "frames of training clips; of InstructVideo's inference"},
      {"scale", "i", "tihfclmd", "latents are an eighth of the picture", "latents are an eighth by construction"},
      {"scale_factor", "n", kAll, "checkpoints.latent_scale_factor"},
      {"seed", "i", kAll, "run.seed"},
      {"use_random_seed", "b", "dD", "run.seed"},
      {"round", "i", "tihsfclmd", "requests"},
      {"batch_size", "i", "tihsfclmdL", "one clip at a time, as batch_size 1"},
      {"negative_prompt", "s", "tifcdDTI", "index.defaults.negative_prompt",
       "the entry point takes the empty text, the embedder's, or none"},
      {"positive_prompt", "s", "fclm", "index.defaults.positive_prompt"},
      {"suffix", "s", "r", "index.defaults.positive_prompt"},
      {"motion_factor", "n", "h", "index.defaults.motion"},
      {"appearance_factor", "n", "h", "index.defaults.appearance"},
      {"noise_strength", "n", "hdTDIH", "index.defaults.offset_noise (task.offset_noise in training)"},
      {"inverse_noise_strength", "n", "d", "run.inverse_noise"},
      {"latents_path", "s", "d", "run.latents"},
      {"save_latents", "b", "dD", "run.keep_latents"},
      {"use_zero_infer", "b", "i", "run.zero_image", "only I2VGen-XL's entry point reads it"},
      {"share_noise", "b", "rR", "run.share_noise"},
      {"temporal_offset_noise", "b", "rR", "index.defaults.offset_noise"},
      {"temporal_offset_noise_strength", "n", "rR", "index.defaults.offset_noise"},
      {"use_fps_condition", "b", "cm", "no condition on the frame rate"},
      {"partial_keys", "l", "scm", "requests"},
      // what it runs on
      {"use_fp16", "b", "tihfldrTDLRIH", "run.dtype", "the entry point always runs in half precision"},
      {"chunk_size", "i", "cmTDLRIH", "run.condition_chunk",
       "frames at once of the annotators, which this task does not run"},
      {"decoder_bs", "i", "tihsfclmdrTDRIH", "run.decode_chunk"},
      {"log_dir", "s", kAll, "run.output"},
      {"test_list_path", "s", "tihsfclmd", "inputs.list"},
      {"test_data_dir", "s", "d", "inputs.folder"},
      {"data_dir", "s", "cm", "inputs.folder"},
      {"data_root", "s", "", ""},
      {"cap_dict_path", "s", "", ""},
      {"vit_resolution", "*", kAll, "the size of CLIP's image tower"},
      {"webvid_dir", "s", "r", "inputs.list"},
      {"webvid_cap_file", "s", "r", "inputs.list"},
      {"webvid_eval_text", "s", "r", "inputs.list"},
      {"webvid_test_caps", "i", "r", "inputs.count"},
      {"webvid_dir_save", "s", "r", "run.output"},
      // training
      {"lr", "n", kTraining, "trainer.learning_rate.base", "inference trains nothing"},
      {"num_steps", "i", kTraining, "trainer.steps", "inference trains nothing"},
      {"decay_mode", "s?", kTraining, "trainer.learning_rate.decay", "inference trains nothing"},
      {"warmup_steps", "i", kTraining, "trainer.learning_rate.warmup_steps", "inference trains nothing"},
      {"weight_decay", "n", kTraining, "trainer.adamw.weight_decay", "inference trains nothing"},
      {"ema_decay", "n", kTraining, "trainer.ema_decay", "inference trains nothing"},
      {"use_ema", "b", kTraining, "trainer.ema_decay", "inference trains nothing"},
      {"log_interval", "i", kTraining, "trainer.log_every", "inference trains nothing"},
      {"viz_interval", "i", "TDRIH", "trainer.sample_every", "no previews in this task"},
      {"save_ckp_interval", "i", kTraining, "trainer.checkpoint_every", "inference trains nothing"},
      {"p_zero", "n", "TDRIH", "task.caption_dropout", "nothing is dropped in this task"},
      {"batch_sizes", "m", kTraining, "data.batch", "inference trains nothing"},
      {"vid_dataset", "m", "TDLIH", "data.video"},
      {"img_dataset", "m", "TDLIH", "data.image"},
      {"vid_reward_dataset", "m", "R", "data.video"},
      {"Pretrain", "m", kTraining, "checkpoints.start"},
      {"visual_train", "m", "TDRIH", "task.preview", "previews of training"},
      {"num_workers", "i", kTraining, "processes of the loader, of which there are none here",
       "inference loads nothing"},
      {"prefetch_factor", "i", kTraining, "processes of the loader, of which there are none here",
       "inference loads nothing"},
      {"data_type", "l", "R", "data.kind"},
      {"num_timesteps", "i", "L", "index.schedule.steps"},
      {"zero_terminal_snr", "b", "L", "index.schedule.zero_terminal_snr"},
      {"grad_scale", "*", "R", "task.gradient_scale"},
      {"grad_checkpointing", "b", "R", "task.recompute"},
      {"reward_type", "s", "R", "task.reward"},
      {"reward_precision", "s", "R", "task.reward_precision"},
      {"starting_partial", "n", "R", "task.starting_partial"},
      {"truncated_backprop", "b", "R", "task.truncated_backprop"},
      {"trunc_backprop_timestep", "i", "R", "task.truncated_backprop_steps"},
      {"segments", "i", "R", "task.segments"},
      {"selection_method", "s", "R", "task.selection"},
      {"exponential_TSN", "b", "R", "task.exponential_selection"},
      {"partial_timestep", "n?", "", ""},
      {"reward_source", "s", "", ""},
      {"p_img_zero", "n", "", ""},
      {"p_image_zero", "n", "ID", "task.image_dropout"},
      {"freeze_text_embedding", "b", "D", "task.freeze_words"},
      {"fix_spatial_weight", "b", "D", "task.freeze_spatial"},
      {"fix_temporal_weight", "b", "D", "task.freeze_temporal"},
      {"train_adapter", "b", "D", "task.train_adapter"},
      {"use_mask_diffusion", "b", "D", "task.masked_loss"},
      {"gen_frames", "i", "D", "task.preview_frames"},
      {"sample_preview", "b", "D", "task.sample_preview"},
  };
  return keys;
}

// Keys inside blocks. `readers` of UNet: the class by the letter of its task (t T2VBase, i I2VGen, h HiGen, s SR600,
// f TFT2V and VideoLCM, d DreamVideo, r LoRA).
inline constexpr std::string_view kUnets = "tihsfdr";
inline const std::vector<Key>& unet_keys() {
  static const std::vector<Key> keys{
      {"type", "s", kUnets, "system"},
      {"in_dim", "i", kUnets, "unet.in_channels"},
      {"dim", "i", kUnets, "unet.channels"},
      {"y_dim", "i", "ih", "unet.context_channels", "this class takes the width of the text from context_dim"},
      {"context_dim", "i", kUnets, "unet.context_channels"},
      {"out_dim", "i", kUnets, "unet.out_channels"},
      {"dim_mult", "l", kUnets, "unet.levels"},
      {"num_heads", "i", kUnets, "unet.first_heads"},
      {"head_dim", "i", kUnets, "unet.head_channels"},
      {"num_res_blocks", "i", kUnets, "unet.blocks_per_level"},
      {"attn_scales", "l", kUnets, "unet.levels"},
      {"dropout", "n", kUnets, "unet.dropout"},
      {"temporal_attention", "b", kUnets, "temporal layers, which vgen's network always has"},
      {"temporal_attn_times", "i", "", "", "every class has one temporal transformer"},
      {"use_checkpoint", "b", kUnets, "activations computed again in training"},
      {"use_fps_condition", "b", "thfdr", "unet.embeddings", "this class does not look at it"},
      {"use_sim_mask", "b", "", ""},
      {"use_image_dataset", "b", "", ""},
      {"use_scale_shift_norm", "b", "", "", "every residual block is built without"},
      {"inpainting", "b", "", ""},
      {"concat_dim", "i", "if", "unet.stem", "this class swallows it"},
      {"num_tokens", "i", "ihf", "unet.context", "this class swallows it"},
      {"context_embedding_depth", "i", "h", "unet.context", "this class swallows it"},
      {"adapter_transformer_layers", "i", "if", "unet.stem", "this class swallows it"},
      {"hist_dim", "i", "f", "unet.context", "this class swallows it"},
      {"config", "*", "f", "the conditions of video_compositions", "this class swallows it"},
      {"misc_dropout", "n", "f", "unet.condition_dropout.p", "this class swallows it"},
      {"p_all_zero", "n", "f", "unet.condition_dropout.all_zero", "this class swallows it"},
      {"p_all_keep", "n", "f", "unet.condition_dropout.all_keep", "this class swallows it"},
      {"upper_len", "i", "", "", "every class swallows it"},
      {"default_fps", "i", "", "", "every class swallows it"},
      {"use_lcm", "b", "", "", "every class ignores it"},
      {"training", "b", "", "", "every class ignores it"},
      {"spatial_adapter_list", "l", "d", "adapters.spatial", "this class swallows it"},
      {"temporal_adapter_list", "l", "d", "adapters.temporal", "this class swallows it"},
      {"spatial_adapter_hidden_dim", "i?", "d", "adapters.hidden", "this class swallows it"},
      {"temporal_adapter_hidden_dim", "i?", "d", "adapters.hidden", "this class swallows it"},
      {"temporal_adapter_condition_dim", "i?", "d", "adapters.appearance", "this class swallows it"},
      {"use_lora", "b", "r", "adapters.lora", "this class swallows it"},
      {"lora_rank", "i?", "r", "adapters.lora", "this class swallows it"},
      {"lora_alpha", "n?", "r", "adapters.lora", "this class swallows it"},
  };
  return keys;
}

struct UnetClass {
  std::string_view type, letter;
};
inline constexpr std::array kUnetClasses{
    UnetClass{"UNetSD_T2VBase", "t"},    UnetClass{"UNetSD_I2VGen", "i"}, UnetClass{"UNetSD_HiGen", "h"},
    UnetClass{"UNetSD_SR600", "s"},      UnetClass{"UNetSD_TFT2V", "f"},  UnetClass{"UNetSD_VideoLCM", "f"},
    UnetClass{"UNetSD_DreamVideo", "d"}, UnetClass{"UNetSD_LoRA", "r"},
};

// Diffusion: letters d DiffusionDDIM, r DiffusionDDIMReward, s DiffusionDDIMSR.
inline const std::vector<Key>& diffusion_keys() {
  static const std::vector<Key> keys{
      {"type", "s", "drs", "index.schedule"},
      {"schedule", "s", "dr", "index.schedule.schedule", "this class has two schedules of its own"},
      {"schedule_param", "m", "dr", "index.schedule", "this class has two schedules of its own"},
      {"mean_type", "s", "dr", "index.prediction", "this class has two of its own"},
      {"loss_type", "s", "dr", "the mean squared error", "this class is not trained"},
      {"var_type", "s", "", "", "DDIM takes no variance from the network"},
      {"rescale_timesteps", "b", "dr", "times as they are", "this class swallows it"},
      {"noise_strength", "n", "dr", "offset noise in training", "this class swallows it"},
      {"ddim_timesteps", "i", "", ""},
      {"reverse_diffusion", "m", "s", "the inversion's schedule (cosine)", "this class swallows it"},
      {"forward_diffusion", "m", "s", "index.schedule", "this class swallows it"},
  };
  return keys;
}

// Blocks whose keys are only known, not told apart by class.
struct Block {
  std::string_view path;
  std::vector<Key> keys;
};
inline const std::vector<Block>& blocks() {
  static constexpr std::string_view data = "data", preview = "task.preview", start = "checkpoints.start";
  static const std::vector<Key> dataset{{"type", "s", "*", data},
                                        {"data_list", "l", "*", data},
                                        {"data_dir_list", "l", "*", data},
                                        {"resolution", "l", "*", data},
                                        {"vit_resolution", "l", "*", data},
                                        {"get_first_frame", "b", "*", data},
                                        {"get_random_frame", "b", "*", data},
                                        {"vit_frames", "i", "*", data},
                                        {"placeholder_strings", "l", "*", data},
                                        {"max_words", "i", "", "", "stored and never used"}};
  static const std::vector<Key> schedule{{"num_timesteps", "i", "*", "index.schedule.steps"},
                                         {"cosine_s", "n", "*", "index.schedule.cosine_s"},
                                         {"init_beta", "n", "*", "index.schedule.beta_start"},
                                         {"last_beta", "n", "*", "index.schedule.beta_end"},
                                         {"zero_terminal_snr", "b", "*", "index.schedule.zero_terminal_snr"},
                                         {"scale_min", "n", "*", "index.schedule.scale_min"},
                                         {"scale_max", "n", "*", "index.schedule.scale_max"},
                                         {"logsnr_min", "n", "*", "index.schedule.log_snr_min"},
                                         {"logsnr_max", "n", "*", "index.schedule.log_snr_max"}};
  static const std::vector<Key> direction{{"schedule", "s", "*", "index.schedule.schedule"},
                                          {"mean_type", "s", "*", "index.prediction"},
                                          {"schedule_param", "m", "*", "index.schedule"}};
  static const std::vector<Block> all{
      {"Diffusion.schedule_param", schedule},
      {"Diffusion.reverse_diffusion", direction},
      {"Diffusion.forward_diffusion", direction},
      {"Diffusion.reverse_diffusion.schedule_param", schedule},
      {"Diffusion.forward_diffusion.schedule_param", schedule},
      {"vid_dataset", dataset},
      {"img_dataset", dataset},
      {"vid_reward_dataset", dataset},
      {"embedder",
       {{"type", "s", "*", "checkpoints.text_encoder"},
        {"layer", "s", "*", "the last layer but one"},
        {"pretrained", "s", "*", "checkpoints.text_encoder"},
        {"vit_resolution", "l", "*", "the size of CLIP's image tower"},
        {"negative_prompt", "s", "*", "index.defaults.negative_prompt"},
        {"positive_prompt", "s", "*", "index.defaults.positive_prompt"}}},
      {"auto_encoder",
       {{"type", "s", "*", "checkpoints.vae"},
        {"ddconfig", "m", "*", "checkpoints.vae"},
        {"embed_dim", "i", "*", "checkpoints.vae"},
        {"pretrained", "s", "*", "checkpoints.vae"}}},
      {"auto_encoder.ddconfig",
       {{"double_z", "b", "*", "vae"},
        {"z_channels", "i", "*", "vae"},
        {"resolution", "i", "*", "vae"},
        {"in_channels", "i", "*", "vae"},
        {"out_ch", "i", "*", "vae"},
        {"ch", "i", "*", "vae"},
        {"ch_mult", "l", "*", "vae"},
        {"num_res_blocks", "i", "*", "vae"},
        {"attn_resolutions", "l", "*", "vae"},
        {"dropout", "n", "*", "vae"},
        {"video_kernel_size", "l", "", "", "ignored by the class"}}},
      {"embedmanager",
       {{"type", "s", "*", "adapters.words"},
        {"placeholder_strings", "l", "*", "adapters.words"},
        {"initializer_words", "l", "*", "adapters.words"},
        {"per_image_tokens", "b", "*", "adapters.words"},
        {"num_vectors_per_token", "i", "*", "adapters.words"},
        {"progressive_words", "b", "*", "adapters.words"}}},
      {"Pretrain",
       {{"type", "s", "*", start},
        {"fix_weight", "b", "*", start},
        {"fix_spatial_weight", "b", "*", start},
        {"fix_temporal_weight", "b", "*", start},
        {"train_adapter", "b", "*", start},
        {"grad_scale", "n", "*", start},
        {"resume_checkpoint", "s", "*", start},
        {"sd_keys_path", "s", "*", start},
        {"pretrained_image_keys", "s", "*", start}}},
      {"visual_train",
       {{"type", "s", "*", preview},
        {"partial_keys", "l", "*", preview},
        {"use_offset_noise", "b", "*", preview},
        {"guide_scale", "n", "*", preview},
        {"infer_with_custom_text", "b", "*", preview},
        {"data_list", "l", "*", preview},
        {"data_dir_list", "l", "*", preview}}},
  };
  return all;
}

}  // namespace vgen::reference_config
