// What a target can get from the controller, whatever it says.
#include "support/hostile_host.hpp"

#include <cerrno>

#include "hosts/controller_files.hpp"
#include "hosts/coordinator.hpp"
#include "hosts/target_needs.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace mlops;
using namespace mlops::test;
using Catch::Contains;

namespace {

// A playbook of two plays, for web1 and for web2, with files beside it.
struct Bench {
  TemporaryFolder folder;
  TrackedFiles files;
  Playbook playbook;
  StartRun start;
  Cancellation cancellation;
  std::vector<Event> told;

  Bench() {
    folder.file("motd", "welcome\n");
    folder.file("other", "for web2 alone\n");
    folder.file("id_ed25519", "private\n", 0600);
    load(R"({
      "secrets": {"a": {"env": "MLOPS_A"}, "b": {"env": "MLOPS_B"}, "c": {"env": "MLOPS_C"}},
      "vars": {"of": {"a": "{{secrets.a}}", "b": "{{secrets.b}}"}, "name": "motd"},
      "plays": [
        {"on": "web1", "resources": [
          {"type": "file", "id": "motd", "path": "/etc/motd", "source": "{{vars.name}}"},
          {"type": "file", "id": "token", "path": "/etc/token", "content": "{{vars.of.a}} {{env.HOME}}"}]},
        {"on": "web2", "resources": [
          {"type": "file", "id": "other", "path": "/etc/other", "source": "other"},
          {"type": "file", "id": "both", "path": "/etc/{{item.key}}", "for_each": "{{vars.of}}", "when": {"env.LANG": "C"},
           "content": "x"}]}]})");
  }
  void load(const std::string& text) {
    Diagnostics mistakes;
    playbook =
        load_playbook(folder.file("p.json", text), {{}, {}, "/home/ada", &files}, all_modules(), mistakes);
    for (const Diagnostic& d : mistakes.list()) FAIL(to_text(d));
  }
  TargetShare share(std::size_t play) {
    TargetShare share;
    const TargetNeeds needs = needs_of(playbook, {play}, "/home/ada");
    for (const SentDigest& digest : files.digests())
      if (needs.files.contains(digest.path)) share.sources.push_back(digest);
    return share;
  }
  std::unique_ptr<RemoteHost> web1(std::function<void(const HostEnd&)> host, Questions* questions = nullptr) {
    RemoteSettings settings;
    settings.questions = questions;
    settings.reach = [host = std::move(host)](const std::string&) { return reach_hostile("ada", host); };
    return std::make_unique<RemoteHost>("web1", playbook, start, share(0), std::move(settings), cancellation,
                                        [this](const Event& e) { told.push_back(e); });
  }
  static void wait_for_end_pass(const HostEnd& end) {
    while (const auto message = end.hear())
      if (std::holds_alternative<EndPass>(*message)) return;
  }
};

struct TypedPasswords : Questions {
  TypedPasswords() : Questions([] {}) {}
  std::vector<std::string> asked;

 protected:
  std::optional<std::string> ask_now(const std::string& text, bool) override {
    asked.push_back(text);
    return "typed " + std::to_string(asked.size());
  }
};

}  // namespace

TEST_CASE("A target needs what its own plays refer to, through vars, and nothing of the other plays") {
  Bench bench;
  const TargetNeeds one = needs_of(bench.playbook, {0}, "/home/ada"),
                    two = needs_of(bench.playbook, {1}, "/home/ada");
  CHECK(one.files == std::set{bench.folder / "motd"});
  CHECK(one.secrets == std::set<std::string>{"a"});
  CHECK(one.environment == std::set<std::string>{"HOME"});
  CHECK(two.files == std::set{bench.folder / "other"});
  CHECK(two.secrets == std::set<std::string>{"a", "b"});  // the whole of vars.of
  CHECK(two.environment == std::set<std::string>{"LANG"});
  CHECK(needs_of(bench.playbook, {}, "/home/ada").secrets.empty());
}

TEST_CASE("A variable that was not sent is unknown on a target, and its play is no mistake there") {
  Bench bench;
  Diagnostics mistakes;
  LoadOptions options{{}, {}, "/home/ada", &bench.files};
  options.environment = std::map<std::string, std::string>{};
  options.withheld = {"MODE", "WHERE"};
  const Playbook loaded =
      load_playbook(bench.folder.file("w.json", R"({"plays": [{"on": "{{env.WHERE}}", "resources": [
        {"type": "file", "path": "/a", "content": "x", "mode": "{{env.MODE}}"}]}]})"),
                    options, all_modules(), mistakes);
  CHECK(mistakes.empty());
  options.withheld = {"WHERE"};
  load_playbook(bench.folder / "w.json", options, all_modules(), mistakes);
  REQUIRE(mistakes.size() >= 1);
  CHECK_THAT(mistakes.list()[0].message, Contains("MODE"));
}

