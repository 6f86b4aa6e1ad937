// Whatever a playbook contains: loading it ends, with a playbook or with mistakes that have a place, and its
// conditions and texts end in a value or in a mistake when they are filled in.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER … Otherwise NAME [ROUNDS [SEED]]: changes of
// examples with a bit of everything, made by a generator that is always the same; every other one is still
// JSON, with values exchanged, repeated or of another kind. MLOPS_FUZZ_KEEP=FILE: each text is written there
// before it is tried.
#include <cstdlib>

#include "../support/replay.hpp"
#include "base/error.hpp"
#include "base/person.hpp"
#include "facts/facts.hpp"
#include "model/document.hpp"
#include "playbook/condition.hpp"
#include "playbook/playbook.hpp"
#include "playbook/provenance.hpp"
#include "playbook/scopes.hpp"
#include "require.hpp"

namespace {

using namespace mlops;

constexpr auto name = "fuzz.json";

constexpr auto included = R"({"vars": {"port": 80, "site": "{{vars.port}}"}, "resources": [
  {"id": "a", "type": "directory", "path": "/srv/{{vars.site}}", "notify": ["b"], "when": {"vars.port": {"below": 90}}},
  {"id": "b", "type": "service", "name": "web", "state": "running"}]})";

// The playbook, and files of any name beside it.
struct Memory : FileSource {
  std::string text;
  FileBeside read(const std::string& path, bool, std::uint64_t) const override { return whole(path); }
  FileBeside whole(const std::string& path) const override {
    FileBeside file;
    file.content = path == name ? text : included;
    file.size = file.content.size();
    return file;
  }
  std::string similar(const std::string&) const override { return ""; }
};

template <class Work>
void try_to(const Work& work) {
  try {
    work();
  } catch (const InterpolationError& e) {
    require(!e.diagnostic.message.empty(), "an error without a message");
  } catch (const SkippedReference&) {
  } catch (const Unknown&) {
  }
}

// As a run would, with what is known before one: also where something else in the playbook is wrong.
void fill(const Playbook& playbook) {
  const Scopes scopes(playbook, nullptr);
  for (const Play& play : playbook.plays)
    for (const Resource& r : play.resources) {
      const Scope& scope = scopes.of(r.include);
      if (!r.when.is_null()) try_to([&] { evaluate(r.when, scope); });
      try_to([&] { interpolate(r.parameters, scope); });
      label_of(r, r.parameters);
    }
}

void load(const std::string& text) {
  Memory files;
  files.text = text;
  const LoadOptions options{{}, {"x=1"}, "/home/ubuntu", &files};
  Diagnostics mistakes;
  const Playbook playbook = load_playbook(name, options, all_modules(), mistakes);
  for (const Diagnostic& d : mistakes.list()) {
    require(!d.message.empty(), "a mistake without a message");
    require(d.where.source != nullptr, "a mistake without a place");
    to_text(d);
  }
  fill(playbook);
  if (!mistakes.empty()) return;
  for (const Play& play : playbook.plays)
    for (const Resource& r : play.resources)
      for (const ParameterProvenance& p : provenance(playbook, r))
        for (const ProvenanceStep& step : p.steps) to_text(step);
}

