#include "vgen/cli/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"

namespace vgen::cli {
namespace {

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  const auto at = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
  while (i < text.size()) {
    const unsigned c = at(i);
    const std::size_t n = c < 0x80                ? 1
                          : c >= 0xC2 && c < 0xE0 ? 2
                          : c >= 0xE0 && c < 0xF0 ? 3
                          : c >= 0xF0 && c < 0xF5 ? 4
                                                  : 0;
    if (n == 0) return false;
    for (std::size_t k = 1; k < n; ++k)
      if ((at(i + k) & 0xC0) != 0x80) return false;
    const unsigned second = at(i + 1);  // overlong forms, surrogates, beyond U+10FFFF
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) ||
        (c == 0xF4 && second > 0x8F))
      return false;
    i += n;
  }
  return true;
}

std::string suggestion(std::string_view given, const std::vector<std::string>& names) {
  const std::string near = nearest(given, names.data(), names.size());
  return near.empty() ? "" : str("; did you mean ", near, "?");
}

// Options of other programs, above all arguments of diffusers, and what does the same here.
constexpr std::pair<std::string_view, std::string_view> known_elsewhere[] = {
    {"num-inference-steps", "--steps"}, {"guidance-scale", "--guidance"}, {"cfg", "--guidance"},
    {"cfg-scale", "--guidance"},        {"model-id", "--model"},          {"negative-prompt", "--negative"},
    {"num-frames", "--frames"},         {"height", "--size WxH"},         {"width", "--size WxH"},
    {"resolution", "--size WxH"},       {"scheduler", "--sampler"},       {"num-videos-per-prompt", "--count"},
    {"batch-size", "--count"},          {"checkpoint", "--model"},        {"ckpt", "--model"},
    {"model-path", "--model"},          {"fp16", "--dtype fp16"},         {"half", "--dtype fp16"},
    {"bf16", "--dtype bf16"},           {"cuda", "--device cuda"},        {"gpu", "--device cuda"},
};

std::string suggested_option(std::string name, const std::vector<std::string>& names) {
  std::ranges::replace(name, '_', '-');
  for (const auto& [elsewhere, here] : known_elsewhere)
    if (name == elsewhere)
      for (const std::string& each : names)
        if (here.substr(2, here.find(' ') - 2) == each) return str("; did you mean ", here, "?");
  const std::string near = nearest(name, names.data(), names.size());
  return near.empty() ? "" : str("; did you mean --", near, "?");
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

std::string key_of(const Positional& p) {
  std::string key = p.name;
  for (char& c : key) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return key;
}

template <class T>
bool read_all(std::string_view text, T& value) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc() && end == text.data() + text.size() && !text.empty();
}

[[noreturn]] void fail(const Command* command, const std::string& message) {
  const std::string name = command ? "vgen " + command->name : "vgen";
  throw UsageError(str(name, ": ", message, " (see: ", name, " --help)"));
}

void check_choice(const Command& command, std::string_view what, const std::string& given,
                  const std::vector<std::string>& choices) {
  if (choices.empty() || std::ranges::find(choices, given) != choices.end()) return;
  fail(&command, str(what, ": unknown name '", printable(given), "'", suggestion(given, choices),
                     " (valid: ", joined(choices), ")"));
}

// ConfigError with the nearest valid value.
void check_range(const Command& command, const Option& o, double v) {
  if (v >= o.low && v <= o.high) return;
  const auto number = [&](double x) { return o.kind == Kind::number ? str(x) : str(static_cast<long long>(x)); };
  const std::string range =
      o.high == HUGE_VAL ? ">= " + number(o.low) : str("in [", number(o.low), ", ", number(o.high), "]");
  const std::string nearest_value =
      std::isnan(v) ? str("leave it out for ", o.fallback) : "nearest " + number(std::clamp(v, o.low, o.high));
  throw ConfigError(str("vgen ", command.name, ": --", o.name, ": must be ", range, ", got ",
                        std::isnan(v) ? "NaN" : number(v), "; ", nearest_value));
}