TEST_CASE("A target is given the files that its plays name, by the very path, and no other file") {
  Bench bench;
  std::vector<FileBeside> given;
  const std::vector<std::string> wanted = {bench.folder / "motd",       bench.folder / "other",
                                           bench.folder / "id_ed25519", bench.folder / "p.json",
                                           bench.folder / "./motd",     "/etc/hostname"};
  const auto host = bench.web1([&](const HostEnd& end) {
    Bench::wait_for_end_pass(end);
    end.say(FilesWanted{wanted});
    while (const auto message = end.hear())
      if (const auto* files = std::get_if<FilesGiven>(&*message)) {
        given = files->files;
        break;
      }
    end.say(PassEnded{});
  });
  host->join();
  host->begin(Pass::simulated, {});
  host->end();
  REQUIRE(given.size() == wanted.size());
  CHECK(given[0].content == "welcome\n");
  for (std::size_t i = 1; i < given.size(); ++i) {
    INFO(wanted[i]);
    CHECK(given[i].content == "");
    CHECK(given[i].error == EACCES);
    CHECK_THAT(given[i].refused, Contains("is not sent to another machine"));
  }
}

TEST_CASE("A password is asked for and given only where another identity has work that is pending") {
  Bench bench;
  TypedPasswords questions;
  std::vector<std::optional<std::string>> given;
  bench.start.may_ask = true;
  std::string pending = "root";
  bool expected = true;
  SECTION("root has work") {}
  SECTION("only the person has work") {
    pending = "ada";
    expected = false;
  }
  SECTION("it is a plan") {
    bench.start.settings.dry = true;
    expected = false;
  }
  SECTION("with --no-sudo") {
    bench.start.settings.no_sudo = true;
    expected = false;
  }
  const auto ask = [&](const HostEnd& end) {
    end.say(PasswordWanted{});
    while (const auto message = end.hear())
      if (const auto* password = std::get_if<PasswordGiven>(&*message)) {
        given.push_back(password->password);
        return;
      }
  };
  const auto host = bench.web1(
      [&](const HostEnd& end) {
        Bench::wait_for_end_pass(end);
        ask(end);  // while planning
        PassEnded ended;
        ended.pending = {{pending, "file[motd]"}};
        end.say(ended);
        ask(end);
        end.say(Prepared{});
        while (end.hear()) {
        }
      },
      &questions);
  host->join();
  host->begin(Pass::simulated, {});
  host->end();
  host->prepare();
  REQUIRE(given.size() == 2);
  CHECK(given[0] == std::nullopt);
  CHECK(given[1] == (expected ? std::optional<std::string>("typed 1") : std::nullopt));
  CHECK(questions.asked == (expected ? std::vector<std::string>{"[sudo] password for ada on web1: "}
                                     : std::vector<std::string>{}));
}

TEST_CASE("A password that was typed for one host is not tried on another") {
  TypedPasswords questions;
  CHECK(questions.sudo_password("ada", "web1", false) == "typed 1");
  CHECK(questions.sudo_password("ada", "web1", false) == "typed 1");
  CHECK(questions.sudo_password("ada", "web2", false) == "typed 2");
  CHECK(questions.sudo_password("ada", "web1", true) == "typed 3");
  CHECK(questions.sudo_password("ada", "web2", false) == "typed 2");
  CHECK(questions.asked.back() == "Sorry, try again.\n[sudo] password for ada on web1: ");
}

TEST_CASE("A host that reports its plan without end is dropped") {
  Bench bench;
  bool many = true;
  SECTION("of many events") {}
  SECTION("of large ones") { many = false; }
  const auto host = bench.web1([&](const HostEnd& end) {
    Bench::wait_for_end_pass(end);
    ResourceFinished event{"file[x]", "x", "file", "web1", "root"};
    if (!many) event.output = std::string(1 << 20, 'x');
    const std::string payload = encode(Happened{event});
    for (int i = 0; i < (many ? 500'001 : 257); ++i) end.send(payload);
    while (end.hear()) {
    }
  });
  host->join();
  host->begin(Pass::simulated, {});
  CHECK_THROWS_WITH(
      host->end(),
      "web1 sends more events of its plan than are kept for one host (500000 events, 256 MiB); it "
      "is left out");
  CHECK(bench.told.size() <= 500'002);
}

TEST_CASE("What a host says of ids of other hosts is not believed") {
  Bench bench;
  bench.start.settings.gives_values = true;
  const auto host = bench.web1([&](const HostEnd& end) {
    Bench::wait_for_end_pass(end);
    PlayEnded ended;
    for (const char* id : {"motd", "other", "nobody's"})
      ended.resources[id][""] = {Given::State::known, id, "", {}};
    end.say(ended);
    end.say(PassEnded{});
  });
  host->join();
  host->begin(Pass::simulated, {0});
  host->play(0, {});
  REQUIRE(host->values().resources.size() == 1);
  CHECK(host->values().resources.begin()->first == "motd");
}
