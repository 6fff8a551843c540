// The autoencoder of frames.
#include "vgen/vae/autoencoder_kl.hpp"

#include "bindings/tensor.hpp"

namespace vgen::bindings {

void bind_vae(py::module_& m) {
  using namespace vae;
  using Unlocked = py::call_guard<py::gil_scoped_release>;
  py::class_<DiagonalGaussian>(m, "DiagonalGaussian", doc("vae::DiagonalGaussian"))
      .def_static("from_moments", &DiagonalGaussian::from_moments, "moments"_a, "deterministic"_a = false,
                  doc("vae::DiagonalGaussian::from_moments"))
      .def_readonly("mean", &DiagonalGaussian::mean, "[B, C, h, w].")
      .def_readonly("logvar", &DiagonalGaussian::logvar, "Log of the variance, [B, C, h, w].")
      .def("mode", &DiagonalGaussian::mode, "The mean: the likeliest sample.")
      .def("sample", &DiagonalGaussian::sample, "noise"_a, Unlocked(), doc("vae::DiagonalGaussian::sample"))
      .def(
          "kl", [](const DiagonalGaussian& g) { return g.kl(); }, Unlocked(), "KL(this || N(0, 1)) [N]")
      .def("nll", &DiagonalGaussian::nll, "x"_a, Unlocked(), doc("vae::DiagonalGaussian::nll"))
      .def("__repr__",
           [](const DiagonalGaussian& g) { return "DiagonalGaussian(" + shape_string(g.mean.sizes()) + ")"; });

  bind_options<AutoencoderKlOptions>(m, "AutoencoderKlOptions", doc("vae::AutoencoderKlOptions"));
  py::class_<AutoencoderKl, nn::Module, std::shared_ptr<AutoencoderKl>>(m, "AutoencoderKl", doc("vae::AutoencoderKl"))
      .def(py::init([](const std::optional<AutoencoderKlOptions>& options, const py::kwargs& fields) {
             const auto o = with_keywords(options.value_or(AutoencoderKlOptions{}), fields, "AutoencoderKl");
             const py::gil_scoped_release released;
             return std::make_shared<AutoencoderKl>(o);
           }),
           "options"_a = py::none())
      .def_property_readonly("options", &AutoencoderKl::options, "The AutoencoderKlOptions it was built from.")
      .def("encode", &AutoencoderKl::encode, "x"_a, Unlocked(), doc("vae::AutoencoderKl::encode"))
      .def("decode", &AutoencoderKl::decode, "z"_a, Unlocked(), doc("vae::AutoencoderKl::decode"))
      .def("encode_scaled", &AutoencoderKl::encode_scaled, "x"_a, "noise"_a, Unlocked(),
           doc("vae::AutoencoderKl::encode_scaled"))
      .def("encode_frames", &AutoencoderKl::encode_frames, "video"_a, "noise"_a, "at_once"_a = 4, Unlocked(),
           doc("vae::AutoencoderKl::encode_frames"))
      .def("decode_frames", &AutoencoderKl::decode_frames, "latents"_a, "at_once"_a = 4, Unlocked(),
           "Frames [B, out, F, H, W] in about [-1, 1] of scaled latents [B, latent, F, h, w], in pieces of about "
           "`at_once` frames.");
}

}  // namespace vgen::bindings
