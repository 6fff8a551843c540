// Noise schedules and grids.
#include "bindings/options.hpp"
#include "vgen/schedulers/grid.hpp"
#include "vgen/schedulers/schedule.hpp"

namespace vgen::bindings {

void bind_schedulers(py::module_& m) {
  using namespace schedulers;
  py::class_<NoiseLevel>(m, "NoiseLevel", doc("schedulers::NoiseLevel"))
      .def(py::init([](double t, double alpha, double sigma, bool real_time) {
             return NoiseLevel{t, alpha, sigma, real_time};
           }),
           "t"_a, "alpha"_a, "sigma"_a, "real_time"_a = false)
      .def_readonly("t", &NoiseLevel::t, doc("schedulers::NoiseLevel::t"))
      .def_readonly("alpha", &NoiseLevel::alpha, "share of the clean sample")
      .def_readonly("sigma", &NoiseLevel::sigma, "share of the noise")
      .def_readonly("real_time", &NoiseLevel::real_time, doc("schedulers::NoiseLevel::real_time"))
      .def_property_readonly("ve_sigma", &NoiseLevel::ve_sigma, "sigma / alpha")
      .def_property_readonly("lambda_", &NoiseLevel::lambda, doc("schedulers::NoiseLevel::lambda"))
      .def_static("from_ve", &NoiseLevel::from_ve, "t"_a, "ve_sigma"_a, "real_time"_a = false,
                  "The level whose sigma / alpha is ve_sigma.")
      .def(
          "__eq__", [](const NoiseLevel& a, const NoiseLevel& b) { return a == b; }, "other"_a)
      .def("__repr__", [](const NoiseLevel& l) {
        return repr_of("NoiseLevel",
                       {{"t", py::float_(l.t)}, {"alpha", py::float_(l.alpha)}, {"sigma", py::float_(l.sigma)}});
      });

  py::class_<NoiseSchedule> schedule(m, "NoiseSchedule", doc("schedulers::NoiseSchedule"));
  schedule.def_static("from_betas", &NoiseSchedule::from_betas, "betas"_a, doc("schedulers::NoiseSchedule::from_betas"))
      .def_static("from_alphas_cumprod", &NoiseSchedule::from_alphas_cumprod, "alphas_cumprod"_a,
                  doc("schedulers::NoiseSchedule::from_alphas_cumprod"))
      .def("rounded_to_float32", &NoiseSchedule::rounded_to_float32,
           doc("schedulers::NoiseSchedule::rounded_to_float32"))
      .def_property_readonly("steps", &NoiseSchedule::steps, "training steps T")
      .def("__len__", &NoiseSchedule::steps)
      .def("level", &NoiseSchedule::level, "t"_a, doc("schedulers::NoiseSchedule::level"))
      .def("ve_sigma_log_linear", &NoiseSchedule::ve_sigma_log_linear, "t"_a,
           doc("schedulers::NoiseSchedule::ve_sigma_log_linear"))
      .def("ve_sigma_linear", &NoiseSchedule::ve_sigma_linear, "t"_a,
           "sigma / alpha at a fractional time t, linear between whole ones.")
      .def("time_of", &NoiseSchedule::time_of, "ve_sigma"_a, doc("schedulers::NoiseSchedule::time_of"))
      .def("__repr__", [](const NoiseSchedule& s) {
        const auto& a = s.tables().alphas_cumprod;
        return repr_of("NoiseSchedule", {{"steps", py::int_(s.steps())},
                                         {"first_alpha_cumprod", py::float_(a.front())},
                                         {"last_alpha_cumprod", py::float_(a.back())}});
      });
  // the tables, as float64 [T]
  const auto table = [&](const char* name, std::vector<double> ScheduleTables::*member) {
    schedule.def_property_readonly(
        name, [member](const NoiseSchedule& s) { return to_array(s.tables().*member, {s.steps()}); },
        (std::string("float64 [T]. ") + doc(str("schedulers::ScheduleTables::", name))).c_str());
  };
  table("betas", &ScheduleTables::betas);
  table("alphas_cumprod", &ScheduleTables::alphas_cumprod);
  table("alphas", &ScheduleTables::alphas);
  table("sigmas", &ScheduleTables::sigmas);
  table("posterior_variance", &ScheduleTables::posterior_variance);
  table("posterior_log_variance", &ScheduleTables::posterior_log_variance);
  table("posterior_mean_x0", &ScheduleTables::posterior_mean_x0);
  table("posterior_mean_xt", &ScheduleTables::posterior_mean_xt);
  table("log_ve_sigmas", &ScheduleTables::log_ve_sigmas);

  bind_options<ScheduleOptions>(m, "ScheduleOptions", doc("schedulers::ScheduleOptions"));
  m.def(
      "make_schedule",
      [](const std::optional<ScheduleOptions>& options, const py::kwargs& fields) {
        return make_schedule(with_keywords(options.value_or(ScheduleOptions{}), fields, "make_schedule"));
      },
      "options"_a = py::none(), doc("schedulers::make_schedule"));

  bind_options<GridOptions>(m, "GridOptions", doc("schedulers::GridOptions"));
  bind_options<RangeOptions>(m, "RangeOptions", doc("schedulers::RangeOptions"));
  py::class_<SamplingGrid>(m, "SamplingGrid",
                           "The noise levels a sampler steps through, and what the network is told at each.")
      .def_readonly("state", &SamplingGrid::state, doc("schedulers::SamplingGrid::state"))
      .def_readonly("network", &SamplingGrid::network, doc("schedulers::SamplingGrid::network"))
      .def_property_readonly("steps", &SamplingGrid::steps, "Number of steps: one less than state has levels.")
      .def("__repr__", [](const SamplingGrid& g) {
        return repr_of("SamplingGrid", {{"steps", py::int_(g.steps())}});
      });
  m.def(
      "euler_grid",
      [](const NoiseSchedule& s, int steps, const GridOptions& options) {
        return euler_grid("euler_grid", s, steps, options);
      },
      "schedule"_a, "steps"_a, py::arg_v("options", GridOptions{}, "GridOptions()"), doc("schedulers::euler_grid"));
  m.def(
      "multistep_grid",
      [](const NoiseSchedule& s, int steps, const GridOptions& o) {
        return multistep_grid("multistep_grid", s, steps, o);
      },
      "schedule"_a, "steps"_a, py::arg_v("options", GridOptions{}, "GridOptions()"), doc("schedulers::multistep_grid"));
  m.def(
      "spaced_times",
      [](const std::string& spacing, int total, int n, int offset, bool drop_end) {
        Spacing value{};
        from_node(Node(spacing), value, {"spaced_times", "spacing"});
        return spaced_times(value, total, n, offset, drop_end);
      },
      "spacing"_a, "total"_a, "n"_a, "offset"_a = 0, "drop_end"_a = false, doc("schedulers::spaced_times"));
  m.def("karras_sigmas", &karras_sigmas, "n"_a, "smallest"_a, "largest"_a, "rho"_a = 7,
        doc("schedulers::karras_sigmas"));
  m.def("exponential_sigmas", &exponential_sigmas, "n"_a, "smallest"_a, "largest"_a,
        doc("schedulers::exponential_sigmas"));
}

}  // namespace vgen::bindings