Node value_of(const Command& command, const Option& option, const std::string& text) {
  const std::string name = "--" + option.name;
  const auto integer = [&](std::string_view from) {
    std::int64_t v = 0;
    const auto [end, ec] = std::from_chars(from.data(), from.data() + from.size(), v);
    if (from.empty() || end != from.data() + from.size() || ec == std::errc::invalid_argument)
      fail(&command, str(name, ": expected an integer, got '", printable(from), "'"));
    if (ec == std::errc::result_out_of_range) v = from.starts_with('-') ? INT64_MIN : INT64_MAX;
    check_range(command, option, static_cast<double>(v));
    if (ec == std::errc::result_out_of_range)
      throw ConfigError(str("vgen ", command.name, ": ", name, ": ", printable(from), " needs more than 64 bits"));
    return v;
  };
  switch (option.kind) {
    case Kind::integer:
      return Node(integer(text));
    case Kind::integers: {
      Node list = Node::list();
      for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        list.items.emplace_back(integer(std::string_view(text).substr(at, comma - at)));
        at = comma + 1;
      }
      return list;
    }
    case Kind::number: {
      double v = 0;
      if (!read_all(text, v)) fail(&command, str(name, ": expected a number, got '", printable(text), "'"));
      check_range(command, option, v);
      return Node(v);
    }
    case Kind::size: {
      const std::size_t x = text.find_first_of("xX");
      std::int64_t w = 0, h = 0;
      if (x == std::string::npos || !read_all(std::string_view(text).substr(0, x), w) ||
          !read_all(std::string_view(text).substr(x + 1), h))
        fail(&command, str(name, ": expected WIDTHxHEIGHT such as 448x256, got '", printable(text), "'"));
      return Node::list({Node(w), Node(h)});
    }
    default:
      check_choice(command, name, text, option.choices);
      return Node(text);
  }
}

std::vector<const Option*> options_of(const Command& command) {
  std::vector<const Option*> all;
  for (const Option& o : command.options) all.push_back(&o);
  for (const Option& o : common_options()) all.push_back(&o);
  return all;
}

bool has_prompt(const Command& command) {
  return std::ranges::any_of(command.positionals, [](const Positional& p) { return p.name == "PROMPT"; });
}

const Option& find_option(const Command& command, const std::string& name) {
  std::vector<std::string> names;
  for (const Option* o : options_of(command)) {
    if (o->name == name) return *o;
    names.push_back(o->name);
  }
  const bool prompt = name == "prompt" && has_prompt(command);
  fail(&command, str("unknown option --", printable(name),
                     prompt ? str("; the prompt stands by itself: vgen ", command.name, " \"a fox in snow\"")
                            : suggested_option(name, names)));
}

const Option& find_letter(const Command& command, char letter) {
  for (const Option* o : options_of(command))
    if (o->letter == letter) return *o;
  fail(&command, str("unknown option -", printable(std::string(1, letter)),
                     has_prompt(command) ? "; a prompt that begins with a dash comes last, after --" : ""));
}

void store(const Command& command, Node& into, const Option& option, Node value) {
  if (!option.repeat) {
    if (into.find(option.name)) fail(&command, str("--", option.name, " is given twice"));
    into.set(option.name, std::move(value));
    return;
  }
  Node list = into.find(option.name) ? *into.find(option.name) : Node::list();
  list.items.push_back(std::move(value));
  into.set(option.name, std::move(list));
}

void place(const Command& command, Node& into, std::vector<std::string> words) {
  std::size_t next = 0;
  bool quotes = false;
  for (const Positional& p : command.positionals) {
    if ((!p.with.empty() && !into.find(p.with)) || (!p.without.empty() && into.find(p.without))) continue;
    quotes = p.name == "PROMPT";
    if (next == words.size()) {
      const auto given = [&](const std::string& option) { return into.find(option) != nullptr; };
      if (p.required && std::ranges::none_of(p.unless, given)) fail(&command, str("missing ", p.name, ": ", p.help));
      return;
    }
    check_choice(command, p.name, words[next], p.choices);
    if (p.repeat) {
      Node list = Node::list();
      for (; next < words.size(); ++next) list.items.emplace_back(std::move(words[next]));
      into.set(key_of(p), std::move(list));
    } else {
      into.set(key_of(p), Node(std::move(words[next++])));
    }
  }
  if (next < words.size()) {
    fail(&command, str("unexpected '", printable(words[next]), "'", quotes ? "; put the prompt in quotes" : ""));
  }
}

const Command& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const Command& c : commands()) {
    if (c.name == name) return c;
    names.push_back(c.name);
  }
  fail(nullptr,
       str("unknown command '", printable(name), "'", suggestion(name, names), " (valid: ", joined(names), ")"));
}

}  // namespace

