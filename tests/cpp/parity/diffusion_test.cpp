#include <gtest/gtest.h>

#include "vgen/parity/case.hpp"

namespace vgen::parity {
void run_diffusion(const Case&, Report&);
namespace {

namespace fs = std::filesystem;
const fs::path kCases = VGEN_SOURCE_DIR "/tests/golden/diffusion", kOwn = VGEN_SOURCE_DIR "/tests/golden_own/diffusion",
               kReference = VGEN_SOURCE_DIR "/tests/golden_own/reference/diffusion";

std::size_t run_all(const fs::path& folder) {
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path().filename().string());
    Report report;
    run_diffusion(load_case(entry.path()), report);
    for (const auto& row : report.rows())
      EXPECT_TRUE(row.ok) << row.name << ": " << row.error << " > " << row.tolerance << " " << row.detail;
    EXPECT_GE(report.rows().size(), 3u);
    ++cases;
  }
  return cases;
}

TEST(DiffusionGoldens, AllCasesHold) { EXPECT_EQ(run_all(kCases), 56u); }
TEST(DiffusionGoldens, OwnCasesFromDiffusersHold) { EXPECT_EQ(run_all(kOwn), 5u); }
TEST(DiffusionGoldens, OwnCasesFromTheReferenceHold) { EXPECT_EQ(run_all(kReference), 6u); }

bool holds(const Case& c) {
  Report report;
  run_diffusion(c, report);
  return report.ok();
}

// Every kind of case notices when its config says something else than what was recorded.
TEST(DiffusionGoldens, AnotherConfigFails) {
  const std::tuple<const char*, const char*, Node> changes[] = {
      {"tables_cosine", "config.schedule_param.cosine_s", Node(0.009)},
      {"tables_gauss", "config.DiffusionDDIMSR.forward_diffusion.schedule_param.scale_max", Node(4.1)},
      {"tables_lcm", "config.beta_end", Node(0.0121)},
      {"predict_linear_sd", "values.guide_scale", Node(9.5)},
      {"predict_gauss", "values.guide_rescale", Node(0.31)},
      {"ddim_eps_20", "config.ddim_timesteps", Node(25)},
      {"ddim_eps_20_cfg3_eta", "config.eta", Node(0.51)},
      {"ddim_eps_20_clamp", "config.clamp", Node(0.9)},
      {"invert_eps_50", "config.diffusion.mean_type", Node("v")},
      {"ddpm_v_cosine_50_steps_large", "config.diffusion.var_type", Node("fixed_small")},
      {"partial_two_steps", "config.trunc_backprop_timestep", Node(1)},
      {"dpmpp_linspace_heun", "config.solver_type", Node("midpoint")},
      {"dpmpp_leading_eta", "config.s_noise", Node(1.0)},
      {"dpmpp_brownian", "config.torch.manual_seed", Node(8889)},
      {"sr600_chain", "config.guide_rescale", Node(0.2)},
      {"lcm_v_4", "config.rescale_betas_zero_snr", Node(false)},
      {"diffusers_8_steps", "config.num_inference_steps", Node(9)},
      {"ddim_same_as_diffusers", "config.ddim_timesteps", Node(25)},
      {"ddim_log_prob", "config.eta", Node(0.9)},
      {"bound_loop", "config.spread", Node(0.4)},
      {"losses_linear_sd", "config.epsilon", Node(1e-2)}};
  for (const auto& [name, path, value] : changes) {
    Case c = load_case(kCases / (std::string(name) + ".json"));
    SCOPED_TRACE(name);
    if (std::string_view(path) == "config.torch.manual_seed") {  // a key with a dot
      Node config = c.json.at("config");
      config.set("torch.manual_seed", value);
      c.json.set("config", config);
    } else {
      set_path(c.json, path, value);
    }
    try {
      EXPECT_FALSE(holds(c));
    } catch (const Error&) {  // or refuses
    }
  }
}

TEST(DiffusionGoldens, UnknownKindsAndOptionsAreRefused) {
  Case c = load_case(kCases / "ddim_eps_20.json");
  set_path(c.json, "config.diffusion.type", Node("DiffusionOther"));
  EXPECT_THROW(holds(c), UnsupportedError);
  c = load_case(kCases / "diffusers_8_steps.json");
  for (auto& [key, values] : c.json.entries)
    if (key == "values")
      for (auto& [name, run] : values.entries)
        if (name == "euler.eps") run.set("class", Node("SomeScheduler"));
  EXPECT_THROW(holds(c), UnsupportedError);
  c.json = Node::map({{"area", Node("diffusion")}, {"config", Node::map({{"x", Node(1)}})}});
  EXPECT_THROW(holds(c), UnsupportedError);
}

}  // namespace
}  // namespace vgen::parity
