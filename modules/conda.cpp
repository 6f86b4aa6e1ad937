// conda: an installation of Conda, through its installer.
#include <fmt/format.h>

#include <algorithm>

#include "base/text_diff.hpp"
#include "resource/module.hpp"
#include "resource/parent_folder.hpp"
#include "resource/verified_url.hpp"

namespace mlops::modules {
namespace {

constexpr std::string_view block_begin = "# >>> conda initialize >>>\n";
constexpr std::string_view block_end = "# <<< conda initialize <<<\n";

// The block that `conda init` writes for bash and zsh (conda/core/initialize.py, _bashrc_content).
std::string posix_block(const std::string& prefix, const std::string& shell) {
  return fmt::format(R"block(# >>> conda initialize >>>
# !! Contents within this block are managed by 'conda init' !!
__conda_setup="$('{0}/bin/conda' 'shell.{1}' 'hook' 2> /dev/null)"
if [ $? -eq 0 ]; then
    eval "$__conda_setup"
else
    if [ -f "{0}/etc/profile.d/conda.sh" ]; then
        . "{0}/etc/profile.d/conda.sh"
    else
        export PATH="{0}/bin:$PATH"
    fi
fi
unset __conda_setup
# <<< conda initialize <<<
)block",
                     prefix, shell);
}

// The same for fish (_config_fish_content).
std::string fish_block(const std::string& prefix) {
  return fmt::format(R"block(# >>> conda initialize >>>
# !! Contents within this block are managed by 'conda init' !!
if test -f {0}/bin/conda
    eval {0}/bin/conda "shell.fish" "hook" $argv | source
else
    if test -f "{0}/etc/fish/conf.d/conda.fish"
        . "{0}/etc/fish/conf.d/conda.fish"
    else
        set -x PATH "{0}/bin" $PATH
    end
end
# <<< conda initialize <<<
)block",
                     prefix);
}

// The text with the block in place of an older one, or at the end, where `conda init` puts it.
std::string with_block(const std::string& text, const std::string& block) {
  std::size_t from = text.find(block_begin);
  while (from != std::string::npos && from > 0 && text[from - 1] != '\n')
    from = text.find(block_begin, from + 1);
  const std::size_t to =
      from == std::string::npos ? from : text.find(block_end.substr(0, block_end.size() - 1), from);
  if (to == std::string::npos) return text + "\n" + block + "\n";
  const std::size_t after = std::min(to + block_end.size(), text.size());
  return text.substr(0, from) + block + text.substr(after);
}

struct Conda {
  static constexpr auto type = "conda";
  static constexpr bool opaque = true;

  struct Desired {
    PersonalPath prefix;
    std::string url;
    std::optional<std::string> sha256, sha256_url;
    Texts init;
    std::optional<Path> home;
    Duration timeout;
  };
  // A file that a shell reads on start.
  struct Startup {
    std::string path, block;
    std::optional<std::string> text;   // absent: no such file
    std::vector<std::string> missing;  // missing parent folders, outermost first
  };
  struct Current {
    enum class What { nothing, empty, complete, incomplete, begun };
    What what = What::nothing;
    bool there = false;           // the prefix exists
    bool installer = false;       // left by an interrupted run
    bool installer_good = false;  // and it has the expected digest
    std::string wrong;            // incomplete: what is missing or in the way
    std::string missing;          // the missing parent folder, if it is absent
    std::vector<Startup> startups;
    std::string owner, group;  // of the home, for new start-up files
  };

