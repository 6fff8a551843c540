// Weights of any file that vgen reads, and of a module of one's own:   read_checkpoint model.safetensors
#include <cstdio>
#include <vgen/nn/layers.hpp>
#include <vgen/weights/load.hpp>

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: read_checkpoint FILE\n"), 2;
  const vgen::weights::StateDict state = vgen::weights::read_state_dict(argv[1]);
  for (const auto& [name, tensor] : state)
    std::printf("%s %s\n", name.c_str(), vgen::shape_string(tensor.sizes()).c_str());

  // Loading compares first. What does not fit is said in one report, and the module stays as it was.
  vgen::nn::Linear layer(4, 2);
  try {
    vgen::weights::load_weights(vgen::weights::targets_of(layer), state);
  } catch (const vgen::WeightsError& error) { std::printf("%s\n", error.what()); }
} catch (const vgen::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return int(error.code());
}
