// worker [cpu|cuda]: what benchmarks/run.py asks of vgen, timed inside one process that stays up. One JSON object a
// line comes in, one goes out: {"do": "unet", ...} -> {"seconds": ..}. benchmarks/peer.py answers the same requests
// with diffusers.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>

#include <fstream>
#include <map>
#include <string>

#include "requests.hpp"
#include "vgen/diffusion/denoiser.hpp"
#include "vgen/nn/memory.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/samplers/ddim.hpp"
#include "vgen/text/tokenizer.hpp"
#include "vgen/train/optimizer.hpp"
#include "vgen/train/text_to_video.hpp"

namespace {

using namespace vgen;
using bench::Clock;
using bench::device;
using bench::dtype_of;
using bench::save;
using bench::since;
using bench::timed;

struct Worker {
  std::shared_ptr<unet::UNet> unet;
  std::shared_ptr<vae::AutoencoderKl> vae;
  std::unique_ptr<Pipeline> pipe;
  std::map<std::string, Tensor> tensors;  // read from files, by name
  nn::ContextCache cache;                 // of the conditions in `tensors`
  std::unique_ptr<train::AdamW> optimizer;

  Tensor at(const std::string& name) const { return tensors.at(name); }

  Node unet_step(const Node& q) {
    const at::NoGradGuard off;
    Tensor out;
    const Node seconds = timed(q.at("rounds").as_int(), [&] {
      out = unet->forward(at("latent"), at("time"), {{"text", at("text")}},
                          {.cache = &cache, .observe = {}, .dropout = {}});
    });
    return save(q, out, seconds);
  }

  // A DDIM step of a guided run, from q.latent: what the steps of a run have in common stays in `cache`, as in a
  // pipeline.
  Node guided_step(const Node& q) {
    const at::NoGradGuard off;
    unet::Conditions given;
    for (const auto& [name, tensor] : tensors)
      if (!name.starts_with("latent")) given.set(name, tensor);
    const diffusion::Model both = [&](const Tensor& x, const Tensor& t) {
      return unet->forward(x, t, given, {.cache = &cache, .observe = {}, .dropout = {}}).to(at::kFloat);
    };
    const auto schedule = schedulers::make_schedule();
    const auto denoiser =
        diffusion::denoiser(diffusion::guided_in_one_batch(both, {.scale = q.at("guidance").as_double()}), schedule,
                            diffusion::Prediction::epsilon);
    const int t = static_cast<int>(q.at("time").as_int());
    const auto from = schedule.level(t),
               to = schedule.level(t - schedule.steps() / static_cast<int>(q.at("steps").as_int()));
    diffusion::Denoised out;
    const Node seconds = timed(q.at("rounds").as_int(), [&] {
      out = denoiser(at(q.at("latent").as_string()), from);
      samplers::ddim_step(out, from, to, /*eta=*/0);
    });
    return save(q, out.eps, seconds);
  }

  Node decode(const Node& q) {
    const at::NoGradGuard off;
    const Tensor z = at("latent").to(vae->parameters()[0].scalar_type());
    Tensor out;
    const Node seconds = timed(q.at("rounds").as_int(), [&] { out = vae->decode_frames(z, q.at("chunk").as_int()); });
    return save(q, out, seconds);
  }

  Node train_step(const Node& q) {
    if (!optimizer) unet->each_parameter([](const std::string&, Tensor& t) { t = t.detach().clone(); });  // writable
    unet->requires_grad(true);
    unet->train();
    if (!optimizer) optimizer = std::make_unique<train::AdamW>(unet->parameters(), train::AdamWOptions{});
    double loss = 0;
    const Node seconds = timed(q.at("rounds").as_int(), [&] {
      const Tensor out = unet->forward(at("latent"), at("time"), {{"text", at("text")}});
      const Tensor value = (out - at("target")).square().mean();
      value.backward();
      loss = value.item<double>();
      optimizer->step(q.at("rate").as_double());
      optimizer->zero_grad();
    });
    return Node::map({{"seconds", seconds}, {"loss", Node(loss)}});
  }

