// Runs a fuzz target without a fuzzer: on texts, and on random changes of them that are always the same.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

class Mutator {
 public:
  Mutator(const std::vector<std::string>& texts, unsigned seed) : texts_(texts), random_(seed) {}

  std::string next() {
    std::string text = texts_[below(texts_.size())];
    for (std::size_t i = 1 + below(4); i > 0; --i) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t n) { return n ? random_() % n : 0; }

  void change(std::string& text) {
    static const char* const pieces[] = {
        "{",       "}",       "[",        "]",    ",",    ":",    "\"",
        "\\",      "//",      "/*",       "*/",   "\n",   "\r",   "\t",
        "0",       "-",       "1e9",      ".",    "true", "null", "{{",
        "\\u00e4", "\\ud800", "\xc3\xa4", "\xff", "\xf0", "'",    "99999999999999999999"};
    const std::size_t at = below(text.size() + 1);
    switch (below(5)) {
      case 0:
        text.insert(at, pieces[below(std::size(pieces))]);
        break;
      case 1:
        text.erase(at, 1 + below(8));
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        break;
      case 3:
        text.resize(at);
        break;
      default: {
        const std::string& other = texts_[below(texts_.size())];
        const std::size_t from = below(other.size());
        text.insert(at, other, from, below(40));
      }
    }
  }

  const std::vector<std::string>& texts_;
  std::mt19937 random_;
};

inline void run(const std::string& text) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

// The main of a target: NAME [ROUNDS [SEED]] goes through texts and changes of them, NAME FILE… through the
// files.
inline int replay(int argc, char** argv, const std::vector<std::string>& texts) {
  const auto number = [&](int i, unsigned long otherwise) {
    return i < argc ? std::strtoul(argv[i], nullptr, 10) : otherwise;
  };
  if (argc > 1 && number(1, 0) == 0) {
    for (int i = 1; i < argc; ++i) {
      std::ifstream file(argv[i], std::ios::binary);
      run({std::istreambuf_iterator<char>(file), {}});
    }
    return 0;
  }
  for (const auto& text : texts) run(text);
  Mutator mutator(texts, static_cast<unsigned>(number(2, 1)));
  for (unsigned long rounds = number(1, 20000); rounds > 0; --rounds) run(mutator.next());
  return 0;
}
