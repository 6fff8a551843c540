#include "vgen/conditioning/annotators.hpp"

#include <algorithm>
#include <cstdlib>

#include "vgen/conditioning/annotator_file.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"

namespace vgen::conditioning {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kAtOnce = 2;  // frames a pass, for the memory of the networks

std::vector<fs::path> usual_folders() {
  const char* given = std::getenv("VGEN_MODEL");
  return given && *given ? std::vector<fs::path>{given, "models"} : std::vector<fs::path>{"models"};
}

// The first that has the part, else none.
const fs::path* folder_with(const std::vector<fs::path>& folders, const AnnotatorPart& part) {
  const auto found = std::ranges::find_if(folders, [&](const fs::path& folder) {
    return fs::exists(folder / part.part / "config.json") || fs::exists(folder / part.file);
  });
  return found == folders.end() ? nullptr : &*found;
}

template <class Network, class Options>
std::unique_ptr<Network> opened(const std::vector<fs::path>& folders, const AnnotatorPart& part) {
  const fs::path folder = *folder_with(folders, part);
  const fs::path own = folder / part.part, config = own / "config.json";
  if (!fs::exists(config)) {
    auto network = std::make_unique<Network>();
    network->load(folder / part.file);
    log::info((folder / part.file).string(), ": loaded, it ", part.purpose);
    return network;
  }
  Options options;
  from_node(formats::parse_json(read_file(config), config.string()), options, {config.string(), ""});
  auto network = std::make_unique<Network>(options);
  const fs::path weights = own / "model.safetensors";
  load_annotator(*network, read_annotator(weights), {}, std::string(part.part), weights);
  log::info(own.string(), ": loaded, it ", part.purpose);
  return network;
}

// f of a few frames at a time, until somebody cancels.
Tensor annotated(const Tensor& frames, const CancelToken& cancel, const std::function<Tensor(const Tensor&)>& f) {
  return in_parts(frames, kAtOnce, [&](const Tensor& part) {
    cancel.check("annotate");
    return f(part);
  });
}

}  // namespace

Annotators::Annotators(fs::path folder)
    : folders_(folder.empty() ? usual_folders() : std::vector<fs::path>{std::move(folder)}) {}

void Annotators::expect(const AnnotatorPart& part, std::string_view otherwise) const {
  std::string looked;
  for (const fs::path& folder : folders_)
    looked += str(looked.empty() ? "" : " or ", printable(folder.string(), 400),
                  fs::exists(folder) ? "" : " (there is none)");
  VGEN_CHECK(folder_with(folders_, part), IoError, "neither ", part.file, " nor the part '", part.part, "', which ",
             part.purpose, ", is in model folder ", looked,
             "; put the file there (ModelScope's iic/tf-t2v has it), or ", otherwise);
}

DptDepth& Annotators::depth() {
  if (!depth_) expect(kDepthPart), depth_ = opened<DptDepth, DptDepthOptions>(folders_, kDepthPart);
  return *depth_;
}
PiDiNet& Annotators::edges() {
  if (!edges_) expect(kEdgesPart), edges_ = opened<PiDiNet, PiDiNetOptions>(folders_, kEdgesPart);
  return *edges_;
}
SketchSimplification& Annotators::sketch() {
  if (!sketch_)
    expect(kSketchPart), sketch_ = opened<SketchSimplification, SketchSimplificationOptions>(folders_, kSketchPart);
  return *sketch_;
}

Tensor depth(const Tensor& frames, DptDepth& network, const CancelToken& cancel) {
  expect_frames(frames, "depth");
  const std::int64_t multiple = 2 * network.options().patch, height = frames.size(2), width = frames.size(3);
  const auto up = [&](std::int64_t side) { return (side + multiple - 1) / multiple * multiple; };
  const bool fits = up(height) == height && up(width) == width;
  const at::Device device = network.parameters().front().device();
  return annotated(frames, cancel, [&](const Tensor& part) {
    const Tensor there = part.to(device);
    if (fits) return network.condition(there).to(frames.device());
    const Tensor larger = resize_bilinear(there, up(height), up(width), false);
    return resize_bilinear(network.condition(larger), height, width, false).to(frames.device());
  });
}

Tensor depth(const Tensor& frames, const fs::path& model, const CancelToken& cancel) {
  expect_frames(frames, "depth");
  if (fs::is_regular_file(model)) {
    DptDepth network;
    network.load(model);
    return depth(frames, network, cancel);
  }
  Annotators networks(model);
  return depth(frames, networks.depth(), cancel);
}

Tensor sketch(const Tensor& frames, const fs::path& model, const CancelToken& cancel) {
  expect_frames(frames, "sketch");
  Annotators networks(model);
  networks.expect(kEdgesPart), networks.expect(kSketchPart);
  return annotated(frames, cancel,
                   [&](const Tensor& part) { return sketch(networks.edges(), networks.sketch(), part); });
}

}  // namespace vgen::conditioning
