// What takes away what a resource made is itself a resource of a playbook, and an interrupted step is repaired
// first.
#include "model/document.hpp"
#include "playbook/interpolation.hpp"
#include "resource/module.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"

using namespace mlops;

namespace {

std::any decoded(const Module& module, const Value& resource, Diagnostics& mistakes) {
  Value parameters = Value::Object{};
  for (const Value::Member& m : resource.as_object())
    if (m.key != "type" && m.key != "id") parameters.as_object().push_back(m);
  Decoder decoder{.diagnostics = mistakes, .home = "/home/ada", .resource = {}, .load_sources = false};
  decoder.user = "ada";
  return module.decode(parameters, decoder, has_references);
}

std::any desired(const char* json) {
  static std::vector<std::unique_ptr<Source>> sources;
  const Source& source = *sources.emplace_back(std::make_unique<Source>(Source{"p.json", json}));
  Diagnostics mistakes;
  const auto value = parse_document(source, mistakes);
  REQUIRE(value);
  std::any found = decoded(*find_module(value->find("type")->as_string()), *value, mistakes);
  for (const Diagnostic& d : mistakes.list()) FAIL(to_text(d));
  return found;
}

const Module& module_of(const char* type) { return *find_module(type); }

std::string removal(const char* type, const char* json) {
  return to_json(module_of(type).removal(desired(json)));
}

}  // namespace

TEST_CASE("what takes away what any example made can be read as a resource") {
  int found = 0;
  for (const Module* module : all_modules())
    for (const Example& example : module->schema->examples()) {
      INFO(module->type << ": " << example.title);
      const Source source{"p.json", example.json};
      Diagnostics mistakes;
      const auto value = parse_document(source, mistakes);
      REQUIRE(value);
      for (const Value& resource : value->is_array() ? value->as_array() : Value::Array{*value}) {
        if (resource.find("type")->as_string() != module->type) continue;
        const std::any made = decoded(*module, resource, mistakes);
        if (!made.has_value()) continue;
        const Value taken = module->removal(made);
        if (!taken.is_object()) continue;
        Diagnostics wrong;
        const Module* const taker = find_module(taken.find("type")->as_string());
        REQUIRE(taker);
        CHECK(decoded(*taker, taken, wrong).has_value());
        for (const Diagnostic& d : wrong.list()) FAIL_CHECK(to_text(d));
        ++found;
      }
    }
  CHECK(found > 15);
}

