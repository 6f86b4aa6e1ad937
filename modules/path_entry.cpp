// path_entry: a folder on PATH in a person's new shells, through one line in each file that the shell reads on
// start.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text_diff.hpp"
#include "base/trimmed.hpp"
#include "domains/files/trusted_folder.hpp"
#include "model/shell_path.hpp"
#include "resource/module.hpp"

namespace mlops::modules {
namespace {

enum class Shell { bash, zsh, fish };

}  // namespace
}  // namespace mlops::modules

namespace mlops {

template <>
struct Codec<modules::Shell> {
  static bool decode(const Value& v, modules::Shell& into, Decoder& d) {
    const int i = schema_detail::decode_word(v, {"bash", "zsh", "fish"}, d);
    if (i >= 0) into = static_cast<modules::Shell>(i);
    return i >= 0;
  }
  static std::string type_text() { return "bash, zsh or fish"; }
  static Value json_schema() {
    Value v;
    v.set("enum", Value::Array{"bash", "zsh", "fish"});
    return v;
  }
  static Value to_value(const modules::Shell& s) {
    return Value(std::array{"bash", "zsh", "fish"}[static_cast<std::size_t>(s)]);
  }
};

}  // namespace mlops

namespace mlops::modules {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

struct PathEntry {
  static constexpr auto type = "path_entry";
  enum class State { present, absent };
  enum class Position { first, last };
  enum class Others { refuse, keep };

  struct Desired {
    PersonalPath path;
    State state = State::present;
    Position position = Position::first;
    Others others = Others::refuse;
    std::optional<Path> home;
    std::optional<std::vector<Shell>> shells;
  };
  // A file that a shell reads on start. text is absent if there is none.
  struct Startup {
    std::string path;
    ShellSyntax syntax = ShellSyntax::posix;
    bool returns_early = false;  // a .bashrc
    bool ours = false;           // contains nothing but our lines
    std::optional<std::string> text;
  };
  struct Current {
    std::vector<Startup> files;
    std::vector<std::string> missing;  // folders for fish's file, outermost first
    std::string owner, group;          // of the home, for new files
  };

  static void describe(Schema<Desired>& s) {
    s.summary(
        "A folder is on PATH in new shells of a person, and for that person's commands of later resources in "
        "this run. "
        "Root gets no folder that others may write to.");
    s.named_by("path");
    s.required("path", &Desired::path, "The folder. It need not exist yet.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "Whether it should be on PATH. With absent, the lines that this type wrote are removed.");
    s.one_of("others", &Desired::others, {{"refuse", Others::refuse}, {"keep", Others::keep}},
             "With absent: whether a line of another's that still adds the folder is an error that names it, "
             "or may stay.");
    s.one_of("position", &Desired::position, {{"first", Position::first}, {"last", Position::last}},
             "Before or after what is on PATH. A line of another's that adds the folder is left as it is.");
    s.optional("home", &Desired::home, "Whose shells: the home folder. Default: the person's.");
    s.optional("shells", &Desired::shells,
               "Which shells. Default: bash always; zsh and fish where they have start-up files or are the "
               "login shell.");
    s.check(&PathEntry::check);
    s.example("Programs of one's own", R"({"type": "path_entry", "path": "~/soft"})");
    s.example(
        "After everything else, for two shells",
        R"({"type": "path_entry", "path": "/opt/tools/bin", "position": "last", "shells": ["bash", "zsh"]})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.path.path.find(':') != std::string::npos)
      c.error("path", "a folder on PATH cannot have a colon in its name");
    for (const char ch : d.path.path)
      if (static_cast<unsigned char>(ch) < 0x20)
        return c.error("path", "control characters cannot be put on PATH");
    if (d.shells && d.shells->empty())
      c.error("shells", "no shell is listed", "leave `shells` out for all of them");
  }

  static Claims claims(const Desired& d) {
    Claims claims;
    for (const char* name : {".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshenv", fish_file})
      claims.push_back(
          {.key = below(home(d), name), .access = Claim::Access::edits, .subkey = "PATH " + d.path.path});
    return claims;
  }

  static Actor actor(const Desired& d) { return {Actor::Kind::path, below(home(d), ".bashrc"), ""}; }

  // For commands of the user whose shells they are.
  static Environment environment(const Desired& d, const Current& c) {
    return d.state == State::present ? Environment{c.owner, {d.path.path}} : Environment{};
  }

  // It creates only its own lines.
  static bool made(const Desired&, const std::vector<Change>& changes) { return !changes.empty(); }
  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("path", d.path.path);
    if (d.home) v.set("home", d.home->text);
    if (d.shells) v.set("shells", Codec<std::vector<Shell>>::to_value(*d.shells));
    v.set("state", "absent");
    v.set("others", "keep");  // only what this type made is removed
    return v;
  }

  static Value outputs(const Desired& d, const Current&) {
    Value v;
    v.set("path", d.path.path);
    return v;
  }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const FileReader& files = machine.files();
    const auto status = files.status(files.resolve(home(d)).value_or(home(d)));
    Current c;
    if (!status && d.state == State::absent) return c;
    if (!status) throw Error(fmt::format("{} does not exist, so no shell in it can get a PATH", home(d)));
    c.owner = status->owner;
    c.group = status->group;
    if (c.owner == "root" && d.state == State::present)
      if (const auto why = distrust_folder(files, d.path.path))
        throw Error(fmt::format("{} is not put on root's PATH: {}", d.path.path, *why));
    for (const Shell shell : shells(d, machine, status->owner)) {
      if (shell == Shell::bash) {
        c.files.push_back(startup(below(home(d), ".bashrc"), files));
        c.files.back().returns_early = true;
        c.files.push_back(bash_login(home(d), files));
      } else if (shell == Shell::zsh) {
        c.files.push_back(startup(below(home(d), ".zshenv"), files));
      } else {
        look_at_fish(d, files, c);
      }
    }
    return c;
  }

