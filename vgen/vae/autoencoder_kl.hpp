// AutoencoderKL: the convolutional autoencoder whose latents the video models work in (Rombach et al. 2022,
// "High-Resolution Image Synthesis with Latent Diffusion Models", section 3.1 and appendix G). Frames are independent
// of each other.
//
//   AutoencoderKl vae({});                             // Stable Diffusion's: 248 tensors, 83,653,863 values
//   Tensor latents = vae.encode_frames(video, noise);  // [B, 3, F, H, W] in [-1, 1] -> [B, 4, F, H/8, W/8], scaled
//   Tensor frames = vae.decode_frames(latents, 4);     // the way back
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/key_pair.hpp"
#include "vgen/core/options.hpp"
#include "vgen/nn/layers.hpp"
#include "vgen/vae/gaussian.hpp"

namespace vgen::vae {

struct AutoencoderKlOptions {
  static constexpr std::string_view kind = "autoencoder_kl";
  int in_channels = 3, out_channels = 3;
  int latent_channels = 4;                      // of what encode gives and decode takes
  int inner_channels = 4;                       // between the trunks and the 1x1 convolutions around the latent
  int channels = 128;                           // of the first level
  std::vector<int> multipliers = {1, 2, 4, 4};  // width of each level / channels; one halving between levels
  int blocks = 2;                               // residual blocks a level in the encoder; the decoder has one more
  std::vector<int> attention_resolutions = {};  // levels whose nominal side is listed get attention after every block
  int resolution = 256;                         // nominal side of the first level, for that purpose only
  int norm_groups = 32;
  double dropout = 0.0;
  double scale_factor = 0.18215;    // latents are multiplied by it, so that their variance is about one
  bool latent_convolutions = true;  // false: encode and decode leave out the 1x1 convolutions ("AutoencoderVideo")
  bool operator==(const AutoencoderKlOptions&) const = default;
  static constexpr auto fields() {
    using O = AutoencoderKlOptions;
    return std::tuple{
        field("in_channels", &O::in_channels, "channels of a picture"),
        field("out_channels", &O::out_channels, "channels of a decoded picture"),
        field("latent_channels", &O::latent_channels, "channels of a latent"),
        field("inner_channels", &O::inner_channels, "channels between the trunks and the latent's 1x1 convolutions"),
        field("channels", &O::channels, "width of the first level"),
        field("multipliers", &O::multipliers, "width of each level as a multiple of channels"),
        field("blocks", &O::blocks, "residual blocks a level (the decoder has one more)"),
        field("attention_resolutions", &O::attention_resolutions, "nominal sides at which levels have attention"),
        field("resolution", &O::resolution, "nominal side of the first level"),
        field("norm_groups", &O::norm_groups, "groups of the group norms"),
        field("dropout", &O::dropout, "dropout in the residual blocks"),
        field("scale_factor", &O::scale_factor, "factor of latents"),
        field("latent_convolutions", &O::latent_convolutions, "1x1 convolutions around the latent")};
  }
  int downscale() const { return 1 << (multipliers.size() - 1); }  // side of a picture / side of its latent
  // From the reference's `ddconfig` mapping and embed_dim, and from a diffusers config.json.
  VGEN_API static AutoencoderKlOptions from_ddconfig(const Node& ddconfig, int embed_dim);
  VGEN_API static AutoencoderKlOptions from_diffusers(const Node& config);
};

// ConfigError naming the first option that makes no model.
VGEN_API void validate(const AutoencoderKlOptions& options);

// Names and shapes in released layouts, complete: one pair for each of our parameters.
VGEN_API std::vector<KeyPair> reference_keys(const AutoencoderKlOptions& options);
enum class DiffusersAttention { to_q, query };  // today's names, and those of files written before diffusers 0.17
VGEN_API std::vector<KeyPair> diffusers_keys(const AutoencoderKlOptions& options,
                                             DiffusersAttention names = DiffusersAttention::to_q);

// Sizes of the pieces in which `frames` are coded: as many as at_once fits into them, of even size (so a piece can hold
// up to 2 at_once - 1 frames), the last one smaller. The reference's rule, which also fixes its sequence of noise
// draws.
VGEN_API std::vector<std::int64_t> pieces(std::int64_t frames, std::int64_t at_once);

namespace detail {

class ResBlock : public nn::Module {  // norm, SiLU, 3x3; norm, SiLU, dropout, 3x3; plus the input
 public:
  ResBlock(std::int64_t in, std::int64_t out, std::int64_t groups, double dropout);
  Tensor forward(const Tensor& x);  // [N, H, W, C]

