#include "vgen/pipelines/annotators.hpp"

#include "vgen/core/log.hpp"
#include "vgen/pipelines/model_part.hpp"

namespace vgen::pipelines {
namespace fs = std::filesystem;

void Annotators::expect(const AnnotatorPart& part) const {
  VGEN_CHECK(fs::exists(folder_ / part.part / "config.json") || fs::exists(folder_ / part.file), IoError,
             "model folder ", printable(folder_.string(), 400), " has neither ", part.file, " nor the part '",
             part.part, "', which ", part.purpose, "; put the file there (ModelScope's iic/tf-t2v has it), or give a ",
             "finished map (--condition NAME=FILE)");
}

namespace {

template <class Network, class Options>
std::unique_ptr<Network> opened(const Annotators& all, const fs::path& folder, const AnnotatorPart& part) {
  all.expect(part);
  const fs::path file = folder / part.file;
  const std::string name(part.part);
  Options options;
  const bool own = fs::exists(folder / name / "config.json");
  if (own) from_node(read_part_config(folder, name), options, {(folder / name / "config.json").string(), ""});
  auto network = std::make_unique<Network>(options);
  if (own)
    load_part(folder, name, *network, {.dtype = at::kFloat, .check_finite = true});
  else
    network->load(file);
  network->eval();
  network->requires_grad(false);
  log::info((own ? folder / name : file).string(), ": loaded, it ", part.purpose);
  return network;
}

}  // namespace

conditioning::DptDepth& Annotators::depth() {
  if (!depth_) depth_ = opened<conditioning::DptDepth, conditioning::DptDepthOptions>(*this, folder_, kDepthPart);
  return *depth_;
}
conditioning::PiDiNet& Annotators::edges() {
  if (!edges_) edges_ = opened<conditioning::PiDiNet, conditioning::PiDiNetOptions>(*this, folder_, kEdgesPart);
  return *edges_;
}
conditioning::SketchSimplification& Annotators::sketch() {
  if (!sketch_)
    sketch_ = opened<conditioning::SketchSimplification, conditioning::SketchSimplificationOptions>(*this, folder_,
                                                                                                    kSketchPart);
  return *sketch_;
}

}  // namespace vgen::pipelines
