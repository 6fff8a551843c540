// The transformer that both towers of CLIP share (Radford et al. 2021, section 2.4; pre-norm blocks, Vaswani et al.
// 2017).
#pragma once
#include "vgen/core/key_pair.hpp"
#include "vgen/core/node.hpp"
#include "vgen/nn/layers.hpp"

namespace vgen::conditioning {

// x += attn(norm1 x); x += fc2(gelu(fc1(norm2 x))). Causal: position i sees positions up to i.
class VGEN_API ClipBlock : public nn::Module {
 public:
  ClipBlock(std::int64_t width, std::int64_t heads, std::int64_t mlp, bool quick_gelu, bool causal);
  Tensor forward(const Tensor& x);  // [N, L, width]
  nn::LayerNorm norm1;
  nn::Linear to_qkv, to_out;  // to_qkv [3 width, width]: rows of q, then k, then v
  nn::LayerNorm norm2;
  nn::Linear fc1, fc2;

 private:
  std::int64_t heads_;
  bool quick_gelu_, causal_;
};

class VGEN_API ClipTransformer : public nn::Module {
 public:
  ClipTransformer(std::int64_t layers, std::int64_t width, std::int64_t heads, std::int64_t mlp, bool quick_gelu,
                  bool causal);
  Tensor forward(Tensor x, std::size_t blocks);  // the first `blocks` blocks
  std::size_t size() const { return blocks_.size(); }
  ClipBlock& operator[](std::size_t i) { return blocks_[i]; }

 private:
  nn::ModuleList<ClipBlock> blocks_;
};

// ConfigError unless width divides into heads and all are positive; `who` begins the message.
void check_transformer(const char* who, int layers, int width, int heads, int mlp);
// UnsupportedError where a tower of open_clip's configuration has ls_init_value: blocks scaled by learned factors.
void expect_no_layer_scale(const Node& tower, const char* who);
// "blocks.i.*" of ours against open_clip's "transformer.resblocks.i.*" under `prefix`.
void add_open_clip_block_keys(std::vector<KeyPair>& out, const std::string& prefix, int layers, std::int64_t width,
                              std::int64_t mlp);
// Against transformers' "encoder.layers.i.*" under `prefix`, where q, k and v are apart: three pairs in a row name the
// same parameter of ours, whose rows are those of q, k, v in this order.
void add_transformers_block_keys(std::vector<KeyPair>& out, const std::string& prefix, int layers, std::int64_t width,
                                 std::int64_t mlp);

}  // namespace vgen::conditioning
