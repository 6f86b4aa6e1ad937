// vscode_extension: extensions of the person's VS Code are installed or not. Skipped if there is no VS Code.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "domains/files/vscode_folder.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

// "publisher.name", "publisher.name@1.2.3"
struct Wish {
  std::string id, version;  // id in lower case; version "": any
};

struct Extensions {
  static constexpr auto type = "vscode_extension";
  enum class State { present, absent };
  enum class Editor { code, insiders, codium, server };

  struct Desired {
    PersonOf person;
    Texts names;
    State state = State::present;
    Editor editor = Editor::code;
    std::optional<Path> program, folder;
  };
  struct Current {
    std::string program;              // "" if there is none
    std::string searched;             // for the reason in that case
    std::vector<VscodeExtension> is;  // those that are installed
  };

  static void describe(Schema<Desired>& s) {
    s.summary("Extensions of the person's VS Code; skipped where there is no VS Code.");
    s.named_by("names");
    s.person(&Desired::person);
    s.required(
        "names", &Desired::names,
        "The extension, or several: \"publisher.name\", or \"publisher.name@1.2.3\" for one version. Without "
        "a version, any that is there will do.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "Whether they should be installed.");
    s.one_of(
        "editor", &Desired::editor,
        {{"code", Editor::code},
         {"code-insiders", Editor::insiders},
         {"codium", Editor::codium},
         {"server", Editor::server}},
        "Whose extensions: VS Code's, another edition's, or those of the server that VS Code has put on this "
        "machine to work on it from elsewhere.");
    s.optional("program", &Desired::program, "Where the editor's command is, if not in a usual place.");
    s.optional("folder", &Desired::folder, "Where the extensions lie, if not in the person's usual folder.");
    s.check(&Extensions::check);
    s.example("To work on another machine",
              R"({"type": "vscode_extension", "names": "ms-vscode-remote.remote-ssh"})");
    s.example("Several, one of a certain version",
              R"({"type": "vscode_extension", "names": ["ms-python.python", "ms-toolsai.jupyter@2023.4.1"]})");
    s.example("On the machine that is worked on from elsewhere",
              R"({"type": "vscode_extension", "names": "ms-python.python", "editor": "server"})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.names.list.empty()) c.error("names", "no extension is named");
    for (const std::string& name : d.names.list) {
      const Wish w = wish(name);
      const auto dot = w.id.find('.');
      const bool bad = dot == 0 || dot == w.id.npos || dot + 1 == w.id.size() || name.ends_with('@') ||
                       !is_plain(w.id, "-_.") || !is_plain(w.version, "-.");
      if (bad)
        c.error("names", fmt::format("`{}` is no extension", name),
                "write publisher.name or publisher.name@1.2.3");
    }
  }

  static Claims claims(const Desired& d) {
    Claims claims;
    for (const std::string& name : d.names.list)
      claims.push_back({.key = folder(d), .access = Claim::Access::edits, .subkey = wish(name).id});
    return claims;
  }
  static Actor actor(const Desired&) { return {Actor::Kind::person}; }

  // An interrupted installation may leave an incomplete extension.
  static Current inspect(const Desired& d, const MachineReader& machine, bool interrupted) {
    Current c;
    find_program(d, machine, c);
    if (!c.program.empty()) c.is = vscode_extensions(machine.files(), folder(d));
    if (interrupted && d.state == State::present)
      std::erase_if(c.is, [&](const VscodeExtension& e) {
        return std::any_of(d.names.list.begin(), d.names.list.end(),
                           [&](const std::string& name) { return wish(name).id == e.id; });
      });
    return c;
  }

  static std::optional<std::string> not_applicable(const Desired& d, const Current& c) {
    if (!c.program.empty()) return std::nullopt;
    if (d.editor == Editor::server) return fmt::format("VS Code has put no server into {} yet", c.searched);
    return fmt::format("there is no {} here (looked for {})", editions[index(d)].name, c.searched);
  }

  //  desired \ now          absent      another version        that version, or any is desired
  //  present, a version     install it  install that version   –
  //  present                install it                          –
  //  absent                 –           uninstall it            uninstall it
  static Diff diff(const Desired& d, const Current& c) {
    Diff diff;
    const bool present = d.state == State::present;
    std::vector<std::string> argv{c.program};
    for (const std::string& name : d.names.list) {
      const Wish w = wish(name);
      const auto is = find(c, w.id);
      const bool right = present ? is && (w.version.empty() || is->version == w.version) : !is;
      if (right) continue;
      const Value before = is ? Value(is->version) : Value();
      diff.changes.push_back(
          {w.id, before, present ? Value(w.version.empty() ? "newest" : w.version) : Value()});
      argv.insert(argv.end(),
                  {present ? "--install-extension" : "--uninstall-extension", present ? name : w.id});
    }
    if (diff.changes.empty()) return diff;
    if (present) argv.emplace_back("--force");  // asks nothing, and installs an older version too
    if (d.folder) argv.insert(argv.end(), {"--extensions-dir", d.folder->text});
    diff.actions.push_back(
        RunCommand{.command = {.argv = std::move(argv), .timeout_ms = patience_ms},
                   .creates = {folder(d) + "/extensions.json"},
                   .bounded = true,
                   .doing = fmt::format("{} extensions", present ? "installing" : "removing")});
    return diff;
  }

  // The installed version.
  static void amend(std::vector<Change>& changes, const Desired&, const Current& c) {
    for (Change& change : changes)
      if (const auto is = find(c, change.property); is && !change.after.is_null()) change.after = is->version;
  }

  // None of them was installed before.
  static bool made(const Desired& d, const std::vector<Change>& changes) {
    return changes.size() == d.names.list.size() &&
           std::all_of(changes.begin(), changes.end(), [](const Change& c) { return c.before.is_null(); });
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    Value::Array names;
    for (const std::string& name : d.names.list) names.emplace_back(wish(name).id);
    v.set("names", std::move(names));
    v.set("editor", std::array{"code", "code-insiders", "codium", "server"}[index(d)]);
    if (d.program) v.set("program", d.program->text);
    if (d.folder) v.set("folder", d.folder->text);
    v.set("state", "absent");
    return v;
  }

  static Value outputs(const Desired& d, const Current& c) {
    Value versions{Value::Object{}}, v;
    for (const std::string& name : d.names.list)
      if (const auto is = find(c, wish(name).id)) versions.set(is->id, is->version);
    v.set("versions", std::move(versions));
    return v;
  }

 private:
  static constexpr std::uint64_t patience_ms = 15 * 60 * 1000;  // a large extension over a slow connection

  struct Edition {
    const char *name, *command, *package;  // package: Debian's, or the vendor's
    const char* home;                      // below the person's
  };
  static constexpr Edition editions[] = {
      {"VS Code", "code", "code", ".vscode"},
      {"VS Code Insiders", "code-insiders", "code-insiders", ".vscode-insiders"},
      {"VSCodium", "codium", "codium", ".vscode-oss"},
      {"VS Code Server", "", "", ".vscode-server"}};
  static std::size_t index(const Desired& d) { return static_cast<std::size_t>(d.editor); }
  static std::string home(const Desired& d) {
    return fmt::format("{}/{}", d.person.home, editions[index(d)].home);
  }
  static std::string folder(const Desired& d) { return d.folder ? d.folder->text : home(d) + "/extensions"; }

  static Wish wish(const std::string& name) {
    const auto at = name.find('@');
    return {lower_case(name.substr(0, at)), at == name.npos ? "" : name.substr(at + 1)};
  }
  static bool is_plain(const std::string& text, std::string_view also) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             also.find(c) != also.npos;
    });
  }
  static const VscodeExtension* find(const Current& c, const std::string& id) {
    const auto found =
        std::find_if(c.is.begin(), c.is.end(), [&](const VscodeExtension& e) { return e.id == id; });
    return found == c.is.end() ? nullptr : &*found;
  }

  static void find_program(const Desired& d, const MachineReader& machine, Current& c) {
    const FileReader& files = machine.files();
    if (d.program) {
      c.searched = d.program->text;
      if (files.resolve(d.program->text)) c.program = d.program->text;
    } else if (d.editor == Editor::server) {
      c.searched = home(d);
      find_server(d, files, c);
    } else {
      const Edition& edition = editions[index(d)];
      const std::string own = d.person.home + "/.local/bin";
      for (const char* place : {"/usr/local/bin", "/usr/bin", "/snap/bin", own.c_str()}) {
        const std::string path = fmt::format("{}/{}", place, edition.command);
        c.searched += (c.searched.empty() ? "" : ", ") + path;
        if (c.program.empty() && files.resolve(path)) c.program = path;
      }
      // A package that is only planned has no files yet.
      if (c.program.empty() && machine.packages().installed(edition.package))
        c.program = fmt::format("/usr/bin/{}", edition.command);
    }
  }

  // Each version of the server has a folder of its own, named by its commit; the newest one is in use.
  static void find_server(const Desired& d, const FileReader& files, Current& c) {
    constexpr std::pair<const char*, const char*> layouts[] = {{"/cli/servers", "/server/bin/code-server"},
                                                               {"/bin", "/bin/code-server"}};
    std::int64_t newest = 0;
    for (const auto& [servers, program] : layouts)
      for (const std::string& name : files.list(home(d) + servers).value_or(std::vector<std::string>{})) {
        const std::string path = home(d) + servers + "/" + name + program;
        const auto status = files.status(path);
        if (!status || (!c.program.empty() && status->ctime_ns <= newest)) continue;
        newest = status->ctime_ns;
        c.program = path;
      }
  }
};

}  // namespace

MLOPS_MODULE(Extensions);

}  // namespace mlops::modules
