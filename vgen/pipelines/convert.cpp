#include "vgen/pipelines/convert.hpp"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/foreign_config.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/unet_layout.hpp"

namespace vgen::pipelines {
namespace fs = std::filesystem;
namespace {

std::string quoted(const fs::path& path) { return printable(path.string(), 400); }

std::uint64_t bytes_of(const weights::StateDict& state, std::optional<at::ScalarType> dtype) {
  std::uint64_t total = 0;
  for (const auto& [name, t] : state)
    total += static_cast<std::uint64_t>(t.numel()) *
             (dtype && t.is_floating_point() ? c10::elementSize(*dtype) : t.element_size());
  return total;
}
std::int64_t parameters_of(const weights::StateDict& state) {
  std::int64_t total = 0;
  for (const auto& [name, t] : state) total += t.numel();
  return total;
}

// A part made ready for another layout: its tensors under that layout's names, and what its options become.
struct Arranged {
  weights::StateDict state;
  PartOptions options;
};

// transformers' text encoders end with the block whose output is used; open_clip's have one more, which is skipped.
void fit_text(conditioning::ClipTextOptions& o, weights::StateDict& state, Layout to, at::ScalarType dtype,
              std::vector<std::string>& notes) {
  using conditioning::ClipLayer;
  const auto block = [](int i) { return str("transformer.blocks.", i, "."); };
  if (to == Layout::diffusers) {
    if (o.layer == ClipLayer::penultimate) {
      --o.layers;
      std::erase_if(state, [&](const auto& e) { return e.first.starts_with(block(o.layers)); });
      o.layer = ClipLayer::last;
      notes.emplace_back("text_encoder: the last block, which is never run, is left out, as transformers' folders do");
    }
    if (o.embed) {
      std::erase_if(state, [](const auto& e) { return e.first == "projection"; });
      o.embed = 0;
      notes.emplace_back("text_encoder: the projection of the pooled vector has no place in CLIPTextModel; left out");
    }
  }
  if (to == Layout::reference && o.layer == ClipLayer::last) {
    const std::int64_t w = o.width, m = o.mlp;
    const auto add = [&](const char* name, const Tensor& t) {
      state.emplace_back(block(o.layers) + name, t.to(dtype));
    };
    for (const char* norm : {"norm1", "norm2"}) {
      add(str(norm, ".weight").c_str(), at::ones({w}));
      add(str(norm, ".bias").c_str(), at::zeros({w}));
    }
    add("to_qkv.weight", at::zeros({3 * w, w}));
    add("to_qkv.bias", at::zeros({3 * w}));
    add("to_out.weight", at::zeros({w, w}));
    add("to_out.bias", at::zeros({w}));
    add("fc1.weight", at::zeros({m, w}));
    add("fc1.bias", at::zeros({m}));
    add("fc2.weight", at::zeros({w, m}));
    add("fc2.bias", at::zeros({w}));
    ++o.layers;
    o.layer = ClipLayer::penultimate;
    notes.emplace_back(
        "text_encoder: the reference skips the last block of its tower; one that does nothing is added for it to skip");
  }
}

// diffusers' network takes the latent of the picture once, the reference's twice: the factor goes into the weights of
// the convolution behind it, exactly, for it is a power of two.
void fit_image_latents(unet::UNetOptions& o, weights::StateDict& state, Layout to, std::vector<std::string>& notes) {
  auto* latents = o.stem.size() == 1 ? std::get_if<unet::ImageLatents>(&o.stem[0]) : nullptr;
  const double wanted = to == Layout::diffusers ? 1 : to == Layout::reference ? unet::ImageLatents{}.gain : 0;
  if (!latents || wanted == 0 || latents->gain == wanted) return;
  for (auto& [name, t] : state)
    if (name == "down.0.conv.weight") {
      t = t.clone();
      t.narrow(1, o.in_channels, o.in_channels).mul_(latents->gain / wanted);
    }
  notes.push_back(str("unet: the layout's network multiplies the latent of the picture by ", wanted, ", not by ",
                      latents->gain, "; the first convolution's weights make up for it"));
  latents->gain = wanted;
}

Arranged arrange_part(const PartFile& part, Layout to, std::vector<std::string>& notes) {
  Arranged out{.options = part.options};
  {
    const auto module = make_part(part.options);
    out.state = read_part(part, *module);
  }
  if (auto* text = std::get_if<conditioning::ClipTextOptions>(&out.options))
    fit_text(*text, out.state, to, out.state.front().second.scalar_type(), notes);
  if (auto* network = std::get_if<unet::UNetOptions>(&out.options)) fit_image_latents(*network, out.state, to, notes);
  out.state = to_layout(std::move(out.state), out.options, to);
  return out;
}

// How the reference expects its autoencoder: below this prefix, in pickles inside "state_dict".
weights::SaveOptions as_reference_vae(weights::StateDict& state, const fs::path& path,
                                      std::optional<at::ScalarType> dtype) {
  for (auto& [name, t] : state) name.insert(0, "first_stage_model.");
  weights::SaveOptions save{.dtype = dtype};
  if (path.extension() != ".safetensors") save.extra = Node::map();
  return save;
}

void write_json(const fs::path& path, const Node& node) { write_file(path, formats::dump_json(node) + "\n"); }

void write_tokenizer(const fs::path& folder, const ModelFolder& model, int context_length) {
  const text::Tokenizer own = model.merges ? text::Tokenizer::from_merges(*model.merges) : text::Tokenizer::clip();
  const std::vector<std::string> names = own.spellings();
  Node vocabulary = Node::map();
  for (std::size_t i = 0; i < names.size(); ++i) vocabulary.entries.emplace_back(names[i], Node(static_cast<int>(i)));
  std::string merges = "#version: 0.2\n";
  for (const auto& [a, b] : own.merges()) merges += names[a] + " " + names[b] + "\n";
  fs::create_directories(folder);
  write_file(folder / "vocab.json", formats::dump_json(vocabulary, -1) + "\n");
  write_file(folder / "merges.txt", merges);
  const std::string end = "<|endoftext|>", pad = names.at(static_cast<std::size_t>(model.pad));
  const auto special = [](const char* text) {
    return Node::map({{"content", Node(text)},
                      {"lstrip", Node(false)},
                      {"normalized", Node(true)},
                      {"rstrip", Node(false)},
                      {"single_word", Node(false)}});
  };
  write_json(folder / "special_tokens_map.json", Node::map({{"bos_token", special("<|startoftext|>")},
                                                            {"eos_token", special("<|endoftext|>")},
                                                            {"pad_token", Node(pad)},
                                                            {"unk_token", special("<|endoftext|>")}}));
  write_json(folder / "tokenizer_config.json", Node::map({{"add_prefix_space", Node(false)},
                                                          {"bos_token", Node("<|startoftext|>")},
                                                          {"do_lower_case", Node(true)},
                                                          {"eos_token", Node(end)},
                                                          {"errors", Node("replace")},
                                                          {"model_max_length", Node(context_length)},
                                                          {"pad_token", Node(pad)},
                                                          {"tokenizer_class", Node("CLIPTokenizer")},
                                                          {"unk_token", Node(end)}}));
}

// The file of one part in a folder of the layout. open_clip keeps both towers in one.
fs::path place(Part part, Layout to, const ModelIndex& index) {
  if (to == Layout::reference)
    return part == Part::unet  ? reference_unet_file(index)
           : part == Part::vae ? "VQGAN_autoencoder.pth"
                               : "open_clip_pytorch_model.bin";
  const bool plain = to == Layout::vgen || part == Part::text_encoder || part == Part::image_encoder;
  return fs::path(name_of(part)) / (plain ? "model.safetensors" : "diffusion_pytorch_model.safetensors");
}

// What shapes (and configuration.json) would not give back of a part in the reference's layout.
std::string not_given_back(const PartOptions& options, const weights::StateDict& state, Part part,
                           const ModelIndex& index) {
  Shapes shapes;
  for (const auto& [name, t] : state) shapes.emplace(name, t.sizes().vec());
  PartOptions back = options_of(shapes, {part, Layout::reference, ""}, index.system);
  if (auto* network = std::get_if<unet::UNetOptions>(&back)) {
    ModelIndex ignored;
    read_modelscope(modelscope_configuration(std::get<unet::UNetOptions>(options), index), *network, ignored);
    for (auto& each : network->stem)
      if (auto* maps = std::get_if<unet::DenseMaps>(&each))
        maps->width = index.defaults.width, maps->height = index.defaults.height;
  }
  const Node wanted = to_node(options), got = to_node(back);
  std::string out;
  for (const auto& [key, value] : wanted.entries)
    if (const Node* other = got.find(key); !other || formats::dump_json(*other, -1) != formats::dump_json(value, -1))
      out += str(out.empty() ? "" : ", ", key, " = ", formats::dump_json(value, -1), " (read back as ",
                 other ? formats::dump_json(*other, -1) : "nothing", ")");
  return out;
}

// Refuses what the layout cannot say, before anything is read.
void check_folder(const ModelFolder& m, Layout to) {
  if (to == Layout::diffusers) scheduler_to_diffusers(m.index);
  if (to == Layout::reference)
    VGEN_CHECK(!m.merges && m.pad == 0, UnsupportedError,
               "reference: it knows CLIP's vocabulary and the pad id 0 only");
}

void write_image_processor(const fs::path& folder, int size) {
  fs::create_directories(folder);
  write_json(folder / "preprocessor_config.json",
             Node::map({{"crop_size", Node::map({{"height", size}, {"width", size}})},
                        {"do_center_crop", true},
                        {"do_convert_rgb", true},
                        {"do_normalize", true},
                        {"do_rescale", true},
                        {"do_resize", true},
                        {"image_mean", Node::list({0.48145466, 0.4578275, 0.40821073})},
                        {"image_processor_type", "CLIPImageProcessor"},
                        {"image_std", Node::list({0.26862954, 0.26130258, 0.27577711})},
                        {"resample", 3},
                        {"rescale_factor", 1 / 255.0},
                        {"size", Node::map({{"shortest_edge", size}})}}));
}

void write_configs(const fs::path& folder, const ModelFolder& m, Layout to,
                   const std::map<Part, PartOptions>& options) {
  const auto config = [&](Part part) { return folder / name_of(part) / "config.json"; };
  const auto& text = std::get<conditioning::ClipTextOptions>(options.at(Part::text_encoder));
  const auto& unet = std::get<unet::UNetOptions>(options.at(Part::unet));
  const auto& vae = std::get<vae::AutoencoderKlOptions>(options.at(Part::vae));
  switch (to) {
    case Layout::vgen:
      for (const auto& [part, each] : options)
        write_json(config(part), std::visit([](const auto& o) { return to_node(o); }, each));
      return write_json(folder / "model_index.json", to_node(m.index));
    case Layout::reference:
      write_json(folder / "configuration.json", modelscope_configuration(unet, m.index));
      return write_json(folder / "model_index.json", to_node(m.index));  // schedule and defaults, which that leaves out
    case Layout::diffusers:
      break;
  }
  for (const auto& [part, each] : options) {
    Node node = part_to_diffusers(each);
    if (part == Part::unet) node.set("sample_size", Node(std::max(1, m.index.defaults.height / vae.downscale())));
    write_json(config(part), node);
  }
  fs::create_directories(folder / "scheduler");
  write_json(folder / "scheduler" / "scheduler_config.json", scheduler_to_diffusers(m.index));
  write_tokenizer(folder / "tokenizer", m, text.context_length);
  const auto entry = [](const std::string& library, const std::string& type) {
    return Node::list({Node(library), Node(type)});
  };
  const std::string network = part_to_diffusers(unet).at("_class_name").as_string();
  Node index =
      Node::map({{"_class_name", Node(network == "I2VGenXLUNet" ? "I2VGenXLPipeline" : "TextToVideoSDPipeline")},
                 {"_diffusers_version", Node("0.33.1")},
                 {"scheduler", entry("diffusers", "DDIMScheduler")},
                 {"text_encoder", entry("transformers", "CLIPTextModel")},
                 {"tokenizer", entry("transformers", "CLIPTokenizer")},
                 {"unet", entry("diffusers", network)},
                 {"vae", entry("diffusers", "AutoencoderKL")}});
  if (m.image_encoder) {
    index.set("image_encoder", entry("transformers", "CLIPVisionModelWithProjection"));
    index.set("feature_extractor", entry("transformers", "CLIPImageProcessor"));
    write_image_processor(folder / "feature_extractor",
                          std::get<conditioning::ClipVisionOptions>(options.at(Part::image_encoder)).image_size);
  }
  write_json(folder / "model_index.json", index);
}

// LoRA and adapters that lie in a UNet's file: kept, in a file of their own.
weights::StateDict adapters_of(const PartFile& unet) {
  weights::StateDict out = weights::read_state_dict(unet.file);
  std::erase_if(out, [](const auto& e) { return !is_adapter_name(e.first); });
  return out;
}

fs::path parent_of(const fs::path& path) { return path.parent_path().empty() ? fs::path(".") : path.parent_path(); }

ConvertReport convert_folder(const fs::path& src, const fs::path& dst, const ConvertOptions& o) {
  const Layout to = o.to.value_or(Layout::vgen);
  ModelFolder m = open_model_folder(src, o.system);
  VGEN_CHECK(!fs::exists(dst) || (fs::is_directory(dst) && fs::is_empty(dst)), ConfigError, "convert: ", quoted(dst),
             " exists; name a new folder");
  // It comes with open_clip's file, wanted or not.
  if (m.layout == Layout::reference && m.image_encoder &&
      !looks_at_pictures(std::get<unet::UNetOptions>(m.unet.options)) &&
      !takes_through(system_named(m.index.system), "image")) {
    m.image_encoder.reset();
    m.notes.emplace_back(
        "image_encoder: left out, for this system looks at no pictures; --part image_encoder converts the "
        "tower alone");
  }
  check_folder(m, to);
  VGEN_CHECK(to != Layout::vgen || (!m.merges && m.pad == 0), UnsupportedError,
             "convert: the vgen layout knows CLIP's vocabulary and the pad id 0 only");
  ConvertReport report;
  std::optional<AtomicDir> out;
  std::map<Part, PartOptions> options;
  const std::vector<Part> parts = m.parts();
  const auto start = std::chrono::steady_clock::now();
  const auto write = [&](bool dry) {
    report.items.clear();
    report.notes = m.notes;
    options.clear();
    weights::StateDict state;  // of the file: one part, or two in the reference's file of both towers
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Part part = parts[i];
      o.cancel.check("convert");
      const PartFile& from = m.part(part);
      Arranged a = arrange_part(from, to, report.notes);
      const fs::path file = place(part, to, m.index);
      report.items.push_back({str(name_of(part), " in ", name_of(to), " names"), from.file, dst / file,
                              static_cast<std::int64_t>(a.state.size()), parameters_of(a.state),
                              bytes_of(a.state, o.dtype)});
      options.emplace(part, a.options);
      if (to == Layout::diffusers) part_to_diffusers(a.options);  // refuses early
      if (dry && to == Layout::reference) {
        const std::string lost = not_given_back(a.options, a.state, part, m.index);
        VGEN_CHECK(lost.empty(), UnsupportedError, "reference: this layout has no place for ", lost, " of the ",
                   name_of(part), "; choose --to vgen");
      }
      if (dry) continue;
      std::ranges::move(a.state, std::back_inserter(state));
      if (i + 1 < parts.size() && place(parts[i + 1], to, m.index) == file) continue;
      weights::SaveOptions save{.dtype = o.dtype};
      if (to == Layout::reference && part == Part::vae) save = as_reference_vae(state, file, o.dtype);
      // VGen's readers of other systems than ModelScope's want a checkpoint with its step.
      if (to == Layout::reference && part == Part::unet && file != reference_unet_file({}))
        save.extra = Node::map({{"step", Node(0)}});
      if (to == Layout::diffusers) save.metadata = {{"format", "pt"}};
      fs::create_directories((out->temporary() / file).parent_path());
      weights::save_state_dict(out->temporary() / file, state, save);
      state.clear();
      if (o.on_progress)
        o.on_progress({"convert", static_cast<long long>(i + 1), static_cast<long long>(parts.size()),
                       std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    }
    if (!m.unet.adapters) return;
    state = adapters_of(m.unet);
    const fs::path file = "adapter.safetensors";
    report.items.push_back({"adapters, names as they are", m.unet.file, dst / file,
                            static_cast<std::int64_t>(state.size()), parameters_of(state), bytes_of(state, o.dtype)});
    report.notes.push_back(str("the adapters inside ", m.unet.file.filename().string(),
                               " are a file of their own; give it with --adapter ", quoted(dst / file)));
    if (!dry) weights::save_state_dict(out->temporary() / file, state, {.dtype = o.dtype});
  };
  write(true);
  if (to == Layout::diffusers && m.index.system != ModelIndex{}.system && !m.image_encoder)
    report.notes.push_back(str("diffusers' folders do not say the system; open it with --system ", m.index.system));
  const std::vector<std::string> notes = report.notes;
  std::uint64_t total = 1 << 20;
  for (const auto& item : report.items) total += item.bytes;
  expect_writable(parent_of(dst), total);
  if (o.dry_run) return report;
  out.emplace(dst);
  write(false);
  report.notes = notes;
  write_configs(out->temporary(), m, to, options);
  out->commit();
  return report;
}

ConvertReport convert_file(const fs::path& src, const fs::path& dst, const ConvertOptions& o) {
  const std::string extension = dst.extension().string();
  VGEN_CHECK(extension == ".safetensors" || extension == ".pth" || extension == ".pt" || extension == ".ckpt" ||
                 extension == ".bin",
             ConfigError, "convert: ", quoted(src), " is a file: name DST .safetensors, .pth, .pt, .ckpt or .bin, got ",
             quoted(dst));
  VGEN_CHECK(!fs::is_directory(dst), ConfigError, "convert: ", quoted(dst), " is a folder, ", quoted(src), " a file");
  std::error_code error;
  VGEN_CHECK(!fs::equivalent(src, dst, error), ConfigError, "convert: SRC and DST are the same file");
  ConvertReport report;
  weights::StateDict state;
  weights::SaveOptions save{.dtype = o.dtype};
  std::string what;
  if (o.to) {
    const PartFile part = open_part(src, {.part = o.part, .system = o.system});
    state = arrange_part(part, *o.to, report.notes).state;
    what = str(name_of(part.found.part), " in ", name_of(*o.to), " names");
    if (*o.to == Layout::reference && part.found.part == Part::vae) save = as_reference_vae(state, dst, o.dtype);
    if (part.adapters)
      report.notes.emplace_back(
          "the adapters inside the file are left out; convert the folder to keep them, in a file");
  } else {
    const formats::TensorFile file = formats::read_tensor_file(src);
    what = describe(shapes_of(file)) + ", names as they are";
    if (extension == ".safetensors")
      save.metadata = file.metadata;
    else if (!file.extra.is_null())
      save.extra = file.extra;
    if (extension == ".safetensors" && !file.extra.is_null())
      report.notes.emplace_back("values beside the tensors (steps, options) have no place in safetensors; left out");
    report.notes.insert(report.notes.end(), file.notes.begin(), file.notes.end());
    state = weights::to_state_dict(file);
  }
  if (extension == ".safetensors" && !save.metadata.contains("format")) save.metadata.emplace("format", "pt");
  report.items.push_back(
      {what, src, dst, static_cast<std::int64_t>(state.size()), parameters_of(state), bytes_of(state, o.dtype)});
  expect_writable(parent_of(dst), report.items[0].bytes + (1 << 20));
  o.cancel.check("convert");
  if (!o.dry_run) weights::save_state_dict(dst, state, save);
  if (o.on_progress) o.on_progress({"convert", 1, 1, 0});
  return report;
}

}  // namespace

Node ConvertReport::node() const {
  Node list = Node::list();
  for (const Item& item : items)
    list.items.push_back(Node::map({{"what", Node(item.what)},
                                    {"from", Node(item.from.string())},
                                    {"to", Node(item.to.string())},
                                    {"tensors", Node(item.tensors)},
                                    {"parameters", Node(item.parameters)},
                                    {"bytes", Node(static_cast<std::int64_t>(item.bytes))}}));
  return Node::map({{"items", std::move(list)}, {"notes", to_node(notes)}});
}

ConvertReport convert(const fs::path& src, const fs::path& dst, const ConvertOptions& options) {
  VGEN_CHECK(fs::exists(src), IoError, "convert: no such file or folder: ", quoted(src));
  VGEN_CHECK(!dst.empty(), ConfigError, "convert: DST is empty");
  return fs::is_directory(src) ? convert_folder(src, dst, options) : convert_file(src, dst, options);
}

}  // namespace vgen::pipelines
