#include "vgen/pipelines/convert.hpp"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/foreign_config.hpp"
#include "vgen/pipelines/model_folder.hpp"

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

Arranged arrange_part(const PartFile& part, Layout to, std::vector<std::string>& notes) {
  Arranged out{.options = part.options};
  {
    const auto module = make_part(part.options);
    out.state = read_part(part, *module);
  }
  if (auto* text = std::get_if<conditioning::ClipTextOptions>(&out.options))
    fit_text(*text, out.state, to, out.state.front().second.scalar_type(), notes);
  if (to == Layout::vgen) return out;
  const auto module = make_part(out.options);
  out.state = weights::to_theirs(std::move(out.state), key_map(out.options, *module, to));
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

// Files of one part in a folder of the layout.
fs::path place(Part part, Layout to) {
  if (to == Layout::reference)
    return part == Part::unet  ? "text2video_pytorch_model.pth"
           : part == Part::vae ? "VQGAN_autoencoder.pth"
                               : "open_clip_pytorch_model.bin";
  const bool plain = to == Layout::vgen || part == Part::text_encoder;
  return fs::path(name_of(part)) / (plain ? "model.safetensors" : "diffusion_pytorch_model.safetensors");
}

// Refuses what the layout cannot say, before anything is read.
void check_folder(const ModelFolder& m, Layout to) {
  if (to == Layout::diffusers) scheduler_to_diffusers(m.index);
  if (to != Layout::reference) return;
  modelscope_configuration(std::get<unet::UNetOptions>(m.unet.options), m.index);
  const auto& vae = std::get<vae::AutoencoderKlOptions>(m.vae.options);
  const auto& text = std::get<conditioning::ClipTextOptions>(m.text_encoder.options);
  VGEN_CHECK(vae.scale_factor == 0.18215, UnsupportedError, "reference: latents are scaled by 0.18215, this VAE's by ",
             vae.scale_factor, "; choose --to diffusers");
  VGEN_CHECK(vae.norm_groups == 32, UnsupportedError, "reference: its group norms have 32 groups, this VAE has ",
             vae.norm_groups);
  VGEN_CHECK(!text.quick_gelu && text.heads * 64 == text.width, UnsupportedError,
             "reference: its text tower has heads of 64 channels and the exact GELU");
  VGEN_CHECK(!m.merges && m.pad == 0, UnsupportedError, "reference: it knows CLIP's vocabulary and the pad id 0 only");
}

void write_configs(const fs::path& folder, const ModelFolder& m, Layout to, const std::vector<PartOptions>& options) {
  const auto config = [&](Part part) { return folder / name_of(part) / "config.json"; };
  const auto& text = std::get<conditioning::ClipTextOptions>(options[0]);
  const auto& unet = std::get<unet::UNetOptions>(options[1]);
  const auto& vae = std::get<vae::AutoencoderKlOptions>(options[2]);
  switch (to) {
    case Layout::vgen:
      write_json(config(Part::text_encoder), to_node(text));
      write_json(config(Part::unet), to_node(unet));
      write_json(config(Part::vae), to_node(vae));
      return write_json(folder / "model_index.json", to_node(m.index));
    case Layout::reference:
      write_json(folder / "configuration.json", modelscope_configuration(unet, m.index));
      return write_json(folder / "model_index.json", to_node(m.index));  // schedule and defaults, which that leaves out
    case Layout::diffusers:
      break;
  }
  Node unet_config = part_to_diffusers(unet);
  unet_config.set("sample_size", Node(std::max(1, m.index.defaults.height / vae.downscale())));
  write_json(config(Part::text_encoder), part_to_diffusers(text));
  write_json(config(Part::unet), unet_config);
  write_json(config(Part::vae), part_to_diffusers(vae));
  fs::create_directories(folder / "scheduler");
  write_json(folder / "scheduler" / "scheduler_config.json", scheduler_to_diffusers(m.index));
  write_tokenizer(folder / "tokenizer", m, text.context_length);
  const auto entry = [](const char* library, const char* type) { return Node::list({Node(library), Node(type)}); };
  write_json(folder / "model_index.json", Node::map({{"_class_name", Node("TextToVideoSDPipeline")},
                                                     {"_diffusers_version", Node("0.33.1")},
                                                     {"scheduler", entry("diffusers", "DDIMScheduler")},
                                                     {"text_encoder", entry("transformers", "CLIPTextModel")},
                                                     {"tokenizer", entry("transformers", "CLIPTokenizer")},
                                                     {"unet", entry("diffusers", "UNet3DConditionModel")},
                                                     {"vae", entry("diffusers", "AutoencoderKL")}}));
}

fs::path parent_of(const fs::path& path) { return path.parent_path().empty() ? fs::path(".") : path.parent_path(); }

ConvertReport convert_folder(const fs::path& src, const fs::path& dst, const ConvertOptions& o) {
  const Layout to = o.to.value_or(Layout::vgen);
  const ModelFolder m = open_model_folder(src);
  VGEN_CHECK(!fs::exists(dst) || (fs::is_directory(dst) && fs::is_empty(dst)), ConfigError, "convert: ", quoted(dst),
             " exists; name a new folder");
  check_folder(m, to);
  VGEN_CHECK(to != Layout::vgen || (!m.merges && m.pad == 0), UnsupportedError,
             "convert: the vgen layout knows CLIP's vocabulary and the pad id 0 only");
  ConvertReport report;
  report.notes = m.notes;
  std::optional<AtomicDir> out;
  std::vector<PartOptions> options;
  const auto start = std::chrono::steady_clock::now();
  const auto write = [&](bool dry) {
    report.items.clear();
    report.notes = m.notes;
    options.clear();
    for (const Part part : {Part::text_encoder, Part::unet, Part::vae}) {
      o.cancel.check("convert");
      const PartFile& from = m.part(part);
      Arranged a = arrange_part(from, to, report.notes);
      const fs::path file = place(part, to);
      report.items.push_back({str(name_of(part), " in ", name_of(to), " names"), from.file, dst / file,
                              static_cast<std::int64_t>(a.state.size()), parameters_of(a.state),
                              bytes_of(a.state, o.dtype)});
      options.push_back(a.options);
      if (part != Part::text_encoder && to == Layout::diffusers) part_to_diffusers(a.options);  // refuses early
      if (dry) continue;
      weights::SaveOptions save{.dtype = o.dtype};
      if (to == Layout::reference && part == Part::vae) save = as_reference_vae(a.state, file, o.dtype);
      if (to == Layout::diffusers) save.metadata = {{"format", "pt"}};
      fs::create_directories((out->temporary() / file).parent_path());
      weights::save_state_dict(out->temporary() / file, a.state, save);
      if (o.on_progress)
        o.on_progress({"convert", static_cast<long long>(options.size()), 3,
                       std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    }
  };
  write(true);
  std::uint64_t total = 1 << 20;
  for (const auto& item : report.items) total += item.bytes;
  expect_writable(parent_of(dst), total);
  if (o.dry_run) return report;
  out.emplace(dst);
  write(false);
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
    const PartFile part = open_part(src);
    state = arrange_part(part, *o.to, report.notes).state;
    what = str(name_of(part.found.part), " in ", name_of(*o.to), " names");
    if (*o.to == Layout::reference && part.found.part == Part::vae) save = as_reference_vae(state, dst, o.dtype);
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