  //  current \ desired           present                                      absent
  //  no file                     make it, with our line                       –
  //  no line adds the folder     add our line (.bashrc: above the return)     –
  //  our line                    –                                            remove it
  //  our line, other position    replace it                                   remove it
  //  another's line              –                                            error naming it; others: keep  –
  //  another's, below .bashrc's  add our line above: shells that are not      error that names it
  //    early return                interactive do not get as far
  static Diff diff(const Desired& d, const Current& c) {
    Diff diff;
    for (const Startup& file : c.files) {
      const std::string before = file.text.value_or(""), after = edited(d, file);
      if (before == after) continue;
      diff.changes.push_back({.property = shortened(file.path, home(d)),
                              .before = d.state == State::present ? Value() : Value(own_line(d, file.syntax)),
                              .after = d.state == State::present ? Value(own_line(d, file.syntax)) : Value(),
                              .text_diff = unified_diff(before, after)});
      if (after.empty() && file.ours) {
        diff.actions.push_back(RemovePath{file.path});
        continue;
      }
      if (file.ours && !file.text)
        for (const std::string& folder : c.missing)
          diff.actions.push_back(CreateDirectory{folder, 0755, c.owner, c.group});
      WriteFile write{.path = file.path, .content = after};
      if (!file.text) write.mode = 0644, write.owner = c.owner, write.group = c.group;
      diff.actions.push_back(std::move(write));
    }
    if (d.state == State::absent && d.others == Others::refuse && diff.changes.empty()) refuse_others(d, c);
    return diff;
  }

 private:
  static constexpr auto fish_file = ".config/fish/conf.d/mlops-agent-path.fish";

  static const std::string& home(const Desired& d) { return d.home ? d.home->text : d.path.person_home; }
  static std::string below(const std::string& folder, std::string_view name) {
    return folder == "/" ? fmt::format("/{}", name) : fmt::format("{}/{}", folder, name);
  }
  // "~/.bashrc" rather than "/home/ubuntu/.bashrc".
  static std::string shortened(const std::string& path, const std::string& home) {
    return path.starts_with(home + "/") ? "~" + path.substr(home.size()) : path;
  }

  static Startup startup(const std::string& path, const FileReader& files,
                         ShellSyntax syntax = ShellSyntax::posix) {
    return {.path = path, .syntax = syntax, .text = files.read(path)};
  }

  // Of its three login files bash reads the first one that exists (bash(1), INVOCATION).
  static Startup bash_login(const std::string& home, const FileReader& files) {
    for (const char* name : {".bash_profile", ".bash_login"})
      if (Startup file = startup(below(home, name), files); file.text) return file;
    return startup(below(home, ".profile"), files);
  }

  static std::vector<Shell> shells(const Desired& d, const MachineReader& machine, const std::string& owner) {
    if (d.shells) return *d.shells;
    const FileReader& files = machine.files();
    const auto account = machine.accounts().user(owner);
    const std::string login = account ? account->shell : "";
    std::vector<Shell> found{Shell::bash};
    if (login.ends_with("/zsh") || files.exists(below(home(d), ".zshrc")) ||
        files.exists(below(home(d), ".zshenv")))
      found.push_back(Shell::zsh);
    if (login.ends_with("/fish") || files.exists(below(home(d), ".config/fish"))) found.push_back(Shell::fish);
    return found;
  }

