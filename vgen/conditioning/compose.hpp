// VideoComposer's conditions (Wang et al. 2023, section 3.2) put together from any subset of them, checked against each
// other.
//
//   auto given = compose({.depth = depth.condition(frames), .motion = motion_vectors("clip.mp4")});
#pragma once
#include "vgen/unet/conditions.hpp"

namespace vgen::conditioning {

// Maps [F, C, H, W] as the encoders give them; what is undefined is left out.
struct Composition {
  Tensor depth = {}, sketch = {}, canny = {};   // [F, 1, H, W]
  Tensor single_sketch = {}, local_image = {};  // [1 or F, 1, H, W], [1 or F, 3, H, W]: one picture for all frames
  Tensor motion = {};                           // [F, 2, H, W]: motion_vectors, drawn_motion
  Tensor frames = {}, mask = {};                // [1 or F, 3, H, W] in [0, 1] and [1 or F, 1, H, W], 1 = to be filled
  Tensor image = {};      // [D], [1, D] or [1, 1, D]: a picture's embedding by CLIP, for the style
  Tensor histogram = {};  // [bins] or [F, bins]: Palette::histogram
};

// The conditions [1, C, F, H, W], [1, 1, D] and [1, F, bins] under the names that the network declares; frames and mask
// become "masked" (masked_condition). `frames` is F where no map says it; 0 = one. ShapeError naming the condition that
// has another shape than its kind, or other frames than the rest, with the fix; ConfigError for a mask without frames.
VGEN_API unet::Conditions compose(const Composition& given, std::int64_t frames = 0);

}  // namespace vgen::conditioning
