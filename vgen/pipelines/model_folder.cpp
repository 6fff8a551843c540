#include "vgen/pipelines/model_folder.hpp"

#include <algorithm>
#include <set>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/foreign_config.hpp"

namespace vgen::pipelines {
namespace fs = std::filesystem;
namespace {

constexpr Part all_parts[] = {Part::text_encoder, Part::unet, Part::vae};

std::string shown(const fs::path& path) { return printable(path.string(), 400); }

Node read_json(const fs::path& path) { return formats::parse_json(read_file(path, 1 << 24), path.string()); }

bool is_weight_file(const fs::path& path) {
  static const std::set<std::string> kinds = {".safetensors", ".pth", ".pt", ".ckpt", ".bin"};
  return kinds.contains(path.extension().string());
}

// Names in a folder, for messages: "unet, vae, model_index.json".
std::string contents(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::ranges::sort(names);
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) out += (i ? ", " : "") + printable(names[i]);
  return names.empty() ? "nothing" : names.size() > 8 ? out + ", ..." : out;
}

[[noreturn]] void missing(const fs::path& folder, Part part, const std::string& what) {
  throw IoError(str("model folder ", shown(folder), " has no part '", name_of(part), "' (", what, "), which ",
                    purpose(part), "; found: ", contents(folder)));
}

// What a weight file holds must be `part`; returns how it is named.
FoundPart expect_part(const fs::path& file, const Shapes& shapes, Part part) {
  for (const FoundPart& found : find_parts(shapes))
    if (found.part == part) return found;
  throw WeightsError(str(shown(file), ": expected the part '", name_of(part), "', which ", purpose(part), ", found ",
                         describe(shapes), "; nothing was loaded"));
}

// The weight file of one part in its own folder: plain, sharded, or a variant.
fs::path weight_file(const fs::path& model, Part part) {
  const fs::path folder = model / name_of(part);
  for (const char* name :
       {"model.safetensors", "diffusion_pytorch_model.safetensors", "model.safetensors.index.json",
        "diffusion_pytorch_model.safetensors.index.json", "pytorch_model.bin", "diffusion_pytorch_model.bin",
        "model.fp16.safetensors", "diffusion_pytorch_model.fp16.safetensors", "pytorch_model.fp16.bin",
        "diffusion_pytorch_model.fp16.bin"})
    if (fs::exists(folder / name)) return folder / name;
  if (!fs::is_directory(folder)) missing(model, part, str("no folder ", name_of(part)));
  missing(model, part, str("no model.safetensors in ", name_of(part), ", only ", contents(folder)));
}

PartOptions strict_options(Part part, const Node& config, const fs::path& where) {
  const auto as = [&]<class T>(T value) -> PartOptions {
    from_node(config, value, {where.string(), ""});
    return value;
  };
  if (part == Part::text_encoder) return as(conditioning::ClipTextOptions{});
  if (part == Part::unet) return as(unet::UNetOptions{});
  return as(vae::AutoencoderKlOptions{});
}

PartFile open_in_folder(const fs::path& model, Part part, bool diffusers) {
  const fs::path where = model / name_of(part) / "config.json";
  if (!fs::exists(where)) missing(model, part, str(name_of(part), "/config.json is missing"));
  const Node config = read_json(where);
  PartFile out;
  out.options = diffusers ? part_from_diffusers(part, config, where.string()) : strict_options(part, config, where);
  out.file = weight_file(model, part);
  out.found = expect_part(out.file, shapes_of(formats::read_tensor_file(out.file, false)), part);
  return out;
}

// ---- layouts ----

ModelFolder open_vgen(const fs::path& folder, const Node& index) {
  ModelFolder m{.path = folder, .layout = Layout::vgen};
  m.index = read<ModelIndex>(index, {(folder / "model_index.json").string(), ""});
  for (const Part part : all_parts) m.part(part) = open_in_folder(folder, part, false);
  return m;
}

ModelFolder open_diffusers(const fs::path& folder, const Node& index) {
  ModelFolder m{.path = folder, .layout = Layout::diffusers};
  const Node& type = index.at("_class_name");
  VGEN_CHECK(type.is_string() && (type.string == "TextToVideoSDPipeline" || type.string == "VideoToVideoSDPipeline"),
             UnsupportedError, shown(folder / "model_index.json"), ": vgen runs TextToVideoSDPipeline, found ",
             type.is_string() ? printable(type.string) : std::string(type_name(type.type)));
  for (const Part part : all_parts) m.part(part) = open_in_folder(folder, part, true);
  const fs::path scheduler = folder / "scheduler" / "scheduler_config.json";
  VGEN_CHECK(fs::exists(scheduler), IoError, "model folder ", shown(folder),
             " has no scheduler/scheduler_config.json, which says what noise the UNet was trained on; found: ",
             contents(folder));
  const Node unet = read_json(folder / "unet" / "config.json");
  m.index = index_from_diffusers(read_json(scheduler), unet,
                                 std::get<vae::AutoencoderKlOptions>(m.vae.options).downscale(), scheduler.string());

  const fs::path tokenizer = folder / "tokenizer", merges = tokenizer / "merges.txt";
  if (!fs::exists(merges)) {
    m.notes.emplace_back("no tokenizer/merges.txt: CLIP's own vocabulary is used");
    return m;
  }
  const text::Tokenizer own = text::Tokenizer::from_merges(merges);
  if (own.merges() != text::Tokenizer::clip().merges()) m.merges = merges;
  // "!" is the id 0 in CLIP's vocabulary; the other usual choice is the end token.
  for (const char* file : {"tokenizer_config.json", "special_tokens_map.json"}) {
    if (!fs::exists(tokenizer / file)) continue;
    const Node config = read_json(tokenizer / file);
    const Node* pad = config.find("pad_token");
    if (pad && pad->is_map()) pad = pad->find("content");
    if (!pad || !pad->is_string()) continue;
    const std::vector<std::string> names = own.spellings();
    const auto found = std::ranges::find(names, pad->string);
    VGEN_CHECK(found != names.end(), UnsupportedError, shown(tokenizer / file), ": pad_token '", printable(pad->string),
               "' is not in the vocabulary");
    m.pad = static_cast<std::int32_t>(found - names.begin());
    break;
  }
  return m;
}

ModelFolder open_reference(const fs::path& folder) {
  ModelFolder m{.path = folder, .layout = Layout::reference};
  struct Candidate {
    fs::path file;
    FoundPart found;
    Shapes shapes;
  };
  std::vector<Candidate> candidates;
  std::string others;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && is_weight_file(entry.path())) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const Shapes shapes = shapes_of(formats::read_tensor_file(file, false));
    const auto found = find_parts(shapes);
    for (const FoundPart& part : found) candidates.push_back({file, part, shapes});
    others += str(others.empty() ? "" : "; ", printable(file.filename().string()), " (", describe(shapes), ")");
  }
  Node configuration;
  if (fs::exists(folder / "configuration.json")) configuration = read_json(folder / "configuration.json");
  const auto named = [&](Part part) -> std::string {
    const Node* model = configuration.find("model");
    const Node* arguments = model ? model->find("model_args") : nullptr;
    const char* key = part == Part::unet ? "ckpt_unet" : part == Part::vae ? "ckpt_autoencoder" : "ckpt_clip";
    const Node* name = arguments ? arguments->find(key) : nullptr;
    return name && name->is_string() ? name->string : "";
  };
  for (const Part part : all_parts) {
    std::vector<const Candidate*> fits;
    for (const Candidate& c : candidates)
      if (c.found.part == part) fits.push_back(&c);
    if (fits.empty())
      throw IoError(str("model folder ", shown(folder), " has no part '", name_of(part), "', which ", purpose(part),
                        "; found: ", others.empty() ? contents(folder) : others));
    if (fits.size() > 1) {  // named by the configuration; or the file that holds nothing else
      std::vector<const Candidate*> best;
      for (const Candidate* c : fits)
        if (c->file.filename() == named(part)) best.push_back(c);
      if (best.empty())
        for (const Candidate* c : fits)
          if (std::ranges::count(candidates, c->file, &Candidate::file) == 1) best.push_back(c);
      std::string names;
      for (const Candidate* c : fits) names += str(names.empty() ? "" : ", ", printable(c->file.filename().string()));
      VGEN_CHECK(best.size() == 1, WeightsError, "model folder ", shown(folder), ": ", fits.size(),
                 " files hold the part '", name_of(part), "' (", names,
                 "); keep one, or name it in configuration.json");
      m.notes.push_back(str(name_of(part), ": ", printable(best[0]->file.filename().string()), " of ", names));
      fits = best;
    }
    m.part(part) = {fits[0]->file, fits[0]->found, options_of(fits[0]->shapes, fits[0]->found)};
  }
  auto& unet = std::get<unet::UNetOptions>(m.unet.options);
  if (fs::exists(folder / "model_index.json")) {  // vgen's, beside the reference's files
    if (!configuration.is_null()) read_modelscope(configuration, unet, m.index);
    m.index = read<ModelIndex>(read_json(folder / "model_index.json"), {(folder / "model_index.json").string(), ""});
  } else if (!configuration.is_null() || m.unet.file.filename() == "text2video_pytorch_model.pth") {
    read_modelscope(configuration, unet, m.index);
  } else {
    m.index = reference_index();
    m.notes.emplace_back(
        "no configuration beside the weights: taken for VGen's text-to-video model (zero-SNR cosine schedule, v); "
        "put a model_index.json there to say otherwise");
  }
  return m;
}

}  // namespace

