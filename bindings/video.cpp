// Reading, writing and transforming frames. Frames are NumPy arrays uint8 [F, H, W, C].
#include "bindings/options.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/video/writer.hpp"

namespace vgen::bindings {

void bind_video(py::module_& m) {
  using namespace video;
  bind_options<ReadOptions>(m, "ReadOptions", doc("video::ReadOptions"));
  bind_options<WriteOptions>(m, "WriteOptions", doc("video::WriteOptions"));

  py::class_<VideoInfo>(m, "VideoInfo", "What a video file says about itself.")
      .def_readonly("container", &VideoInfo::container, "FFmpeg's name of the format.")
      .def_readonly("codec", &VideoInfo::codec, "FFmpeg's name of the codec.")
      .def_readonly("pixel_format", &VideoInfo::pixel_format, "FFmpeg's name of the pixel format.")
      .def_readonly("height", &VideoInfo::height, doc("video::VideoInfo::height"))
      .def_readonly("width", &VideoInfo::width, "In pixels.")
      .def_readonly("frames", &VideoInfo::frames, doc("video::VideoInfo::frames"))
      .def_readonly("fps", &VideoInfo::fps, doc("video::VideoInfo::fps"))
      .def_readonly("duration", &VideoInfo::duration, "seconds")
      .def_readonly("rotation", &VideoInfo::rotation, doc("video::VideoInfo::rotation"))
      .def_readonly("alpha", &VideoInfo::alpha, "True if the pixels have transparency.")
      .def_readonly("truncated", &VideoInfo::truncated, doc("video::VideoInfo::truncated"))
      .def_readonly("comment", &VideoInfo::comment, doc("video::VideoInfo::comment"))
      .def("__repr__", [](const VideoInfo& i) {
        return repr_of("VideoInfo", {{"codec", py::str(i.codec)},
                                     {"frames", py::int_(i.frames)},
                                     {"height", py::int_(i.height)},
                                     {"width", py::int_(i.width)},
                                     {"fps", py::float_(i.fps)}});
      });
  py::class_<WriteReport>(m, "WriteReport", "What was written.")
      .def_readonly("path", &WriteReport::path, "File or folder that was written.")
      .def_readonly("encoder", &WriteReport::encoder, doc("video::WriteReport::encoder"))
      .def_readonly("frames", &WriteReport::frames, "Number of frames.")
      .def_readonly("bytes", &WriteReport::bytes, "Size of the file.")
      .def("__fspath__", [](const WriteReport& r) { return r.path.string(); })
      .def("__repr__", [](const WriteReport& r) {
        return repr_of("WriteReport", {{"path", py::str(r.path.string())},
                                       {"encoder", py::str(r.encoder)},
                                       {"frames", py::int_(r.frames)},
                                       {"bytes", py::int_(r.bytes)}});
      });

  m.def(
      "write_video",
      [](const std::filesystem::path& path, Frames frames, double fps, const std::optional<WriteOptions>& options,
         const py::object& progress, const py::kwargs& fields) {
        const WriteOptions o = with_keywords(options.value_or(WriteOptions{}), fields, "write_video");
        frames.fps = fps;
        const OnProgress report = to_progress(progress);
        return interruptible([&](const CancelToken& cancel) { return write_video(path, frames, o, report, cancel); });
      },
      "path"_a, "frames"_a, "fps"_a = 8, "options"_a = py::none(), py::kw_only(), "progress"_a = py::none(),
      "Writes frames uint8 [F, H, W, C]; the name decides the format (.mp4, .webm, .gif, .png, ...). Fields of "
      "WriteOptions may be "
      "given by name. The file appears complete or not at all.");
  m.def(
      "write_image",
      [](const std::filesystem::path& path, const Frames& frames, std::int64_t frame,
         const std::map<std::string, std::string>& metadata) { return write_image(path, frames, frame, metadata); },
      "path"_a, "frames"_a, "frame"_a = 0, "metadata"_a = std::map<std::string, std::string>{},
      doc("video::write_image"));
  m.def(
      "read_video",
      [](const std::filesystem::path& path, const std::optional<ReadOptions>& options, const py::object& progress,
         const py::kwargs& fields) {
        const ReadOptions o = with_keywords(options.value_or(ReadOptions{}), fields, "read_video");
        const OnProgress report = to_progress(progress);
        VideoInfo info;
        const Frames frames =
            interruptible([&](const CancelToken& cancel) { return read_video(path, o, &info, report, cancel); });
        return std::pair(frames, info);
      },
      "path"_a, "options"_a = py::none(), py::kw_only(), "progress"_a = py::none(),
      "(frames uint8 [F, H, W, 3], VideoInfo) of a video or picture. Fields of ReadOptions may be given by name. A "
      "file that ends "
      "early gives the frames before the fault, and info.truncated.");
  m.def(
      "read_image",
      [](const std::filesystem::path& path) {
        return interruptible([&](const CancelToken& cancel) { return read_image(path, cancel); });
      },
      "path"_a, doc("video::read_image"));
  m.def(
      "probe",
      [](const std::filesystem::path& path) {
        return interruptible([&](const CancelToken& cancel) { return probe(path, cancel); });
      },
      "path"_a, doc("video::probe"));
  m.def("expect_video_path", &expect_video_path, "path"_a, "fps"_a = 8,
        py::arg_v("options", WriteOptions{}, "WriteOptions()"), doc("video::expect_video_path"));

  m.def(
      "resize",
      [](const Frames& frames, std::int64_t height, std::int64_t width, const std::string& filter) {
        Filter value{};
        from_node(Node(filter), value, {"resize", "filter"});
        return resize(frames, height, width, value);
      },
      "frames"_a, "height"_a, "width"_a, "filter"_a = "bilinear", doc("video::resize"));
  m.def("center_crop", &center_crop, "frames"_a, "height"_a, "width"_a, doc("video::center_crop"));
  m.def("flip_horizontal", &flip_horizontal, "frames"_a,
        "Left and right exchanged: uint8 [F, H, W, C] of the same shape.");
  m.def(
      "contact_sheet",
      [](const std::vector<Frames>& clips, std::int64_t columns, std::int64_t gap) {
        const SheetOptions options{.columns = columns, .gap = gap};
        return clips.size() == 1 ? contact_sheet(clips.front(), options) : contact_sheet(clips, options);
      },
      "clips"_a, "columns"_a = 0, "gap"_a = 2,
      "One picture [1, H', W', 3] of a list of clips: of one clip every frame, of several a row each.");
}

}  // namespace vgen::bindings