  Node video(const Node& q) {
    std::vector<pipelines::Clip> clips;
    pipelines::Request request{.prompt = q.at("prompt").as_string()};
    request.seed = 7;
    const Node seconds = timed(q.at("rounds").as_int(), [&] { clips = pipe->generate(request); });
    const auto plan = pipe->plan(request);
    if (q.find("output")) {
      const std::string prompts[] = {request.prompt, *plan.request.negative_prompt};
      const at::NoGradGuard off;
      weights::save_state_dict(q.at("output").as_string(), {{"latents", clips[0].latents},
                                                            {"words", pipe->components().text->encode(prompts).words}});
      clips[0].save(q.at("output").as_string() + ".png");
    }
    const auto schedule = schedulers::make_schedule(pipe->index().schedule);
    std::vector<Node> betas;
    for (int t = 0; t < schedule.steps(); ++t) {
      const double a = schedule.level(t).alpha, b = t ? schedule.level(t - 1).alpha : 1;
      betas.emplace_back(1 - a * a / (b * b));
    }
    return Node::map({{"seconds", seconds},
                      {"steps", Node(static_cast<std::int64_t>(*plan.request.steps))},
                      {"guidance", Node(*plan.request.guidance)},
                      {"frames", Node(static_cast<std::int64_t>(*plan.request.frames))},
                      {"height", Node(static_cast<std::int64_t>(*plan.request.height))},
                      {"width", Node(static_cast<std::int64_t>(*plan.request.width))},
                      {"betas", Node::list(std::move(betas))}});
  }

  Node tokenize(const Node& q) {
    std::ifstream in(q.at("file").as_string());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    text::Tokens tokens;
    const Node seconds = timed(q.at("rounds").as_int(), [&] { tokens = text::Tokenizer::clip().tokenize(lines); });
    std::int64_t checksum = 0;
    for (std::size_t i = 0; i < tokens.ids.size(); ++i) checksum = (checksum * 31 + tokens.ids[i]) % 1000000007;
    return Node::map({{"seconds", seconds}, {"checksum", Node(checksum)}});
  }

  // The UNet and the VAE under diffusers' names. The UNet's embedding features have no counterpart there and keep ours.
  void export_to(const std::string& folder) {
    const auto renamed = [](nn::Module& module, const weights::KeyMap& map) {
      weights::StateDict mapped, rest;
      module.each_parameter([&](const std::string& key, Tensor& t) {
        (key.starts_with("embedding.") ? rest : mapped).emplace_back(key, t.detach());
      });
      mapped = weights::to_theirs(mapped, map);
      mapped.insert(mapped.end(), rest.begin(), rest.end());
      return mapped;
    };
    unet::UNetOptions plain = unet->options();
    plain.embeddings.clear();
    unet::UNet without(plain);
    weights::save_state_dict(folder + "/unet.safetensors", renamed(*unet, unet::diffusers_keys(without)));
    weights::save_state_dict(folder + "/vae.safetensors",
                             renamed(*vae, vae::diffusers_keys(vae->options(), vae::DiffusersAttention::to_q)));
  }

  Node answer(const Node& q) {
    const std::string& what = q.at("do").as_string();
    const auto start = Clock::now();
    if (what == "inputs") {
      tensors.clear();
      cache.clear();
      for (auto& [name, tensor] : weights::read_state_dict(q.at("file").as_string()))
        tensors[name] = tensor.to(device, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
    } else if (what == "unet") {
      const pipelines::PartFile part = pipelines::open_part(q.at("weights").as_string());
      unet = std::make_shared<unet::UNet>(std::get<unet::UNetOptions>(part.options));
      weights::LoadOptions how;
      how.dtype = dtype_of(q.at("dtype"));
      how.device = device;
      pipelines::load_part(part, *unet, how);
      unet->eval();
    } else if (what == "vae") {
      vae::AutoencoderKlOptions options;
      from_node(q.at("options"), options);
      vae = std::make_shared<vae::AutoencoderKl>(options);
      weights::LoadOptions how;
      how.dtype = dtype_of(q.at("dtype"));
      how.device = device;
      weights::load_weights(weights::targets_of(*vae), weights::read_state_dict(q.at("weights").as_string()),
                            vae::diffusers_keys(options, vae::DiffusersAttention::to_q), how);
    } else if (what == "pipeline") {
      pipe =
          std::make_unique<Pipeline>(Pipeline::from_pretrained(q.at("folder").as_string(), {.device = device.str()}));
      unet = pipe->components().unet;
      vae = pipe->components().vae;
    } else if (what == "export") {
      export_to(q.at("folder").as_string());
    } else if (what == "unet_step") {
      return unet_step(q);
    } else if (what == "guided_step") {
      return guided_step(q);
    } else if (what == "decode") {
      return decode(q);
    } else if (what == "train_step") {
      return train_step(q);
    } else if (what == "video") {
      return video(q);
    } else if (what == "tokenize") {
      return tokenize(q);
    } else if (what == "memory") {
      return bench::memory();
    } else {
      throw ConfigError(str("worker: no such request: ", what));
    }
    synchronise(device);
    return Node::map({{"seconds", Node(since(start))}});
  }
};

}  // namespace

int main(int argc, char** argv) {
  bench::use_device(argc, argv);
  nn::cache_memory(true);
  Worker worker;
  bench::serve([&](const Node& q) { return worker.answer(q); });
}
