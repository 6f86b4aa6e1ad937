// Whatever a target sends, the controller ends with an error or a result: it gives away no file that the
// target's own plays do not name, no password that was not due, and believes no id of another target's.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER … Otherwise a program that tries a bounded
// number of conversations, made from the ones below by a generator that is always the same.
#include "../support/hostile_host.hpp"

#include "../support/replay.hpp"
#include "../support/temporary_folder.hpp"
#include "base/overloaded.hpp"
#include "hosts/controller_files.hpp"
#include "require.hpp"

namespace {

using namespace mlops;
using namespace mlops::test;

struct Typing : Questions {
  Typing() : Questions([] {}) {}

 protected:
  std::optional<std::string> ask_now(const std::string&, bool) override { return "typed"; }
};

// Two plays, of which the first is the target's.
struct Controller {
  TemporaryFolder folder;
  TrackedFiles files;
  Playbook playbook;
  StartRun start;
  TargetShare share;
  Typing questions;
  Cancellation cancellation;

  Controller() {
    folder.file("motd", "welcome\n");
    folder.file("key", "private\n", 0600);
    Diagnostics mistakes;
    playbook = load_playbook(folder.file("p.json", R"({"plays": [
        {"on": "web1", "resources": [{"type": "file", "id": "motd", "path": "/m", "source": "motd"}]},
        {"on": "web2", "resources": [{"type": "file", "id": "key", "path": "/k", "source": "key"}]}]})"),
                             {{}, {}, "/root", &files}, all_modules(), mistakes);
    require(mistakes.empty(), "the playbook is wrong");
    for (const SentDigest& digest : files.digests())
      if (digest.path == folder / "motd") share.sources.push_back(digest);
    start.may_ask = true;
    start.settings.gives_values = true;
  }
};

Controller& controller() {
  static Controller one;
  return one;
}

void check_given(const ToTarget& message, bool prepared) {
  if (const auto* files = std::get_if<FilesGiven>(&message))
    for (const FileBeside& file : files->files)
      require(file.content.empty() || file.content == "welcome\n",
              "a file was given that no play of the target names");
  if (const auto* password = std::get_if<PasswordGiven>(&message))
    require(!password->password || prepared, "a password was given before anything was to be done");
}

void converse(std::string_view said) {
  Controller& c = controller();
  RemoteSettings settings;
  settings.questions = &c.questions;
  settings.reach = [bytes = std::string(said)](const std::string&) {
    return reach_hostile("ada", [bytes](const HostEnd& end) {
      end.send_raw(bytes);
      bool prepared = false;
      while (const auto message = end.hear()) {
        prepared = prepared || std::holds_alternative<Prepare>(*message);
        check_given(*message, prepared);
      }
    });
  };
  RemoteHost host(
      "web1", c.playbook, c.start, c.share, std::move(settings), c.cancellation, [](const Event& event) {
        std::visit(overloaded{[](const RunStarted&) {}, [](const AccountUsed&) {}, [](const RunFinished&) {},
                              [](const ResourcesKnown&) {}, [](const TerminalReleased&) {},
                              [](const auto& e) { require(e.host == "web1", "a host spoke for another"); }},
                   event);
      });
  try {
    host.join();
    for (const Pass pass : {Pass::simulated, Pass::real}) {
      host.begin(pass, {0});
      host.play(0, {});
      host.end();
      if (pass == Pass::simulated) host.prepare();
    }
  } catch (const Error&) {
  }
  for (const auto& [id, given] : host.values().resources)
    require(id == "motd", "an id of another host was believed");
}

std::string framed(const ToController& message) {
  const std::string payload = encode(message);
  const auto size = static_cast<std::uint32_t>(payload.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + payload;
}

std::vector<std::string> conversations() {
  PlayEnded played;
  played.resources["motd"][""] = {Given::State::known, "file[motd]", "", {}};
  played.resources["key"][""] = {Given::State::failed, "file[key]", "package[x]", {}};
  PassEnded planned;
  planned.pending = {{"root", "file[motd]"}};
  planned.mistakes = {{{"p.json", 1, 2}, "wrong", "right", {}, ""}};
  ResourceFinished finished{"file[motd]", "motd", "file", "web2", "root"};
  finished.changes = {{"content", Value(), "x", true}};
  const std::string& folder = controller().folder / "";
  const std::string files =
      framed(FilesWanted{{folder + "/motd", folder + "/key", "/etc/shadow", folder + "/../x"}});
  const std::string all = files + framed(PasswordWanted{}) + framed(Happened{finished}) + framed(played) +
                          framed(planned) + framed(PasswordWanted{true}) + framed(Prepared{}) +
                          framed(Happened{ResourceStarted{"a", "b", "c"}}) + framed(PasswordWanted{}) +
                          framed(played) + framed(PassEnded{});
  return {all,
          files + files,
          framed(PasswordWanted{}) + framed(Failed{ErrorKind::privilege, "no"}),
          framed(Prepared{}) + framed(planned),
          framed(FactsTold{Value("x")}),
          std::string(8, '\xff')};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  converse({reinterpret_cast<const char*>(data), size});
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main(int argc, char** argv) {
  const auto seeds = conversations();
  for (const std::string& one : seeds) run(one);
  char name[] = "fuzz-hostile_host", rounds[] = "2000";  // each starts some threads
  char* fewer[] = {name, rounds, nullptr};
  return argc > 1 ? replay(argc, argv, seeds) : replay(2, fewer, seeds);
}
#endif
