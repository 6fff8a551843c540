#include "vgen/parity/case.hpp"

namespace vgen::parity {

void run_diffusion(const Case&, Report&);
void run_unets(const Case&, Report&);
void run_vae(const Case&, Report&);
void run_clip(const Case&, Report&);
void run_annotators(const Case&, Report&);
void run_data(const Case&, Report&);
void run_pipelines(const Case&, Report&);
void run_training(const Case&, Report&);

const std::map<std::string, Handler>& handlers() {
  static const std::map<std::string, Handler> table = {
      {"diffusion", run_diffusion},
      {"unets", run_unets},
      {"vae", run_vae},
      {"clip", run_clip},
      {"pipelines", run_pipelines},
      {"training", run_training},
      {"annotators", run_annotators},
      {"data", run_data},
  };
  return table;
}

}  // namespace vgen::parity
