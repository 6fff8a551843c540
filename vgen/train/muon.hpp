// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): momentum whose matrix is made
// orthogonal by a few Newton-Schulz iterations before it is applied. Steps are scaled so that their root mean square is
// that of AdamW's (Liu et al. 2025, "Muon is scalable for LLM training", equation 4), so both share one learning rate.
#pragma once
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::train {

struct MuonOptions {
  static constexpr std::string_view kind = "muon";
  double momentum = 0.95, weight_decay = 0;
  int iterations = 5;
  // Tables that are looked up, and the layers between data and network: AdamW does better there.
  std::vector<std::string> exclude = {"*embedding*", "*positions*", "*.down.0.conv.*", "*.head.conv.*"};
  bool operator==(const MuonOptions&) const = default;
  static constexpr auto fields() {
    using O = MuonOptions;
    return std::tuple{field("momentum", &O::momentum, "of the gradient (Nesterov's form)"),
                      field("weight_decay", &O::weight_decay, "decoupled"),
                      field("iterations", &O::iterations, "Newton-Schulz iterations a step"),
                      field("exclude", &O::exclude, "globs of parameter names that AdamW moves all the same")};
  }
};

// Whether Muon moves this parameter: two or more dimensions, not excluded.
VGEN_API bool moved_by_muon(const std::string& name, const Tensor& parameter, const MuonOptions& options);

// About U V^T of each m = U S V^T, m [n, rows, columns] float32: every singular value lands in about [0.7, 1.2], very
// small ones below.
VGEN_API Tensor orthogonalised(const Tensor& m, int iterations = 5);

class VGEN_API Muon {
 public:
  // Parameters of more than two dimensions are matrices [first, rest].
  Muon(std::vector<Tensor> parameters, const MuonOptions& options = {});
  // One update with the gradients that the parameters hold; those without a gradient stay as they are.
  void step(double learning_rate);
  std::vector<Tensor>& momenta() { return momenta_; }

 private:
  MuonOptions options_;
  std::vector<Tensor> parameters_, momenta_;
};

}  // namespace vgen::train
