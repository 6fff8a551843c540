// Mutates seeds for N rounds: PROGRAM [rounds [seed]], or replays files: PROGRAM FILE... An input that breaks the
// target is left in crash.bin. For compilers without libFuzzer; coverage does not guide it, sanitizers judge it.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

#include "target.hpp"

namespace {

std::string current;

void save_and_die(int signal) {
  std::ofstream("crash.bin", std::ios::binary).write(current.data(), static_cast<std::streamsize>(current.size()));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

struct Random {
  std::uint64_t state;
  std::size_t below(std::size_t n) {
    state += 0x9E3779B97F4A7C15ull;
    std::uint64_t z = state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return static_cast<std::size_t>((z ^ z >> 31) % (n ? n : 1));
  }
};

void mutate(std::string& s, Random& random, const std::vector<std::string>& words,
            const std::vector<std::string>& all) {
  const std::size_t at = random.below(s.size() + 1),
                    length = random.below(std::min<std::size_t>(s.size() - at, 64) + 1);
  switch (random.below(9)) {
    case 0:
      if (at < s.size()) s[at] = static_cast<char>(s[at] ^ 1 << random.below(8));
      break;
    case 1:
      if (at < s.size()) s[at] = static_cast<char>(random.below(256));
      break;
    case 2:
      s.erase(at, length);
      break;
    case 3:
      s.insert(at, s.substr(at, length));
      break;
    case 4:
      s.insert(at, words[random.below(words.size())]);
      break;
    case 5: {
      const std::string& w = words[random.below(words.size())];
      s.replace(at, std::min(w.size(), s.size() - at), w);
      break;
    }
    case 6: {  // numbers at the edges
      static constexpr std::uint64_t edges[] = {0,
                                                1,
                                                0x7F,
                                                0x80,
                                                0xFF,
                                                0x7FFF,
                                                0xFFFF,
                                                0x7FFFFFFF,
                                                0x80000000,
                                                0xFFFFFFFF,
                                                0x7FFFFFFFFFFFFFFF,
                                                0x8000000000000000,
                                                0xFFFFFFFFFFFFFFFF};
      const std::uint64_t v = edges[random.below(std::size(edges))];
      const std::size_t n = std::min<std::size_t>(std::size_t(1) << random.below(4), s.size() - at);
      std::memcpy(s.data() + at, &v, n);
      break;
    }
    case 7: {
      const std::string& other = all[random.below(all.size())];
      const std::size_t from = random.below(other.size() + 1);
      s.insert(at, other.substr(from, random.below(200)));
      break;
    }
    default:
      s.resize(at);
      break;
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, save_and_die);
  const auto run = [](const std::string& input) {
    current = input;
    const auto start = std::chrono::steady_clock::now();
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    vgen::fuzz::require(seconds < 5, "an input takes less than 5 s");
    return seconds;
  };
  if (argc > 1 && !std::all_of(argv[1], argv[1] + std::strlen(argv[1]), [](char c) { return c >= '0' && c <= '9'; })) {
    for (int i = 1; i < argc; ++i) {
      std::ifstream file(argv[i], std::ios::binary);
      run({std::istreambuf_iterator<char>(file), {}});
    }
    return 0;
  }
  const std::size_t rounds = argc > 1 ? std::stoull(argv[1]) : 100'000;
  Random random{argc > 2 ? std::stoull(argv[2]) : 1};
  std::vector<std::string> all = seeds();
  const std::vector<std::string> words = tokens();
  for (const std::string& s : all) {
    const long before = vgen::fuzz::accepted_inputs;
    run(s);
    vgen::fuzz::require(vgen::fuzz::accepted_inputs > before, "a seed is a valid input");
  }
  double slowest = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    std::string input = all[random.below(all.size())];
    for (std::size_t k = 1 + random.below(6); k-- > 0;) mutate(input, random, words, all);
    slowest = std::max(slowest, run(input));
  }
  std::printf("%zu inputs, %ld accepted, slowest %.1f ms\n", rounds, vgen::fuzz::accepted_inputs, slowest * 1e3);
}
