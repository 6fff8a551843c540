#include "vgen/conditioning/clip_transformer.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/sigmoid.h>

#include "vgen/nn/ops.hpp"

namespace vgen::conditioning {

ClipBlock::ClipBlock(std::int64_t width, std::int64_t heads, std::int64_t mlp, bool quick_gelu, bool causal)
    : norm1(width),
      to_qkv(width, 3 * width),
      to_out(width, width),
      norm2(width),
      fc1(width, mlp),
      fc2(mlp, width),
      heads_(heads),
      quick_gelu_(quick_gelu),
      causal_(causal) {
  add_child("norm1", norm1);
  add_child("to_qkv", to_qkv);
  add_child("to_out", to_out);
  add_child("norm2", norm2);
  add_child("fc1", fc1);
  add_child("fc2", fc2);
}

Tensor ClipBlock::forward(const Tensor& x) {
  const auto qkv = to_qkv.forward(norm1.forward(x)).chunk(3, -1);
  const Tensor y =
      x + to_out.forward(nn::attend(qkv[0].contiguous(), qkv[1].contiguous(), qkv[2].contiguous(), heads_, causal_));
  const Tensor h = fc1.forward(norm2.forward(y));
  return y + fc2.forward(quick_gelu_ ? h * at::sigmoid(1.702 * h) : at::gelu(h));
}

ClipTransformer::ClipTransformer(std::int64_t layers, std::int64_t width, std::int64_t heads, std::int64_t mlp,
                                 bool quick_gelu, bool causal) {
  for (std::int64_t i = 0; i < layers; ++i) blocks_.emplace(width, heads, mlp, quick_gelu, causal);
  add_child("blocks", blocks_);
}

Tensor ClipTransformer::forward(Tensor x, std::size_t blocks) {
  for (std::size_t i = 0; i < blocks; ++i) x = blocks_[i].forward(x);
  return x;
}

void check_transformer(const char* who, int layers, int width, int heads, int mlp) {
  const auto positive = [&](const char* name, int v) {
    VGEN_CHECK(v >= 1, ConfigError, who, ": ", name, " must be >= 1, got ", v);
  };
  positive("layers", layers);
  positive("width", width);
  positive("heads", heads);
  positive("mlp", mlp);
  VGEN_CHECK(width % heads == 0, ConfigError, who, ": width (", width, ") must be a multiple of heads (", heads, ")");
}

void expect_no_layer_scale(const Node& tower, const char* who) {
  const Node* scale = tower.find("ls_init_value");
  VGEN_CHECK(!scale || scale->is_null(), UnsupportedError, who, ": ls_init_value is not built in; only null");
}

void add_open_clip_block_keys(std::vector<KeyPair>& out, const std::string& prefix, int layers, std::int64_t width,
                              std::int64_t mlp) {
  for (int i = 0; i < layers; ++i) {
    const std::string a = str("transformer.blocks.", i, "."), b = str(prefix, "transformer.resblocks.", i, ".");
    const auto add = [&](const char* ours, const char* theirs, std::vector<std::int64_t> shape) {
      out.push_back({a + ours, b + theirs, std::move(shape)});
    };
    add("norm1.weight", "ln_1.weight", {width});
    add("norm1.bias", "ln_1.bias", {width});
    add("to_qkv.weight", "attn.in_proj_weight", {3 * width, width});
    add("to_qkv.bias", "attn.in_proj_bias", {3 * width});
    add("to_out.weight", "attn.out_proj.weight", {width, width});
    add("to_out.bias", "attn.out_proj.bias", {width});
    add("norm2.weight", "ln_2.weight", {width});
    add("norm2.bias", "ln_2.bias", {width});
    add("fc1.weight", "mlp.c_fc.weight", {mlp, width});
    add("fc1.bias", "mlp.c_fc.bias", {mlp});
    add("fc2.weight", "mlp.c_proj.weight", {width, mlp});
    add("fc2.bias", "mlp.c_proj.bias", {width});
  }
}

void add_transformers_block_keys(std::vector<KeyPair>& out, const std::string& prefix, int layers, std::int64_t width,
                                 std::int64_t mlp) {
  for (int i = 0; i < layers; ++i) {
    const std::string a = str("transformer.blocks.", i, "."), b = str(prefix, "encoder.layers.", i, ".");
    const auto both = [&](const std::string& ours, const std::string& theirs, std::vector<std::int64_t> shape) {
      const std::int64_t rows = shape[0];
      out.push_back({a + ours + ".weight", b + theirs + ".weight", std::move(shape)});
      out.push_back({a + ours + ".bias", b + theirs + ".bias", {rows}});
    };
    both("norm1", "layer_norm1", {width});
    for (const char* end : {".weight", ".bias"})
      for (const char* part : {"q", "k", "v"})
        out.push_back({a + "to_qkv" + end, b + "self_attn." + part + "_proj" + end,
                       end[1] == 'w' ? std::vector<std::int64_t>{width, width} : std::vector<std::int64_t>{width}});
    both("to_out", "self_attn.out_proj", {width, width});
    both("norm2", "layer_norm2", {width});
    both("fc1", "mlp.fc1", {mlp, width});
    both("fc2", "mlp.fc2", {width, mlp});
  }
}

}  // namespace vgen::conditioning
