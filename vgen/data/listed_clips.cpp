#include "vgen/data/listed_clips.hpp"

#include <algorithm>

#include "vgen/data/prompt_list.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::data {
namespace fs = std::filesystem;

namespace {

// Python's str.format with unnamed fields: "{{" and "}}" are braces.
std::string with_placeholders(const std::string& caption, const std::vector<std::string>& words) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < caption.size(); ++i) {
    const std::string_view two = std::string_view(caption).substr(i, 2);
    if (two == "{{" || two == "}}") {
      out += caption[i++];
    } else if (two == "{}") {
      VGEN_CHECK(next < words.size(), FormatError, "caption: '", printable(caption, 80), "' has more {} than the ",
                 words.size(), " given placeholders");
      out += words[next++];
      ++i;
    } else {
      VGEN_CHECK(caption[i] != '{' && caption[i] != '}', FormatError, "caption: only {} is filled in, got '",
                 printable(caption, 80), "'; double a brace that is meant as one");
      out += caption[i];
    }
  }
  return out;
}

video::Frames frames_of_clip(const fs::path& path, const ListedClipOptions& o, MersenneTwister& random) {
  const video::VideoInfo info = video::probe(path);
  VGEN_CHECK(info.fps > 0, MediaError, "listed clips: '", printable(path.string()), "' is a picture, not a clip");
  if (info.frames < 0) {  // the file does not say how long it is
    const video::Frames all = video::read_video(path);
    return video::select_frames(all, video::pick_frames(all.count, all.fps, o.picking, random).frames);
  }
  const auto picked = video::pick_frames(info.frames, info.fps, o.picking, random);
  return video::read_video(path, {.start = picked.frames.front(),
                                  .stride = picked.stride,
                                  .frames = static_cast<std::int64_t>(picked.frames.size())});
}

video::Frames mask_of(const fs::path& picture, const ListedClipOptions& o) {
  fs::path name = picture.filename();
  if (name.extension() == ".jpg") name.replace_extension(".png");
  const fs::path path = picture.parent_path() / "masks" / name;
  const video::Frames mask = video::center_crop_wide(video::to_rgb(video::read_image(path)), o.height / 8, o.width / 8,
                                                     video::Filter::nearest);
  VGEN_CHECK(std::ranges::all_of(*mask.pixels, [](std::uint8_t v) { return v == 0 || v == 255; }), MediaError,
             "listed clips: mask '", printable(path.string()), "' must be black and white");
  return mask;
}

}  // namespace

video::Frames vision_picture(const video::Frames& frames, std::int64_t side, std::int64_t size) {
  const std::int64_t square = std::max(side, size);
  return video::resize(video::center_crop_wide(frames, square, square), size, size, video::Filter::triangle);
}

ListedClip load_listed(const std::string& line, const ListedClipOptions& o, MersenneTwister& random) {
  VGEN_CHECK(o.height >= 1 && o.width >= 1 && o.vision_size >= 1, ConfigError,
             "listed clips: height, width and vision_size must be >= 1, got ", o.height, ", ", o.width, " and ",
             o.vision_size);
  ListedClip item;
  try {
    const std::vector<std::string> lines = stripped_lines(line);
    const std::vector<std::string> parts = split(lines.empty() ? "" : lines[0], "|||");
    VGEN_CHECK(parts.size() == 2, FormatError, "listed clips: expected 'file|||caption', got '", printable(line, 80),
               "'");
    item.file = parts[0];
    item.caption = o.placeholders.empty() ? parts[1] : with_placeholders(parts[1], o.placeholders);
    const fs::path path = fs::path(o.folder) / item.file;
    const video::Frames source =
        video::to_rgb(o.media == ListedMedia::pictures ? video::read_image(path) : frames_of_clip(path, o, random));
    if (o.media == ListedMedia::pictures && o.masks) item.mask = mask_of(path, o);
    item.reference = o.reference == ReferenceFrame::middle ? source.count / 2 : 0;
    const std::int64_t position[] = {item.reference};
    item.vision = vision_picture(video::select_frames(source, position), o.width, o.vision_size);
    item.frames = video::center_crop_wide(source, o.height, o.width);
  } catch (const Error& e) { item.problem = e.what(); }
  return item;
}

}  // namespace vgen::data