  static void describe(Schema<Desired>& s) {
    s.summary("Conda, from an Anaconda, Miniconda or Miniforge installer, ready for a person's shells.");
    s.named_by("prefix");
    s.required("prefix", &Desired::prefix,
               "The folder that it is installed to; the folder above must be there.");
    s.required("url", &Desired::url, "The installer for Linux: a URL that ends with .sh.");
    s.optional("sha256", &Desired::sha256, "The installer's SHA-256, 64 hex digits. \"\" is as none.");
    s.optional("sha256_url", &Desired::sha256_url, "A published checksum file that lists the installer.");
    s.optional("init", &Desired::init,
               "Shells that get what `conda init` writes into their start-up file: bash, zsh, fish.");
    s.optional("home", &Desired::home, "Whose shells: the home folder. Default: the person's.");
    s.optional("timeout", &Desired::timeout,
               "After this time the installer's transfer is ended, with all tries, and the resource failed; "
               "0s: never. "
               "One that moves no byte for 60 s is ended in any case, and tried again.");
    s.check(&Conda::check);
    s.example("Miniforge for bash",
              R"({"type": "conda", "prefix": "~/miniforge3", "init": "bash",
 "url": "https://github.com/conda-forge/miniforge/releases/download/24.3.0-0/Miniforge3-24.3.0-0-Linux-x86_64.sh",
 "sha256_url":
   "https://github.com/conda-forge/miniforge/releases/download/24.3.0-0/Miniforge3-24.3.0-0-Linux-x86_64.sh.sha256"})");
    s.example("Anaconda for everyone, in nobody's start-up files",
              R"({"type": "conda", "prefix": "/opt/anaconda3",
 "url": "https://repo.anaconda.com/archive/Anaconda3-2023.03-1-Linux-x86_64.sh"})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.prefix.path == "/") c.error("prefix", "conda cannot be installed to the root folder");
    if (d.prefix.path.find_first_of(" \t\n'\"$`\\:") != std::string::npos)
      c.error("prefix", "conda's installers take no spaces, quotes, colons, `$` or `\\` in the prefix");
    check_verified_url(d.url, d.sha256, d.sha256_url, c);
    for (const std::string& shell : d.init.list)
      if (shell != "bash" && shell != "zsh" && shell != "fish")
        c.error("init", fmt::format("`{}` is no shell that can be prepared", shell), "use bash, zsh or fish");
  }

  static Claims claims(const Desired& d) {
    Claims claims{{.key = d.prefix.path, .tree = true}};
    for (const std::string& shell : d.init.list)
      claims.push_back(
          {.key = startup_path(d, shell), .access = Claim::Access::edits, .subkey = "conda initialize"});
    return claims;
  }

  static bool bounded(const Desired&) { return true; }
  static Actor actor(const Desired& d) { return {Actor::Kind::tree, d.prefix.path, ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const FileReader& files = machine.files();
    Current c;
    look_at_prefix(d, files, c);
    c.installer = files.exists(beside(d, "installer.sh"));
    if (c.installer && c.what != Current::What::complete) c.installer_good = is_good(d, machine);
    for (const std::string& shell : d.init.list) c.startups.push_back(startup(d, shell, files));
    if (d.init.list.empty()) return c;
    const auto status = files.status(files.resolve(home(d)).value_or(home(d)));
    if (!status) throw Error(fmt::format("{} does not exist, so no shell of it can be prepared", home(d)));
    c.owner = status->owner;
    c.group = status->group;
    return c;
  }

  //  current                                   action
  //  nothing                                   fetch the installer, mark, run it, unmark, remove the installer
  //                                            (no parent folder: error)
  //  an empty folder                           remove it, then as nothing
  //  our marker (an interrupted install)       remove the prefix, then as nothing
  //  complete                                  –; an installer left by an interrupted run is removed
  //  anything else                             error that names what is missing
  //  and for each shell the block is put into its start-up file, if it is absent or differs
  static Diff diff(const Desired& d, const Current& c) {
    if (c.what == Current::What::incomplete)
      throw Error(fmt::format("{} is no complete conda, and we did not begin it: {}; move it away or remove it",
                              d.prefix.path, c.wrong));
    Diff diff;
    if (c.what != Current::What::complete) {
      install(d, c, diff);
    } else if (c.installer) {
      diff.changes.push_back({.property = "leftover", .before = beside(d, "installer.sh")});
      diff.actions.push_back(RemovePath{beside(d, "installer.sh")});
    }
    for (const Startup& s : c.startups) prepare(d, s, c, diff);
    return diff;
  }

  static Value removal(const Desired& d) {
    Value v;
    v.set("type", "directory");
    v.set("path", d.prefix.path);
    v.set("state", "absent");
    v.set("recursive", true);
    return v;
  }

  static Value outputs(const Desired& d, const Current&) {
    Value v;
    v.set("prefix", d.prefix.path);
    v.set("bin", d.prefix.path + "/bin");
    v.set("python", d.prefix.path + "/bin/python");
    return v;
  }

 private:
  static const std::string& home(const Desired& d) { return d.home ? d.home->text : d.prefix.person_home; }
  static std::string below(const std::string& folder, std::string_view name) {
    return folder == "/" ? fmt::format("/{}", name) : fmt::format("{}/{}", folder, name);
  }
  static std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }
  // "~/.NAME.mlops-agent-installing": our files are beside the prefix, which the installer wants to create
  // itself.
  static std::string beside(const Desired& d, std::string_view what) {
    const std::string name = d.prefix.path.substr(d.prefix.path.rfind('/') + 1);
    return below(folder_of(d.prefix.path), fmt::format(".{}.mlops-agent-{}", name, what));
  }

  static void look_at_prefix(const Desired& d, const FileReader& files, Current& c) {
    using What = Current::What;
    const std::string& prefix = d.prefix.path;
    const auto at = files.status(prefix);
    c.there = at.has_value();
    if (files.exists(beside(d, "installing"))) {
      c.what = What::begun;
      return;
    }
    if (!at) {
      if (!files.exists(folder_of(prefix))) c.missing = folder_of(prefix);
      return;
    }
    const auto names = files.list(files.resolve(prefix).value_or(prefix));
    if (!names) {
      c.what = What::incomplete;
      c.wrong = fmt::format("it is {}", to_text(at->type));
      return;
    }
    c.what = names->empty() && at->type == FileType::directory ? What::empty : What::complete;
    for (const char* part : {"conda-meta/history", "bin/conda"})
      if (c.what != What::empty && !files.exists(below(prefix, part))) {
        c.what = What::incomplete;
        c.wrong += fmt::format("{}it has no {}", c.wrong.empty() ? "" : ", ", part);
      }
  }

  // Whether the installer that an interrupted run left is the right one; without a digest that is not known.
  static bool is_good(const Desired& d, const MachineReader& machine) {
    const std::string path = beside(d, "installer.sh");
    if (is_given(d.sha256_url)) return machine.downloads().proved(path, d.url, *d.sha256_url).has_value();
    if (!is_given(d.sha256)) return false;
    std::string wanted = *d.sha256;
    for (char& ch : wanted)
      if (ch >= 'A' && ch <= 'F') ch = static_cast<char>(ch - 'A' + 'a');
    return machine.files().sha256(path) == wanted;
  }

  static std::string startup_path(const Desired& d, const std::string& shell) {
    return below(home(d), shell == "fish" ? ".config/fish/config.fish" : shell == "zsh" ? ".zshrc" : ".bashrc");
  }

  static Startup startup(const Desired& d, const std::string& shell, const FileReader& files) {
    Startup s;
    s.path = startup_path(d, shell);
    s.block = shell == "fish" ? fish_block(d.prefix.path) : posix_block(d.prefix.path, shell);
    s.text = files.read(s.path);
    if (s.text) return s;
    for (std::string f = folder_of(s.path); f != home(d) && f != "/" && !files.exists(f); f = folder_of(f))
      s.missing.insert(s.missing.begin(), f);
    return s;
  }

  static void install(const Desired& d, const Current& c, Diff& diff) {
    const std::string& prefix = d.prefix.path;
    const std::string installer = beside(d, "installer.sh"), marker = beside(d, "installing");
    if (!c.missing.empty()) throw no_parent(c.missing, prefix);
    diff.changes.push_back(c.what == Current::What::begun
                               ? Change{.property = "install", .before = "interrupted", .after = "complete"}
                               : Change::create());
    diff.changes.push_back({.property = "installer", .after = d.url});
    if (c.there) diff.actions.push_back(RemovePath{prefix, c.what == Current::What::begun});
    if (!c.installer_good)
      diff.actions.push_back(Download{.url = d.url,
                                      .path = installer,
                                      .sha256 = d.sha256.value_or(""),
                                      .sha256_url = d.sha256_url.value_or(""),
                                      .mode = 0600,
                                      .timeout_ms = d.timeout.ms});
    if (c.what != Current::What::begun)
      diff.actions.push_back(WriteFile{.path = marker, .content = d.url + "\n", .mode = 0644});
    diff.actions.push_back(RunCommand{.command = {.argv = {"bash", installer, "-b", "-p", prefix}},
                                      .creates = {prefix},
                                      .bounded = true,
                                      .remove_on_failure = prefix,
                                      .doing = fmt::format("installing conda to {}", prefix)});
    diff.actions.push_back(RemovePath{marker});
    diff.actions.push_back(RemovePath{installer});
  }

  static void prepare(const Desired& d, const Startup& s, const Current& c, Diff& diff) {
    const std::string before = s.text.value_or(""), after = with_block(before, s.block);
    if (before == after) return;
    const std::string shown = s.path.starts_with(home(d) + "/") ? "~" + s.path.substr(home(d).size()) : s.path;
    diff.changes.push_back(
        {.property = shown, .after = "conda initialize", .text_diff = unified_diff(before, after)});
    for (const std::string& folder : s.missing)
      diff.actions.push_back(CreateDirectory{folder, 0755, c.owner, c.group});
    WriteFile write{.path = s.path, .content = after};
    if (!s.text) write.mode = 0644, write.owner = c.owner, write.group = c.group;
    diff.actions.push_back(std::move(write));
  }
};

}  // namespace

MLOPS_MODULE(Conda);

}  // namespace mlops::modules