TEST_CASE("each type says what takes away what it made, or that it made nothing") {
  CHECK(removal("file", R"({"type": "file", "path": "/f", "content": "x"})") ==
        R"({"type":"file","path":"/f","state":"absent"})");
  CHECK(removal("file", R"({"type": "file", "path": "/f", "state": "absent"})") == "false");
  CHECK(removal("directory", R"({"type": "directory", "path": "/d"})") ==
        R"({"type":"directory","path":"/d","state":"absent"})");
  CHECK(removal("package", R"({"type": "package", "names": ["jq=1.6", "git"]})") ==
        R"({"type":"package","names":["jq","git"],"state":"absent","unneeded":true})");
  CHECK(removal("user", R"({"type": "user", "name": "bob"})") ==
        R"({"type":"user","name":"bob","state":"absent"})");
  CHECK(removal("group", R"({"type": "group", "name": "g", "state": "absent"})") == "false");
  CHECK(removal("download", R"({"type": "download", "url": "https://example.org/t", "path": "/t"})") ==
        R"({"type":"file","path":"/t","state":"absent"})");
  CHECK(removal("git", R"({"type": "git", "repo": "https://example.org/r.git", "to": "/r"})") ==
        R"({"type":"directory","path":"/r","state":"absent","recursive":true})");
  CHECK(removal("path_entry", R"({"type": "path_entry", "path": "~/soft", "shells": ["bash"]})") ==
        R"({"type":"path_entry","path":"/home/ada/soft","shells":["bash"],"state":"absent","others":"keep"})");
  CHECK(removal("ssh_host", R"({"type": "ssh_host", "name": "box", "hostname": "192.0.2.7"})") ==
        R"({"type":"ssh_host","name":"box","state":"absent"})");
  CHECK(removal("jupyter", R"({"type": "jupyter", "port": 8890})") ==
        R"({"type":"jupyter","port":8890,"state":"absent"})");
  CHECK(removal("command", R"({"type": "command", "argv": ["true"], "always": true})") == "null");
  CHECK(removal("service", R"({"type": "service", "name": "ssh", "state": "running"})") ==
        R"({"type":"service","name":"ssh","state":"stopped"})");
}

TEST_CASE("a resource was made where nothing of it was there before") {
  const auto made = [](const char* type, const char* json, const std::vector<Change>& changes) {
    return module_of(type).made(desired(json), changes);
  };
  const char* const file = R"({"type": "file", "path": "/f", "content": "x"})";
  CHECK(made("file", file, {Change::create()}));
  CHECK_FALSE(made("file", file, {{.property = "content"}}));
  const char* const package = R"({"type": "package", "names": ["jq", "git"]})";
  CHECK(made("package", package, {{.property = "jq", .after = "1"}, {.property = "git", .after = "2"}}));
  CHECK_FALSE(made("package", package, {{.property = "jq", .after = "1"}}));  // git was there
  CHECK_FALSE(made("package", package,
                   {{.property = "jq", .before = "0", .after = "1"}, {.property = "git", .after = "2"}}));
  CHECK(made("path_entry", R"({"type": "path_entry", "path": "~/soft"})",
             {{.property = "~/.bashrc", .after = "line"}}));
}

TEST_CASE("a command whose last attempt was interrupted is run again, though what it creates exists") {
  test::FakeMachine machine;
  machine.f.file("/made", "half");
  const Module& command = module_of("command");
  const std::any d = desired(R"({"type": "command", "argv": ["make"], "creates": "/made"})");
  CHECK(command.diff(d, command.inspect(d, machine), false).empty());
  const Diff diff = command.diff(d, command.inspect_interrupted(d, machine), false);
  REQUIRE(diff.actions.size() == 1);
  CHECK(std::get<RunCommand>(diff.actions[0]).command.argv == std::vector<std::string>{"make"});
}

TEST_CASE("after an interrupted installation, packages are repaired first") {
  test::FakeMachine machine;
  const Module& package = module_of("package");
  const std::any d = desired(R"({"type": "package", "names": ["jq"], "lock_timeout": "5s"})");
  CHECK(package.recover(d, machine, {.began = 7}).empty());
  machine.p.cut_short = true;
  const auto actions = package.recover(d, machine, {.began = 7});
  REQUIRE(actions.size() == 1);
  CHECK(std::get<RepairPackages>(actions[0]).lock_timeout == 5);
  CHECK(std::get<RepairPackages>(actions[0]).power_lost_since == 0);
  // Where the machine has restarted, dpkg's record that all is installed is not trusted.
  machine.p.cut_short = false;
  const auto after_power = package.recover(d, machine, {.began = 7, .restarted = true});
  REQUIRE(after_power.size() == 1);
  CHECK(std::get<RepairPackages>(after_power[0]).power_lost_since == 7);
}

TEST_CASE("after a git that was killed, the locks that it left are removed first") {
  test::FakeMachine machine;
  const Module& git = module_of("git");
  const std::any d = desired(R"({"type": "git", "repo": "https://example.org/r.git", "to": "/r"})");
  CHECK(git.recover(d, machine, {}).empty());
  machine.f.file("/r/.git/index.lock", "");
  const auto actions = git.recover(d, machine, {});
  REQUIRE(actions.size() == 1);
  CHECK(std::get<RemovePath>(actions[0]).path == "/r/.git/index.lock");
}
