// Training a small text tower to read captions of the shapes world, before a video model is trained on its tokens. The
// released systems have CLIP's tower, which was trained long before and stays as it is; this is its stand-in. A tower
// trained with the UNet alone learns late or never to tell left from right and circle from square.
#pragma once
#include <memory>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/train/caption_reader.hpp"
#include "vgen/train/trainer.hpp"

namespace vgen::train {

struct TextEncoderTaskOptions {
  static constexpr std::string_view kind = "text_encoder";
  conditioning::ClipTextOptions model;
  data::ShapesOptions world;
  std::uint64_t data_seed = 1;
  int batch = 64;
  std::string start;
  bool operator==(const TextEncoderTaskOptions&) const = default;
  static constexpr auto fields() {
    using O = TextEncoderTaskOptions;
    return std::tuple{field("model", &O::model, "the text tower"), field("world", &O::world, "the data, of one object"),
                      field("data_seed", &O::data_seed, "seed of the data"),
                      field("batch", &O::batch, "captions a micro-batch, each new"),
                      field("start", &O::start, "model folder whose weights the run begins with; empty = random ones")};
  }
};

class VGEN_API TextEncoderTask : public Task {
 public:
  TextEncoderTask(const TextEncoderTaskOptions& options, const TrainerOptions& trainer, at::Device device = at::kCPU);
  Parameters parameters() override;
  Tensor loss(std::uint64_t seed, long long step, int part) override;
  // Share of 500 captions of unseen combinations whose attribute is read right, for each attribute and for all.
  std::map<std::string, double> preview(long long step, const std::filesystem::path& folder, EventLog& log) override;
  // text_encoder/config.json and model.safetensors; the reader is not kept.
  void save(const std::filesystem::path& folder, const Parameters& weights) override;

 private:
  // Captions first, first + 1, ...: token vectors [n, L, width] and labels [n, 6].
  std::pair<Tensor, Tensor> read(std::uint64_t first, int count, data::Split split);
  TextEncoderTaskOptions options_;
  conditioning::ClipText model_;
  CaptionReader reader_;
};

}  // namespace vgen::train
