#include "vgen/pipelines/model_folder.hpp"

#include <algorithm>
#include <set>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/foreign_config.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/unet_layout.hpp"

namespace vgen::pipelines {
namespace fs = std::filesystem;
namespace {

constexpr Part needed_parts[] = {Part::text_encoder, Part::unet, Part::vae};

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

// OWNER/NAME, as models of the hub are called; an existing OWNER is a folder of one's own.
bool is_hub_name(const fs::path& folder) {
  const std::string name = folder.string();
  return std::ranges::count(name, '/') == 1 && name.front() != '/' && name.back() != '/' && name.front() != '.' &&
         name.front() != '~' && !fs::exists(folder.parent_path());
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
  if (part == Part::image_encoder) return as(conditioning::ClipVisionOptions{});
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

unet::UNetOptions& network_of(PartFile& part) { return std::get<unet::UNetOptions>(part.options); }
const unet::UNetOptions& network_of(const PartFile& part) { return std::get<unet::UNetOptions>(part.options); }

// ---- which system ----

bool fits(const unet::UNetOptions& network, std::string_view system) {
  return std::ranges::count(systems_of(network), system) > 0;
}

[[noreturn]] void another_system(const std::string& where, const unet::UNetOptions& network, std::string_view asked) {
  const auto fitting = systems_of(network);
  throw WeightsError(str(where, ": the UNet is not one of ", asked, "; it looks like one of ", looks_like(network),
                         fitting.empty() ? "" : str("; use --system ", fitting.front()), "; nothing was loaded"));
}

// The system of a UNet whose folder does not say it: the one that is asked for, else the one whose adapters lie in the
// file, else the one that the name of a released file says, else the first that its shapes fit, with a note.
const System& system_of(const PartFile& part, const Shapes& shapes, std::string_view asked,
                        std::vector<std::string>& notes) {
  const unet::UNetOptions& network = network_of(part);
  if (!asked.empty()) {
    const System& system = system_named(asked);
    if (!fits(network, asked)) another_system(shown(part.file), network, asked);
    return system;
  }
  if (const std::string_view with = system_of_adapters(shapes); !with.empty() && fits(network, with))
    return system_named(with);
  if (const ReleasedFile* released = released_file(part.file.stem().string()))
    if (fits(network, released->system)) return system_named(released->system);
  const auto fitting = systems_of(network);
  VGEN_CHECK(!fitting.empty(), WeightsError, shown(part.file),
             ": no system of vgen has a UNet with its features; put vgen's model_index.json beside it to say how it is "
             "run");
  if (fitting.size() > 1)
    notes.push_back(str("taken for a model of ", looks_like(network), "; choose with --system NAME, or put vgen's ",
                        "model_index.json beside the weights"));
  return system_named(fitting.front());
}

// A folder that says its system itself.
void expect_system(const fs::path& folder, const ModelIndex& index, const unet::UNetOptions& network,
                   std::string_view asked) {
  if (asked.empty() || asked == index.system) return;
  system_named(asked);
  throw ConfigError(str(shown(folder), ": --system ", asked, ": the model there is of ", printable(index.system),
                        "; use --system ", printable(index.system), " or leave it out",
                        fits(network, asked) ? ", or change \"system\" in its model_index.json" : ""));
}

void open_image_encoder(ModelFolder& m, bool diffusers) {
  if (fs::is_directory(m.path / name_of(Part::image_encoder)))
    m.image_encoder = open_in_folder(m.path, Part::image_encoder, diffusers);
}

ModelFolder open_vgen(const fs::path& folder, const Node& index, std::string_view asked) {
  ModelFolder m{.path = folder, .layout = Layout::vgen};
  m.index = read<ModelIndex>(index, {(folder / "model_index.json").string(), ""});
  for (const Part part : needed_parts) m.part(part) = open_in_folder(folder, part, false);
  open_image_encoder(m, false);
  expect_system(folder, m.index, network_of(m.unet), asked);
  return m;
}

ModelFolder open_diffusers(const fs::path& folder, const Node& index, std::string_view asked) {
  ModelFolder m{.path = folder, .layout = Layout::diffusers};
  const Node& type = index.at("_class_name");
  VGEN_CHECK(type.is_string() && (type.string == "TextToVideoSDPipeline" || type.string == "VideoToVideoSDPipeline" ||
                                  type.string == "I2VGenXLPipeline"),
             UnsupportedError, shown(folder / "model_index.json"),
             ": vgen runs TextToVideoSDPipeline and I2VGenXLPipeline, found ",
             type.is_string() ? printable(type.string) : std::string(type_name(type.type)));
  for (const Part part : needed_parts) m.part(part) = open_in_folder(folder, part, true);
  open_image_encoder(m, true);
  const fs::path scheduler = folder / "scheduler" / "scheduler_config.json";
  VGEN_CHECK(fs::exists(scheduler), IoError, "model folder ", shown(folder),
             " has no scheduler/scheduler_config.json, which says what noise the UNet was trained on; found: ",
             contents(folder));
  const Node unet = read_json(folder / "unet" / "config.json");
  m.index = index_from_diffusers(read_json(scheduler), unet,
                                 std::get<vae::AutoencoderKlOptions>(m.vae.options).downscale(), scheduler.string());
  unet::UNetOptions& network = network_of(m.unet);
  if (!asked.empty() && !fits(network, system_named(asked).name)) another_system(shown(folder), network, asked);
  const System& system = asked.empty() ? system_named(systems_of(network).at(0)) : system_named(asked);
  network = as_system_has(std::move(network), system);
  if (system.name != m.index.system) {  // diffusers' folders do not say how a system is run, only what with
    const samplers::Sampler sampler = m.index.defaults.sampler;
    m.index.system = system.name;
    m.index.defaults = system.index.defaults;
    m.index.defaults.sampler = sampler;
  }

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

// A part in one of the files of a reference folder.
struct Candidate {
  PartFile part;
  Shapes shapes;
};
using Candidates = std::vector<Candidate>;

std::string names_of(const Candidates& candidates) {
  std::string out;
  for (const Candidate& c : candidates) out += (out.empty() ? "" : ", ") + printable(c.part.file.filename().string());
  return out;
}
template <class Keep>
Candidates only(const Candidates& all, const Keep& keep) {
  Candidates out;
  std::ranges::copy_if(all, std::back_inserter(out), keep);
  return out;
}

// Of several files that hold the part, the one meant: of the system asked for, by its shapes and then by its released
// name; the one that the configuration names; the one that holds nothing else.
Candidate choose(const Candidates& all, Part part, const fs::path& folder, const std::string& configured,
                 std::string_view asked, std::vector<std::string>& notes) {
  Candidates left = only(all, [&](const Candidate& c) { return c.part.found.part == part; });
  const std::string names = names_of(left);
  const auto prefer = [&](const auto& keep) {
    if (left.size() < 2) return;
    if (Candidates some = only(left, keep); !some.empty()) left = std::move(some);
  };
  if (part == Part::unet && !asked.empty()) {
    Candidates fitting = only(left, [&](const Candidate& c) { return fits(network_of(c.part), asked); });
    if (fitting.empty()) another_system(shown(left[0].part.file), network_of(left[0].part), asked);
    left = std::move(fitting);
    prefer([&](const Candidate& c) {
      const ReleasedFile* released = released_file(c.part.file.stem().string());
      return released && released->system == asked;
    });
  }
  prefer([&](const Candidate& c) { return c.part.file.filename() == configured; });
  prefer([&](const Candidate& c) {
    return std::ranges::count_if(all, [&](const Candidate& o) { return o.part.file == c.part.file; }) == 1;
  });
  VGEN_CHECK(left.size() == 1, WeightsError, "model folder ", shown(folder), ": ", left.size(),
             " files hold the part '", name_of(part), "' (", names_of(left), "); keep one, ",
             part == Part::unet ? "choose with --system NAME, " : "", "or name it in configuration.json");
  if (names.find(", ") != std::string::npos) notes.push_back(str(name_of(part), ": ", names_of(left), " of ", names));
  return left[0];
}

ModelFolder open_reference(const fs::path& folder, std::string_view asked) {
  if (!asked.empty()) asked = system_named(asked).name;  // ConfigError now
  ModelFolder m{.path = folder, .layout = Layout::reference};
  Candidates candidates;
  std::string others;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && is_weight_file(entry.path())) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const Shapes shapes = shapes_of(formats::read_tensor_file(file, false));
    for (const FoundPart& part : find_parts(shapes)) {
      try {
        candidates.push_back({{.file = file, .found = part, .options = options_of(shapes, part)}, shapes});
      } catch (const WeightsError&) {}  // incomplete, which describe says
    }
    others += str(others.empty() ? "" : "; ", printable(file.filename().string()), " (", describe(shapes), ")");
  }
  Node configuration;
  if (fs::exists(folder / "configuration.json")) configuration = read_json(folder / "configuration.json");
  const auto configured = [&](Part part) -> std::string {
    const Node* model = configuration.find("model");
    const Node* arguments = model ? model->find("model_args") : nullptr;
    const char* key = part == Part::unet ? "ckpt_unet" : part == Part::vae ? "ckpt_autoencoder" : "ckpt_clip";
    const Node* name = arguments ? arguments->find(key) : nullptr;
    return name && name->is_string() ? name->string : "";
  };
  const bool own = fs::exists(folder / "model_index.json");  // vgen's, beside the reference's files
  if (own)
    m.index = read<ModelIndex>(read_json(folder / "model_index.json"), {(folder / "model_index.json").string(), ""});
  const auto open = [&](Part part) {
    if (std::ranges::count_if(candidates, [&](const Candidate& c) { return c.part.found.part == part; }) == 0)
      throw IoError(str("model folder ", shown(folder), " has no part '", name_of(part), "', which ", purpose(part),
                        "; found: ", others.empty() ? contents(folder) : others));
    return choose(candidates, part, folder, configured(part), own && asked.empty() ? m.index.system : asked, m.notes);
  };
  m.text_encoder = open(Part::text_encoder).part;
  m.vae = open(Part::vae).part;
  const Candidate unet = open(Part::unet);
  m.unet = unet.part;
  m.unet.adapters = !system_of_adapters(unet.shapes).empty();
  unet::UNetOptions& network = network_of(m.unet);
  ModelIndex modelscope;
  const bool by_modelscope = !configuration.is_null() || m.unet.file.filename() == reference_unet_file({});
  if (by_modelscope) read_modelscope(configuration, network, modelscope);
  if (own) {
    expect_system(folder, m.index, network, asked);
    network = as_system_has(std::move(network), system_named(m.index.system));
  } else {
    const System& system = system_of(m.unet, unet.shapes, asked, m.notes);
    m.index = by_modelscope && system.name == modelscope.system ? modelscope : system.index;
    network = as_system_has(std::move(network), system);
    if (const ReleasedFile* released = released_file(m.unet.file.stem().string())) {
      if (released->frames) m.index.defaults.frames = released->frames;
      if (released->width) m.index.defaults.width = released->width, m.index.defaults.height = released->height;
    }
  }
  // Maps are pooled to the size of the clips that a network was trained on, which no shape shows.
  for (auto& each : network.stem)
    if (auto* maps = std::get_if<unet::DenseMaps>(&each))
      maps->width = m.index.defaults.width, maps->height = m.index.defaults.height;
  const bool tower =
      std::ranges::any_of(candidates, [](const Candidate& c) { return c.part.found.part == Part::image_encoder; });
  if (tower || (looks_at_pictures(network) && system_named(m.index.system).needs_image))
    m.image_encoder = open(Part::image_encoder).part;
  return m;
}

}  // namespace

std::vector<Part> ModelFolder::parts() const {
  std::vector<Part> out{Part::text_encoder};
  if (image_encoder) out.push_back(Part::image_encoder);
  out.insert(out.end(), {Part::unet, Part::vae});
  return out;
}

PartFile& ModelFolder::part(Part p) {
  switch (p) {
    case Part::text_encoder:
      return text_encoder;
    case Part::unet:
      return unet;
    case Part::vae:
      return vae;
    case Part::image_encoder:
      break;
  }
  VGEN_CHECK(image_encoder, IoError, "model folder ", shown(path), " has no part 'image_encoder', which ", purpose(p));
  return *image_encoder;
}

PartFile open_part(const fs::path& path, const OpenPartOptions& options) {
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
  std::vector<FoundPart> found = find_parts(shapes);
  if (options.part) std::erase_if(found, [&](const FoundPart& f) { return f.part != *options.part; });
  VGEN_CHECK(found.size() == 1, WeightsError, shown(out.file), ": expected ",
             options.part ? str("the part '", name_of(*options.part), "'") : "one part of a model", ", found ",
             describe(shapes), found.size() > 1 ? "; say which one (--part)" : "");
  out.found = found[0];
  const fs::path config = out.file.parent_path() / "config.json";
  if (out.found.layout != Layout::reference && fs::exists(config)) {
    const Node node = read_json(config);
    out.options = out.found.layout == Layout::diffusers ? part_from_diffusers(out.found.part, node, config.string())
                                                        : strict_options(out.found.part, node, config);
    if (out.found.part == Part::unet && !options.system.empty() && !fits(network_of(out), options.system))
      another_system(shown(out.file), network_of(out), system_named(options.system).name);
    return out;
  }
  out.options = options_of(shapes, out.found);
  if (out.found.part != Part::unet) return out;
  out.adapters = !system_of_adapters(shapes).empty();
  std::vector<std::string> notes;
  const System& system = system_of(out, shapes, options.system, notes);
  for (const std::string& note : notes) log::info(shown(out.file), ": ", note);
  network_of(out) = as_system_has(std::move(network_of(out)), system);
  return out;
}

ModelFolder open_model_folder(const fs::path& folder, std::string_view system) {
  VGEN_CHECK(!fs::exists(folder) || fs::is_directory(folder), IoError, "model folder ", shown(folder),
             " is a file; expected the folder that it is part of (vgen inspect says what it is)");
  VGEN_CHECK(fs::exists(folder), IoError, "model folder ", shown(folder), " does not exist; expected a folder with ",
             "model_index.json, or with released weight files",
             is_hub_name(folder)
                 ? str(". vgen downloads nothing: if this is a model of the Hugging Face hub, run  hf download ",
                       shown(folder), " --local-dir DIR  and name DIR")
                 : "");
  const fs::path path = folder / "model_index.json";
  const Node index = fs::exists(path) ? read_json(path) : Node();
  if (index.find("_class_name")) return open_diffusers(folder, index, system);
  bool weights = false, parts = false;
  for (const auto& entry : fs::directory_iterator(folder)) weights = weights || is_weight_file(entry.path());
  for (const Part part : needed_parts) parts = parts || fs::is_directory(folder / name_of(part));
  if (weights && !parts) return open_reference(folder, system);
  VGEN_CHECK(
      !index.is_null(), IoError, "model folder ", shown(folder),
      " has no model_index.json and no weight files (.safetensors, .pth, .pt, .ckpt, .bin); found: ", contents(folder));
  return open_vgen(folder, index, system);
}

// The part's tensors under the names of its file, with the map from ours.
static weights::Joined joined_state(const PartFile& part, nn::Module& module) {
  const formats::TensorFile file = formats::read_tensor_file(part.file);
  for (const std::string& note : file.notes) log::info(shown(part.file), ": ", note);
  const Shapes shapes = shapes_of(file);
  return weights::join_rows(part_state(weights::to_state_dict(file), part.found),
                            key_map(part.options, module, part.found.layout, &shapes));
}

// Whose tensors a file holds, if not those of the network that was expected.
static std::string another_network(const PartFile& part) {
  const auto* expected = std::get_if<unet::UNetOptions>(&part.options);
  if (!expected) return "";
  try {
    const Shapes shapes = shapes_of(formats::read_tensor_file(part.file, false));
    const std::string found = looks_like(std::get<unet::UNetOptions>(options_of(shapes, part.found)));
    if (found == looks_like(*expected)) return "";
    return str("\n  the file's tensors are those of a UNet of ", found, ", expected one of ", looks_like(*expected));
  } catch (const Error&) { return ""; }  // not even that can be told
}

// Errors begin with the file.
template <class F>
static auto named_errors(const PartFile& part, const F& f) {
  try {
    return f();
  } catch (const WeightsError& e) { throw WeightsError(str(shown(part.file), ": ", e.what(), another_network(part))); }
}

weights::AuditReport load_part(const PartFile& part, nn::Module& module, const weights::LoadOptions& options) {
  return named_errors(part, [&] {
    weights::Joined joined = joined_state(part, module);
    return weights::load_weights(weights::targets_of(module), std::move(joined.state), joined.map, options);
  });
}

weights::StateDict read_part(const PartFile& part, nn::Module& module) {
  return named_errors(part, [&] {
    weights::Joined joined = joined_state(part, module);
    return weights::arrange(weights::targets_of(module), std::move(joined.state), joined.map);
  });
}

}  // namespace vgen::pipelines
