// The video UNet.
#include "vgen/unet/unet.hpp"

#include "bindings/tensor.hpp"
#include "vgen/unet/init.hpp"
#include "vgen/unet/presets.hpp"

namespace vgen::bindings {
namespace {

// Blocks are the grain at which Ctrl-C is noticed.
void check_at_block(const std::string&, const Tensor&) { Interruption::check("unet"); }

std::vector<std::pair<std::string, std::string>> names_of(const std::vector<KeyPair>& pairs) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const KeyPair& pair : pairs) out.emplace_back(pair.ours, pair.theirs);
  return out;
}

}  // namespace

void bind_unet(py::module_& m) {
  using namespace unet;
  bind_options<FramePosition>(m, "FramePosition", doc("unet::FramePosition"));
  bind_options<Fps>(m, "Fps", "Adds the frame rate to the time embedding.");
  bind_options<FrameText>(m, "FrameText", doc("unet::FrameText"));
  bind_options<DenseMap>(m, "DenseMap", doc("unet::DenseMap"));
  bind_options<DenseMaps>(m, "DenseMaps", doc("unet::DenseMaps"));
  bind_options<ImageLatents>(m, "ImageLatents", doc("unet::ImageLatents"));
  bind_options<SpatialPrior>(m, "SpatialPrior", doc("unet::SpatialPrior"));
  bind_options<Motion>(m, "Motion", doc("unet::Motion"));
  bind_options<Appearance>(m, "Appearance", doc("unet::Appearance"));
  bind_options<ImageTokens>(m, "ImageTokens", doc("unet::ImageTokens"));
  bind_options<LocalImageTokens>(m, "LocalImageTokens", doc("unet::LocalImageTokens"));
  bind_options<Histogram>(m, "Histogram", doc("unet::Histogram"));
  bind_options<TextResampler>(m, "TextResampler", doc("unet::TextResampler"));
  bind_options<FreeU>(m, "FreeU", doc("unet::FreeU"));
  bind_options<ConditionDropout>(m, "ConditionDropout", doc("unet::ConditionDropout"));
  bind_options<Text>(m, "Text", "The words of the prompt as context of the cross-attention.");
  bind_options<Level>(m, "Level", "One resolution of the UNet.");
  bind_options<UNetOptions>(m, "UNetOptions", doc("unet::UNetOptions"));
  m.def("i2vgen_xl", &i2vgen_xl, "base"_a = UNetOptions{}, doc("unet::i2vgen_xl"));
  m.def("higen", &higen, "base"_a = UNetOptions{}, doc("unet::higen"));
  m.def("sr600", &sr600, "base"_a = UNetOptions{}, doc("unet::sr600"));
  m.def("tf_t2v", &tf_t2v, "base"_a = UNetOptions{}, doc("unet::tf_t2v"));
  m.def("video_composer", py::overload_cast<const std::vector<std::string>&, UNetOptions>(&video_composer),
        "conditions"_a = std::vector<std::string>{"text", "masked", "depth", "sketch", "motion", "image", "local_image",
                                                  "single_sketch"},
        "base"_a = UNetOptions{}, doc("unet::video_composer"));
  m.def("video_lcm", &video_lcm, "of"_a, doc("unet::video_lcm"));

  py::class_<UNet, nn::Module, std::shared_ptr<UNet>>(m, "UNet", doc("unet::UNet"))
      .def(py::init([](const std::optional<UNetOptions>& options, const py::kwargs& fields) {
             const UNetOptions o = with_keywords(options.value_or(UNetOptions{}), fields, "UNet");
             const py::gil_scoped_release released;
             return std::make_shared<UNet>(o);
           }),
           "options"_a = py::none())
      .def_property_readonly("options", &UNet::options, "The UNetOptions it was built from.")
      .def_property_readonly("declared", &UNet::declared, doc("unet::UNet::declared"))
      .def("recompute", &UNet::recompute, "on"_a, doc("unet::UNet::recompute"))
      .def(
          "forward",
          [](UNet& net, const Tensor& x, const Tensor& t, const std::map<std::string, Tensor>& conditions) {
            const Conditions given = conditions_from(conditions);
            return interruptible(
                [&](const CancelToken&) { return net.forward(x, t, given, {.observe = check_at_block}); });
          },
          "x"_a, "t"_a, "conditions"_a, doc("unet::UNet::forward"))
      .def(
          "__call__",
          [](UNet& net, const Tensor& x, const Tensor& t, const std::map<std::string, Tensor>& conditions) {
            const Conditions given = conditions_from(conditions);
            return interruptible(
                [&](const CancelToken&) { return net.forward(x, t, given, {.observe = check_at_block}); });
          },
          "x"_a, "t"_a, "conditions"_a, "The same as forward.")
      .def(
          "bind",
          [](const std::shared_ptr<UNet>& net, const std::map<std::string, Tensor>& conditions) -> diffusion::Model {
            return [net, given = conditions_from(conditions)](const Tensor& x, const Tensor& t) {
              return net->forward(x, t, given, {.observe = check_at_block});
            };
          },
          "conditions"_a,
          "The network with its conditions bound: a diffusion.Model, for diffusion.denoiser and guidance.");
  m.def(
      "initialise", [](UNet& net, std::uint64_t seed) { initialise(net, make_generator(seed)); }, "unet"_a,
      "seed"_a = 0, py::call_guard<py::gil_scoped_release>(), doc("unet::initialise"));
  m.def(
      "reference_keys", [](UNet& net) { return names_of(reference_keys(net)); }, "unet"_a,
      "(our name, the reference's name) of every parameter.");
  m.def(
      "diffusers_keys", [](UNet& net) { return names_of(diffusers_keys(net)); }, "unet"_a,
      "(our name, the name in diffusers' UNet3DConditionModel) of every parameter.");
  m.def("validate", py::overload_cast<const UNetOptions&>(&validate), "options"_a, doc("unet::validate"));
}

}  // namespace vgen::bindings
