// Annotators: the networks that see depth and lines in a clip, from a model folder. Each is loaded when it is first
// asked for.
#pragma once
#include <filesystem>
#include <memory>

#include "vgen/conditioning/dpt.hpp"
#include "vgen/conditioning/sketch.hpp"

namespace vgen::pipelines {

// A part of a model folder, or the released file that it may hold instead.
struct AnnotatorPart {
  std::string_view part, file, purpose;
};
inline constexpr AnnotatorPart kDepthPart{"depth", "midas_v3_dpt_large.pth", "sees depth"},
    kEdgesPart{"edges", "table5_pidinet.pth", "sees edges"},
    kSketchPart{"sketch", "sketch_simplification_gan.pth", "makes a sketch of edges"};

class VGEN_API Annotators {
 public:
  // <folder>/depth, edges, sketch (config.json, model.safetensors), or the released files in the folder.
  explicit Annotators(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // IoError naming part, file and where to get it, unless the folder has it.
  void expect(const AnnotatorPart& part) const;
  // IoError, FormatError, WeightsError.
  conditioning::DptDepth& depth();
  conditioning::PiDiNet& edges();
  conditioning::SketchSimplification& sketch();

 private:
  std::filesystem::path folder_;
  std::unique_ptr<conditioning::DptDepth> depth_;
  std::unique_ptr<conditioning::PiDiNet> edges_;
  std::unique_ptr<conditioning::SketchSimplification> sketch_;
};

}  // namespace vgen::pipelines
