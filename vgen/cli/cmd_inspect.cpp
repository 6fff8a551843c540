// vgen inspect FILE: what a weight file or model folder is, and names, types and shapes of its tensors; or what a clip
// is, how vgen made it, and the command that makes it again.
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "vgen/cli/backend.hpp"
#include "vgen/cli/numbers.hpp"
#include "vgen/core/options.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/tensor_file.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/unet_layout.hpp"
#include "vgen/video/reader.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += str(i ? ", " : "", shape[i]);
  return out + "]";
}

std::int64_t count(const formats::TensorEntry& t) {
  std::int64_t n = 1;
  for (const std::int64_t d : t.shape) n *= d;
  return n;
}

// Weight files below a folder; shards that an index.json names are read through it.
std::vector<fs::path> weight_files(const fs::path& root) {
  VGEN_CHECK(fs::exists(root), IoError, "inspect: no such file or folder: ", printable(root.string()));
  if (!fs::is_directory(root)) return {root};
  std::vector<fs::path> files, indexes;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".safetensors.index.json")) indexes.push_back(entry.path());
    static const std::set<std::string> kinds = {".safetensors", ".pth", ".pt", ".ckpt", ".bin"};
    if (kinds.contains(entry.path().extension().string())) files.push_back(entry.path());
  }
  for (const fs::path& index : indexes) {
    const std::string stem =
        index.filename().string().substr(0, index.filename().string().find(".safetensors.index.json"));
    std::erase_if(files, [&](const fs::path& f) {
      return f.parent_path() == index.parent_path() && f.filename().string().starts_with(stem + "-") &&
             f.extension() == ".safetensors";
    });
  }
  files.insert(files.end(), indexes.begin(), indexes.end());
  std::ranges::sort(files);
  VGEN_CHECK(!files.empty(), FormatError, "inspect: no weight file (.safetensors, .pth, .pt, .ckpt, .bin) in ",
             printable(root.string()));
  return files;
}

// The clip itself, or the first picture of a folder that vgen wrote; empty if `path` is neither.
fs::path clip_of(const fs::path& path) {
  static const std::set<std::string> kinds = {".mp4", ".m4v",  ".mov", ".mkv",  ".webm", ".avi", ".gif",
                                              ".png", ".apng", ".jpg", ".jpeg", ".webp", ".y4m"};
  if (fs::is_directory(path)) {
    const fs::path first = path / "frame_00000.png";
    return fs::exists(first) ? first : fs::path();
  }
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return kinds.contains(extension) ? path : fs::path();
}

// The command line that gives what `manifest` describes. Every value is written out: defaults may change.
std::string command_of(const Node& manifest) {
  std::string out = "vgen gen";
  const auto word = [&](const std::string& text) { out += " " + shell_quoted(text); };
  const Node* prompt = manifest.find("prompt");
  const bool dash = prompt && prompt->as_string().starts_with('-');  // then it comes last, after "--"
  if (prompt && !dash) word(prompt->string);
  const auto option = [&](const char* key, const char* name) {
    const Node* n = manifest.find(key);
    if (!n || n->is_null() || (n->is_string() && n->string.empty())) return;
    word(name), word(n->is_string() ? n->string : formats::dump_json(*n, -1));
  };
  option("model", "-m");
  option("negative_prompt", "--negative");
  option("frames", "--frames");
  if (const Node* w = manifest.find("width"), *h = manifest.find("height"); w && h)
    word("--size"), word(str(w->as_int(), "x", h->as_int()));
  for (const char* key : {"fps", "guidance", "seed", "dtype"}) option(key, ("--" + std::string(key)).c_str());
  for (const char* key : {"guidance_rescale", "sampler", "motion", "appearance", "appearance_guidance", "inverse_noise",
                          "zero_image", "double_frames", "guidance_in_one_batch"})
    if (const Node* n = manifest.find(key); n && !n->is_null())
      word("--set"), word(str(key, "=", formats::dump_json(*n, -1)));
  const auto text = [](const Node& n) { return n.is_string() ? n.string : formats::dump_json(n, -1); };
  if (const Node* inputs = manifest.find("inputs"); inputs && inputs->is_map())
    for (const auto& [key, value] : inputs->entries) {
      std::string name = "--" + key;
      std::ranges::replace(name, '_', '-');
      if (!value.is_list()) word(name), word(text(value));
      for (const Node& each : value.items) word(name), word(text(each));
    }
  if (const Node* embeddings = manifest.find("embeddings"))
    for (const Node& each : embeddings->items) word("--embedding"), word(text(each));
  if (const Node* adapters = manifest.find("adapters"))
    for (const Node& each : adapters->items) {
      const Node *file = each.find("file"), *scale = each.find("scale"), *first = each.find("first_step"),
                 *last = each.find("last_step");
      if (file && scale)
        word("--lora"),
            word(str(text(*file), ":", text(*scale), first && last ? str("@", text(*first), "..", text(*last)) : ""));
    }
  if (dash) word("--"), word(prompt->string);
  return out;
}

