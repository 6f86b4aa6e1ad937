// Whatever stands in ~/.ssh/config: a block that is put in is there, put in again it changes nothing, and taken
// away it leaves the text as it was.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER … Otherwise a program that tries a bounded
// number of texts, made from the ones below by a generator that is always the same.
#include "model/ssh_config.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>

#include "base/error.hpp"

namespace {

using namespace mlops;

void require(bool condition, const char* what, const std::string& text) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", what, text.c_str());
  std::abort();
}

const std::vector<SshOption> wanted{
    {"HostName", {"192.0.2.7"}}, {"User", {"u"}}, {"IdentityFile", {"a", "\"b c\""}}, {"Compression", {}}};

void try_text(const std::string& text) {
  std::string with;
  try {
    with = with_ssh_host(text, "m", wanted, "config");
  } catch (const Error& e) {
    require(e.message().starts_with("config:"), "an error without a line", text);
    return;
  }
  require(has_ssh_host(with, "m"), "no block was made", text);
  require(with_ssh_host(with, "m", wanted, "config") == with, "a second time it changes again", text);
  const auto options = ssh_host_options(with, "m", wanted);
  require(options[0].values == std::vector<std::string>{"192.0.2.7"}, "not what was wanted", text);
  require(options[2].values == std::vector<std::string>({"a", "b c"}), "not all that was wanted", text);
  require(options[3].values.empty(), "what is not wanted is there", text);
  const std::string without = without_ssh_host(with, "m", "config");
  require(!has_ssh_host(without, "m"), "the block is still there", text);
  const bool whole = text.empty() || text.ends_with('\n');
  if (whole && !has_ssh_host(text, "m")) require(without == text, "the text is not what it was", text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try_text(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main() {
  const std::vector<std::string> seeds{"Host m\n",
                                       "Host *\n",
                                       "host=\"m\"\n",
                                       "Host a m\n",
                                       "Match all\n",
                                       "# about it\n",
                                       "  User u\n",
                                       "\tUser=u # x\n",
                                       "IdentityFile a\n",
                                       "\n",
                                       "  \t\n",
                                       "\r\n",
                                       "Host !m *\n",
                                       "Host ?\n",
                                       "Compression yes\n",
                                       "HostName \"",
                                       "IdentityFile 'b c'\n",
                                       "Host m # me\n",
                                       "Include x\n",
                                       "=",
                                       "Host",
                                       "\"",
                                       "Match user x\n",
                                       std::string("\0\n", 2)};
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::size_t parts = below(7); parts > 0; --parts) text += seeds[below(seeds.size())];
    for (std::size_t changes = below(4); changes > 0 && !text.empty(); --changes) {
      const std::size_t at = below(text.size());
      switch (below(3)) {
        case 0:
          text.erase(at, 1 + below(4));
          break;
        case 1:
          text[at] = static_cast<char>(below(256));
          break;
        default:
          text.insert(at, seeds[below(seeds.size())]);
      }
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
}
#endif
