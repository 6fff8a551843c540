#include "vgen/train/text_to_video.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/stack.h>

#include <chrono>
#include <cmath>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/diffusion/noise.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/tensor_file.hpp"
#include "vgen/metrics/shapes_table.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/unet/init.hpp"
#include "vgen/video/png.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::train {

Tensor denoising_loss(unet::UNet& unet, const schedulers::NoiseSchedule& schedule, diffusion::Prediction prediction,
                      const Tensor& latents, const Tensor& t, const Tensor& noise, const unet::Conditions& conditions,
                      const unet::ForwardOptions& how) {
  const Tensor noisy = diffusion::add_noise(schedule, latents, noise, t);
  const Tensor out = unet.forward(noisy, t.to(latents.device()), conditions, how).to(at::kFloat);
  return (out - diffusion::target(prediction, schedule, latents, noise, t, noisy)).square().flatten(1).mean(1).mean();
}

// Latents of the data set, computed once.
struct TextToVideoTask::Data {
  Tensor latents;                     // [clips, C, F, h, w] half
  std::vector<std::string> captions;  // as drawn
};

TextToVideoTask::TextToVideoTask(const TextToVideoTaskOptions& o, const TrainerOptions& trainer, at::Device device)
    : options_(o), accumulate_(trainer.accumulate), schedule_(schedulers::make_schedule(o.index.schedule)) {
  VGEN_CHECK(o.batch >= 1 && o.clips >= o.batch, ConfigError, "text_to_video: needs 1 <= batch <= clips, got ", o.batch,
             " and ", o.clips);
  for (const StageOptions& stage : o.stages)
    VGEN_CHECK(stage.batch >= 1 && stage.frames >= 1 && o.world.frames % stage.frames == 0, ConfigError,
               "text_to_video: the stage until step ", stage.until,
               " needs batch >= 1 and a number of frames that divides ", o.world.frames, ", got ", stage.batch, " and ",
               stage.frames);
  VGEN_CHECK(o.time_power > 0, ConfigError, "text_to_video: time_power must be > 0, got ", o.time_power, "; try 1");
  VGEN_CHECK(!o.autoencoder.empty(), ConfigError,
             "text_to_video: autoencoder must name a model folder with the part vae; train it first");
  vae::AutoencoderKlOptions v;
  from_node(pipelines::read_part_config(o.autoencoder, "vae"), v, {o.autoencoder + "/vae/config.json", ""});
  vae_ = std::make_shared<vae::AutoencoderKl>(v);
  pipelines::load_part(o.autoencoder, "vae", *vae_);
  vae_->requires_grad(false);
  if (!o.text_encoder.empty())
    from_node(pipelines::read_part_config(o.text_encoder, "text_encoder"), options_.text,
              {o.text_encoder + "/text_encoder/config.json", ""});
  VGEN_CHECK(v.latent_channels == o.unet.in_channels && options_.text.width == o.unet.context_channels, ConfigError,
             "text_to_video: unet.in_channels must equal the VAE's latent channels (", v.latent_channels,
             ") and unet.context_channels the text tower's width (", options_.text.width, ")");
  text_ = std::make_shared<conditioning::ClipText>(options_.text);
  text_->initialise(step_generator(trainer.seed, 0, 0, 1));
  unet_ = std::make_shared<unet::UNet>(o.unet);
  unet::initialise(*unet_, step_generator(trainer.seed, 0, 0, 2));
  if (!o.start.empty()) {
    if (o.text_encoder.empty()) start_from(o.start, "text_encoder", *text_);
    start_from(o.start, "unet", *unet_);
  }
  if (!o.text_encoder.empty()) {
    pipelines::load_part(o.text_encoder, "text_encoder", *text_, {.dtype = at::kFloat});
    text_->requires_grad(false);
  }
  unet_->train();
  unet_->to(device, dtype_of(trainer.precision));
  text_->to(device, dtype_of(trainer.precision));
  vae_->to(device, at::kFloat);
}
TextToVideoTask::~TextToVideoTask() = default;

Parameters TextToVideoTask::parameters() {
  Parameters out;
  if (options_.text_encoder.empty())
    text_->each_parameter([&](const std::string& name, Tensor& t) { out.emplace_back(name, t); }, "text_encoder");
  unet_->each_parameter([&](const std::string& name, Tensor& t) { out.emplace_back(name, t); }, "unet");
  return out;
}

