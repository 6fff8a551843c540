#include "vgen/train/autoencoder.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>

#include "vgen/core/atomic_file.hpp"
#include "vgen/metrics/shapes_judge.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/video/png.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::train {

AutoencoderTask::AutoencoderTask(const AutoencoderTaskOptions& options, const TrainerOptions& trainer,
                                 at::Device device)
    : options_(options), model_(options.model) {
  VGEN_CHECK(options.batch >= 1, ConfigError, "autoencoder: batch must be >= 1, got ", options.batch);
  nn::initialise(model_, make_generator(trainer.seed));
  if (!options.start.empty()) start_from(options.start, "vae", model_);
  model_.train();
  model_.to(device, dtype_of(trainer.precision));
}

Parameters AutoencoderTask::parameters() { return model_.named_parameters(); }

Tensor AutoencoderTask::loss(std::uint64_t seed, long long step, int part) {
  at::Generator draw = step_generator(seed, step, part);
  const std::uint64_t first = (static_cast<std::uint64_t>(step) * 64 + static_cast<std::uint64_t>(part)) *
                              static_cast<std::uint64_t>(options_.batch);
  std::vector<Tensor> pictures, masks;
  for (int i = 0; i < options_.batch; ++i) {
    const data::ShapesClip clip = data::shapes_clip(options_.data_seed, first + static_cast<std::uint64_t>(i),
                                                    data::Split::train, options_.world);
    const std::int64_t frame = static_cast<std::int64_t>((first + static_cast<std::uint64_t>(i)) * 7 %
                                                         static_cast<std::uint64_t>(clip.frames.count));
    pictures.push_back(pipelines::to_tensor(clip.frames)[frame]);
    const std::vector<std::uint8_t> mask = clip.mask();
    Tensor shares = at::empty({1, clip.frames.height, clip.frames.width}, at::kFloat);
    const std::uint8_t* from = mask.data() + frame * shares.numel();
    std::transform(from, from + shares.numel(), shares.mutable_data_ptr<float>(),
                   [](std::uint8_t share) { return static_cast<float>(share) / 255; });
    masks.push_back(shares);
  }
  const Tensor like = parameters()[0].second, x = at::stack(pictures).to(like.device());
  const vae::DiagonalGaussian posterior = model_.encode(x.to(like.scalar_type()));
  const Tensor y = model_.decode(posterior.sample(noise_from(draw))).to(at::kFloat);
  const Tensor difference = y - x;
  const vae::DiagonalGaussian exact{posterior.mean.to(at::kFloat), posterior.logvar.to(at::kFloat)};
  const Tensor weight = at::stack(masks).to(like.device()) * (options_.object_weight - 1) + 1;  // [B, 1, H, W]
  return options_.l1 * (weight * difference.abs()).mean() + options_.l2 * (weight * difference.square()).mean() +
         options_.kl * exact.kl().mean() / static_cast<double>(x[0].numel());
}

std::map<std::string, double> AutoencoderTask::preview(long long step, const std::filesystem::path& folder,
                                                       EventLog& log) {
  const at::NoGradGuard off;
  model_.eval();
  const Tensor like = parameters()[0].second;
  constexpr int clips = 48, shown = 6;
  std::vector<video::Frames> rows;
  int alike = 0, right = 0;
  double error = 0;
  for (int i = 0; i < clips; ++i) {
    const data::ShapesClip clip =
        data::shapes_clip(options_.data_seed + 1, static_cast<std::uint64_t>(i), data::Split::train, options_.world);
    const Tensor x = pipelines::to_tensor(clip.frames).to(like.device());
    const Tensor y = model_.decode(model_.encode(x.to(like.scalar_type())).mode()).to(at::kFloat);
    error += (y - x).abs().mean().item<double>() / clips;
    const video::Frames back = pipelines::to_frames(y, clip.frames.fps);
    const auto before = metrics::score(metrics::judge(clip.frames), clip.attributes),
               after = metrics::score(metrics::judge(back), clip.attributes);
    alike += before.everything == after.everything;
    right += after.everything;
    if (i < shown) rows.push_back(clip.frames), rows.push_back(back);
  }
  model_.train();
  const video::Frames sheet = video::contact_sheet(rows, {.columns = 8});
  const std::string png = video::encode_png(sheet.frame(0), sheet.height, sheet.width, 3);
  write_file(folder / str("preview-", step, ".png"), png);
  log.picture(step, "reconstructions", static_cast<int>(sheet.height), static_cast<int>(sheet.width), png);
  return {{"preview/l1", error},
          {"preview/judged_alike", static_cast<double>(alike) / clips},
          {"preview/judged_right", static_cast<double>(right) / clips}};
}

void AutoencoderTask::save(const std::filesystem::path& folder, const Parameters& weights) {
  const at::NoGradGuard off;
  // The scale that gives latents unit variance, measured with the weights that are saved.
  vae::AutoencoderKl model(options_.model);
  std::size_t i = 0;
  model.each_parameter([&](const std::string&, Tensor& value) { value = weights[i++].second; });
  double squares = 0, sum = 0, count = 0;
  for (std::uint64_t k = 0; k < 64; ++k) {
    const Tensor z = model
                         .encode(pipelines::to_tensor(
                             data::shapes_clip(options_.data_seed + 2, k, data::Split::train, options_.world).frames))
                         .mode();
    squares += z.square().sum().item<double>();
    sum += z.sum().item<double>();
    count += static_cast<double>(z.numel());
  }
  vae::AutoencoderKlOptions saved = options_.model;
  saved.scale_factor = 1 / std::sqrt(squares / count - (sum / count) * (sum / count));
  pipelines::write_part(folder, "vae", to_node(saved), weights);
}

}  // namespace vgen::train
