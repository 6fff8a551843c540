#include "vgen/train/text_encoder.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>

#include "vgen/nn/init.hpp"
#include "vgen/pipelines/model_part.hpp"

namespace vgen::train {

TextEncoderTask::TextEncoderTask(const TextEncoderTaskOptions& options, const TrainerOptions& trainer,
                                 at::Device device)
    : options_(options), model_(options.model), reader_(options.model.width) {
  VGEN_CHECK(options.batch >= 1, ConfigError, "text_encoder: batch must be >= 1, got ", options.batch);
  VGEN_CHECK(options.world.objects == 1, ConfigError,
             "text_encoder: the captions must be of one object, world.objects is ", options.world.objects);
  model_.initialise(step_generator(trainer.seed, 0, 0, 1));
  nn::initialise(reader_, step_generator(trainer.seed, 0, 0, 2));
  if (!options.start.empty()) start_from(options.start, "text_encoder", model_);
  model_.to(device, dtype_of(trainer.precision));
  reader_.to(device, dtype_of(trainer.precision));
}

Parameters TextEncoderTask::parameters() {
  Parameters out;
  model_.each_parameter([&](const std::string& name, Tensor& t) { out.emplace_back(name, t); }, "text_encoder");
  reader_.each_parameter([&](const std::string& name, Tensor& t) { out.emplace_back(name, t); }, "reader");
  return out;
}

std::pair<Tensor, Tensor> TextEncoderTask::read(std::uint64_t first, int count, data::Split split) {
  std::vector<std::string> captions;
  std::vector<data::ShapesAttributes> attributes;
  for (std::uint64_t k = first; k < first + static_cast<std::uint64_t>(count); ++k) {
    captions.push_back(data::shapes_caption(options_.data_seed, k, split, options_.world));
    attributes.push_back(data::shapes_attributes(options_.data_seed, k, split).front());
  }
  const auto tokens =
      text::Tokenizer::clip().tokenize(std::span<const std::string>(captions), options_.model.context_length);
  const at::Device device = model_.named_parameters().front().second.device();
  return {model_.forward(conditioning::ids_tensor(tokens).to(device)).words,
          CaptionReader::labels(attributes).to(device)};
}

Tensor TextEncoderTask::loss(std::uint64_t seed, long long step, int part) {
  const std::uint64_t first = (static_cast<std::uint64_t>(step) * 64 + static_cast<std::uint64_t>(part)) *
                              static_cast<std::uint64_t>(options_.batch);
  const auto [words, labels] = read(first, options_.batch, data::Split::train);
  return reader_.loss(words, labels);
}

std::map<std::string, double> TextEncoderTask::preview(long long step, const std::filesystem::path& folder,
                                                       EventLog& log) {
  const at::NoGradGuard off;
  constexpr int captions = 500;
  const auto [words, labels] = read(0, captions, data::Split::unseen);
  const std::vector<Tensor> scores = reader_.forward(words);
  std::map<std::string, double> shares;
  Tensor all = at::ones({captions}, labels.options().dtype(at::kBool));
  std::int64_t column = 0;
  std::apply(
      [&](const auto&... fields) {
        const auto count = [&](const char* name) {
          const Tensor right = scores[static_cast<std::size_t>(column)].argmax(1) == labels.select(1, column);
          shares[std::string("preview/") + name] = right.sum().item<double>() / captions;
          all = all.logical_and(right);
          ++column;
        };
        (count(fields.name), ...);
      },
      data::ShapesAttributes::fields());
  shares["preview/all"] = all.sum().item<double>() / captions;
  return shares;
}

void TextEncoderTask::save(const std::filesystem::path& folder, const Parameters& weights) {
  Parameters tower;
  for (const auto& [name, tensor] : weights)
    if (constexpr std::string_view own = "text_encoder."; name.starts_with(own))
      tower.emplace_back(name.substr(own.size()), tensor);
  pipelines::write_part(folder, "text_encoder", to_node(options_.model), tower);
}

}  // namespace vgen::train
