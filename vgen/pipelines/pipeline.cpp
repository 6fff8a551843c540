#include "vgen/pipelines/pipeline.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/conditioning/textual_inversion.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/diffusion/denoiser.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/load.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/model_places.hpp"
#include "vgen/pipelines/numerics.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/tensor/device.hpp"

namespace vgen::pipelines {
namespace fs = std::filesystem;

// ---- loading ----

namespace {

// A text tower that owns what its encoder refers to.
struct OwnedText : conditioning::Encoder {
  conditioning::ClipText tower;
  std::optional<text::Tokenizer> tokenizer;  // where the folder has another vocabulary than CLIP's
  conditioning::ClipTextEncoder encoder;
  std::vector<conditioning::LearnedWord> words;
  std::unique_ptr<conditioning::TextualInversion> learned;
  explicit OwnedText(const ModelFolder& m)
      : tower(std::get<conditioning::ClipTextOptions>(m.text_encoder.options)),
        tokenizer(m.merges ? std::optional(text::Tokenizer::from_merges(*m.merges)) : std::nullopt),
        encoder(tower, tokenizer ? *tokenizer : text::Tokenizer::clip(), m.pad) {}
  conditioning::TextEmbedding encode(std::span<const std::string> texts) override { return encoder.encode(texts); }
  void learn(const std::vector<conditioning::LearnedWord>& more) {
    std::vector<conditioning::LearnedWord> all = words;
    all.insert(all.end(), more.begin(), more.end());
    std::vector<conditioning::Placeholder> places;
    for (const conditioning::LearnedWord& each : all)
      places.push_back({.word = each.word, .vectors = static_cast<int>(each.vectors.size(0))});
    auto inversion = std::make_unique<conditioning::TextualInversion>(
        tower, places, conditioning::TextualInversion::Options{}, tokenizer ? *tokenizer : text::Tokenizer::clip());
    inversion->load(all);
    const Tensor like = tower.named_parameters().front().second;
    for (std::size_t i = 0; i < inversion->size(); ++i)
      inversion->vectors(i) = inversion->vectors(i).to(like.device(), like.scalar_type());
    learned = std::move(inversion);
    words = std::move(all);
    encoder.forward = [this](const Tensor& ids) { return learned->forward(ids, tower.options().layer); };
  }
};

at::ScalarType scalar_type(const std::string& name) {
  if (name == "fp32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  if (name == "fp16") return at::kHalf;
  throw ConfigError(str("dtype: expected fp32, bf16 or fp16, got '", printable(name), "'"));
}

const char* name_of(at::ScalarType type) {
  return type == at::kBFloat16 ? "bf16" : type == at::kHalf ? "fp16" : "fp32";
}

at::Device device_of(const LoadOptions& o) {
  VGEN_CHECK(o.device != "cpu" || o.dtype != "fp16", ConfigError,
             "dtype: fp16 needs a CUDA device; on the CPU use fp32 or bf16");
  return device_named(o.device);
}

double available_memory() {
  std::ifstream in("/proc/meminfo");
  std::string key;
  double kilobytes = 0;
  while (in >> key >> kilobytes && key != "MemAvailable:") in.ignore(64, '\n');
  return key == "MemAvailable:" ? kilobytes * 1024 : 8e9;
}

}  // namespace

fs::path shipped_model() {
  Dl_info info{};
  fs::path lib;
  if (dladdr(reinterpret_cast<void*>(&shipped_model), &info) && info.dli_fname)
    lib = fs::absolute(info.dli_fname).parent_path();
  for (const fs::path& place : shipped_model_places(lib))
    if (fs::exists(place / "model_index.json")) return fs::weakly_canonical(place);
  throw Unavailable("no shipped model beside the library; name a model folder (-m DIR) or set VGEN_MODEL");
}

Pipeline::Pipeline(Components components) : components_(std::move(components)) {
  VGEN_CHECK(components_.text && components_.unet && components_.vae, ConfigError,
             "pipeline: needs a text encoder, a UNet and a VAE");
}

Pipeline Pipeline::from_pretrained(const fs::path& given, const LoadOptions& options) {
  return Pipeline(load_components(open_model_folder(given.empty() ? shipped_model() : given, options.system), options));
}

Components load_components(const ModelFolder& m, const LoadOptions& options) {
  const std::string folder = printable(m.path.string(), 400);
  for (const std::string& note : m.notes) log::warn(folder, ": ", note);
  system_named(m.index.system);  // ConfigError now
  const at::ScalarType dtype = scalar_type(options.dtype);
  const at::Device device = device_of(options);
  const auto& text = std::get<conditioning::ClipTextOptions>(m.text_encoder.options);
  const auto& unet = std::get<unet::UNetOptions>(m.unet.options);
  const auto& vae = std::get<vae::AutoencoderKlOptions>(m.vae.options);
  VGEN_CHECK(text.width == unet.context_channels, ConfigError, folder, ": the text encoder gives ", text.width,
             " channels, the UNet expects ", unet.context_channels);
  VGEN_CHECK(vae.latent_channels == unet.in_channels, ConfigError, folder, ": the VAE has ", vae.latent_channels,
             " latent channels, the UNet ", unet.in_channels);
  Components c;
  c.folder = m.path.string();
  c.index = m.index;
  const weights::LoadOptions how{.dtype = dtype, .device = device};
  auto tower = std::make_shared<OwnedText>(m);
  load_part(m.text_encoder, tower->tower, how);
  c.text = tower;
  c.unet = std::make_shared<unet::UNet>(unet);
  load_part(m.unet, *c.unet, how);
  c.vae = std::make_shared<vae::AutoencoderKl>(vae);
  if (m.unet.adapters)
    c.adapters.push_back(adapters::inject(c.unet, adapters::load(m.unet.file), {.ignore_base = true}));
  // Where a picture is not needed, only when one is given: it has 630 million values.
  if (m.image_encoder) {
    c.load_image_encoder = [part = *m.image_encoder, how] {
      auto encoder =
          std::make_shared<conditioning::ClipVision>(std::get<conditioning::ClipVisionOptions>(part.options));
      load_part(part, *encoder, how);
      return encoder;
    };
    if (system_named(m.index.system).needs_image) c.image_encoder = c.load_image_encoder();
  }
  // fp16 overflows in decoders
  load_part(m.vae, *c.vae, {.dtype = dtype == at::kHalf ? at::kFloat : dtype, .device = device});
  return c;
}

void Pipeline::learn_words(const fs::path& file) {
  auto* own = dynamic_cast<OwnedText*>(components_.text.get());
  VGEN_CHECK(own, ConfigError, "learn_words: this pipeline's text encoder is the caller's own; it learns words itself");
  own->learn(conditioning::read_learned_words(file));
  components_.embeddings.push_back(file.string());
}

// ---- planning ----

namespace {
int nearest_multiple(int value, int multiple) {
  return std::max(multiple, (value + multiple / 2) / multiple * multiple);
}
}  // namespace

Plan Pipeline::plan(const Request& given) const {
  const GenerationDefaults& d = components_.index.defaults;
  const unet::UNetOptions& u = components_.unet->options();
  const vae::AutoencoderKlOptions& v = components_.vae->options();
  Plan p;
  Request& r = p.request = given;
  r.negative_prompt = given.negative_prompt.value_or(d.negative_prompt);
  r.frames = given.frames.value_or(d.frames);
  r.height = given.height.value_or(d.height);
  r.width = given.width.value_or(d.width);
  r.fps = given.fps.value_or(d.fps);
  r.guidance = given.guidance.value_or(d.guidance);
  r.guidance_rescale = given.guidance_rescale.value_or(d.guidance_rescale);
  const System& s = system();
  const auto taken = [&](std::string_view knob) { return takes(s, components_.unet->declared(), knob); };
  if (taken("motion")) r.motion = given.motion.value_or(d.motion);
  if (taken("appearance")) r.appearance = given.appearance.value_or(d.appearance);
  if (taken("inverse_noise")) r.inverse_noise = given.inverse_noise.value_or(0);
  if (taken("zero_image")) r.zero_image = given.zero_image.value_or(true);
  p.sampler = given.sampler.value_or(d.sampler);
  if (given.steps) samplers::set_steps(p.sampler, *given.steps);
  r.steps = samplers::steps_of(p.sampler);
  r.sampler = p.sampler;

  VGEN_CHECK(*r.frames >= 1 && *r.frames <= 1024, ConfigError, "frames: must be in [1, 1024], got ", *r.frames,
             "; nearest ", std::clamp(*r.frames, 1, 1024));
  const int multiple = v.downscale() << (u.levels.size() - 1);
  // With padded rows the latent's height is 2 more than a multiple (unet.hpp).
  const int extra = u.row_padding == 2 ? 2 * v.downscale() : 0;
  const auto fits = [&](int side, int more) {
    return side >= multiple && side <= 8192 && (side - more) % multiple == 0;
  };
  VGEN_CHECK(fits(*r.height, extra) && fits(*r.width, 0), ConfigError, "size: width and height must be multiples of ",
             multiple, extra ? str(" (the height ", extra, " more)") : "", " up to 8192, got ", *r.width, "x",
             *r.height, "; nearest ", std::min(nearest_multiple(*r.width, multiple), 8192 / multiple * multiple), "x",
             std::min(nearest_multiple(*r.height - extra, multiple), (8192 - extra) / multiple * multiple) + extra);
  VGEN_CHECK(std::isfinite(*r.fps) && *r.fps > 0 && *r.fps <= 240, ConfigError, "fps: must be in (0, 240], got ",
             *r.fps, "; try 8");
  for (const std::string& knob : given_by(given, {}).knobs)
    VGEN_CHECK(taken(knob), ConfigError, s.name, ": this model takes no ", knob, "; leave it out");
  const auto within = [](const char* name, const std::optional<double>& value, double high, double good) {
    VGEN_CHECK(!value || (*value >= 0 && *value <= high), ConfigError, name, ": must be in [0, ", high, "], got ",
               *value, "; try ", good);
  };
  within("motion", r.motion, 999, 500);
  within("appearance", r.appearance, 1, 1);
  within("inverse_noise", r.inverse_noise, 1, 0.5);
  if (r.appearance_guidance)
    for (const double strength : *r.appearance_guidance)
      VGEN_CHECK(std::isfinite(strength), ConfigError, "appearance_guidance: must be finite numbers; try 1, 0");
  diffusion::validate(diffusion::GuidanceOptions{.scale = *r.guidance, .rescale = *r.guidance_rescale});
  samplers::validate(p.sampler, schedulers::make_schedule(components_.index.schedule));
  VGEN_CHECK(r.count >= 1 && r.count <= 10000, ConfigError, "count: must be in [1, 10000], got ", r.count);
  VGEN_CHECK(r.decode_chunk >= 0, ConfigError, "decode_chunk: must be >= 0, got ", r.decode_chunk,
             "; 0 chooses by memory");
  p.seeds = r.seeds;
  if (p.seeds.empty())
    for (int i = 0; i < r.count; ++i) p.seeds.push_back(r.seed + static_cast<std::uint64_t>(i));

  // Peak memory: weights; the widest activations of a step (about 40 values a latent pixel and channel, with the
  // feed-forward's hidden layer and the skips); or of decoding (about 6 full-size maps of the VAE's first width a
  // frame).
  double weights = 0;
  const auto add = [&](const std::string&, Tensor& t) { weights += static_cast<double>(t.nbytes()); };
  components_.unet->each_parameter(add);
  components_.vae->each_parameter(add);
  if (auto* own = dynamic_cast<OwnedText*>(components_.text.get())) own->tower.each_parameter(add);
  if (components_.image_encoder) components_.image_encoder->each_parameter(add);
  const double item = static_cast<double>(components_.unet->parameters().front().element_size());
  const double positions = static_cast<double>(*r.frames) * (*r.height / v.downscale()) * (*r.width / v.downscale());
  const double pass = positions * static_cast<double>(u.channels) * 40 * item;
  const double frame = static_cast<double>(*r.height) * *r.width * v.channels * v.multipliers.front() * 6 * 4;
  const double free = available_memory();
  r.guidance_in_one_batch = given.guidance_in_one_batch.value_or(2 * pass <= free / 2);
  const double step = (*r.guidance != 1 && *r.guidance_in_one_batch ? 2 : 1) * pass;
  p.decode_chunk = r.decode_chunk ? r.decode_chunk
                                  : std::clamp<std::int64_t>(static_cast<std::int64_t>(std::min(free / 4, 2e9) / frame),
                                                             1, *r.frames);
  p.memory_bytes = weights + std::max(step, frame * static_cast<double>(p.decode_chunk));
  if (p.memory_bytes - weights > free)
    log::warn("this run needs about ", static_cast<long long>((p.memory_bytes - weights) / 1e6),
              " MB beside the weights, ", static_cast<long long>(free / 1e6),
              " MB are free; use fewer frames, a smaller size or --dtype bf16");
  return p;
}

Plan Pipeline::plan(const Request& given, const Inputs& inputs) const {
  Request r = given;
  if (system().needs_video && inputs.video.bytes() > 0) {
    const GenerationDefaults& d = components_.index.defaults;
    if (!r.frames) r.frames = static_cast<int>(std::min<std::int64_t>(shown_frames(inputs.video, r, d), d.frames));
    if (!r.fps && inputs.video.fps > 0) r.fps = inputs.video.fps;
  }
  return plan(r);
}

Node Plan::to_node() const {
  Node n = vgen::to_node(request);
  n.set("seeds", vgen::to_node(seeds));
  n.set("decode_chunk", Node(static_cast<std::int64_t>(decode_chunk)));
  n.set("memory_bytes", Node(memory_bytes));
  return n;
}

// ---- running ----

Pipeline::Text Pipeline::encode(const Plan& plan) {
  const at::NoGradGuard off;
  const bool guided = *plan.request.guidance != 1;
  std::vector<std::string> texts{plan.request.prompt + components_.index.defaults.positive_prompt};
  if (guided) texts.push_back(*plan.request.negative_prompt);
  conditioning::TextEmbedding out = components_.text->encode(texts);
  if (!finite(out.words)) {
    auto* own = dynamic_cast<OwnedText*>(components_.text.get());
    throw NumericsError("text encoder: NaN or Inf in its output, before step 1" + advice(own ? &own->tower : nullptr));
  }
  Text text{out.words, {}};
  if (!out.dropped_words.empty()) text.dropped = out.dropped_words.front();
  if (!text.dropped.empty()) {
    std::string words;
    for (const std::string& w : text.dropped) words += " " + printable(w);
    // Some models' own words do not fit as a whole, as in the reference: nobody's prompt is the worse for it.
    std::istringstream own(components_.index.defaults.positive_prompt);
    const auto count = std::distance(std::istream_iterator<std::string>(own), std::istream_iterator<std::string>());
    if (static_cast<std::size_t>(count) > text.dropped.size())
      log::info("the prompt with the model's positive_prompt is longer than the text encoder's window; dropped:",
                words);
    else
      log::warn("the prompt is longer than the text encoder's window; dropped:", words);
  }
  return text;
}

const System& Pipeline::system() const {
  return components_.system ? *components_.system : system_named(components_.index.system);
}

Tensor Pipeline::denoise(const Plan& plan, std::uint64_t seed, const Callbacks& callbacks) {
  return denoise(plan, {}, seed, callbacks);
}
Tensor Pipeline::denoise(const Plan& plan, const Inputs& inputs, std::uint64_t seed, const Callbacks& callbacks) {
  check_inputs(plan.request, inputs);
  return denoise(plan, encode(plan), inputs, seed, callbacks);
}

Tensor Pipeline::denoise(const Plan& plan, const Text& text, const Inputs& inputs, std::uint64_t seed,
                         const Callbacks& callbacks) {
  const at::NoGradGuard off;
  components_.unet->eval();
  Run run(components_, plan, inputs, text.words, seed, callbacks);
  return system().denoise(run);
}

video::Frames Pipeline::decode(const Tensor& latents, double fps, std::int64_t chunk, const Callbacks& callbacks) {
  const at::NoGradGuard off;
  vae::AutoencoderKl& vae = *components_.vae;
  vae.eval();
  expect_shape(latents, "decode", "latents", {1, vae.options().latent_channels, -1, -1, -1});
  VGEN_CHECK(finite(latents), NumericsError, "decode: the latents hold NaN or Inf; denoise them again");
  const Tensor first = vae.parameters().front();
  const auto clock = std::chrono::steady_clock::now();
  std::vector<Tensor> pieces;
  std::int64_t at = 0;
  for (const std::int64_t size : vae::pieces(latents.size(2), std::max<std::int64_t>(chunk, 1))) {
    callbacks.cancel.check("decode");
    const Tensor piece = latents.narrow(2, at, size).to(first.device(), first.scalar_type());
    pieces.push_back(vae.decode_frames(piece, size).to(at::kCPU, at::kFloat));
    at += size;
    if (callbacks.progress)
      callbacks.progress({"decode", at, latents.size(2),
                          std::chrono::duration<double>(std::chrono::steady_clock::now() - clock).count()});
  }
  const Tensor pixels = at::cat(pieces, 2);
  if (!finite(pixels)) throw NumericsError("vae: NaN or Inf in the decoded frames" + advice(&vae));
  return to_frames(pixels, fps);
}

// Before anything runs: what the system needs and is not given, what is given and has no effect.
void Pipeline::check_inputs(const Request& request, const Inputs& inputs) const {
  expect_taken(system(), components_.unet->declared(), given_by(request, inputs));
  const double share = request.inverse_noise.value_or(0);
  VGEN_CHECK(share == 0 || inputs.video.bytes() > 0, ConfigError, system().name,
             ": inverse_noise needs the clip whose noise is taken; give video (--video FILE)");
  VGEN_CHECK(share > 0 || inputs.video.bytes() == 0 || system().needs_video, ConfigError, system().name,
             ": the clip has no effect; say with inverse_noise, above 0, how much of its noise is taken");
  for (const auto& [name, tensor] : inputs.conditions.all())
    VGEN_CHECK(tensor.dim() != 5 || tensor.size(2) == *request.frames, ShapeError, system().name, ": the condition '",
               name, "' has ", tensor.size(2), " frames, the clip to make ", *request.frames, "; set frames to ",
               tensor.size(2), ", or cut the condition");
  for (const auto& each : components_.unet->options().stem) {
    const auto* dense = std::get_if<unet::DenseMaps>(&each);
    if (!dense) continue;
    for (const unet::DenseMap& map : dense->maps)
      if (const Tensor* t = inputs.conditions.find(map.name); t && t->dim() == 5)
        VGEN_CHECK(t->size(3) == *request.height && t->size(4) == *request.width, ShapeError, system().name,
                   ": the condition '", map.name, "' is ", t->size(4), "x", t->size(3), ", the clip to make ",
                   *request.width, "x", *request.height,
                   "; conditioning.fit_condition resizes and crops a map, or set height and width");
  }
}

std::vector<Clip> Pipeline::generate(const Request& request, const Callbacks& callbacks) {
  return generate(request, Inputs{}, callbacks);
}
std::vector<Clip> Pipeline::generate(const Request& request, const Inputs& inputs, const Callbacks& callbacks) {
  const Plan p = plan(request, inputs);
  check_inputs(p.request, inputs);
  const Text text = encode(p);
  std::vector<Clip> clips;
  for (const std::uint64_t seed : p.seeds) {
    Clip clip;
    clip.seed = seed;
    clip.dropped_words = text.dropped;
    clip.latents = denoise(p, text, inputs, seed, callbacks);
    clip.manifest = Node::map({{"vgen", Node(VGEN_VERSION)},
                               {"system", Node(components_.index.system)},
                               {"model", Node(components_.folder)}});
    for (auto& [key, value] : p.to_node().entries)
      if (key != "seeds" && key != "count" && key != "memory_bytes") clip.manifest.set(key, value);
    clip.manifest.set("seed", Node(static_cast<std::int64_t>(seed)));
    clip.manifest.set("dtype", name_of(components_.unet->parameters().front().scalar_type()));
    if (callbacks.sampler) clip.manifest.set("sampler", Node("the caller's own"));
    if (!inputs.record.is_null()) clip.manifest.set("inputs", inputs.record);
    clip.manifest.set("schedule", vgen::to_node(components_.index.schedule));
    if (!components_.adapters.empty()) {
      Node list = Node::list();
      for (const adapters::Injection& each : components_.adapters) list.items.push_back(each.node());
      clip.manifest.set("adapters", list);
    }
    if (!components_.embeddings.empty()) clip.manifest.set("embeddings", vgen::to_node(components_.embeddings));
    if (callbacks.on_latents) callbacks.on_latents(clip);
    clip.frames = decode(clip.latents, *p.request.fps, p.decode_chunk, callbacks);
    clips.push_back(std::move(clip));
  }
  return clips;
}

video::WriteReport Clip::save(const fs::path& path, video::WriteOptions options) const {
  return save(path, std::move(options), {});
}
video::WriteReport Clip::save(const fs::path& path, video::WriteOptions options, const Callbacks& callbacks) const {
  options.metadata.emplace("comment", formats::dump_json(manifest, -1));
  return video::write_video(path, frames, options, callbacks.progress, callbacks.cancel);
}

// ---- step iterator ----

struct StepIterator::State {
  Pipeline pipeline;
  Plan plan;
  Inputs inputs;
  Callbacks callbacks;
  std::atomic<bool> left = false;  // by the caller, between two steps
  std::mutex mutex;
  std::condition_variable changed;
  enum class Turn { worker, caller, done } turn = Turn::caller;
  samplers::Step step;
  std::exception_ptr error;
  std::thread worker;
  bool started = false;