constexpr auto bit_of_everything = R"({
  "name": "fuzz", "$schema": "x",
  "vars": {"x": 1, "user": "ubuntu", "n": [1, 2, {"a": null}], "deep": {"a": {"b": "{{vars.user | upper}}"}},
           "home": "/home/{{vars.user}}", "all": ["{{vars.home}}", "{{env.HOME | default('x')}}"]},
  "secrets": {"t": {"env": "T"}, "f": {"file": "~/k"}, "c": {"command": ["a", "b"]}, "p": {"prompt": "P"}},
  "plays": [
    {"name": "one", "on": ["local", "box"], "when": {"facts.os.id": ["ubuntu", "debian"], "vars.x": {"at_least": 1}},
     "resources": [
      {"id": "f", "type": "file", "path": "~/{{vars.user}}/{{item}}", "content": "{{secrets.t | lower}}\n", "mode": "0644",
       "for_each": ["a", "b"], "tags": ["t"], "as": "root", "retry": {"times": 3, "delay": "5s"}, "notify": ["s"]},
      {"id": "g", "type": "file", "path": "/a", "source": "b", "when": {"any": [{"vars.user": {"matches": "^(u|v)+$"}},
       {"none": [{"vars.x": {"not": [1, 2]}}]}, {"all": [{"vars.deep.a.b": {"exists": true, "below": "2.1"}}]}]}},
      {"include": {"file": "web.json", "vars": {"port": "{{vars.x}}"}}, "id": "web", "when": {"vars.x": 1}, "tags": ["w"]},
      {"id": "s", "type": "service", "name": "nginx", "state": "running", "enabled": true, "after": ["f"]},
      {"type": "command", "argv": ["echo", "{{resources.g.path}}", "{{vars.n | json}}"], "creates": "/x",
       "env": {"A": "{{secrets.p}}"}},
      {"type": "verify", "shell": "true", "matches": "v[0-9]+", "contains": ["a"], "times": 2}
    ]},
    {"on": "local", "resources": [
      {"type": "directory", "path": "/t/{{item.key}}", "for_each": {"k": {"v": 1}, "l": {"v": 2}}, "state": "absent"},
      {"type": "file", "path": "/h", "content": "{{hosts.box.address}} {{hosts.box.resources.s.name}} {{{{x}}"}
    ]}
  ],
  "show": ["{{vars.user | quote}}", {"text": "{{vars.all | join(', ')}}", "when": {"hosts": {"exists": true}}}]
})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  load(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

#ifndef MLOPS_LIBFUZZER
namespace {

// Playbooks that are JSON, but made of pieces that do not belong together.
class Exchange {
 public:
  Exchange(const std::vector<std::string>& texts, unsigned seed) : random_(seed) {
    for (const std::string& text : texts) {
      const Source& source = *sources_.emplace_back(std::make_unique<Source>(Source{"seed", text}));
      Diagnostics mistakes;
      const auto value = parse_document(source, mistakes);
      require(value && mistakes.empty(), "an example is no JSON");
      trees_.push_back(*value);
      gather(*value);
    }
    for (const char* key : {"any", "facts", "", "item", "a.b[0]"}) keys_.emplace_back(key);
    for (const char* text :
         {"{{vars.home}}{{vars.home}}", "{{vars}}", "{{vars.n[2].a | default(1)}}", "((((", "{{", "~"})
      pieces_.emplace_back(text);
  }

  std::string next() {
    Value tree = trees_[below(trees_.size())];
    for (std::size_t i = 1 + below(3); i > 0; --i) change(tree, below(size_of(tree)));
    return to_json(tree, 2);
  }

 private:
  void gather(const Value& v) {
    pieces_.push_back(v);
    if (v.is_array())
      for (const Value& item : v.as_array()) gather(item);
    if (v.is_object())
      for (const Value::Member& m : v.as_object()) keys_.push_back(m.key), gather(m.value);
  }

  std::size_t below(std::size_t n) { return n ? random_() % n : 0; }

  static std::size_t size_of(const Value& v) {
    std::size_t n = 1;
    if (v.is_array())
      for (const Value& item : v.as_array()) n += size_of(item);
    if (v.is_object())
      for (const Value::Member& m : v.as_object()) n += size_of(m.value);
    return n;
  }

  // The at-th value in it, counted from the outside.
  void change(Value& v, std::size_t at) {
    if (at == 0) return change(v);
    --at;
    const auto into = [&](Value& inner) {
      const std::size_t size = size_of(inner);
      if (at < size) return change(inner, at), true;
      at -= size;
      return false;
    };
    if (v.is_array())
      for (Value& item : v.as_array())
        if (into(item)) return;
    if (v.is_object())
      for (Value::Member& m : v.as_object())
        if (into(m.value)) return;
  }

  // As people write a key that they take for an expression.
  std::string misspelt(const std::string& key) {
    switch (below(4)) {
      case 0:
        return key + " == debian";
      case 1:
        return key + ".";
      case 2:
        return "{{" + key + "}}";
      default:
        return key + "[0]";
    }
  }

  void change(Value& v) {
    const std::size_t how = below(6);
    if (how < 3 && v.is_object() && !v.as_object().empty()) {
      Value::Object& members = v.as_object();
      Value::Member& one = members[below(members.size())];
      if (how == 0)
        one.key = below(2) ? keys_[below(keys_.size())] : misspelt(one.key);
      else if (how == 1)
        members.emplace_back(keys_[below(keys_.size())], pieces_[below(pieces_.size())]);
      else
        members.erase(members.begin() + static_cast<std::ptrdiff_t>(below(members.size())));
    } else if (how < 3 && v.is_array() && !v.as_array().empty()) {
      Value::Array& items = v.as_array();
      const Value copy = how == 0 ? items[below(items.size())] : pieces_[below(pieces_.size())];
      items.insert(items.begin() + static_cast<std::ptrdiff_t>(below(items.size() + 1)), copy);
    } else if (how == 3 && v.is_string()) {
      Mutator mutator(words_, static_cast<unsigned>(random_()));
      words_ = {v.as_string(), "{{vars.x | join(', ')}}", "{{resources.g.path}}", "facts.os.id"};
      v = Value(mutator.next());
    } else {
      v = pieces_[below(pieces_.size())];
    }
  }

  std::mt19937 random_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<Value> trees_, pieces_;
  std::vector<std::string> keys_, words_{"{{vars.x}}"};
};

std::vector<std::string> examples() {
  std::vector<std::string> all(8, bit_of_everything);
  for (const Module* module : all_modules())
    for (const Example& e : module->schema->examples())
      all.push_back(R"({"resources": [)" +
                    (e.json.starts_with('[') ? e.json.substr(1, e.json.rfind(']') - 1) : e.json) + "]}");
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> texts = examples();
  const auto number = [&](int i, unsigned long otherwise) {
    return i < argc ? std::strtoul(argv[i], nullptr, 10) : otherwise;
  };
  if (argc > 1 && number(1, 0) == 0) return replay(argc, argv, texts);
  for (const std::string& text : texts) load(text);
  const auto seed = static_cast<unsigned>(number(2, 1));
  Mutator mutator(texts, seed);
  Exchange exchange(texts, seed);
  const char* const kept = std::getenv("MLOPS_FUZZ_KEEP");
  for (unsigned long rounds = number(1, 4000); rounds > 0; --rounds) {
    const std::string text = rounds % 2 ? mutator.next() : exchange.next();
    if (kept) std::ofstream(kept) << text;
    run(text);
  }
}
#endif