int inspect_clip(Invocation& in, const fs::path& path) {
  const video::VideoInfo info = video::probe(path, in.cancel);
  in.console.print(str(printable(path.string(), 4096), "\n  ", info.container, ", ", info.codec, ", ", info.width, "x",
                       info.height, info.frames >= 0 ? str(", ", info.frames, " frames") : "",
                       info.fps > 0 ? str(", ", info.fps, " fps") : "", info.alpha ? ", with alpha" : "",
                       info.truncated ? ", truncated or damaged" : ""));
  Node node = Node::map({{"path", path.string()},
                         {"container", info.container},
                         {"codec", info.codec},
                         {"width", info.width},
                         {"height", info.height},
                         {"frames", info.frames},
                         {"fps", info.fps},
                         {"truncated", info.truncated}});
  Node manifest;
  try {
    if (info.comment.starts_with('{')) manifest = formats::parse_json(info.comment, path.string());
  } catch (const FormatError&) {}  // somebody else's comment
  if (manifest.find("vgen")) {
    in.console.print("  made by vgen:");
    for (const auto& [key, value] : manifest.entries)
      in.console.print(str("    ", printable(key), std::string(key.size() < 17 ? 17 - key.size() : 1, ' '),
                           value.is_string() ? printable(value.string, 1000) : formats::dump_json(value, -1)));
    in.console.print("  again:\n    " + printable(command_of(manifest), 4000));
    node.set("command", command_of(manifest));
    node.set("manifest", std::move(manifest));
  } else {
    in.console.print("  it holds no record of how it was made");
  }
  in.console.result(Node::map({{"files", Node::list({std::move(node)})}}));
  return 0;
}

// What a folder is as a whole, or why it is no model that can be run.
Node model_of(const fs::path& folder, Console& console) {
  try {
    const pipelines::ModelFolder m = pipelines::open_model_folder(folder);
    console.print(str(printable(folder.string(), 4096), ": a model of ", m.index.system, " in the ", name_of(m.layout),
                      " layout"));
    Node node = Node::map({{"layout", Node(std::string(name_of(m.layout)))}});
    node.set("index", to_node(m.index));
    for (const pipelines::Part part : m.parts()) {
      const pipelines::PartFile& p = m.part(part);
      console.print(str("  ", name_of(part), ": ", printable(fs::relative(p.file, folder).string()), ", ",
                        name_of(p.found.layout), " names"));
      node.set(std::string(name_of(part)), Node::map({{"file", Node(p.file.string())},
                                                      {"layout", Node(std::string(name_of(p.found.layout)))},
                                                      {"options", to_node(p.options)}}));
    }
    for (const std::string& note : m.notes) console.print("  note: " + printable(note, 400));
    node.set("notes", to_node(m.notes));
    return node;
  } catch (const Error& e) {
    console.print(str("  no model folder: ", e.what()));
    return Node::map({{"error", Node(e.what())}});
  }
}

