#include "vgen/vae/autoencoder_kl.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>

#include <algorithm>

#include "vgen/nn/dropout.hpp"
#include "vgen/nn/ops.hpp"

namespace vgen::vae {
namespace {

constexpr double kNormEps = 1e-6;
constexpr nn::Conv2dOptions kHalve{.stride = 2, .pad_h = 0, .pad_w = 0};

std::size_t levels(const AutoencoderKlOptions& o) { return o.multipliers.size(); }
std::int64_t width(const AutoencoderKlOptions& o, std::size_t level) {
  return std::int64_t(o.channels) * o.multipliers[level];
}
std::int64_t width_before(const AutoencoderKlOptions& o, std::size_t level) {
  return level ? width(o, level - 1) : o.channels;
}
bool attends(const AutoencoderKlOptions& o, std::int64_t side) {
  return std::find(o.attention_resolutions.begin(), o.attention_resolutions.end(), side) !=
         o.attention_resolutions.end();
}
// The nominal side is halved from the top in the encoder and doubled from the bottom in the decoder: these differ if it
// is odd.
bool encoder_attends(const AutoencoderKlOptions& o, std::size_t level) { return attends(o, o.resolution >> level); }
bool decoder_attends(const AutoencoderKlOptions& o, std::size_t level) {
  return attends(o, std::int64_t(o.resolution >> (levels(o) - 1)) << (levels(o) - 1 - level));
}

AutoencoderKlOptions checked(const AutoencoderKlOptions& options) {
  validate(options);
  return options;
}

int int_at(const Node& node, std::string_view key, int otherwise) {
  const Node* n = node.find(key);
  return n ? static_cast<int>(n->as_int()) : otherwise;
}
std::vector<int> ints_at(const Node& node, std::string_view key) {
  std::vector<int> out;
  if (const Node* n = node.find(key))
    for (const auto v : n->as_ints()) out.push_back(static_cast<int>(v));
  return out;
}

}  // namespace

void validate(const AutoencoderKlOptions& o) {
  const auto positive = [](const char* name, int v) {
    VGEN_CHECK(v >= 1, ConfigError, "autoencoder_kl: ", name, " must be >= 1, got ", v);
  };
  positive("in_channels", o.in_channels);
  positive("out_channels", o.out_channels);
  positive("latent_channels", o.latent_channels);
  positive("inner_channels", o.inner_channels);
  positive("channels", o.channels);
  positive("blocks", o.blocks);
  positive("resolution", o.resolution);
  positive("norm_groups", o.norm_groups);
  VGEN_CHECK(!o.multipliers.empty() && o.multipliers.size() <= 12, ConfigError,
             "autoencoder_kl: multipliers must have 1 to 12 levels, got ", o.multipliers.size());
  for (const int m : o.multipliers) positive("multipliers", m);
  VGEN_CHECK(o.channels % o.norm_groups == 0, ConfigError, "autoencoder_kl: channels (", o.channels,
             ") must be a multiple of norm_groups (", o.norm_groups, "); choose norm_groups that divide it");
  VGEN_CHECK(o.dropout >= 0 && o.dropout < 1, ConfigError, "autoencoder_kl: dropout must be in [0, 1), got ",
             o.dropout);
  VGEN_CHECK(o.scale_factor > 0, ConfigError, "autoencoder_kl: scale_factor must be > 0, got ", o.scale_factor);
}

AutoencoderKlOptions AutoencoderKlOptions::from_ddconfig(const Node& d, int embed_dim) {
  AutoencoderKlOptions o;
  if (const Node* twice = d.find("double_z"))
    VGEN_CHECK(twice->as_bool(), ConfigError,
               "autoencoder_kl: ddconfig must have double_z true, got false: there would be no variance");
  for (const auto& [key, built_in] :
       {std::pair{"tanh_out", false}, {"give_pre_end", false}, {"resamp_with_conv", true}, {"use_linear_attn", false}})
    if (const Node* given = d.find(key))
      VGEN_CHECK(given->as_bool() == built_in, UnsupportedError, "autoencoder_kl: ddconfig: ", key, " ",
                 built_in ? "false" : "true", " is not built in; only ", built_in ? "true" : "false");
  o.in_channels = int_at(d, "in_channels", 3);
  o.out_channels = int_at(d, "out_ch", 3);
  o.latent_channels = embed_dim;
  o.inner_channels = int_at(d, "z_channels", 4);
  o.channels = int_at(d, "ch", 128);
  if (d.find("ch_mult")) o.multipliers = ints_at(d, "ch_mult");
  o.blocks = int_at(d, "num_res_blocks", 2);
  o.attention_resolutions = ints_at(d, "attn_resolutions");
  o.resolution = int_at(d, "resolution", 256);
  if (const Node* p = d.find("dropout")) o.dropout = p->as_double();
  validate(o);
  return o;
}

AutoencoderKlOptions AutoencoderKlOptions::from_diffusers(const Node& c) {
  AutoencoderKlOptions o;
  o.in_channels = int_at(c, "in_channels", 3);
  o.out_channels = int_at(c, "out_channels", 3);
  o.latent_channels = o.inner_channels = int_at(c, "latent_channels", 4);
  const std::vector<int> widths = ints_at(c, "block_out_channels");
  VGEN_CHECK(!widths.empty(), ConfigError,
             "autoencoder_kl: config.json must have block_out_channels, a list of widths");
  o.channels = widths[0];
  o.multipliers.clear();
  for (const int w : widths) {
    VGEN_CHECK(o.channels > 0 && w % o.channels == 0, ConfigError,
               "autoencoder_kl: block_out_channels must be multiples of the first (", o.channels, "), got ", w);
    o.multipliers.push_back(w / o.channels);
  }
  o.blocks = int_at(c, "layers_per_block", 1);
  o.norm_groups = int_at(c, "norm_num_groups", 32);
  if (const Node* s = c.find("scaling_factor")) o.scale_factor = s->as_double();
  const auto refuse = [](const Node& config, const char* key, bool usual) {
    const Node* n = config.find(key);
    VGEN_CHECK(!n || n->is_null() || n->as_bool() == usual, UnsupportedError, "autoencoder_kl: config.json: ", key,
               " is supported only as ", usual);
  };
  refuse(c, "use_quant_conv", true);
  refuse(c, "use_post_quant_conv", true);
  refuse(c, "mid_block_add_attention", true);
  for (const char* key : {"down_block_types", "up_block_types"})
    if (const Node* types = c.find(key))
      for (const Node& t : types->items)
        VGEN_CHECK(t.as_string() == "DownEncoderBlock2D" || t.as_string() == "UpDecoderBlock2D", UnsupportedError,
                   "autoencoder_kl: config.json: ", key, ": expected DownEncoderBlock2D or UpDecoderBlock2D, got ",
                   printable(t.as_string()));
  for (const char* key : {"shift_factor", "latents_mean", "latents_std"}) {
    const Node* n = c.find(key);
    VGEN_CHECK(!n || n->is_null(), UnsupportedError, "autoencoder_kl: config.json: ", key, " is not supported");
  }
  validate(o);
  return o;
}

std::vector<std::int64_t> pieces(std::int64_t frames, std::int64_t at_once) {
  VGEN_CHECK(frames >= 1 && at_once >= 1, ConfigError, "autoencoder_kl: frames and frames at once must be >= 1, got ",
             frames, " and ", at_once);
  const std::int64_t count = frames / std::min(at_once, frames), size = (frames + count - 1) / count;
  std::vector<std::int64_t> out;
  for (std::int64_t left = frames; left > 0; left -= size) out.push_back(std::min(size, left));
  return out;
}

// ---- Names ----

namespace {

struct Layer {
  std::string ours, reference, diffusers;
  enum class Kind { norm, conv3, conv1, attention } kind;
  std::int64_t in, out;
};

std::vector<Layer> layers(const AutoencoderKlOptions& o) {
  using Kind = Layer::Kind;
  std::vector<Layer> out;
  const auto add = [&](const std::string& ours, const std::string& reference, const std::string& diffusers, Kind kind,
                       std::int64_t in, std::int64_t width) {
    out.push_back({ours, reference, diffusers, kind, in, width});
  };
  const auto res = [&](const std::string& a, const std::string& b, const std::string& c, std::int64_t in,
                       std::int64_t w) {
    add(a + ".norm1", b + ".norm1", c + ".norm1", Kind::norm, in, in);
    add(a + ".conv1", b + ".conv1", c + ".conv1", Kind::conv3, in, w);
    add(a + ".norm2", b + ".norm2", c + ".norm2", Kind::norm, w, w);
    add(a + ".conv2", b + ".conv2", c + ".conv2", Kind::conv3, w, w);
    if (in != w) add(a + ".skip", b + ".nin_shortcut", c + ".conv_shortcut", Kind::conv1, in, w);
  };
  const auto attn = [&](const std::string& a, const std::string& b, const std::string& c, std::int64_t w) {
    add(a + ".norm", b + ".norm", c + ".group_norm", Kind::norm, w, w);
    add(a + ".to_q", b + ".q", c + ".to_q", Kind::attention, w, w);
    add(a + ".to_k", b + ".k", c + ".to_k", Kind::attention, w, w);
    add(a + ".to_v", b + ".v", c + ".to_v", Kind::attention, w, w);
    add(a + ".to_out", b + ".proj_out", c + ".to_out.0", Kind::attention, w, w);
  };
  const auto middle = [&](const std::string& trunk, std::int64_t w) {
    res(trunk + ".mid.res1", trunk + ".mid.block_1", trunk + ".mid_block.resnets.0", w, w);
    attn(trunk + ".mid.attn", trunk + ".mid.attn_1", trunk + ".mid_block.attentions.0", w);
    res(trunk + ".mid.res2", trunk + ".mid.block_2", trunk + ".mid_block.resnets.1", w, w);
  };
  const std::size_t n = levels(o);
  const std::int64_t bottom = width(o, n - 1);

  add("encoder.conv_in", "encoder.conv_in", "encoder.conv_in", Kind::conv3, o.in_channels, o.channels);
  for (std::size_t i = 0; i < n; ++i) {
    const std::string a = str("encoder.down.", i), c = str("encoder.down_blocks.", i);
    for (int j = 0; j < o.blocks; ++j)
      res(str(a, ".res.", j), str(a, ".block.", j), str(c, ".resnets.", j), j ? width(o, i) : width_before(o, i),
          width(o, i));
    for (int j = 0; j < o.blocks && encoder_attends(o, i); ++j)
      attn(str(a, ".attn.", j), str(a, ".attn.", j), str(c, ".attentions.", j), width(o, i));
    if (i + 1 < n)
      add(a + ".conv", a + ".downsample.conv", c + ".downsamplers.0.conv", Kind::conv3, width(o, i), width(o, i));
  }
  middle("encoder", bottom);
  add("encoder.norm_out", "encoder.norm_out", "encoder.conv_norm_out", Kind::norm, bottom, bottom);
  add("encoder.conv_out", "encoder.conv_out", "encoder.conv_out", Kind::conv3, bottom, 2 * o.inner_channels);

  add("decoder.conv_in", "decoder.conv_in", "decoder.conv_in", Kind::conv3, o.inner_channels, bottom);
  middle("decoder", bottom);
  for (std::size_t i = 0; i < n; ++i) {
    const std::string a = str("decoder.up.", i),
                      c = str("decoder.up_blocks.", n - 1 - i);  // diffusers counts in the order of running
    const std::int64_t in = i + 1 < n ? width(o, i + 1) : bottom;
    for (int j = 0; j <= o.blocks; ++j)
      res(str(a, ".res.", j), str(a, ".block.", j), str(c, ".resnets.", j), j ? width(o, i) : in, width(o, i));
    for (int j = 0; j <= o.blocks && decoder_attends(o, i); ++j)
      attn(str(a, ".attn.", j), str(a, ".attn.", j), str(c, ".attentions.", j), width(o, i));
    if (i > 0) add(a + ".conv", a + ".upsample.conv", c + ".upsamplers.0.conv", Kind::conv3, width(o, i), width(o, i));
  }
  add("decoder.norm_out", "decoder.norm_out", "decoder.conv_norm_out", Kind::norm, width(o, 0), width(o, 0));
  add("decoder.conv_out", "decoder.conv_out", "decoder.conv_out", Kind::conv3, width(o, 0), o.out_channels);
  add("to_moments", "quant_conv", "quant_conv", Kind::conv1, 2 * o.inner_channels, 2 * o.latent_channels);
  add("from_latent", "post_quant_conv", "post_quant_conv", Kind::conv1, o.latent_channels, o.inner_channels);
  return out;
}

}  // namespace

std::vector<KeyPair> reference_keys(const AutoencoderKlOptions& options) {
  std::vector<KeyPair> out;
  for (const Layer& l : layers(checked(options))) {
    std::vector<std::int64_t> shape{l.out};
    if (l.kind != Layer::Kind::norm) shape = {l.out, l.in, 1, 1};
    if (l.kind == Layer::Kind::conv3) shape[2] = shape[3] = 3;
    out.push_back({l.ours + ".weight", l.reference + ".weight", std::move(shape)});
    out.push_back({l.ours + ".bias", l.reference + ".bias", {l.out}});
  }
  return out;
}

std::vector<KeyPair> diffusers_keys(const AutoencoderKlOptions& options, DiffusersAttention names) {
  std::vector<KeyPair> out;
  for (const Layer& l : layers(checked(options))) {
    std::string theirs = l.diffusers;
    std::vector<std::int64_t> shape{l.out};
    if (l.kind == Layer::Kind::attention)
      shape = {l.out, l.in};
    else if (l.kind == Layer::Kind::conv1)
      shape = {l.out, l.in, 1, 1};
    else if (l.kind == Layer::Kind::conv3)
      shape = {l.out, l.in, 3, 3};
    if (l.kind == Layer::Kind::attention && names == DiffusersAttention::query)
      for (const auto& [now, then] :
           {std::pair{"to_q", "query"}, {"to_k", "key"}, {"to_v", "value"}, {"to_out.0", "proj_attn"}})
        if (const std::string_view end = now; theirs.ends_with(end)) {
          theirs.replace(theirs.size() - end.size(), end.size(), then);
          break;
        }
    out.push_back({l.ours + ".weight", theirs + ".weight", std::move(shape)});
    out.push_back({l.ours + ".bias", theirs + ".bias", {l.out}});
  }
  return out;
}

// ---- Network ----

namespace detail {

ResBlock::ResBlock(std::int64_t in, std::int64_t out, std::int64_t groups, double dropout)
    : norm1_(groups, in, kNormEps),
      conv1_(in, out),
      norm2_(groups, out, kNormEps),
      conv2_(out, out),
      dropout_(dropout) {
  add_child("norm1", norm1_);
  add_child("conv1", conv1_);
  add_child("norm2", norm2_);
  add_child("conv2", conv2_);
  if (in != out) {
    skip_ = std::make_unique<nn::Linear>(in, out);
    add_child("skip", *skip_);
  }
}
Tensor ResBlock::forward(const Tensor& x) {
  Tensor h = conv1_.forward(norm1_.forward(x, /*silu=*/true));
  h = norm2_.forward(h, /*silu=*/true);
  if (dropout_ > 0) h = nn::dropout(h, dropout_, training(), {});
  h = conv2_.forward(h);
  return (skip_ ? skip_->forward(x) : x) + h;
}

AttentionBlock::AttentionBlock(std::int64_t channels, std::int64_t groups)
    : norm_(groups, channels, kNormEps),
      to_q_(channels, channels),
      to_k_(channels, channels),
      to_v_(channels, channels),
      to_out_(channels, channels) {
  add_child("norm", norm_);
  add_child("to_q", to_q_);
  add_child("to_k", to_k_);
  add_child("to_v", to_v_);
  add_child("to_out", to_out_);
}
Tensor AttentionBlock::forward(const Tensor& x) {
  const Tensor h = norm_.forward(x).flatten(1, 2);  // [N, H W, C]
  const Tensor y = nn::attend(to_q_.forward(h), to_k_.forward(h), to_v_.forward(h), /*heads=*/1);
  return x + to_out_.forward(y).view(x.sizes());
}

Level::Level(std::int64_t in, std::int64_t out, int blocks, bool attention, Resize resize,
             const AutoencoderKlOptions& o)
    : resize_(resize) {
  for (int j = 0; j < blocks; ++j) {
    res_.emplace(j ? out : in, out, o.norm_groups, o.dropout);
    if (attention) attn_.emplace(out, o.norm_groups);
  }
  add_child("res", res_);
  add_child("attn", attn_);
  if (resize != Resize::none) {
    conv_ = std::make_unique<nn::Conv2d>(out, out, resize == Resize::down ? kHalve : nn::Conv2dOptions{});
    add_child("conv", *conv_);
  }
}
Tensor Level::forward(Tensor x) {
  for (std::size_t j = 0; j < res_.size(); ++j) {
    x = res_[j].forward(x);
    if (attn_.size()) x = attn_[j].forward(x);
  }
  // Halving pads only to the right and below, as the model was trained.
  if (resize_ == Resize::down) return conv_->forward(at::constant_pad_nd(x, {0, 0, 0, 1, 0, 1}, 0));
  if (resize_ == Resize::up) return conv_->forward(nn::upsample2x(x));
  return x;
}

Middle::Middle(std::int64_t channels, const AutoencoderKlOptions& o)
    : res1_(channels, channels, o.norm_groups, o.dropout),
      attn_(channels, o.norm_groups),
      res2_(channels, channels, o.norm_groups, o.dropout) {
  add_child("res1", res1_);
  add_child("attn", attn_);
  add_child("res2", res2_);
}
Tensor Middle::forward(const Tensor& x) { return res2_.forward(attn_.forward(res1_.forward(x))); }

Encoder::Encoder(const AutoencoderKlOptions& o)
    : conv_in_(o.in_channels, o.channels),
      mid_(width(o, levels(o) - 1), o),
      norm_out_(o.norm_groups, width(o, levels(o) - 1), kNormEps),
      conv_out_(width(o, levels(o) - 1), 2 * o.inner_channels) {
  for (std::size_t i = 0; i < levels(o); ++i)
    down_.emplace(width_before(o, i), width(o, i), o.blocks, encoder_attends(o, i),
                  i + 1 < levels(o) ? Level::Resize::down : Level::Resize::none, o);
  add_child("conv_in", conv_in_);
  add_child("down", down_);
  add_child("mid", mid_);
  add_child("norm_out", norm_out_);
  add_child("conv_out", conv_out_);
}
Tensor Encoder::forward(const Tensor& x) {
  Tensor h = conv_in_.forward(x);
  for (auto& level : down_) h = level->forward(std::move(h));
  return conv_out_.forward(norm_out_.forward(mid_.forward(h), /*silu=*/true));
}

Decoder::Decoder(const AutoencoderKlOptions& o)
    : conv_in_(o.inner_channels, width(o, levels(o) - 1)),
      mid_(width(o, levels(o) - 1), o),
      norm_out_(o.norm_groups, width(o, 0), kNormEps),
      conv_out_(width(o, 0), o.out_channels) {
  for (std::size_t i = 0; i < levels(o); ++i)
    up_.emplace(width(o, std::min(i + 1, levels(o) - 1)), width(o, i), o.blocks + 1, decoder_attends(o, i),
                i ? Level::Resize::up : Level::Resize::none, o);
  add_child("conv_in", conv_in_);
  add_child("mid", mid_);
  add_child("up", up_);
  add_child("norm_out", norm_out_);
  add_child("conv_out", conv_out_);
}
Tensor Decoder::forward(const Tensor& z) {
  Tensor h = mid_.forward(conv_in_.forward(z));
  for (std::size_t i = up_.size(); i-- > 0;) h = up_[i].forward(std::move(h));
  return conv_out_.forward(norm_out_.forward(h, /*silu=*/true));
}

}  // namespace detail

AutoencoderKl::AutoencoderKl(const AutoencoderKlOptions& o)
    : options_(checked(o)),
      encoder_(o),
      decoder_(o),
      to_moments_(2 * o.inner_channels, 2 * o.latent_channels),
      from_latent_(o.latent_channels, o.inner_channels) {
  add_child("encoder", encoder_);
  add_child("decoder", decoder_);
  add_child("to_moments", to_moments_);
  add_child("from_latent", from_latent_);
}

static Tensor channels_last(const Tensor& x) { return x.permute({0, 2, 3, 1}).contiguous(); }
static Tensor channels_first(const Tensor& x) { return x.permute({0, 3, 1, 2}); }

Tensor AutoencoderKl::moments(const Tensor& x, bool convolve) {
  expect_shape(x, "autoencoder_kl", "picture", {-1, options_.in_channels, -1, -1});
  const std::int64_t least = options_.downscale();
  VGEN_CHECK(x.size(2) >= least && x.size(3) >= least, ShapeError, "autoencoder_kl: pictures must be at least ", least,
             "x", least, ", got ", x.size(3), "x", x.size(2));
  const Tensor h = encoder_.forward(channels_last(x));
  return channels_first(convolve ? to_moments_.forward(h) : h).contiguous();
}

Tensor AutoencoderKl::encode_scaled(const Tensor& x, const NoiseSource& noise) {
  return options_.scale_factor * DiagonalGaussian::from_moments(moments(x, true)).sample(noise);
}

Tensor AutoencoderKl::decode(const Tensor& z) {
  expect_shape(z, "autoencoder_kl", "latent",
               {-1, options_.latent_convolutions ? options_.latent_channels : options_.inner_channels, -1, -1});
  const Tensor h = channels_last(z);
  return channels_first(decoder_.forward(options_.latent_convolutions ? from_latent_.forward(h) : h)).contiguous();
}

// [B, C, F, H, W] -> [B F, C, H, W], coded piece by piece, and back.
template <class Code>
static Tensor frame_by_frame(const Tensor& video, std::int64_t at_once, Code&& code) {
  const std::int64_t b = video.size(0), f = video.size(2);
  const Tensor frames = video.transpose(1, 2).flatten(0, 1);
  std::vector<Tensor> out;
  std::int64_t first = 0;
  for (const std::int64_t n : pieces(b * f, at_once)) {
    out.push_back(code(frames.narrow(0, first, n)));
    first += n;
  }
  const Tensor coded = at::cat(out);
  return coded.view({b, f, coded.size(1), coded.size(2), coded.size(3)}).transpose(1, 2).contiguous();
}

Tensor AutoencoderKl::encode_frames(const Tensor& video, const NoiseSource& noise, std::int64_t at_once) {
  expect_shape(video, "autoencoder_kl", "video", {-1, options_.in_channels, -1, -1, -1});
  return frame_by_frame(video, at_once, [&](const Tensor& x) { return encode_scaled(x, noise); });
}

Tensor AutoencoderKl::decode_frames(const Tensor& latents, std::int64_t at_once) {
  expect_shape(latents, "autoencoder_kl", "latents", {-1, -1, -1, -1, -1});
  return frame_by_frame(latents, at_once, [&](const Tensor& z) { return decode(z / options_.scale_factor); });
}

}  // namespace vgen::vae
