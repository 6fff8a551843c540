// Run: one sampling run of a pipeline, and the verbs that a system's own flow is written with.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "vgen/diffusion/denoiser.hpp"
#include "vgen/diffusion/guidance.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/samplers/brownian.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::pipelines {

// Pictures as CLIP's image tower of the family was fed: the side x side middle after the largest reduction, then size x
// size, normalised; [F, 3, size, size].
VGEN_API Tensor tower_pixels(const video::Frames& pictures, std::int64_t side, int size);

class VGEN_API Run {
 public:
  // words: [1 or 2, L, D], the prompt's and, where the run is guided, the negative prompt's.
  Run(Components& components, const Plan& plan, const Inputs& inputs, Tensor words, std::uint64_t seed,
      const Callbacks& callbacks = {});

  Components& components;
  const Plan& plan;
  const Request& request;
  const GenerationDefaults& defaults;
  const Inputs& inputs;
  const Callbacks& callbacks;
  const std::uint64_t seed;
  NoiseSource draw;                    // of the run's noise, in the order of the calls: the seed's generator
  samplers::IntervalNoise brownian{};  // in place of the seed's tree, for sr600
  std::function<void(const Tensor& x, const Tensor& t, const Tensor& out)> on_model{};  // sees every call of the UNet
  const schedulers::NoiseSchedule schedule;
  const at::Device device;

  std::int64_t latent_height() const;
  std::int64_t latent_width() const;
  bool guided() const { return *request.guidance != 1; }

  // The prompt's tokens, the caller's own conditions and the frame rate, if the network reads it; the negative prompt's
  // with the same, but for a picture's embedding, which is zero.
  unet::Conditions conditions() const;
  unet::Conditions negative_conditions() const;
  Tensor white_noise(std::int64_t frames);  // [1, C, frames, h, w]
  Tensor noise(std::int64_t frames);        // with its offset, where the model was trained with one
  // The network under these conditions, cancellable; NaN is a NumericsError that names the block.
  diffusion::Model model(unet::Conditions conditions);
  // Guided by the request's scale; `without` is asked only then. In one batch where the request allows it and both hold
  // the same conditions.
  diffusion::Model guided_model(const unet::Conditions& with, const unet::Conditions& without);
  // The request's sampler from `noise` to a sample, with the caller's callbacks.
  Tensor sample(const diffusion::Model& model, const Tensor& noise);
  Tensor sample(const diffusion::Denoiser& denoiser, const schedulers::NoiseSchedule& schedule, const Tensor& noise);
  // Pictures -> scaled latents [1, C, F, h, w], a sample of the autoencoder's posterior.
  Tensor encode(const Tensor& pictures, std::int64_t at_once = 1);  // [F, 3, H, W] in [-1, 1]
  // A picture through CLIP's image tower: [1, 1, D]. Unavailable if the model has none.
  Tensor image_embedding(const video::Frames& picture);
  // For a sampler that the system calls itself: cancellation and progress, and the caller's on_step.
  samplers::OnStep on_step();

 private:
  Tensor words_;
  int step_ = 1;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<nn::ContextCache>> caches_;
};

}  // namespace vgen::pipelines