PartFile open_part(const fs::path& path) {
  VGEN_CHECK(fs::exists(path), IoError, shown(path), ": no such file or folder");
  PartFile out;
  out.file = path;
  if (fs::is_directory(path)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(path))
      if (is_weight_file(entry.path()) || entry.path().filename().string().ends_with(".safetensors.index.json"))
        files.push_back(entry.path());
    std::ranges::sort(files);
    const auto index = std::ranges::find_if(files, [](const fs::path& f) { return f.extension() == ".json"; });
    VGEN_CHECK(!files.empty() && (files.size() == 1 || index != files.end()), WeightsError, shown(path),
               ": expected one weight file, found: ", contents(path));
    out.file = index != files.end() ? *index : files[0];
  }
  const Shapes shapes = shapes_of(formats::read_tensor_file(out.file, false));
  const auto found = find_parts(shapes);
  VGEN_CHECK(found.size() == 1, WeightsError, shown(out.file), ": expected one part of a model, found ",
             describe(shapes));
  out.found = found[0];
  const fs::path config = out.file.parent_path() / "config.json";
  if (out.found.layout != Layout::reference && fs::exists(config)) {
    const Node node = read_json(config);
    out.options = out.found.layout == Layout::diffusers ? part_from_diffusers(out.found.part, node, config.string())
                                                        : strict_options(out.found.part, node, config);
  } else {
    out.options = options_of(shapes, out.found);
  }
  return out;
}