void TextToVideoTask::prepare(const CancelToken& cancel, const OnProgress& progress) {
  const at::NoGradGuard off;
  const auto start = std::chrono::steady_clock::now();
  auto data = std::make_unique<Data>();
  for (int k = 0; k < options_.clips; ++k)
    data->captions.push_back(
        data::shapes_caption(options_.data_seed, static_cast<std::uint64_t>(k), data::Split::train, options_.world));
  // What the latents depend on.
  std::string source = formats::dump_json(to_node(vae_->options())) + formats::dump_json(to_node(options_.world)) +
                       str(options_.data_seed, " ", options_.clips);
  vae_->each_parameter([&](const std::string& name, Tensor& t) {
    const Tensor bytes = t.detach().cpu().contiguous();
    source += name + sha256_hex({static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()});
  });
  const std::string fingerprint = sha256_hex(source);
  const std::filesystem::path cache = options_.latent_cache;
  if (!cache.empty() && std::filesystem::exists(cache)) {
    const formats::TensorFile file = formats::read_tensor_file(cache);
    const auto found = file.metadata.find("fingerprint");
    if (found != file.metadata.end() && found->second == fingerprint) {
      data->latents = weights::to_state_dict(file).at(0).second;
      data_ = std::move(data);
      return;
    }
    log::warn("text_to_video: ", cache.string(), " holds other latents; they are computed anew");
  }
  const at::Device device = vae_->parameters().front().device();
  std::vector<Tensor> drawn, parts;
  for (int k = 0; k < options_.clips; ++k) {
    cancel.check("train");
    const data::ShapesClip clip =
        data::shapes_clip(options_.data_seed, static_cast<std::uint64_t>(k), data::Split::train, options_.world);
    const Tensor pixels = pipelines::to_tensor(clip.frames).to(device);
    const Tensor z = vae_->encode(pixels).mode() * vae_->options().scale_factor;  // [F, C, h, w]
    drawn.push_back(z.transpose(0, 1).to(at::kHalf));
    if (progress)
      progress({"latents", k + 1, options_.clips,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    if (drawn.size() < 64 && k + 1 < options_.clips) continue;
    parts.push_back(at::stack(drawn).cpu());  // a device is waited for once in a while only
    drawn.clear();
  }
  data->latents = at::cat(parts);
  if (!cache.empty())
    weights::save_state_dict(cache, {{"latents", data->latents}}, {.metadata = {{"fingerprint", fingerprint}}});
  data_ = std::move(data);
}

TextToVideoTask::Batch TextToVideoTask::draw(std::uint64_t seed, long long step, int part) const {
  StageOptions stage{.until = 0, .frames = static_cast<int>(data_->latents.size(2)), .batch = options_.batch};
  for (auto later = options_.stages.rbegin(); later != options_.stages.rend(); ++later)
    if (step <= later->until) stage = *later;
  at::Generator draw = step_generator(seed, step, part);
  const std::int64_t batch = stage.batch;
  const at::TensorOptions cpu = at::TensorOptions().dtype(at::kFloat);
  const Tensor which = at::rand({batch}, draw, cpu)
                           .mul(static_cast<double>(options_.clips))
                           .to(at::kLong)
                           .clamp_max_(options_.clips - 1);
  const Tensor drop = at::rand({batch}, draw, cpu) < options_.caption_dropout;
  const double total = schedule_.steps();
  const Tensor t = at::rand({batch}, draw, cpu)
                       .pow(1 / options_.time_power)
                       .mul(total)
                       .to(at::kLong)
                       .clamp_max_(static_cast<std::int64_t>(total) - 1);
  const std::int64_t stride = data_->latents.size(2) / stage.frames;
  const Tensor phase = stride == 1 ? Tensor() : at::rand({batch}, draw, cpu).mul(static_cast<double>(stride));
  std::vector<Tensor> chosen;
  std::vector<std::string> captions;
  for (std::int64_t i = 0; i < batch; ++i) {
    const std::int64_t clip = which[i].item<std::int64_t>(),
                       first = stride == 1 ? 0 : std::min(phase[i].to(at::kLong).item<std::int64_t>(), stride - 1);
    chosen.push_back(data_->latents[clip].slice(1, first, first + stride * (stage.frames - 1) + 1, stride));
    captions.push_back(drop[i].item<bool>() ? options_.index.defaults.negative_prompt
                                            : data_->captions[static_cast<std::size_t>(clip)]);
  }
  const Tensor latents = at::stack(chosen).to(at::kFloat);
  const auto tokens =
      text::Tokenizer::clip().tokenize(std::span<const std::string>(captions), options_.text.context_length);
  return {.latents = latents,
          .t = t,
          .noise = diffusion::draw_noise(latents, options_.offset_noise, noise_from(draw)),
          .ids = conditioning::ids_tensor(tokens),
          .draw = draw};
}

Tensor TextToVideoTask::loss(std::uint64_t seed, long long step, int part) {
  if (!data_) prepare({}, {});
  const Place here{seed, step, part};
  const bool waits = next_.valid() && next_place_ == here;
  const Batch batch = waits ? next_.get() : draw(seed, step, part);
  const at::Device device = unet_->parameters().front().device();
  if (!device.is_cpu()) {  // the host is idle while a device computes
    next_place_ = part + 1 < accumulate_ ? Place{seed, step, part + 1} : Place{seed, step + 1, 0};
    next_ = std::async(std::launch::async, [this, next = next_place_] {
      return std::apply(&TextToVideoTask::draw, std::tuple_cat(std::tuple(this), next));
    });
  }
  const Tensor words = text_->forward(batch.ids.to(device)).words;
  return denoising_loss(*unet_, schedule_, options_.index.prediction, batch.latents.to(device), batch.t,
                        batch.noise.to(device), {{"text", words}},
                        {.cache = nullptr, .observe = {}, .dropout = batch.draw});
}

std::map<std::string, double> TextToVideoTask::preview(long long step, const std::filesystem::path& folder,
                                                       EventLog& log) {
  const at::NoGradGuard off;
  struct Tower : conditioning::Encoder {
    conditioning::ClipTextEncoder encoder;
    explicit Tower(conditioning::ClipText& tower) : encoder(tower) {}
    conditioning::TextEmbedding encode(std::span<const std::string> texts) override { return encoder.encode(texts); }
  };
  pipelines::Pipeline pipe(pipelines::Components{std::make_shared<Tower>(*text_), unet_, vae_, options_.index, ""});
  metrics::ShapesTable table;
  std::vector<video::Frames> rows;
  for (const auto& prompt : data::eval_prompts(options_.preview_prompts, 1)) {
    const auto clip = pipe.generate({.prompt = prompt.caption, .seed = 1}).front();
    table.add(metrics::score(metrics::judge(clip.frames), prompt.attributes));
    if (rows.size() < 12) rows.push_back(clip.frames);
  }
  unet_->train();
  const video::Frames sheet = video::contact_sheet(rows, {.columns = 8});
  const std::string png = video::encode_png(sheet.frame(0), sheet.height, sheet.width, 3);
  write_file(folder / str("preview-", step, ".png"), png);
  log.picture(step, "clips", static_cast<int>(sheet.height), static_cast<int>(sheet.width), png);
  std::map<std::string, double> shares;
  for (const auto& [name, count] : table.right) shares["preview/" + name] = table.share(name);
  return shares;
}

void TextToVideoTask::save(const std::filesystem::path& folder, const Parameters& weights) {
  std::map<std::string, Parameters> parts;
  for (const auto& [name, tensor] : weights) {
    const std::size_t dot = name.find('.');
    parts[name.substr(0, dot)].emplace_back(name.substr(dot + 1), tensor);
  }
  const auto tower = parts.find("text_encoder");  // not trained: as it was loaded
  pipelines::write_part(folder, "text_encoder", to_node(options_.text),
                        tower == parts.end() ? text_->named_parameters() : tower->second);
  pipelines::write_part(folder, "unet", to_node(options_.unet), parts.at("unet"));
  pipelines::write_part(folder, "vae", to_node(vae_->options()), vae_->named_parameters());
  write_file(folder / "model_index.json", formats::dump_json(to_node(options_.index)) + "\n");
}

}  // namespace vgen::train
