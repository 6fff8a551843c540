// An encoder of one's own in a pipeline: "a red circle | a blue circle" means half of each.
//   custom_encoder MODEL "a red circle growing on a black background | a blue circle growing on a black background"
//   out.gif
#include <cstdio>
#include <string>
#include <vgen/vgen.hpp>

namespace conditioning = vgen::conditioning;

// Encodes each part of a text with another encoder and averages the results.
class Mixed : public conditioning::Encoder {
 public:
  explicit Mixed(std::shared_ptr<conditioning::Encoder> inner) : inner_(std::move(inner)) {}

  conditioning::TextEmbedding encode(std::span<const std::string> texts) override {
    conditioning::TextEmbedding out;
    for (const std::string& text : texts) {
      std::vector<std::string> parts{""};
      for (const char c : text)
        if (c == '|')
          parts.emplace_back();
        else
          parts.back() += c;
      const vgen::Tensor mean = inner_->encode(parts).words.mean(0, /*keepdim=*/true);  // [1, L, D]
      out.words = out.words.defined() ? at::cat({out.words, mean}) : mean;
    }
    return out;
  }

 private:
  std::shared_ptr<conditioning::Encoder> inner_;
};

int main(int argc, char** argv) try {
  if (argc != 4) return std::fprintf(stderr, "usage: custom_encoder MODEL PROMPT FILE\n"), 2;
  auto pipe = vgen::Pipeline::from_pretrained(argv[1]);
  pipe.components().text = std::make_shared<Mixed>(pipe.components().text);
  pipe.generate({.prompt = argv[2], .seed = 7}).front().save(argv[3]);
  std::printf("%s\n", argv[3]);
} catch (const vgen::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return int(error.code());
}
