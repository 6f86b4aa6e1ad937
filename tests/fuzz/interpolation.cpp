// Whatever text stands in a playbook: {{ }} ends in a value or in a mistake that lies inside the text.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER … Otherwise a program that tries a bounded
// number of texts, made from the ones below by a generator that is always the same.
#include "playbook/interpolation.hpp"

#include <random>

#include "base/error.hpp"
#include "playbook/condition.hpp"
#include "playbook/placeholder.hpp"
#include "require.hpp"

namespace {

using namespace mlops;

struct AnyScope : Scope {
  std::optional<Value> lookup(const std::vector<std::string>& path) const override {
    if (path.size() > 1 && path[1] == "none") return {};
    if (path.size() > 1 && path[1] == "list") return Value(Value::Array{Value("a"), Value(1)});
    return Value("text");
  }
  std::vector<std::string> names(const std::vector<std::string>&) const override { return {"vars", "facts"}; }
};

void check_places(const Value& value, const Diagnostics& mistakes) {
  for (const Diagnostic& d : mistakes.list()) {
    require(d.where.line == value.where.line, "a mistake on another line");
    require(d.where.column >= value.where.column, "a mistake before the text");
    require(d.where.column <= value.where.source->text.size() + 1, "a mistake behind the text");
    require(!d.message.empty(), "a mistake without a message");
  }
}

void fill(const Value& value, std::size_t mistakes) {
  try {
    const Value filled = interpolate(value, AnyScope());
    require(mistakes == 0, "a text with a mistake was filled in");
    if (!needs_filling(value)) require(filled == value, "a text without {{ was changed");
  } catch (const InterpolationError& error) {
    require(!error.diagnostic.message.empty(), "an error without a message");
  }
}

void try_text(const std::string& text) {
  const Source source{"fuzz", json_quote(text)};
  Value value(text);
  value.where = {&source, 1, 1};
  Diagnostics mistakes;
  const auto list = references(value, mistakes);
  check_places(value, mistakes);
  for (const Reference& reference : list) {
    const ParsedPath again = parse_path(path_text(reference.path));
    require(again.path == reference.path, "a path that does not read as it is written");
  }
  fill(value, mistakes.size());
  Value when;
  when.set(text, Value::Object{});
  check_condition(when, mistakes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try_text(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main() {
  const std::vector<std::string> seeds{
      "{{ vars.x }}",
      "{{{{",
      "}}",
      "{{vars[\"a b\"].c[0]}}",
      "{{ a | default('x\\'y') | join(', ') }}",
      "{{x|default(",
      "{{x | quote}}",
      "\\u00e9é",
      "{{vars.list | json}}",
      "{{vars.none | default(1.5e3) | lower}}",
      "'",
      "\"",
      "|",
      "[",
      "{{item}}{{.Names}}",
  };
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int i = 0; i < 20'000; ++i) {
    std::string text = seeds[below(seeds.size())] + seeds[below(seeds.size())];
    for (std::size_t changes = below(6); changes > 0 && !text.empty(); --changes) {
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
