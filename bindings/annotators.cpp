// Encoders of conditions: depth, edges, sketches, palettes, motion, masks, and conditions that are drawn.
#include "vgen/conditioning/annotators.hpp"
#include "bindings/tensor.hpp"
#include "vgen/conditioning/canny.hpp"
#include "vgen/conditioning/compose.hpp"
#include "vgen/conditioning/drawing.hpp"
#include "vgen/conditioning/factors.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/mask.hpp"
#include "vgen/conditioning/motion.hpp"
#include "vgen/conditioning/palette.hpp"
#include "vgen/conditioning/picture.hpp"
#include "vgen/conditioning/super_resolution.hpp"

namespace vgen::bindings {
namespace {

using Unlocked = py::call_guard<py::gil_scoped_release>;

// What people have of a clip: pixels as video.read_video gives them, a picture, or a tensor that is ready.
struct FramesLike {
  py::object given;
  void refuse_paths(const char* who) const {
    const auto type = py::str(py::type::of(given).attr("__name__")).cast<std::string>();
    if (py::isinstance<py::str>(given) || py::hasattr(given, "__fspath__"))
      throw py::type_error(str(who, ": expected frames, got a ", type,
                               "; read the clip first: frames, info = ", "vgen.video.read_video(path, frames=16)"));
  }
  Tensor tensor(const char* who) const {
    if (is_tensor(given) && given.cast<Tensor>().is_floating_point()) return given.cast<Tensor>();
    refuse_paths(who);
    const py::array pixels = py::module_::import("numpy").attr("asarray")(given);
    return conditioning::to_frames(
        to_frames(pixels.ndim() == 3 ? pixels.attr("__getitem__")(py::none()) : py::object(pixels), 8));
  }
};

template <class E>
E choice(const std::string& name, const char* who, const char* what) {
  E value{};
  from_node(Node(name), value, {who, what});
  return value;
}

// A network of options with `load` and `forward`.
template <class T, class O>
auto network(py::module_& m, const char* name, const char* text) {
  return py::class_<T, nn::Module, std::shared_ptr<T>>(m, name, text)
      .def(py::init([name](const std::optional<O>& options, const py::kwargs& fields) {
             const auto o = with_keywords(options.value_or(O{}), fields, name);
             const py::gil_scoped_release released;
             return std::make_shared<T>(o);
           }),
           "options"_a = py::none())
      .def_property_readonly("options", &T::options, "The options it was built from.")
      .def("load", &T::load, "path"_a, Unlocked(),
           "From the released checkpoint; nothing is changed if it does not fit.")
      .def("forward", &T::forward, "x"_a, Unlocked(), "The network alone, on a prepared batch [n, 3, H, W].")
      .def("__call__", &T::forward, "x"_a, Unlocked(), "The same as forward.");
}

}  // namespace

}  // namespace vgen::bindings

namespace pybind11::detail {
template <>
struct type_caster<vgen::bindings::FramesLike> {
  PYBIND11_TYPE_CASTER(vgen::bindings::FramesLike, io_name("torch.Tensor | numpy.typing.ArrayLike", "torch.Tensor"));
  bool load(handle source, bool) {
    value.given = reinterpret_borrow<object>(source);
    return true;
  }
};
}  // namespace pybind11::detail

