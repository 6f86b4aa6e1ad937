// Feeds texts to everything that reads what we did not write: the parser of playbooks, the messages about its
// mistakes, the writer of JSON, and differences between texts.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER …
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../support/replay.hpp"
#include "base/text_diff.hpp"
#include "model/document.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// A place is inside the text, and nothing comes before what contains it.
void check_places(const mlops::Value& v, const mlops::Position& outer) {
  require(v.where.source == outer.source);
  require(v.where.line > outer.line || (v.where.line == outer.line && v.where.column >= outer.column));
  if (v.is_array())
    for (const auto& item : v.as_array()) check_places(item, v.where);
  if (!v.is_object()) return;
  for (const auto& m : v.as_object()) {
    require(m.key_where.source == outer.source);
    check_places(m.value, m.key_where);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const mlops::Source source{"fuzz", std::string(reinterpret_cast<const char*>(data), size)};
  mlops::Diagnostics diagnostics;
  const auto value = mlops::parse_document(source, diagnostics);
  require(value || !diagnostics.empty());
  for (const auto& d : diagnostics.list()) {
    require(!d.message.empty() && d.where.source == &source);
    require(!mlops::to_text(d).empty());
  }
  if (!value) return 0;
  check_places(*value, {&source, 1, 1});
  const mlops::Source again{"again", mlops::to_json(*value, 2)};
  mlops::Diagnostics none;
  const auto same = mlops::parse_document(again, none);
  // What was reported (too large an integer) need not survive.
  if (diagnostics.empty()) require(same && none.empty() && *same == *value);
  mlops::unified_diff(source.text, again.text);
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main(int argc, char** argv) {
  return replay(argc, argv,
                {R"(// A playbook with a bit of everything.
{
  "name": "fuzz", /* comments */
  "vars": {"user": "ubuntu", "n": -1.5e-3, "big": 9223372036854775807, "none": null, "list": [true, false, []]},
  "plays": [
    {"name": "ä€😀", "on": "local", "when": {"facts.memory.bytes": {"at_least": 8e9}}, "resources": [
      {"type": "file", "path": "~/{{vars.user}}", "content": "a\n\"b\"\\\u00e4\ud83d\ude00\t", "mode": "0644"},
      {"type": "package", "names": ["a", "b=1.0"], "for_each": {"x": {}}}
    ]}
  ]
})",
                 "\xef\xbb\xbf[1,\r\n2]", "{\"a\":1,\"a\":[{\"b\":\"\xe4\"}],}"});
}
#endif
