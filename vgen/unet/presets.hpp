// The networks of the released systems: each is the trunk of ModelScopeT2V, as wide and deep as `base` says, with
// features and options.
#pragma once
#include <string>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/unet/options.hpp"

namespace vgen::unet {

// I2VGen-XL (Zhang et al. 2023): the first frame as latent channels, as tokens and as a CLIP embedding; frame rate.
inline UNetOptions i2vgen_xl(UNetOptions base = {}) {
  base.embeddings = {Fps{}};
  base.stem = {ImageLatents{}};
  base.context = {Text{}, LocalImageTokens{}, ImageTokens{.hidden = 4 * base.channels}};
  return base;
}

// HiGen (Qing et al. 2023): a single frame first, then a clip around it with chosen motion and appearance change.
inline UNetOptions higen(UNetOptions base = {}) {
  base.embeddings = {Motion{}, Appearance{}};
  base.stem = {SpatialPrior{}};
  base.context = {TextResampler{}};
  base.bypass = TemporalBypass::single_frame;
  return base;
}

// SR600: latents of 90 rows, which cannot be halved three times, and FreeU in the two deepest stages.
inline UNetOptions sr600(UNetOptions base = {}) {
  base.row_padding = 2;
  base.free_u = {{.backbone = 1.1, .skip = 0.6}, {.backbone = 1.2, .skip = 0.4}};
  return base;
}

// TF-T2V (Wang et al. 2023) with any of VideoComposer's conditions, by the condition's name: text, image, histogram and
// the maps. ConfigError for another one.
inline UNetOptions video_composer(const std::vector<std::string>& conditions, UNetOptions base = {}) {
  // In the order of their summation.
  static const std::vector<DenseMap> maps{{"depth", 1},  {"local_image", 3},   {"motion", 2}, {"canny", 1},
                                          {"sketch", 1}, {"single_sketch", 1}, {"masked", 4}};
  const auto wants = [&](std::string_view name) {
    for (const std::string& each : conditions)
      if (each == name) return true;
    return false;
  };
  DenseMaps dense;
  for (const DenseMap& map : maps)
    if (wants(map.name)) dense.maps.push_back(map);
  base.stem = {dense};
  base.context = {Text{}};
  if (wants("image")) base.context.push_back(ImageTokens{});
  if (wants("histogram")) base.context.push_back(Histogram{});
  base.condition_dropout = ConditionDropout{};
  std::size_t known = dense.maps.size() + base.context.size() - 1 + (wants("text") ? 1 : 0);
  VGEN_CHECK(known == conditions.size(), ConfigError,
             "video_composer: conditions are text, image, histogram, depth, local_image, motion, canny, sketch, "
             "single_sketch and masked, each once; ",
             conditions.size() - known, " of those given are none of them");
  return base;
}

// The released checkpoints of TF-T2V, VideoComposer and VideoLCM.
inline UNetOptions tf_t2v(UNetOptions base = {}) { return video_composer({"text", "image"}, std::move(base)); }
inline UNetOptions video_composer(UNetOptions base = {}) {
  return video_composer({"text", "masked", "depth", "sketch", "motion", "image", "local_image", "single_sketch"},
                        std::move(base));
}
// VideoLCM (Wang et al. 2023): text is never dropped, for the teacher has seen that.
inline UNetOptions video_lcm(UNetOptions of) {
  std::erase(of.condition_dropout->conditions, "text");
  return of;
}

}  // namespace vgen::unet