ModelFolder open_model_folder(const fs::path& folder) {
  VGEN_CHECK(fs::is_directory(folder), IoError, "model folder ", shown(folder),
             fs::exists(folder) ? " is a file; expected the folder that it is part of (vgen inspect says what it is)"
                                : " does not exist; expected a folder with model_index.json");
  const fs::path path = folder / "model_index.json";
  const Node index = fs::exists(path) ? read_json(path) : Node();
  if (index.find("_class_name")) return open_diffusers(folder, index);
  bool weights = false, parts = false;
  for (const auto& entry : fs::directory_iterator(folder)) weights = weights || is_weight_file(entry.path());
  for (const Part part : all_parts) parts = parts || fs::is_directory(folder / name_of(part));
  if (weights && !parts) return open_reference(folder);
  VGEN_CHECK(
      !index.is_null(), IoError, "model folder ", shown(folder),
      " has no model_index.json and no weight files (.safetensors, .pth, .pt, .ckpt, .bin); found: ", contents(folder));
  return open_vgen(folder, index);
}

// The part's tensors under the names of its file, with the map from ours.
static weights::Joined joined_state(const PartFile& part, nn::Module& module) {
  const formats::TensorFile file = formats::read_tensor_file(part.file);
  for (const std::string& note : file.notes) log::info(shown(part.file), ": ", note);
  const Shapes shapes = shapes_of(file);
  return weights::join_rows(part_state(weights::to_state_dict(file), part.found),
                            key_map(part.options, module, part.found.layout, &shapes));
}

weights::AuditReport load_part(const PartFile& part, nn::Module& module, const weights::LoadOptions& options) {
  try {
    weights::Joined joined = joined_state(part, module);
    return weights::load_weights(weights::targets_of(module), std::move(joined.state), joined.map, options);
  } catch (const WeightsError& e) { throw WeightsError(str(shown(part.file), ": ", e.what())); }
}

weights::StateDict read_part(const PartFile& part, nn::Module& module) {
  try {
    weights::Joined joined = joined_state(part, module);
    return weights::arrange(weights::targets_of(module), std::move(joined.state), joined.map);
  } catch (const WeightsError& e) { throw WeightsError(str(shown(part.file), ": ", e.what())); }
}

}  // namespace vgen::pipelines
