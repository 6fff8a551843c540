// Annotators: the networks that see depth and lines in a clip, from a model folder, and the conditions that they make.
//
//   Tensor condition = depth(frames);                    // [F, 3, H, W] in [0, 1] -> [F, 1, H, W]
#pragma once
#include <filesystem>
#include <memory>

#include "vgen/conditioning/dpt.hpp"
#include "vgen/conditioning/sketch.hpp"
#include "vgen/core/progress.hpp"

namespace vgen::conditioning {

// A part of a model folder, or the released file that it may hold instead.
struct AnnotatorPart {
  std::string_view part, file, purpose;
};
inline constexpr AnnotatorPart kDepthPart{"depth", "midas_v3_dpt_large.pth", "sees depth"},
    kEdgesPart{"edges", "table5_pidinet.pth", "sees edges"},
    kSketchPart{"sketch", "sketch_simplification_gan.pth", "makes a sketch of edges"};

// The networks of a model folder. Each is loaded when it is first asked for.
class VGEN_API Annotators {
 public:
  // <folder>/depth, edges, sketch (config.json, model.safetensors), or the released files in the folder. Empty: in
  // the folder that VGEN_MODEL names, then in "models", where the reference has them.
  explicit Annotators(std::filesystem::path folder = {});
  // IoError naming part, file, where it was looked for and where to get it, unless the folder has it. `otherwise` is
  // what else the caller can do.
  void expect(const AnnotatorPart& part,
              std::string_view otherwise = "name the folder that has it (VGEN_MODEL, or the argument model)") const;
  // IoError, FormatError, WeightsError.
  DptDepth& depth();
  PiDiNet& edges();
  SketchSimplification& sketch();

 private:
  std::vector<std::filesystem::path> folders_;
  std::unique_ptr<DptDepth> depth_;
  std::unique_ptr<PiDiNet> edges_;
  std::unique_ptr<SketchSimplification> sketch_;
};

// The depth condition of frames [F, 3, H, W] in [0, 1] of any size: float32 [F, 1, H, W] in [0, 10], near is large. The
// network sees them enlarged to the next multiples of 32. Interrupted between frames.
VGEN_API Tensor depth(const Tensor& frames, DptDepth& network, const CancelToken& cancel = {});
// With the network of a model folder (Annotators), or of a file with its weights; loaded for this call. To annotate
// many clips, load it once and give it. IoError, FormatError, WeightsError.
VGEN_API Tensor depth(const Tensor& frames, const std::filesystem::path& model = {}, const CancelToken& cancel = {});
// The sketch condition of frames [F, 3, H, W] in [0, 1], with the networks of a model folder: float32 [F, 1, H, W],
// lines are 1. Of one frame it is a single_sketch. Errors as of depth; ShapeError unless H and W are multiples of 8.
VGEN_API Tensor sketch(const Tensor& frames, const std::filesystem::path& model = {}, const CancelToken& cancel = {});

}  // namespace vgen::conditioning
