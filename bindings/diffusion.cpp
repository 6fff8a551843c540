// Predictions, denoisers, guidance, noise, losses; and how Python functions become C++ ones.
#include "bindings/tensor.hpp"
#include "vgen/diffusion/bound.hpp"
#include "vgen/diffusion/loss.hpp"
#include "vgen/diffusion/noise.hpp"

namespace vgen::bindings {

namespace {

std::string type_of(py::handle value) { return py::str(py::type::of(value).attr("__name__")).cast<std::string>(); }

// The C++ function inside, if `given` is one of ours.
template <class F>
const F* unwrapped(py::handle given) {
  return py::isinstance<Callable<F>>(given) ? &given.cast<const Callable<F>&>().function : nullptr;
}

Tensor tensor_from(const py::object& value, const char* who) {
  if (!is_tensor(value))
    throw py::type_error(str(who, ": expected the function to return a tensor, got ", type_of(value)));
  return value.cast<Tensor>();
}

// What a Python denoiser may return: Denoised, (x0, eps), or x0 alone.
diffusion::Denoised denoised_from(const py::object& value, const Tensor& x, const diffusion::NoiseLevel& at) {
  diffusion::Denoised d;
  if (py::isinstance<diffusion::Denoised>(value)) {
    d = value.cast<const diffusion::Denoised&>();
  } else if (py::isinstance<py::tuple>(value) && py::len(value) == 2) {
    d.x0 = tensor_from(value[py::int_(0)], "denoiser");
    d.eps = tensor_from(value[py::int_(1)], "denoiser");
  } else if (is_tensor(value)) {
    d.x0 = value.cast<Tensor>();
    d.eps = diffusion::eps_from_x0(x, d.x0, at.alpha, at.sigma);
  } else {
    throw py::type_error(str("denoiser: expected x0, (x0, eps) or Denoised, got ", type_of(value)));
  }
  VGEN_CHECK(d.x0.sizes() == x.sizes() && d.eps.sizes() == x.sizes(), ShapeError, "denoiser: x0 ",
             shape_string(d.x0.sizes()), " and eps ", shape_string(d.eps.sizes()),
             " must have the shape of the sample, ", shape_string(x.sizes()));
  return d;
}

}  // namespace

diffusion::Denoiser to_denoiser(py::handle given) {
  if (const auto* function = unwrapped<diffusion::Denoiser>(given)) return *function;
  return [held = hold(given)](const Tensor& x, const diffusion::NoiseLevel& at) {
    const py::gil_scoped_acquire gil;
    return denoised_from((*held)(x, at), x, at);
  };
}

diffusion::Model to_model(py::handle given) {
  if (const auto* function = unwrapped<diffusion::Model>(given)) return *function;
  return [held = hold(given)](const Tensor& x, const Tensor& t) {
    const py::gil_scoped_acquire gil;
    return tensor_from((*held)(x, t), "model");
  };
}

bool is_noise_source(py::handle given) {
  return PyCallable_Check(given.ptr()) || PyIndex_Check(given.ptr()) || THPGenerator_Check(given.ptr());
}

NoiseSource to_noise_source(py::handle given) {
  if (given.is_none()) return {};
  if (const auto* function = unwrapped<NoiseSource>(given)) return *function;
  if (THPGenerator_Check(given.ptr())) {
    const at::Generator generator = given.cast<at::Generator>();
    VGEN_CHECK(generator.device().is_cpu(), ConfigError,
               "noise source: needs a generator on the CPU, so that devices agree; got one on ",
               generator.device().str());
    return noise_from(generator);
  }
  if (PyIndex_Check(given.ptr())) return noise_from(make_generator(given.cast<std::uint64_t>()));
  return [held = hold(given)](const Tensor& like) {
    const py::gil_scoped_acquire gil;
    const Tensor noise = tensor_from((*held)(like), "noise source");
    VGEN_CHECK(noise.sizes() == like.sizes(), ShapeError, "noise source: must return ", shape_string(like.sizes()),
               ", got ", shape_string(noise.sizes()));
    return noise;
  };
}

samplers::OnStep to_on_step(py::handle given) {
  if (given.is_none()) return {};
  if (const auto* function = unwrapped<samplers::OnStep>(given)) return *function;
  return [held = hold(given)](samplers::Step& step) {
    const py::gil_scoped_acquire gil;
    const auto shown = std::make_shared<samplers::Step>(step);  // Python may keep it
    const py::object answer = (*held)(shown);
    step.latent = shown->latent;
    return answer.is_none() || answer.cast<bool>();
  };
}

samplers::SamplerFunction to_sampler_function(py::handle given) {
  if (given.is_none()) return {};
  if (const auto* function = unwrapped<samplers::SamplerFunction>(given)) return *function;
  return [held = hold(given)](const diffusion::Denoiser& denoiser, const schedulers::NoiseSchedule& schedule,
                              Tensor noise, const NoiseSource& source, const samplers::OnStep& on_step) {
    const py::gil_scoped_acquire gil;
    return tensor_from((*held)(denoiser, schedule, noise, source, on_step), "sampler");
  };
}

std::string dtype_name(const py::object& given) {
  if (THPDtype_Check(given.ptr())) {
    const auto type = given.cast<at::ScalarType>();
    if (type == at::kFloat) return "fp32";
    if (type == at::kBFloat16) return "bf16";
    if (type == at::kHalf) return "fp16";
  }
  const std::string name = py::str(given);
  return name == "float32" ? "fp32" : name == "bfloat16" ? "bf16" : name == "float16" ? "fp16" : name;
}

void bind_diffusion(py::module_& m) {
  using namespace diffusion;
  using Unlocked = py::call_guard<py::gil_scoped_release>;
  bind_options<LimitOptions>(m, "LimitOptions", doc("diffusion::LimitOptions"));
  bind_options<DenoiserOptions>(m, "DenoiserOptions", doc("diffusion::DenoiserOptions"));
  bind_options<GuidanceOptions>(m, "GuidanceOptions", doc("diffusion::GuidanceOptions"));
  bind_options<LossOptions>(m, "LossOptions", doc("diffusion::LossOptions"));

  py::class_<Denoised>(m, "Denoised", doc("diffusion::Denoised"))
      .def(py::init([](Tensor x0, Tensor eps) {
             return Denoised{std::move(x0), std::move(eps), {}};
           }),
           "x0"_a, "eps"_a)
      .def_readonly("x0", &Denoised::x0, "the clean sample")
      .def_readonly("eps", &Denoised::eps, "the noise in it")
      .def("__iter__", [](const Denoised& d) { return py::iter(py::make_tuple(d.x0, d.eps)); })
      .def("__repr__", [](const Denoised& d) { return "Denoised(x0=" + shape_string(d.x0.sizes()) + ")"; });

  py::class_<Callable<Model>>(m, "Model", doc("diffusion::Model"))
      .def(
          "__call__",
          [](const Callable<Model>& f, const Tensor& x, const Tensor& t) {
            return interruptible([&](const CancelToken&) { return f.function(x, t); });
          },
          "x"_a, "t"_a);
  py::class_<Callable<Denoiser>>(m, "Denoiser", doc("diffusion::Denoiser"))
      .def(
          "__call__",
          [](const Callable<Denoiser>& f, const Tensor& x, const NoiseLevel& at) {
            return interruptible([&](const CancelToken&) { return f.function(x, at); });
          },
          "x"_a, "at"_a);
  py::class_<Callable<NoiseSource>>(m, "NoiseSource", doc("NoiseSource"))
      .def(
          "__call__",
          [](const Callable<NoiseSource>& f, const Tensor& like) {
            VGEN_CHECK(f.function, ConfigError, "noise source: this run has none");
            const py::gil_scoped_release released;
            return f.function(like);
          },
          "like"_a);

  m.def(
      "denoiser",
      [](Model model, const NoiseSchedule& schedule, const std::optional<DenoiserOptions>& options,
         const py::kwargs& fields) {
        return denoiser(std::move(model), schedule,
                        with_keywords(options.value_or(DenoiserOptions{}), fields, "denoiser"));
      },
      "model"_a, "schedule"_a, "options"_a = py::none(), doc("diffusion::denoiser"));
  m.def("guided", py::overload_cast<Model, Model, const GuidanceOptions&>(&guided), "cond"_a, "uncond"_a,
        py::arg_v("options", GuidanceOptions{}, "GuidanceOptions()"), doc("diffusion::guided"));
  m.def("guided_in_one_batch", &guided_in_one_batch, "both"_a,
        py::arg_v("options", GuidanceOptions{}, "GuidanceOptions()"), doc("diffusion::guided_in_one_batch"));
  m.def("guide", &guide, "cond"_a, "uncond"_a, py::arg_v("options", GuidanceOptions{}, "GuidanceOptions()"), Unlocked(),
        doc("diffusion::guide"));
  m.def("rescale_guided", &rescale_guided, "guided"_a, "cond"_a, "phi"_a, Unlocked(), doc("diffusion::rescale_guided"));

  m.def("add_noise", py::overload_cast<const NoiseSchedule&, const Tensor&, const Tensor&, const Tensor&>(&add_noise),
        "schedule"_a, "x0"_a, "eps"_a, "t"_a, Unlocked(), doc("diffusion::add_noise"));
  m.def("add_noise", py::overload_cast<const Tensor&, const Tensor&, const NoiseLevel&>(&add_noise), "x0"_a, "eps"_a,
        "at"_a, Unlocked());
  m.def("draw_noise", &draw_noise, "like"_a, "offset_strength"_a, "source"_a, Unlocked(), doc("diffusion::draw_noise"));
  m.def(
      "target",
      [](const std::string& prediction, const NoiseSchedule& schedule, const Tensor& x0, const Tensor& eps,
         const Tensor& t, const Tensor& x_t) {
        Prediction p{};
        from_node(Node(prediction), p, {"target", "prediction"});
        const py::gil_scoped_release released;
        return target(p, schedule, x0, eps, t, x_t);
      },
      "prediction"_a, "schedule"_a, "x0"_a, "eps"_a, "t"_a, "x_t"_a, doc("diffusion::target"));
  m.def(
      "training_loss",
      [](const NoiseSchedule& schedule, const Tensor& out, const Tensor& x0, const Tensor& eps, const Tensor& x_t,
         const Tensor& t, const std::optional<LossOptions>& options, const std::optional<Tensor>& weight,
         const std::optional<Tensor>& mask, const py::kwargs& fields) {
        const LossOptions o = with_keywords(options.value_or(LossOptions{}), fields, "training_loss");
        const py::gil_scoped_release released;
        return training_loss(schedule, out, x0, eps, x_t, t, o, {weight.value_or(Tensor()), mask.value_or(Tensor())});
      },
      "schedule"_a, "out"_a, "x0"_a, "eps"_a, "x_t"_a, "t"_a, "options"_a = py::none(), py::kw_only(),
      "weight"_a = py::none(), "mask"_a = py::none(), doc("diffusion::training_loss"));
}

}  // namespace vgen::bindings