  // fish reads conf.d/*.fish, then config.fish. Ours is a file of its own; an entry in any other counts as
  // well.
  static void look_at_fish(const Desired& d, const FileReader& files, Current& c) {
    const std::string folder = below(home(d), ".config/fish/conf.d"), own = below(home(d), fish_file);
    std::vector<std::string> others{below(home(d), ".config/fish/config.fish")};
    for (const std::string& name : files.list(folder).value_or(std::vector<std::string>{}))
      if (name.ends_with(".fish") && below(folder, name) != own) others.push_back(below(folder, name));
    for (const std::string& path : others) {
      Startup file = startup(path, files, ShellSyntax::fish);
      if (!file.text || !adds(d, file)) continue;
      c.files.push_back(std::move(file));
      if (d.state == State::present) return;
    }
    c.files.push_back(startup(own, files, ShellSyntax::fish));
    c.files.back().ours = true;
    for (const char* name : {".config", ".config/fish", ".config/fish/conf.d"})
      if (!files.exists(below(home(d), name))) c.missing.push_back(below(home(d), name));
  }

  // The folder inside double quotes: "$HOME/soft" below the home, else absolute.
  static std::string quoted(const Desired& d, ShellSyntax syntax) {
    std::string_view rest = d.path.path;
    std::string text = "\"";
    if (rest == home(d) || rest.starts_with(home(d) + "/")) {
      text += "$HOME";
      rest.remove_prefix(home(d).size());
    }
    for (const char c : rest) {
      if (c == '"' || c == '\\' || c == '$' || (c == '`' && syntax == ShellSyntax::posix)) text += '\\';
      text += c;
    }
    return text + '"';
  }

  // The line that adds the folder to PATH unless it is already there.
  static std::string line(const Desired& d, ShellSyntax syntax, Position position) {
    const std::string folder = quoted(d, syntax), bare = folder.substr(1, folder.size() - 2);
    const bool first = position == Position::first;
    if (syntax == ShellSyntax::fish)
      return fmt::format("contains -- {0} $PATH; or set -gx PATH {1}", folder,
                         first ? folder + " $PATH" : "$PATH " + folder);
    return fmt::format(R"(case ":${{PATH}}:" in *:{}:*) ;; *) export PATH="{}" ;; esac)", folder,
                       first ? bare + ":$PATH" : "$PATH:" + bare);
  }
  static std::string own_line(const Desired& d, ShellSyntax syntax) { return line(d, syntax, d.position); }

  static bool is_own(const Desired& d, ShellSyntax syntax, std::string_view text) {
    return text == line(d, syntax, Position::first) || text == line(d, syntax, Position::last);
  }

  // The line before which the entry must be inserted, so that every shell that reads the file sees it.
  static std::size_t reach(const Startup& file, const std::vector<std::string_view>& lines) {
    return file.returns_early ? early_return(lines) : lines.size();
  }

  static bool adds(const Desired& d, const Startup& file) {
    const auto lines = lines_of(*file.text);
    return std::any_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(reach(file, lines)),
                       [&](auto l) { return adds_to_path(file.syntax, l, d.path.path, home(d)); });
  }

  // The file's desired text.
  static std::string edited(const Desired& d, const Startup& file) {
    const std::string text = file.text.value_or(""), own = own_line(d, file.syntax);
    auto lines = lines_of(text);
    const std::size_t stop = reach(file, lines);
    const bool present = d.state == State::present;
    bool there = false;  // a line that stays adds the folder
    std::vector<std::string_view> kept;
    std::size_t place = 0;  // of a new line, in kept
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (i == stop) place = kept.size();
      const bool ours = is_own(d, file.syntax, lines[i]);
      if (ours && (!present || there || lines[i] != own || i >= stop)) continue;
      kept.push_back(lines[i]);
      if (i < stop && (ours || adds_to_path(file.syntax, lines[i], d.path.path, home(d)))) there = true;
    }
    if (stop == lines.size()) place = kept.size();
    if (kept.size() == lines.size() && (there || !present)) return text;
    if (present && !there) {
      if (place < kept.size())  // the comment above the return belongs to it
        while (place > 0 && kept[place - 1].starts_with('#') && !kept[place - 1].starts_with("#!")) --place;
      kept.insert(kept.begin() + static_cast<std::ptrdiff_t>(place), own);
    }
    std::string result;
    for (const std::string_view l : kept) result.append(l) += '\n';
    return result;
  }

  static void refuse_others(const Desired& d, const Current& c) {
    for (const Startup& file : c.files) {
      if (!file.text) continue;
      const auto lines = lines_of(*file.text);
      for (std::size_t i = 0; i < lines.size(); ++i)
        if (adds_to_path(file.syntax, lines[i], d.path.path, home(d)))
          throw Error(fmt::format("{}:{} still puts {} on PATH, and is not ours to remove: {}", file.path,
                                  i + 1, d.path.path, trimmed(lines[i])));
    }
  }
};

}  // namespace

MLOPS_MODULE(PathEntry);

}  // namespace mlops::modules
