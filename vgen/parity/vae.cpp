// Area "vae": the autoencoder, its posterior alone, and the pieces in which frames are decoded.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <map>

#include "vgen/parity/case.hpp"
#include "vgen/vae/autoencoder_kl.hpp"

namespace vgen::parity {
namespace {

Tensor input(const Node& inputs, std::string_view name) {
  const Node& n = inputs.at(name);
  VGEN_CHECK(n.at("rule").as_string() == "unit", UnsupportedError, "vae: input rule ",
             printable(n.at("rule").as_string()), " is not known");
  return unit(n.at("salt").as_string(), n.at("name").as_string(), n.at("shape").as_ints());
}

// Every golden tensor against ours of the same name; one that we do not compute fails.
void compare(const Case& c, Report& report, const std::map<std::string, Tensor>& ours) {
  for (const auto& [name, golden] : c.tensors) {
    const auto found = ours.find(name);
    if (found == ours.end())
      report.check(name, false, "vgen computes no such tensor");
    else
      report.relative(name, found->second, golden, name.starts_with("grad.") ? 1e-4 : 1e-5);
  }
}

void run_gaussian(const Case& c, Report& report) {
  const Node& inputs = c.json.at("inputs");
  const double gain = c.json.at("config").at("gain").as_double();
  const auto posterior = [&](const char* name, bool deterministic = false) {
    return vae::DiagonalGaussian::from_moments(gain * input(inputs, name), deterministic);
  };
  const auto p = posterior("moments"), fixed = posterior("moments", true);
  std::map<std::string, Tensor> ours{{"mean", p.mean},
                                     {"logvar", p.logvar},
                                     {"std", p.stddev()},
                                     {"var", p.variance()},
                                     {"kl", p.kl()},
                                     {"mode", p.mode()},
                                     {"std_deterministic", fixed.stddev()},
                                     {"kl_deterministic", fixed.kl()}};
  if (inputs.find("other"))
    ours["kl_other"] =
        vae::DiagonalGaussian::from_moments(input(inputs, "other")).kl(p);  // from the other, which is not enlarged
  compare(c, report, ours);
}

void run_pieces(const Case& c, Report& report) {
  for (const Node& v : c.json.at("values").items) {
    const std::int64_t frames = v.at("frames").as_int(), at_once = v.at("decoder_bs").as_int();
    report.check(str("frames ", frames, ", at once ", at_once),
                 vae::pieces(frames, at_once) == v.at("pieces").as_ints());
  }
}

void run_autoencoder(const Case& c, Report& report) {
  const Node &config = c.json.at("config"), &inputs = c.json.at("inputs");
  const std::string salt = c.json.at("salt").as_string(), cls = config.at("cls").as_string();
  VGEN_CHECK(cls == "AutoencoderKL" || cls == "AutoencoderVideo", UnsupportedError, "vae: class ", printable(cls),
             " is not known");
  auto options = vae::AutoencoderKlOptions::from_ddconfig(config.at("ddconfig"),
                                                          static_cast<int>(config.at("embed_dim").as_int()));
  options.latent_convolutions = cls == "AutoencoderKL";
  if (const Node* s = config.find("scale_factor")) options.scale_factor = s->as_double();
  vae::AutoencoderKl net(options);
  net.eval();

  const auto pairs = vae::reference_keys(options);
  const Node& expected = c.json.at("weights");
  std::size_t known = 0;
  std::map<std::string, KeyPair> by_ours;
  for (const KeyPair& pair : pairs) {
    const Node* shape = expected.find(pair.theirs);
    known += shape && shape->as_ints() == pair.their_shape;
    by_ours[pair.ours] = pair;
  }
  report.check("weight names and shapes", known == pairs.size() && known == expected.size(),
               str(known, " of ", expected.size(), " agree"));
  std::map<std::string, Tensor> weights;
  net.each_parameter([&](const std::string& name, Tensor& value) {
    const KeyPair& pair = by_ours.at(name);
    value = parameter(salt, pair.theirs, pair.their_shape).view(value.sizes());
    weights[pair.theirs] = value;
  });

  std::map<std::string, Tensor> ours;
  if (inputs.find("x")) {
    const at::NoGradGuard no_grad;
    const Tensor x = input(inputs, "x");
    const auto seed = static_cast<std::uint64_t>(config.at("sample_seed").as_int());
    const vae::DiagonalGaussian posterior = net.encode(x);
    const Tensor noise = noise_from(make_generator(seed))(posterior.mean);
    ours["moments"] = net.moments(x);
    ours["noise"] = noise;
    ours["sample"] = posterior.sample(noise_from(make_generator(seed)));
    ours["first_stage"] = net.encode_scaled(x, noise_from(make_generator(seed)));
    ours["kl"] = posterior.kl();
    ours["nll"] = posterior.nll(noise);
  }
  if (inputs.find("z")) {
    Tensor z = input(inputs, "z");
    const bool gradients = inputs.find("grad") != nullptr;
    const at::AutoGradMode mode(gradients);
    if (gradients) {
      net.requires_grad(true);
      z.requires_grad_(true);
    }
    const Tensor picture = net.decode(z);
    ours["decode"] = picture.detach();
    if (gradients) {
      (picture * input(inputs, "grad")).sum().backward();
      ours["grad.z"] = z.grad();
      for (const auto& [name, weight] : weights)
        if (weight.grad().defined()) ours["grad." + name] = weight.grad().view(expected.at(name).as_ints());
    }
  }
  compare(c, report, ours);
}

}  // namespace

void run_vae(const Case& c, Report& report) {
  const Node* config = c.json.find("config");
  if (config && config->find("cls")) return run_autoencoder(c, report);
  if (config && config->find("gain")) return run_gaussian(c, report);
  if (const Node* values = c.json.find("values"); values && values->size() && (*values)[0].find("decoder_bs"))
    return run_pieces(c, report);
  throw UnsupportedError(str("vae: '", printable(c.name), "' is no kind of case that vgen knows"));
}

}  // namespace vgen::parity
