#include "vgen/unet/unet.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/silu.h>

#include <algorithm>

#include "vgen/nn/embedding.hpp"
#include "vgen/nn/ops.hpp"
#include "vgen/nn/recompute.hpp"
#include "vgen/nn/res_block.hpp"
#include "vgen/nn/transformer.hpp"
#include "vgen/unet/condition_dropout.hpp"
#include "vgen/unet/free_u.hpp"

namespace vgen::unet {
namespace {

using nn::BlockContext;
using nn::Transformer;

Tensor as_images(const Tensor& x) { return x.view({x.size(0) * x.size(1), x.size(2), x.size(3), x.size(4)}); }
Tensor as_clip(const Tensor& images, const Tensor& like) {
  return images.view({like.size(0), like.size(1), images.size(1), images.size(2), images.size(3)});
}

struct Names {  // observer names of a stage's parts
  std::string res, spatial, temporal, resample;
  explicit Names(const std::string& stage)
      : res(stage + ".res"), spatial(stage + ".spatial"), temporal(stage + ".temporal"), resample(stage) {}
};

// One entry of the way down or up: a residual block with its transformers and, at the end of a level, a change of
// resolution.
class Stage : public nn::Module {
 public:
  enum class Resample { none, down, up };
  struct Plan {
    std::int64_t in = 0, out = 0;  // in == 0: no residual block
    bool attention = false;
    Resample resample = Resample::none;
  };

  Stage(const Plan& plan, const UNetOptions& o) : resample_(plan.resample), cropped_(o.row_padding - 1) {
    if (plan.in) {
      res_ = std::make_unique<nn::ResBlock>(nn::ResBlockOptions{.in = plan.in,
                                                                .out = plan.out,
                                                                .embedding = 4 * o.channels,
                                                                .norm_groups = o.norm_groups,
                                                                .dropout = o.dropout,
                                                                .temporal_dropout = o.temporal_dropout});
      add_child("res", *res_);
    }
    if (plan.attention) {
      const std::int64_t heads = plan.out / o.head_channels;
      spatial_ = std::make_unique<Transformer>(Transformer::Kind::spatial, plan.out, heads, o.head_channels,
                                               o.context_channels, o.norm_groups);
      temporal_ = std::make_unique<Transformer>(Transformer::Kind::temporal, plan.out, heads, o.head_channels, 0,
                                                o.norm_groups);
      add_child("spatial", *spatial_);
      add_child("temporal", *temporal_);
    }
    if (resample_ != Resample::none) {
      conv_ = std::make_unique<nn::Conv2d>(
          plan.out, plan.out,
          resample_ == Resample::down ? nn::Conv2dOptions{.stride = 2, .pad_h = o.row_padding} : nn::Conv2dOptions{});
      add_child(resample_ == Resample::down ? "downsample" : "upsample", *conv_);
    }
  }

  Tensor forward(Tensor h, const BlockContext& ctx, const Observer& observe, const Names& names) {
    const auto seen = [&](const std::string& name) {
      if (observe) observe(name, h);
    };
    if (res_) h = res_->forward(h, ctx), seen(names.res);
    if (spatial_) {
      h = spatial_->forward(h, ctx), seen(names.spatial);
      h = temporal_->forward(h, ctx), seen(names.temporal);
    }
    if (resample_ == Resample::down) h = as_clip(conv_->forward(as_images(h)), h), seen(names.resample + ".downsample");
    if (resample_ == Resample::up) {
      Tensor large = nn::upsample2x(as_images(h));
      if (cropped_) large = large.slice(1, cropped_, large.size(1) - cropped_).contiguous();
      h = as_clip(conv_->forward(large), h), seen(names.resample + ".upsample");
    }
    return h;
  }

