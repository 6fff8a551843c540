#include "vgen/train/caption_reader.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>

namespace vgen::train {

CaptionReader::CaptionReader(std::int64_t width) {
  add_child("heads", heads_);
  std::apply(
      [&](const auto&... fields) {
        (heads_.emplace(width, static_cast<std::int64_t>(enum_names(data::ShapesAttributes{}.*fields.member).size())),
         ...);
      },
      data::ShapesAttributes::fields());
}

Tensor CaptionReader::labels(std::span<const data::ShapesAttributes> attributes) {
  constexpr auto columns = std::tuple_size_v<decltype(data::ShapesAttributes::fields())>;
  Tensor out = at::empty({static_cast<std::int64_t>(attributes.size()), static_cast<std::int64_t>(columns)}, at::kLong);
  std::int64_t* at = out.mutable_data_ptr<std::int64_t>();
  for (const data::ShapesAttributes& a : attributes)
    std::apply([&](const auto&... fields) { ((*at++ = static_cast<std::int64_t>(a.*fields.member)), ...); },
               data::ShapesAttributes::fields());
  return out;
}

std::vector<Tensor> CaptionReader::forward(const Tensor& words) {
  const Tensor mean = words.mean(1);
  std::vector<Tensor> out;
  for (const auto& head : heads_) out.push_back(head->forward(mean));
  return out;
}

Tensor CaptionReader::loss(const Tensor& words, const Tensor& labels) {
  const std::vector<Tensor> scores = forward(words);
  Tensor sum;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const Tensor term =
        at::cross_entropy_loss(scores[i].to(at::kFloat), labels.select(1, static_cast<std::int64_t>(i)));
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

}  // namespace vgen::train