Parsed parse(const std::vector<std::string>& words) {
  Parsed out;
  for (std::size_t i = 0; i < words.size(); ++i)
    if (!is_utf8(words[i]))
      fail(nullptr, str("argument ", i + 1, " is not UTF-8: '", printable(words[i], 60),
                        "'; prompts and file names must be (a link may have another name)"));
  if (words.empty()) return out;
  const std::string& first = words[0];
  if (first == "--version" || first == "version") return out.action = Parsed::Action::version, out;
  if (first == "--completion" || first == "completion") return out.action = Parsed::Action::completion, out;
  if (first == "--help" || first == "-h") return out;
  if (first == "help") {
    if (words.size() > 1) out.command = &find_command(words[1]);
    return out;
  }
  if (first.starts_with("-")) fail(nullptr, str("unknown option ", printable(first), "; the command comes first"));

  const Command& command = *(out.command = &find_command(first));
  std::vector<std::string> rest;
  const auto take = [&](const Option& o, std::size_t& i) -> const std::string& {
    const bool missing = i + 1 >= words.size() || (words[i + 1].starts_with("--") && words[i + 1].size() > 2);
    if (missing) fail(&command, str("--", o.name, " needs a value: ", o.value));
    return words[++i];
  };
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      rest.insert(rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word.starts_with("--")) {
      const std::size_t equals = word.find('=');
      const Option& o = find_option(command, word.substr(2, equals == std::string::npos ? equals : equals - 2));
      if (o.kind == Kind::flag) {
        if (equals != std::string::npos) fail(&command, str("--", o.name, " takes no value"));
        out.arguments.set(o.name, true);
      } else {
        store(command, out.arguments, o,
              value_of(command, o, equals == std::string::npos ? take(o, i) : word.substr(equals + 1)));
      }
    } else if (word.size() > 1 && word[0] == '-') {
      const Option& o = find_letter(command, word[1]);
      if (o.kind == Kind::flag) {
        if (word.size() > 2)
          fail(&command, str("write flags one by one: -", word.substr(1, 1), " -", printable(word.substr(2))));
        out.arguments.set(o.name, true);
      } else {
        store(command, out.arguments, o, value_of(command, o, word.size() > 2 ? word.substr(2) : take(o, i)));
      }
    } else {
      rest.push_back(word);
    }
  }
  if (out.arguments.find("help")) return out;
  place(command, out.arguments, std::move(rest));
  for (const Option& o : command.options) {
    const bool given = out.arguments.find(o.name);
    if (o.required && !given) fail(&command, str("missing --", o.name, " ", o.value, ": ", o.help));
    for (const std::string& other : o.instead_of)
      if (given && out.arguments.find(other))
        fail(&command, str("--", o.name, " stands instead of --", other, "; leave one of them out"));
  }
  out.action = Parsed::Action::run;
  return out;
}

void check_size(const Node& arguments, const std::vector<std::filesystem::path>& shipped) {
  const Node* size = arguments.find("size");
  if (!size) return;
  std::filesystem::path folder;
  if (const Node* model = arguments.find("model"))
    folder = model->as_string();
  else
    for (const auto& place : shipped) {
      std::error_code ec;
      if (folder.empty() && std::filesystem::exists(place / "model_index.json", ec)) folder = place;
    }
  if (folder.empty()) return;
  // Halvings of a side: one between two levels of the VAE, one between two of the UNet; under our names or diffusers'.
  std::size_t halvings = 0, vae_halvings = 0;
  bool padded = false;  // rows (unet/options.hpp): the latent's height is 2 more than a multiple
  for (const auto& [part, ours] : {std::pair{"vae", "multipliers"}, {"unet", "levels"}}) {
    try {
      const std::string path = (folder / part / "config.json").string();
      const Node config = formats::parse_json(read_file(path, 1 << 20), path);
      const Node* levels = config.find(ours) ? config.find(ours) : config.find("block_out_channels");
      if (!levels || levels->size() < 1 || levels->size() > 12) return;
      halvings += levels->size() - 1;
      if (std::string_view(part) == "vae") vae_halvings = levels->size() - 1;
      const Node* padding = config.find("row_padding");
      padded = padded || (padding && padding->is_number() && padding->as_double() == 2);
    } catch (const Error&) { return; }
  }
  const std::int64_t multiple = std::int64_t(1) << halvings, high = 8192 / multiple * multiple;
  const auto valid = [&](std::int64_t side) {
    side = std::clamp<std::int64_t>(side, multiple, std::max(multiple, high));
    return std::min((side + multiple / 2) / multiple * multiple, std::max(multiple, high));
  };
  const std::int64_t w = size->items[0].integer, h = size->items[1].integer;
  const std::int64_t more = padded ? std::int64_t(2) << vae_halvings : 0;
  if (valid(w) != w || valid(h - more) != h - more)
    throw ConfigError(str("vgen: --size: width and height must be multiples of ", multiple,
                          padded ? str(" (the height ", more, " more)") : "", " up to ", high, " for this model, got ",
                          w, "x", h, "; nearest ", valid(w), "x", valid(h - more) + more));
}