 private:
  Resample resample_;
  std::int64_t cropped_;  // rows, above and below
  std::unique_ptr<nn::ResBlock> res_;
  std::unique_ptr<Transformer> spatial_, temporal_;
  std::unique_ptr<nn::Conv2d> conv_;
};

class Stem : public nn::Module {
 public:
  Stem(std::int64_t in, const UNetOptions& o)
      : conv(in, o.channels),
        temporal(Transformer::Kind::temporal, o.channels, o.first_heads, o.head_channels, 0, o.norm_groups) {
    add_child("conv", conv);
    add_child("temporal", temporal);
  }
  nn::Conv2d conv;
  Transformer temporal;
};

class Middle : public nn::Module {
 public:
  Middle(std::int64_t channels, const UNetOptions& o)
      : res1(block(channels, o)),
        spatial(Transformer::Kind::spatial, channels, channels / o.head_channels, o.head_channels, o.context_channels,
                o.norm_groups),
        temporal(Transformer::Kind::temporal, channels, channels / o.head_channels, o.head_channels, 0, o.norm_groups),
        res2(block(channels, o)) {
    add_child("res1", res1);
    add_child("spatial", spatial);
    add_child("temporal", temporal);
    add_child("res2", res2);
  }
  Tensor forward(Tensor h, const BlockContext& ctx, const Observer& observe) {
    const auto seen = [&](const char* name) {
      if (observe) observe(name, h);
    };
    h = res1.forward(h, ctx), seen("mid.res1");
    h = spatial.forward(h, ctx), seen("mid.spatial");
    h = temporal.forward(h, ctx), seen("mid.temporal");
    h = res2.forward(h, ctx), seen("mid.res2");
    return h;
  }
  nn::ResBlock res1;
  Transformer spatial, temporal;
  nn::ResBlock res2;

 private:
  static nn::ResBlockOptions block(std::int64_t channels, const UNetOptions& o) {
    return {.in = channels,
            .out = channels,
            .embedding = 4 * o.channels,
            .norm_groups = o.norm_groups,
            .dropout = o.dropout,
            .temporal_dropout = o.temporal_dropout};
  }
};

class Head : public nn::Module {
 public:
  Head(std::int64_t channels, const UNetOptions& o)
      : norm(o.norm_groups, channels, 1e-5), conv(channels, o.out_channels) {
    add_child("norm", norm);
    add_child("conv", conv);
  }
  nn::GroupNorm norm;
  nn::Conv2d conv;
};

// Children whose names are given by features or start at another number than 0.
class Group : public nn::Module {
 public:
  void adopt(const std::string& name, nn::Module& child) { add_child(name, child); }
};

}  // namespace

struct UNet::Body {
  nn::EmbeddingMlp time_embed;
  std::vector<std::unique_ptr<StemFeature>> stem_features;
  std::vector<std::unique_ptr<EmbeddingFeature>> embeddings;
  std::vector<std::unique_ptr<ContextFeature>> contexts;
  Group stem_group, embedding_group, context_group, down_group, up_group;
  std::unique_ptr<Stem> stem;
  std::vector<std::unique_ptr<Stage>> down, up;
  std::unique_ptr<Middle> mid;
  std::unique_ptr<Head> head;