 private:
  nn::GroupNorm norm1_;
  nn::Conv2d conv1_;
  nn::GroupNorm norm2_;
  nn::Conv2d conv2_;
  std::unique_ptr<nn::Linear> skip_;
  double dropout_;
};

class AttentionBlock : public nn::Module {  // one head over the positions of a picture
 public:
  AttentionBlock(std::int64_t channels, std::int64_t groups);
  Tensor forward(const Tensor& x);  // [N, H, W, C]

 private:
  nn::GroupNorm norm_;
  nn::Linear to_q_, to_k_, to_v_, to_out_;
};

class Level : public nn::Module {  // blocks (each followed by attention or not), then a change of size or none
 public:
  enum class Resize { none, down, up };
  Level(std::int64_t in, std::int64_t out, int blocks, bool attention, Resize resize,
        const AutoencoderKlOptions& options);
  Tensor forward(Tensor x);

 private:
  nn::ModuleList<ResBlock> res_;
  nn::ModuleList<AttentionBlock> attn_;
  std::unique_ptr<nn::Conv2d> conv_;
  Resize resize_;
};

class Middle : public nn::Module {
 public:
  Middle(std::int64_t channels, const AutoencoderKlOptions& options);
  Tensor forward(const Tensor& x);

 private:
  ResBlock res1_;
  AttentionBlock attn_;
  ResBlock res2_;
};

class Encoder : public nn::Module {
 public:
  explicit Encoder(const AutoencoderKlOptions& options);
  Tensor forward(const Tensor& x);  // [N, H, W, in] -> [N, H', W', 2 inner]

 private:
  nn::Conv2d conv_in_;
  nn::ModuleList<Level> down_;
  Middle mid_;
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
};

class Decoder : public nn::Module {
 public:
  explicit Decoder(const AutoencoderKlOptions& options);
  Tensor forward(const Tensor& z);  // [N, H', W', inner] -> [N, H, W, out]

 private:
  nn::Conv2d conv_in_;
  Middle mid_;
  nn::ModuleList<Level> up_;  // numbered by level, run from the last to the first
  nn::GroupNorm norm_out_;
  nn::Conv2d conv_out_;
};

}  // namespace detail

class VGEN_API AutoencoderKl : public nn::Module {
 public:
  explicit AutoencoderKl(const AutoencoderKlOptions& options);
  const AutoencoderKlOptions& options() const { return options_; }

  // Posterior of pictures [N, in, H, W] in [-1, 1]: [N, latent, H / downscale, W / downscale], sizes rounded down.
  // ShapeError if a side is shorter than downscale.
  DiagonalGaussian encode(const Tensor& x) { return DiagonalGaussian::from_moments(moments(x)); }
  // What that is made of: mean and unclamped log variance [N, 2 latent, h, w].
  Tensor moments(const Tensor& x) { return moments(x, options_.latent_convolutions); }
  // Pictures [N, out, h * downscale, w * downscale] of unscaled latents [N, latent, h, w]; about [-1, 1], not clamped.
  Tensor decode(const Tensor& z);

  // A sample of the posterior times scale_factor. Always through the 1x1 convolution, even where encode leaves it out.
  Tensor encode_scaled(const Tensor& x, const NoiseSource& noise);
  // The same for video [B, in, F, H, W] -> [B, latent, F, h, w], and back from scaled latents; in pieces of about
  // `at_once` frames.
  Tensor encode_frames(const Tensor& video, const NoiseSource& noise, std::int64_t at_once = 4);
  Tensor decode_frames(const Tensor& latents, std::int64_t at_once = 4);

 private:
  Tensor moments(const Tensor& x, bool convolve);

  AutoencoderKlOptions options_;
  detail::Encoder encoder_;
  detail::Decoder decoder_;
  nn::Linear to_moments_, from_latent_;
};

}  // namespace vgen::vae
