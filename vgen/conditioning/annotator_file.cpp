#include "vgen/conditioning/annotator_file.hpp"

namespace vgen::conditioning {

weights::StateDict read_annotator(const std::filesystem::path& path) {
  weights::StateDict state = weights::read_state_dict(path);
  bool all = !state.empty();
  for (const auto& [name, tensor] : state) all = all && name.starts_with("module.");
  return all ? weights::strip_prefix(std::move(state), "module.") : state;
}

std::string looks_like(const std::set<std::string, std::less<>>& names) {
  const std::pair<const char*, const char*> marks[] = {
      {"patch_embedding.weight", "the depth estimator (midas_v3_dpt_large.pth)"},
      {"pretrained.model.cls_token", "the depth estimator in its authors' own layout, which is not read"},
      {"init_block.weight", "the edge detector PiDiNet (table5_pidinet.pth)"},
      {"layers.44.weight", "the sketch simplifier (sketch_simplification_gan.pth)"},
      {"visual.conv1.weight", "CLIP (open_clip_pytorch_model.bin)"},
      {"first_stage_model.encoder.conv_in.weight", "a Stable Diffusion checkpoint"},
      {"encoder.conv_in.weight", "an autoencoder"},
      {"input_blocks.0.0.weight", "a video UNet"}};
  for (const auto& [name, network] : marks)
    if (names.contains(name)) return network;
  return "";
}

weights::AuditReport load_annotator(nn::Module& network, weights::StateDict state, const weights::KeyMap& keys,
                                    const std::string& who, const std::filesystem::path& path) {
  const auto targets = weights::targets_of(network);
  if (const auto report = weights::audit(targets, state, keys); !report.fits()) {
    std::set<std::string, std::less<>> names;
    for (const auto& [name, tensor] : state) names.insert(name);
    const std::string guess = looks_like(names);
    throw WeightsError(str(who, ": '", printable(path.string()), "' does not fit this network",
                           guess.empty() ? "" : "; it looks like " + guess, ". ", report.text()));
  }
  auto report = weights::load_weights(targets, std::move(state), keys, {.check_finite = true});
  network.eval();
  network.requires_grad(false);
  return report;
}

}  // namespace vgen::conditioning