  explicit Body(const UNetOptions& o) : time_embed(o.channels, 4 * o.channels, 4 * o.channels) {}
};

void validate(const UNetOptions& o) {
  const auto positive = [](std::int64_t v, const char* name) {
    VGEN_CHECK(v >= 1, ConfigError, "unet: ", name, " must be >= 1, got ", v);
  };
  positive(o.in_channels, "in_channels");
  positive(o.out_channels, "out_channels");
  positive(o.channels, "channels");
  positive(o.context_channels, "context_channels");
  positive(o.blocks_per_level, "blocks_per_level");
  positive(o.head_channels, "head_channels");
  positive(o.first_heads, "first_heads");
  positive(o.norm_groups, "norm_groups");
  VGEN_CHECK(!o.levels.empty() && o.levels.size() <= 8, ConfigError, "unet: levels must have 1 to 8 entries, got ",
             o.levels.size());
  VGEN_CHECK(o.dropout >= 0 && o.dropout < 1 && o.temporal_dropout >= 0 && o.temporal_dropout < 1, ConfigError,
             "unet: dropout must be in [0, 1)");
  VGEN_CHECK(o.row_padding == 1 || o.row_padding == 2, ConfigError, "unet: row_padding must be 1 or 2, got ",
             o.row_padding);
  const std::size_t stages = o.levels.size() * static_cast<std::size_t>(o.blocks_per_level + 1);
  VGEN_CHECK(o.free_u.size() <= stages, ConfigError, "unet: free_u has ", o.free_u.size(), " entries, the way up only ",
             stages, " stages");
  if (o.condition_dropout)
    for (const double share : {o.condition_dropout->p, o.condition_dropout->all_zero, o.condition_dropout->all_keep})
      VGEN_CHECK(share >= 0 && share <= 1, ConfigError, "unet: shares of condition_dropout must be in [0, 1], got ",
                 share);
  for (std::size_t i = 0; i < o.levels.size(); ++i) {
    const Level& level = o.levels[i];
    positive(level.multiplier, "levels.multiplier");
    const std::int64_t width = o.channels * level.multiplier;
    VGEN_CHECK(width % o.norm_groups == 0, ConfigError, "unet: width ", width, " is not divisible by norm_groups ",
               o.norm_groups);
    const bool has_heads = level.attention || i + 1 == o.levels.size();  // the middle is as wide as the last
    VGEN_CHECK(!has_heads || width % o.head_channels == 0, ConfigError, "unet: width ", width,
               " is not divisible by head_channels ", o.head_channels);
  }
}

UNet::UNet(const UNetOptions& options, Features own) : options_(options) {
  validate(options_);
  const UNetOptions& o = options_;
  body_ = std::make_unique<Body>(o);
  Body& m = *body_;
  add_child("time_embed", m.time_embed);

  std::int64_t in = o.in_channels;
  const auto adopt = [&](auto& list, Group& group, const char* name, const auto& features, auto& extra) {
    for (const auto& each : features) list.push_back(make_feature(each, o));
    for (auto& each : extra) list.push_back(std::move(each));
    for (const auto& feature : list) {
      group.adopt(feature->name(), *feature);
      for (const std::string& condition : feature->conditions())
        if (std::ranges::find(declared_, condition) == declared_.end()) declared_.push_back(condition);
    }
    if (!list.empty()) add_child(name, group);
  };
  adopt(m.embeddings, m.embedding_group, "embedding", o.embeddings, own.embeddings);
  adopt(m.contexts, m.context_group, "context", o.context, own.context);
  adopt(m.stem_features, m.stem_group, "stem", o.stem, own.stem);
  for (const auto& feature : m.stem_features) in += feature->channels();

  m.stem = std::make_unique<Stem>(in, o);
  m.down_group.adopt("0", *m.stem);
  add_child("down", m.down_group);
  const auto add = [&](auto& list, Group& group, std::size_t first, const Stage::Plan& plan) {
    list.push_back(std::make_unique<Stage>(plan, o));
    group.adopt(std::to_string(list.size() - 1 + first), *list.back());
  };
  std::int64_t width = o.channels;
  std::vector<std::int64_t> skips{width};
  for (std::size_t i = 0; i < o.levels.size(); ++i) {
    const std::int64_t out = o.channels * o.levels[i].multiplier;
    for (std::int64_t j = 0; j < o.blocks_per_level; ++j) {
      add(m.down, m.down_group, 1, {.in = width, .out = out, .attention = o.levels[i].attention});
      skips.push_back(width = out);
    }
    if (i + 1 < o.levels.size()) {
      add(m.down, m.down_group, 1, {.out = out, .resample = Stage::Resample::down});
      skips.push_back(out);
    }
  }
  m.mid = std::make_unique<Middle>(width, o);
  add_child("mid", *m.mid);
  add_child("up", m.up_group);
  for (std::size_t i = o.levels.size(); i-- > 0;) {
    const std::int64_t out = o.channels * o.levels[i].multiplier;
    for (std::int64_t j = 0; j <= o.blocks_per_level; ++j) {
      const bool enlarge = j == o.blocks_per_level && i > 0;
      add(m.up, m.up_group, 0,
          {.in = width + skips.back(),
           .out = out,
           .attention = o.levels[i].attention,
           .resample = enlarge ? Stage::Resample::up : Stage::Resample::none});
      skips.pop_back();
      width = out;
    }
  }
  m.head = std::make_unique<Head>(width, o);
  add_child("head", *m.head);
}

UNet::~UNet() = default;

void UNet::declare(const std::string& condition) {
  if (attached_.empty()) own_declared_ = declared_;
  attached_.push_back(condition);
  if (std::ranges::find(declared_, condition) == declared_.end()) declared_.push_back(condition);
}
void UNet::undeclare(const std::string& condition) {
  const auto at = std::ranges::find(attached_, condition);
  VGEN_CHECK(at != attached_.end(), ConfigError, "unet: the condition '", printable(condition), "' was not declared");
  attached_.erase(at);
  declared_ = own_declared_;
  for (const std::string& each : attached_)
    if (std::ranges::find(declared_, each) == declared_.end()) declared_.push_back(each);
}

// Whether the way up meets the sizes of the way down, which every level must halve and double again.
static bool fits(std::int64_t rows, std::int64_t columns, const UNetOptions& o) {
  for (std::size_t i = 1; i < o.levels.size(); ++i) {
    const std::int64_t half_rows = (rows + 2 * o.row_padding - 3) / 2 + 1, half_columns = (columns - 1) / 2 + 1;
    if (2 * (half_rows - (o.row_padding - 1)) != rows || 2 * half_columns != columns) return false;
    rows = half_rows;
    columns = half_columns;
  }
  return true;
}

Tensor UNet::forward(const Tensor& x, const Tensor& t, const Conditions& given, const ForwardOptions& how) {
  Body& m = *body_;
  expect_shape(x, "unet", "x", {-1, options_.in_channels, -1, -1, -1});
  const std::int64_t b = x.size(0), frames = x.size(2), multiple = std::int64_t(1) << (options_.levels.size() - 1);
  VGEN_CHECK(fits(x.size(3), x.size(4), options_), ShapeError, "unet: latent height and width must be multiples of ",
             multiple, options_.row_padding == 2 ? " (the height 2 more than one)" : "", ", got ", x.size(3), "x",
             x.size(4));
  VGEN_CHECK(t.dim() == 1 && t.size(0) == b, ShapeError, "unet: t must be [", b, "], got ", shape_string(t.sizes()));
  given.expect_subset_of(declared_);
  const at::ScalarType dtype = m.stem->conv.weight.scalar_type();

  FeatureInput in{.given = given,
                  .batch = b,
                  .frames = frames,
                  .height = x.size(3),
                  .width = x.size(4),
                  .like = x.options().dtype(dtype).requires_grad(std::nullopt),
                  .kept = {},
                  .dropout = how.dropout,
                  .observe = how.observe};
  if (training() && options_.condition_dropout) {
    std::vector<std::string> present;
    for (const auto& [name, tensor] : given.all()) present.push_back(name);
    in.kept = draw_condition_dropout(*options_.condition_dropout, present, b, how.dropout);
    for (auto& [name, share] : in.kept) share = share.to(x.device());
  }
  // What does not change over the steps of a run is asked once.
  const auto constant = [&](const void* key, const auto& make) {
    if (!how.cache) return make();
    if (const auto found = how.cache->find(key); found != how.cache->end()) return found->second.first;
    const Tensor made = make();
    how.cache->emplace(key, std::pair{made, Tensor()});
    return made;
  };

  BlockContext ctx;
  ctx.cache = how.cache;
  ctx.dropout = how.dropout;
  if (!attached_.empty()) ctx.conditions = given.all();
  ctx.temporal =
      options_.bypass == TemporalBypass::never || (options_.bypass == TemporalBypass::single_frame && frames > 1);
  const Tensor time = m.time_embed.forward(nn::sinusoidal_embedding(t, options_.channels).to(dtype));
  if (how.observe) how.observe("time_embed", time);
  Tensor embedding = time.unsqueeze(1);
  for (auto& feature : m.embeddings)
    if (const Tensor term = constant(feature.get(), [&] { return feature->embed(in); }); term.defined()) {
      if (how.observe) how.observe("embedding." + feature->name(), term);
      embedding = embedding + term;
    }
  ctx.embedding = at::silu(embedding);

  std::vector<Tensor> tokens;
  for (auto& feature : m.contexts)
    if (const Tensor part = constant(feature.get(), [&] { return feature->tokens(in); }); part.defined())
      tokens.push_back(part.to(dtype));
  VGEN_CHECK(!tokens.empty(), ConfigError,
             "unet: the cross-attention has nothing to look at; give the condition 'text'");
  for (const Tensor& part : tokens)
    VGEN_CHECK(part.size(0) == b, ShapeError, "unet: condition tokens have batch ", part.size(0), ", the latent ", b);
  if (tokens.size() > 1) {  // per-frame tokens force all others to be per frame
    std::int64_t groups = 1;
    for (const Tensor& part : tokens) groups = std::max(groups, part.size(1));
    for (Tensor& part : tokens) part = part.expand({b, groups, part.size(2), part.size(3)});
  }
  ctx.context = tokens.size() == 1 ? tokens[0] : at::cat(tokens, 2);

  std::vector<Tensor> channels{x.to(dtype).permute({0, 2, 3, 4, 1}).contiguous()};
  for (auto& feature : m.stem_features)
    if (feature->channels() > 0) channels.push_back(constant(feature.get(), [&] { return feature->concat(in); }));
  Tensor h = channels.size() > 1 ? at::cat(channels, 4) : channels[0];
  h = as_clip(m.stem->conv.forward(as_images(h)), h);
  if (how.observe) how.observe("down.0.conv", h);
  for (auto& feature : m.stem_features)
    if (feature->channels() == 0)
      if (const Tensor term = constant(feature.get(), [&] { return feature->added(in); }); term.defined()) h = h + term;

  // Runs one stage, keeping its activations or not.
  const auto run = [&](const Tensor& input, const auto& stage) {
    if (!recompute_ || !at::GradMode::is_enabled()) return stage(input, ctx, how.observe);
    return nn::recompute(
        [stage, ctx](const std::vector<Tensor>& in) {  // copies: the way back comes after this call
          BlockContext inner = ctx;
          inner.embedding = in[1];
          inner.context = in[2];
          return stage(in[0], inner, Observer());
        },
        {input, ctx.embedding, ctx.context}, how.dropout);
  };
  h = run(h,
          [&m](const Tensor& in, const BlockContext& c, const Observer&) { return m.stem->temporal.forward(in, c); });
  if (how.observe) how.observe("down.0.temporal", h);
  std::vector<Tensor> skips{h};
  for (std::size_t i = 0; i < m.down.size(); ++i) {
    h = run(h, [stage = m.down[i].get(), i](const Tensor& in, const BlockContext& c, const Observer& o) {
      return stage->forward(in, c, o, Names("down." + std::to_string(i + 1)));
    });
    skips.push_back(h);
  }
  h = run(h, [&m](const Tensor& in, const BlockContext& c, const Observer& o) { return m.mid->forward(in, c, o); });
  for (std::size_t i = 0; i < m.up.size(); ++i) {
    Tensor skip = skips.back();
    skips.pop_back();
    if (i < options_.free_u.size()) {
      h = scale_first_half(h, options_.free_u[i].backbone);
      skip = as_clip(scale_low_frequencies(as_images(skip), options_.free_u[i].skip), skip);
    }
    const Tensor joined = at::cat({h, skip}, 4);
    h = run(joined, [stage = m.up[i].get(), i](const Tensor& in, const BlockContext& c, const Observer& o) {
      return stage->forward(in, c, o, Names("up." + std::to_string(i)));
    });
  }
  h = m.head->norm.forward(as_images(h), /*silu=*/true);
  h = m.head->conv.forward(h);
  return h.view({b, frames, x.size(3), x.size(4), options_.out_channels}).permute({0, 4, 1, 2, 3}).contiguous();
}

}  // namespace vgen::unet
