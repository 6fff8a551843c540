// What CLIP's tokenizer does to a caption before it splits it: repair of mis-decoded text, HTML entities, white space,
// lower case.
//
// `repair` follows the behaviour of ftfy 6.3.1's fix_text with its defaults (R. Speer, "ftfy: fixes text for you",
// Zenodo 2019), because the vocabulary was trained on captions that went through it. Equal on the goldens and on the
// generated strings of tests/python/test_tokenizer_long.py.
#pragma once
#include <string>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen::text {

// Mojibake, entities, ligatures, widths, quotes, control characters, NFC; line by line, until nothing changes.
// ConfigError if a line is still changing after 100 rounds (nested escapes), which no honest text does.
VGEN_API std::u32string repair(std::u32string_view text);

// The HTML5 rules for character references, those without a semicolon included (= Python's html.unescape).
VGEN_API std::u32string unescape_html(std::u32string_view text);

// repair, unescape twice, white space to single spaces, lower case; UTF-8 in and out. ConfigError if the text is not
// UTF-8.
VGEN_API std::string clean(std::string_view text);

}  // namespace vgen::text