// Options of the part that a file holds, and which released model they are.
Node part_of(const pipelines::Shapes& shapes, std::string& text) {
  text = pipelines::describe(shapes);
  Node parts = Node::list();
  for (const pipelines::FoundPart& found : pipelines::find_parts(shapes)) {
    Node node = Node::map({{"part", Node(std::string(name_of(found.part)))},
                           {"layout", Node(std::string(name_of(found.layout)))},
                           {"prefix", Node(found.prefix)}});
    try {
      const pipelines::PartOptions options = pipelines::options_of(shapes, found);
      node.set("options", to_node(options));
      if (const auto* u = std::get_if<unet::UNetOptions>(&options)) {
        if (*u == unet::UNetOptions{}) text += ", the size of ModelScopeT2V";
        Node fitting = Node::list();
        for (const std::string_view system : pipelines::systems_of(*u)) fitting.items.emplace_back(std::string(system));
        node.set("systems", std::move(fitting));
      }
      if (const auto* v = std::get_if<vae::AutoencoderKlOptions>(&options); v && *v == vae::AutoencoderKlOptions{})
        text += ", the size of Stable Diffusion's autoencoder";
      if (const auto* t = std::get_if<conditioning::ClipTextOptions>(&options);
          t && t->width == 1024 && t->mlp == 4096 && t->vocab == 49408)
        text += ", the size of CLIP ViT-H-14";
      if (const auto* v = std::get_if<conditioning::ClipVisionOptions>(&options);
          v && *v == conditioning::ClipVisionOptions{})
        text += ", the size of CLIP ViT-H-14";
    } catch (const Error& e) {
      text += str(", incomplete (", e.what(), ")");
      node.set("error", Node(e.what()));
    }
    parts.items.push_back(std::move(node));
  }
  return parts;
}

}  // namespace

int cmd_inspect(Invocation& in) {
  if (const fs::path clip = clip_of(in.text("file")); !clip.empty()) return inspect_clip(in, clip);
  const std::string only = in.text("only");
  const bool table = !in.flag("summary");
  Node files = Node::list(), model;
  const fs::path root = in.text("file");
  if (fs::is_directory(root)) model = model_of(root, in.console);
  for (const fs::path& path : weight_files(root)) {
    in.cancel.check("inspect");
    const formats::TensorFile file = formats::read_tensor_file(path, /*check_crc=*/false);
    std::vector<const formats::TensorEntry*> shown;
    for (const auto& t : file.tensors)
      if (only.empty() || fnmatch(only.c_str(), t.name.c_str(), 0) == 0) shown.push_back(&t);

    std::int64_t parameters = 0, bytes = 0;
    std::map<std::string, std::int64_t> types;
    std::size_t width = 0;
    Node tensors = Node::list();
    for (const auto* t : shown) {
      const std::string dtype(name_of(t->dtype));
      const std::int64_t n = count(*t);
      parameters += n;
      bytes += n * static_cast<std::int64_t>(formats::item_size(t->dtype));
      ++types[dtype];
      width = std::max(width, printable(t->name).size());
      if (table && in.console.json())
        tensors.items.push_back(Node::map({{"name", t->name}, {"dtype", dtype}, {"shape", to_node(t->shape)}}));
    }
    std::string what;
    Node parts = part_of(pipelines::shapes_of(file), what);
    in.console.print(printable(path.string(), 4096) + ": " + what);
    if (table)
      for (const auto* t : shown) {
        const std::string name = printable(t->name), dtype(name_of(t->dtype));
        in.console.print(str("  ", name, std::string(width - name.size() + 2, ' '), dtype,
                             std::string(dtype.size() < 6 ? 6 - dtype.size() : 1, ' '), shape_text(t->shape)));
      }
    std::string kinds;
    for (const auto& [name, n] : types) kinds += str(kinds.empty() ? "" : ", ", n, " ", name);
    in.console.print(str("  ", file.layout, ": ", grouped(static_cast<std::int64_t>(shown.size())), " tensors",
                         only.empty() ? "" : str(" of ", grouped(static_cast<std::int64_t>(file.tensors.size()))), ", ",
                         grouped(parameters), " values, ", grouped(bytes), " bytes",
                         kinds.empty() ? "" : " (" + kinds + ")"));
    for (const auto& [key, value] : file.metadata)
      in.console.print(str("  metadata ", printable(key), " = ", printable(value)));
    for (const std::string& note : file.notes) in.console.print("  note: " + printable(note, 400));

    Node node = Node::map({{"path", path.string()},
                           {"container", file.layout},
                           {"what", what},
                           {"parts", std::move(parts)},
                           {"tensors", static_cast<std::int64_t>(shown.size())},
                           {"values", parameters},
                           {"bytes", bytes}});
    node.set("dtypes", to_node(types));
    node.set("metadata", to_node(file.metadata));
    node.set("notes", to_node(file.notes));
    if (table) node.set("table", std::move(tensors));
    files.items.push_back(std::move(node));
  }
  Node result = Node::map({{"files", std::move(files)}});
  if (!model.is_null()) result.set("model", std::move(model));
  in.console.result(result);
  return 0;
}

}  // namespace vgen::cli