namespace vgen::bindings {

void bind_annotators(py::module_& m) {
  using namespace conditioning;
  bind_options<DptDepthOptions>(m, "DptDepthOptions", doc("conditioning::DptDepthOptions"));
  network<DptDepth, DptDepthOptions>(m, "DptDepth", doc("conditioning::DptDepth"))
      .def("condition", &DptDepth::condition, "frames"_a, "at_once"_a = 2, Unlocked(),
           doc("conditioning::DptDepth::condition"));
  m.def(
      "depth",
      [](const FramesLike& frames, DptDepth& model) {
        const Tensor x = frames.tensor("depth");
        return interruptible([&](const CancelToken& cancel) { return depth(x, model, cancel); });
      },
      "frames"_a, "model"_a, doc("conditioning::depth"));
  m.def(
      "depth",
      [](const FramesLike& frames, const std::optional<std::filesystem::path>& model) {
        const Tensor x = frames.tensor("depth");
        return interruptible([&](const CancelToken& cancel) { return depth(x, model.value_or(""), cancel); });
      },
      "frames"_a, "model"_a = py::none(), "The same with the network of a model folder or of a file.");
  m.def("depth_condition", &depth_condition, "depth"_a, Unlocked(), doc("conditioning::depth_condition"));

  bind_options<PiDiNetOptions>(m, "PiDiNetOptions", doc("conditioning::PiDiNetOptions"));
  network<PiDiNet, PiDiNetOptions>(m, "PiDiNet", doc("conditioning::PiDiNet"))
      .def("detect", &PiDiNet::detect, "frames"_a, "at_once"_a = 2, Unlocked(), doc("conditioning::PiDiNet::detect"));
  m.def("imagenet_normalise", &imagenet_normalise, "x"_a, Unlocked(), doc("conditioning::imagenet_normalise"));
  py::class_<SketchSimplification, nn::Module, std::shared_ptr<SketchSimplification>>(
      m, "SketchSimplification", doc("conditioning::SketchSimplification"))
      .def(py::init([](const std::string& model) {
             const auto chosen = choice<SketchModel>(model, "SketchSimplification", "model");
             const py::gil_scoped_release released;
             return std::make_shared<SketchSimplification>(chosen);
           }),
           "model"_a = "gan")
      .def("load", &SketchSimplification::load, "path"_a, Unlocked(), doc("conditioning::SketchSimplification::load"))
      .def("forward", &SketchSimplification::forward, "x"_a, Unlocked(),
           doc("conditioning::SketchSimplification::forward"))
      .def("__call__", &SketchSimplification::forward, "x"_a, Unlocked(), "The same as forward.");
  m.def(
      "sketch",
      [](PiDiNet& edges, SketchSimplification& simplifier, const FramesLike& frames, std::int64_t at_once) {
        const Tensor x = frames.tensor("sketch");
        const py::gil_scoped_release released;
        return sketch(edges, simplifier, x, at_once);
      },
      "edges"_a, "simplifier"_a, "frames"_a, "at_once"_a = 2, doc("conditioning::sketch"));
  m.def(
      "sketch",
      [](const FramesLike& frames, const std::optional<std::filesystem::path>& model) {
        const Tensor x = frames.tensor("sketch");
        return interruptible([&](const CancelToken& cancel) { return sketch(x, model.value_or(""), cancel); });
      },
      "frames"_a, "model"_a = py::none(), "The same with the networks of a model folder.");

  m.def(
      "canny_thresholds",
      [](const Tensor& picture, const std::optional<double>& share) {
        const auto t = share ? canny_thresholds(picture, *share) : canny_thresholds(picture);
        return std::pair(t.low, t.high);
      },
      "picture"_a, "share"_a = py::none(),
      "(low, high) from the median m of a picture: 0.67 m and 1.33 m, or (1 - share) m and twice that.");
  m.def(
      "canny",
      [](const FramesLike& picture, const std::optional<std::pair<double, double>>& thresholds) {
        picture.refuse_paths("canny");
        const py::object& given = picture.given;
        const bool frames = py::hasattr(given, "ndim") && given.attr("ndim").cast<int>() == 4;
        VGEN_CHECK(!frames || !thresholds, ConfigError,
                   "canny: thresholds are of one picture; of frames each has its own");
        const Tensor x =
            frames ? picture.tensor("canny") : py::module_::import("torch").attr("as_tensor")(given).cast<Tensor>();
        const py::gil_scoped_release released;
        if (frames) return canny(x);
        return canny(x, thresholds ? CannyThresholds{thresholds->first, thresholds->second} : canny_thresholds(x));
      },
      "picture"_a, "thresholds"_a = py::none(), doc("conditioning::canny"));
  m.def("to_rgb", &to_rgb, "picture"_a, Unlocked(), doc("conditioning::to_rgb"));
  m.def("resize_picture", &resize_picture, "picture"_a, "short_side"_a, Unlocked(),
        doc("conditioning::resize_picture"));

  bind_options<PaletteOptions>(m, "PaletteOptions", doc("conditioning::PaletteOptions"));
  py::class_<Palette>(m, "Palette", doc("conditioning::Palette"))
      .def(py::init([](const std::optional<PaletteOptions>& options, const py::kwargs& fields) {
             return Palette(with_keywords(options.value_or(PaletteOptions{}), fields, "Palette"));
           }),
           "options"_a = py::none())
      .def("__len__", &Palette::size)
      .def_property_readonly("rgb", &Palette::rgb, "float64 [n, 3] in [0, 1]")
      .def_property_readonly("lab", &Palette::lab, "float64 [n, 3], CIELAB under D65")
      .def_property_readonly("hex", &Palette::hex, "\"#rrggbb\" of each colour")
      .def("nearest", &Palette::nearest, "picture"_a, Unlocked(), doc("conditioning::Palette::nearest"))
      .def("quantise", &Palette::quantise, "picture"_a, Unlocked(), doc("conditioning::Palette::quantise"))
      .def("histogram", &Palette::histogram, "picture"_a, "sigma"_a = 10, Unlocked(),
           doc("conditioning::Palette::histogram"))
      .def("picture", &Palette::picture, "histogram"_a, "height"_a = 50, "width"_a = 200, Unlocked(),
           doc("conditioning::Palette::picture"));

  m.def(
      "histogram",
      [](const FramesLike& frames, const std::optional<Palette>& palette) {
        const Tensor x = frames.tensor("histogram");
        const py::gil_scoped_release released;
        return palette ? histogram(x, *palette) : histogram(x);
      },
      "frames"_a, "palette"_a = py::none(), doc("conditioning::histogram"));

  m.def("to_frames", &conditioning::to_frames, "frames"_a, doc("conditioning::to_frames"));
  m.def(
      "motion_vectors",
      [](const std::filesystem::path& path, const std::string& source, const std::optional<video::ReadOptions>& options,
         const py::kwargs& fields) {
        const auto from = choice<MotionSource>(source, "motion_vectors", "source");
        const auto o = with_keywords(options.value_or(video::ReadOptions{}), fields, "motion_vectors");
        return interruptible([&](const CancelToken& cancel) { return motion_vectors(path, from, o, cancel); });
      },
      "path"_a, "source"_a = "automatic", "options"_a = py::none(), doc("conditioning::motion_vectors"));
  m.def(
      "motion_vectors",
      [](const video::Frames& frames, const std::string& source) {
        const auto from = choice<MotionSource>(source, "motion_vectors", "source");
        return interruptible([&](const CancelToken& cancel) { return motion_vectors(frames, from, cancel); });
      },
      "frames"_a, "source"_a = "automatic", "The same of decoded frames, uint8 [F, H, W, C].");
  m.def("fit_condition", &fit_condition, "x"_a, "height"_a, "width"_a, Unlocked(), doc("conditioning::fit_condition"));

  m.def(
      "random_mask",
      [](const std::string& kind, std::int64_t height, std::int64_t width, std::uint32_t seed) {
        auto random = MersenneTwister::numpy(seed);
        return random_mask(choice<MaskKind>(kind, "random_mask", "kind"), height, width, random);
      },
      "kind"_a, "height"_a, "width"_a, "seed"_a = 0, doc("conditioning::random_mask"));
  m.def("mask_track", &mask_track, "mask"_a, "frames"_a, "height"_a, "width"_a, Unlocked(),
        doc("conditioning::mask_track"));
  m.def("masked_condition", &masked_condition, "frames"_a, "masks"_a, Unlocked(),
        doc("conditioning::masked_condition"));
  m.def("motion_factors", &motion_factors, "frames"_a, "motion"_a, doc("conditioning::motion_factors"));
  m.def("appearance_factors", &appearance_factors, "frames"_a, "appearance"_a, doc("conditioning::appearance_factors"));
  m.def("low_resolution_input", &low_resolution_input, "frames"_a, "twice"_a = false, "height"_a = 720,
        "width"_a = 1280, Unlocked(), doc("conditioning::low_resolution_input"));

  bind_options<MotionPath>(m, "MotionPath", doc("conditioning::MotionPath"));
  m.def("parse_motion_path", &parse_motion_path, "text"_a, doc("conditioning::parse_motion_path"));
  m.def("drawn_motion", &drawn_motion, "paths"_a, "frames"_a, "height"_a, "width"_a, "block"_a = 16, Unlocked(),
        doc("conditioning::drawn_motion"));
  bind_options<MaskKey>(m, "MaskKey", doc("conditioning::MaskKey"));
  m.def("drawn_mask", &drawn_mask, "keys"_a, "frames"_a, "height"_a, "width"_a, Unlocked(),
        doc("conditioning::drawn_mask"));
  bind_options<SketchStroke>(m, "SketchStroke", doc("conditioning::SketchStroke"));
  m.def("drawn_sketch", &drawn_sketch, "strokes"_a, "frames"_a, "height"_a, "width"_a, Unlocked(),
        doc("conditioning::drawn_sketch"));
  m.def("overlay", &overlay, "frames"_a, "condition"_a, "gain"_a = 1, doc("conditioning::overlay"));

  using Given = std::optional<Tensor>;
  m.def(
      "compose",
      [](const Given& depth, const Given& sketch, const Given& canny, const Given& single_sketch,
         const Given& local_image, const Given& motion, const Given& frames, const Given& mask, const Given& image,
         const Given& histogram, std::int64_t count) {
        const auto tensor = [](const Given& given) { return given.value_or(Tensor()); };
        const py::gil_scoped_release released;
        return compose({.depth = tensor(depth),
                        .sketch = tensor(sketch),
                        .canny = tensor(canny),
                        .single_sketch = tensor(single_sketch),
                        .local_image = tensor(local_image),
                        .motion = tensor(motion),
                        .frames = tensor(frames),
                        .mask = tensor(mask),
                        .image = tensor(image),
                        .histogram = tensor(histogram)},
                       count)
            .all();
      },
      py::kw_only(), "depth"_a = py::none(), "sketch"_a = py::none(), "canny"_a = py::none(),
      "single_sketch"_a = py::none(), "local_image"_a = py::none(), "motion"_a = py::none(), "frames"_a = py::none(),
      "mask"_a = py::none(), "image"_a = py::none(), "histogram"_a = py::none(), "num_frames"_a = 0,
      doc("conditioning::compose"));
}

}  // namespace vgen::bindings