  State(Pipeline p, const Request& request, Inputs i, Callbacks c)
      : pipeline(std::move(p)), plan(pipeline.plan(request, i)), inputs(std::move(i)), callbacks(std::move(c)) {}

  void run() {
    try {
      Callbacks mine = callbacks;
      mine.on_step = [this](samplers::Step& s) {
        const bool go_on = !callbacks.on_step || callbacks.on_step(s);
        std::unique_lock lock(mutex);
        step = s;
        turn = Turn::caller;
        changed.notify_all();
        changed.wait(lock, [this] { return turn == Turn::worker; });
        return go_on && !left;
      };
      pipeline.denoise(plan, inputs, plan.seeds.front(), mine);
    } catch (...) { error = std::current_exception(); }
    const std::scoped_lock lock(mutex);
    turn = Turn::done;
    changed.notify_all();
  }
};

StepIterator::StepIterator(Pipeline pipeline, const Request& request, Callbacks callbacks)
    : StepIterator(std::move(pipeline), request, Inputs{}, std::move(callbacks)) {}
StepIterator::StepIterator(Pipeline pipeline, const Request& request, Inputs inputs, Callbacks callbacks)
    : state_(std::make_unique<State>(std::move(pipeline), request, std::move(inputs), std::move(callbacks))) {}
StepIterator::StepIterator(StepIterator&&) noexcept = default;
StepIterator::~StepIterator() {
  if (!state_ || !state_->started) return;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->left = true;
    if (state_->turn != State::Turn::done) state_->turn = State::Turn::worker;
    state_->changed.notify_all();
  }
  state_->worker.join();
}

const samplers::Step* StepIterator::next() {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  if (s.turn == State::Turn::done) return nullptr;
  s.turn = State::Turn::worker;
  if (!s.started) {
    s.started = true;
    s.worker = std::thread([&s] { s.run(); });
  }
  s.changed.notify_all();
  s.changed.wait(lock, [&s] { return s.turn != State::Turn::worker; });
  if (s.turn == State::Turn::caller) return &s.step;
  if (s.error) std::rethrow_exception(std::exchange(s.error, nullptr));
  return nullptr;
}

video::Frames StepIterator::preview(const samplers::Step& step, double fps) {
  return state_->pipeline.decode(step.x0, fps, state_->plan.decode_chunk);
}

}  // namespace vgen::pipelines
