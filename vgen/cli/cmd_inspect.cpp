// vgen inspect FILE: names, types and shapes of the tensors of a weight file or of every weight file in a folder.
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "vgen/cli/backend.hpp"
#include "vgen/core/options.hpp"
#include "vgen/formats/tensor_file.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

// 1411233860 -> "1,411,233,860"
std::string grouped(std::int64_t value) {
  const std::string digits = str(value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

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

}  // namespace

int cmd_inspect(Invocation& in) {
  const std::string only = in.text("only");
  const bool table = !in.flag("summary");
  Node files = Node::list();
  for (const fs::path& path : weight_files(in.text("file"))) {
    in.cancel.check("inspect");
    const formats::TensorFile file = formats::read_tensor_file(path);
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
    in.console.print(printable(path.string(), 4096));
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
                           {"layout", file.layout},
                           {"tensors", static_cast<std::int64_t>(shown.size())},
                           {"values", parameters},
                           {"bytes", bytes}});
    node.set("dtypes", to_node(types));
    node.set("metadata", to_node(file.metadata));
    node.set("notes", to_node(file.notes));
    if (table) node.set("table", std::move(tensors));
    files.items.push_back(std::move(node));
  }
  in.console.result(Node::map({{"files", std::move(files)}}));
  return 0;
}

}  // namespace vgen::cli