namespace {
// Two columns; the right one is wrapped to 100.
std::string rows(const std::vector<std::pair<std::string, std::string>>& table) {
  std::size_t width = 0;
  for (const auto& [left, right] : table) width = std::max(width, left.size());
  std::string out;
  for (const auto& [left, right] : table) {
    std::string line = "  " + left + std::string(width - left.size(), ' ') + "  ";
    const std::size_t indent = line.size();
    std::string_view rest = right;
    while (rest.size() > 100 - indent) {
      const std::size_t space = rest.rfind(' ', 100 - indent);
      if (space == std::string_view::npos || space == 0) break;
      out += line.append(rest.substr(0, space)) + "\n";
      line = std::string(indent, ' ');
      rest.remove_prefix(space + 1);
    }
    out += line.append(rest) + "\n";
  }
  return out;
}

std::pair<std::string, std::string> row(const Option& o) {
  std::string left = o.letter ? str("-", o.letter, ", --", o.name) : str("    --", o.name);
  if (!o.value.empty()) left += " " + o.value;
  std::string right = o.help;
  if (!o.choices.empty()) right += " (" + joined(o.choices) + ")";
  if (o.required) right += " (required)";
  if (!o.fallback.empty()) right += " [" + o.fallback + "]";
  return {left, right};
}
}  // namespace

std::string help() {
  std::vector<std::pair<std::string, std::string>> table;
  for (const Command& c : commands()) table.emplace_back(c.name, c.summary);
  std::string out = "vgen: video generation by diffusion\n\nusage: vgen COMMAND [options]\n\ncommands:\n" + rows(table);
  out += "\n  vgen COMMAND --help    options and examples of one command\n  vgen --version\n";
  out += "  vgen completion        shell completion: source <(vgen completion)\n\nexample:\n  " +
         commands().front().examples.front() + "\n";
  return out;
}

std::string help(const Command& command) {
  std::string out = str("vgen ", command.name, ": ", command.summary, "\n\nusage: vgen ", command.name, " [options]");
  std::vector<std::pair<std::string, std::string>> table;
  std::string other;  // the usage with an option that brings words of its own
  for (const Positional& p : command.positionals) {
    const std::string shown = p.name + (p.repeat ? "..." : ""), word = p.required ? " " + shown : " [" + shown + "]";
    (p.with.empty() ? out : other) += word;
    if (!p.with.empty()) other = str("\n       vgen ", command.name, " --", p.with, " ... [options]", other);
    table.emplace_back(p.name, p.help);
  }
  out += other + "\n";
  if (!table.empty()) out += "\n" + rows(table);
  table.clear();
  for (const Option* o : options_of(command)) table.push_back(row(*o));
  out += "\noptions [default]:\n" + rows(table) + "\nexamples:\n";
  for (const std::string& example : command.examples) out += "  " + example + "\n";
  return out;
}

std::string completion() {
  std::string names, cases;
  for (const Command& c : commands()) {
    names += c.name + " ";
    std::string words;
    for (const Option* o : options_of(c)) words += "--" + o->name + " ";
    for (const Positional& p : c.positionals)
      for (const std::string& choice : p.choices) words += choice + " ";
    cases += "    " + c.name + ") words=\"" + words + "\" ;;\n";
  }
  return "# bash: source <(vgen completion)\n_vgen() {\n  local words=\"\"\n  case \"${COMP_WORDS[1]}\" in\n" + cases +
         "  esac\n" + "  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"" + names + "--help --version\"; fi\n" +
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _vgen "
         "vgen\n";
}

}  // namespace vgen::cli
