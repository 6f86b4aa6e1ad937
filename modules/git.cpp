// git: a clone of a repository.
#include <fmt/format.h>

#include <algorithm>

#include "base/command_line.hpp"
#include "base/network_patience.hpp"
#include "domains/files/git_folder.hpp"
#include "resource/module.hpp"
#include "resource/parent_folder.hpp"

namespace mlops::modules {
namespace {

struct Git {
  static constexpr auto type = "git";

  struct Desired {
    std::string repo;
    Path to;
    std::optional<std::string> ref;
    std::optional<std::uint32_t> depth;
    bool update = false;
    std::string remote = "origin";
    Duration timeout;
  };
  struct Current {
    enum class What { nothing, empty, repository, other };
    enum class Kind { none, branch, tag, commit };  // of the ref, if it is not checked out
    What what = What::nothing;
    std::string missing;      // the missing parent folder, if it is absent
    std::string description;  // of something that is not a repository
    bool leftover = false;    // of a killed clone
    bool shallow = false;     // it was cloned with `depth`
    std::string mirror;       // read from instead of the repository; "": none
    std::optional<std::string> remote_url;
    std::string branch, head;  // branch: "" for a detached HEAD; head: "" before the first commit
    Kind switch_to = Kind::none;
    bool fetch = false;         // the desired ref is not there yet
    bool local_branch = false;  // the desired branch exists here
    std::string upstream;       // the remote's commit of the branch, if it is to be followed and differs
    std::vector<std::string> local_changes;  // read only if they are in the way
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A clone of a git repository.");
    s.named_by("to");
    s.required("repo", &Desired::repo, "Where it comes from: https, ssh, user@host:path, or a local path.");
    s.required("to", &Desired::to, "The folder of the work tree. The folder above must be there.");
    s.optional(
        "ref", &Desired::ref,
        "A branch, a tag or a commit (7 to 40 hex digits) to check out. Default: the remote's own branch when "
        "it is cloned, and later whatever is checked out.");
    s.optional(
        "depth", &Desired::depth,
        "Only so many commits of history: when it is cloned, and when a clone that was made so is updated.");
    s.optional(
        "update", &Desired::update,
        "Follow the remote's branch by fast-forwards. Local changes are never overwritten: they are an error.");
    s.optional("remote", &Desired::remote, "The remote's name.");
    s.optional("timeout", &Desired::timeout,
               "After this time a command of git that talks to the remote is ended, and the resource failed; "
               "0s: never. "
               "One that moves no byte for 60 s is ended in any case.");
    s.check(&Git::check);
    s.example(
        "A course's repository",
        R"({"type": "git", "repo": "https://github.com/DataTalksClub/mlops-zoomcamp.git", "to": "~/course"})");
    s.example(
        "The newest commit of a branch, without its history",
        R"({"type": "git", "repo": "git@github.com:example/tools.git", "to": "/srv/tools", "ref": "stable",
 "depth": 1, "update": true})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.repo.empty() || d.repo.starts_with('-'))
      c.error("repo", fmt::format("`{}` is no repository", d.repo));
    else if (d.repo.find(':') == std::string::npos && !d.repo.starts_with('/'))
      c.error("repo", "a local path must be absolute", "write it from / on");
    if (d.to.text == "/") c.error("to", "a repository cannot be cloned to the root folder");
    if (d.ref && !is_ref_name(*d.ref)) c.error("ref", fmt::format("`{}` is no branch, tag or commit", *d.ref));
    if (!is_ref_name(d.remote)) c.error("remote", fmt::format("`{}` is no name of a remote", d.remote));
    if (d.depth && *d.depth == 0)
      c.error("depth", "at least one commit must be cloned", "leave `depth` out for all");
    if (!d.ref || !is_commit(*d.ref)) return;
    if (d.update) c.error("update", "a commit never changes, so there is nothing to update", "name a branch");
    if (d.depth && !is_object_id(*d.ref)) c.error("ref", "with `depth` a commit needs all of its digits");
  }

  static Claims claims(const Desired& d) { return {{.key = d.to.text, .tree = true}}; }
  static Actor actor(const Desired& d) { return {Actor::Kind::tree, d.to.text, ""}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const FileReader& files = machine.files();
    Current c;
    c.leftover = files.exists(clone_folder(d));
    look_at_folder(d, machine, c);
    if (c.what != Current::What::repository) {
      if (c.what != Current::What::other) c.mirror = machine.downloads().mirrored(d.repo).value_or("");
      if (c.what != Current::What::other) require_repository(d, files);
      return c;
    }
    if (c.switch_to == Current::Kind::none && !d.update) return c;
    require_repository(d, files);
    c.mirror = machine.downloads().mirrored(d.repo).value_or("");
    if (c.switch_to != Current::Kind::none) find_ref(d, machine, c);
    if (d.update) find_upstream(d, machine, c);
    if (c.switch_to != Current::Kind::none || !c.upstream.empty()) find_local_changes(d, machine, c);
    return c;
  }

  //  current                            action
  //  nothing, or an empty folder        clone beside it, then rename (no folder above: error)
  //  a repository, other remote         set the remote's URL
  //  a repository, other ref            fetch what is missing, switch (local changes: error that lists them)
  //  a repository, behind, update       fetch, fast-forward (local changes: error that lists them); a shallow
  //                                     one is then truncated to the depth again
  //  a repository, ahead or equal       –
  //  anything else                      error
  //  and the leftover of a killed clone beside it is removed
  static Diff diff(const Desired& d, const Current& c) {
    using What = Current::What;
    if (c.what == What::other)
      throw Error(fmt::format("{} is {}; it is not replaced", d.to.text, c.description));
    Diff diff;
    if (c.leftover) diff.actions.push_back(RemovePath{clone_folder(d), true});
    if (c.what != What::repository) {
      clone(d, c, diff);
      return diff;
    }
    if (c.leftover) diff.changes.push_back({.property = "leftover", .before = clone_folder(d)});
    if (c.remote_url != d.repo) set_remote(d, c, diff);
    const bool moves = c.switch_to != Current::Kind::none || !c.upstream.empty();
    if (moves && !c.local_changes.empty())
      throw Error(fmt::format("{} has local changes, which would be lost: {}", d.to.text,
                              fmt::join(c.local_changes, ", ")));
    if (c.switch_to != Current::Kind::none) switch_ref(d, c, diff);
    if (!c.upstream.empty()) fast_forward(d, c, diff);
    return diff;
  }

  // Lock files that a killed git leaves, which the next one takes for another git at work
  // (gitrepository-layout(5)).
  static std::vector<Action> recover(const Desired& d, const MachineReader& machine, const Interruption&) {
    std::vector<Action> actions;
    for (const char* lock : {"index.lock", "HEAD.lock", "config.lock", "shallow.lock", "packed-refs.lock"}) {
      const std::string path = fmt::format("{}/.git/{}", d.to.text, lock);
      if (machine.files().exists(path)) actions.push_back(RemovePath{path});
    }
    return actions;
  }

  static Value removal(const Desired& d) {
    Value v;
    v.set("type", "directory");
    v.set("path", d.to.text);
    v.set("state", "absent");
    v.set("recursive", true);
    return v;
  }

  static Value outputs(const Desired& d, const Current& c) {
    Value v;
    v.set("path", d.to.text);
    v.set("head", c.head.empty() ? Value() : Value(c.head));
    return v;
  }

 private:
  static bool is_hex(const std::string& text) {
    return text.find_first_not_of("0123456789abcdef") == std::string::npos;
  }
  static bool is_commit(const std::string& ref) { return ref.size() >= 7 && ref.size() <= 64 && is_hex(ref); }
  // Similar to git-check-ref-format(1): refuses what could be taken for an option or an expression.
  static bool is_ref_name(const std::string& name) {
    return !name.empty() && !name.starts_with('-') && !name.starts_with('/') && !name.ends_with('/') &&
           name.find("..") == std::string::npos && name.find("@{") == std::string::npos &&
           name.find_first_of(" \t\n~^:?*[\\") == std::string::npos;
  }
  static std::string shortened(const std::string& commit) { return commit.substr(0, 12); }

  // "~/.NAME.mlops-agent-clone"
  static std::string clone_folder(const Desired& d) {
    const auto slash = d.to.text.rfind('/');
    return fmt::format("{}/.{}.mlops-agent-clone", d.to.text.substr(0, slash), d.to.text.substr(slash + 1));
  }

  // The path of a local repository; absent for one on a host.
  static std::optional<std::string> local_path(const std::string& repo) {
    constexpr std::string_view scheme = "file://";
    if (repo.starts_with('/')) return repo;
    return repo.starts_with(scheme) ? std::optional(repo.substr(scheme.size())) : std::nullopt;
  }

  // ---- inspecting ----

  static void require_repository(const Desired& d, const FileReader& files) {
    const auto path = local_path(d.repo);
    if (path && path->starts_with('/') && !files.resolve(*path))
      throw Error(fmt::format("there is no repository at {}", *path));
  }

  static void look_at_folder(const Desired& d, const MachineReader& machine, Current& c) {
    using What = Current::What;
    const FileReader& files = machine.files();
    const auto at = files.status(d.to.text);
    if (!at) {
      const auto slash = d.to.text.rfind('/');
      const std::string above = slash == 0 ? "/" : d.to.text.substr(0, slash);
      if (!files.exists(above)) c.missing = above;
      return;
    }
    const std::string real = files.resolve(d.to.text).value_or(d.to.text);
    if (const auto git = GitFolder::open(files, real)) {
      c.what = What::repository;
      look_at_repository(d, *git, machine, c);
      return;
    }
    const auto names = files.list(real);
    c.what = names && names->empty() && at->type == FileType::directory ? What::empty : What::other;
    c.description = names ? "a folder that is no git repository" : to_text(at->type);
  }

  static void look_at_repository(const Desired& d, const GitFolder& git, const MachineReader& machine,
                                 Current& c) {
    if (git.readable()) {
      c.remote_url = git.config("remote." + d.remote + ".url");
      c.branch = git.branch();
      c.head = git.head();
    } else {
      ask_git(d, machine, c);
    }
    c.shallow = d.depth && machine.files().exists(d.to.text + "/.git/shallow");
    if (!d.ref || c.branch == *d.ref) return;
    if (c.branch.empty() && is_commit(*d.ref) && c.head.starts_with(*d.ref)) return;
    c.switch_to = is_commit(*d.ref) ? Current::Kind::commit : Current::Kind::tag;
    if (!c.branch.empty() || is_commit(*d.ref)) return;
    // For a detached HEAD: is it the tag's commit?
    auto commit = git.readable() ? git.tag_commit(*d.ref) : std::nullopt;
    if (!commit && (!git.readable() || git.ref("refs/tags/" + *d.ref)))
      commit = answer(d, machine, {"rev-parse", "--verify", "--quiet", "refs/tags/" + *d.ref + "^{commit}"});
    if (commit == c.head) c.switch_to = Current::Kind::none;
  }

  static void ask_git(const Desired& d, const MachineReader& machine, Current& c) {
    c.remote_url = answer(d, machine, {"config", "--get", "remote." + d.remote + ".url"});
    c.branch = answer(d, machine, {"symbolic-ref", "--quiet", "--short", "HEAD"}).value_or("");
    c.head = answer(d, machine, {"rev-parse", "--verify", "--quiet", "HEAD"}).value_or("");
  }

  // The type of the ref, and whether it exists here.
  static void find_ref(const Desired& d, const MachineReader& machine, Current& c) {
    using Kind = Current::Kind;
    const auto has = [&](const std::string& name) {
      return answer(d, machine, {"rev-parse", "--verify", "--quiet", name}).has_value();
    };
    if (c.switch_to == Kind::commit) {
      c.fetch = !has(*d.ref + "^{commit}");
      return;
    }
    c.local_branch = has("refs/heads/" + *d.ref);
    c.switch_to = Kind::branch;
    if (c.local_branch || has("refs/remotes/" + d.remote + "/" + *d.ref)) return;
    c.switch_to = Kind::tag;
    if (has("refs/tags/" + *d.ref)) return;
    c.fetch = true;
    const std::string branch = "refs/heads/" + *d.ref, tag = "refs/tags/" + *d.ref;
    const std::string listed = ask_remote(d, machine, c, {branch, tag});
    if (listed.find("\t" + branch + "\n") != std::string::npos)
      c.switch_to = Kind::branch;
    else if (listed.find("\t" + tag + "\n") == std::string::npos)
      throw Error(fmt::format("{} has no branch or tag `{}`", d.repo, *d.ref));
  }

  static void find_upstream(const Desired& d, const MachineReader& machine, Current& c) {
    const std::string branch = c.switch_to == Current::Kind::none     ? c.branch
                               : c.switch_to == Current::Kind::branch ? *d.ref
                                                                      : "";
    if (branch.empty()) return;
    const std::string listed = ask_remote(d, machine, c, {"refs/heads/" + branch});
    const std::string there = listed.substr(0, listed.find('\t'));
    if (!is_object_id(there)) throw Error(fmt::format("{} has no branch `{}`", d.repo, branch));
    const std::string here = c.switch_to == Current::Kind::none ? "HEAD" : "refs/heads/" + branch;
    if (c.switch_to == Current::Kind::none && there == c.head) return;
    // it is created from the remote's branch
    if (c.switch_to != Current::Kind::none && !c.local_branch) return;
    const bool ahead = run(d, machine, {"merge-base", "--is-ancestor", there, here}).status == 0;
    if (!ahead) c.upstream = there;
  }

  static void find_local_changes(const Desired& d, const MachineReader& machine, Current& c) {
    const CommandResult result = run(d, machine, {"status", "--porcelain", "--untracked-files=no"});
    if (result.status != 0)
      throw Error(
          fmt::format("git cannot tell whether {} has local changes: {}", d.to.text, last_line(result.errors)));
    std::string_view rest = result.output;
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size());
      if (end > 3) c.local_changes.emplace_back(rest.substr(3, end - 3));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  // ---- git ----

  // Git must not ask on a terminal: nobody is there.
  static std::map<std::string, std::string> environment_of_git() {
    return {{"GIT_TERMINAL_PROMPT", "0"}, {"GIT_SSH_COMMAND", "ssh -o BatchMode=yes"}};
  }

  static Command in_tree(const std::string& tree, std::vector<std::string> options,
                         std::vector<std::string> args) {
    std::vector<std::string> argv{"git", "-C", tree};
    argv.insert(argv.end(), options.begin(), options.end());
    argv.insert(argv.end(), args.begin(), args.end());
    return {.argv = std::move(argv), .env = environment_of_git()};
  }

  // git's own options with which it reads from the mirror while the origin stays unchanged. From a plain path
  // it would fetch everything, whatever the depth.
  static std::vector<std::string> mirror_options(const Desired& d, const Current& c) {
    std::string place = c.mirror;
    if (place.empty() && d.depth && d.repo.starts_with('/')) place = d.repo;
    if (place.empty()) return {};
    return {"-c", fmt::format("url.{}{}.insteadOf={}", place.starts_with('/') ? "file://" : "", place, d.repo)};
  }

  static Command with_patience(const Desired& d, Command command) {
    command.timeout_ms = d.timeout.ms;
    command.stall_ms = stall_ms;
    return command;
  }

  // The mirror's folder may belong to another user; the person has trusted it by naming it.
  static std::vector<std::string> upload_pack_options(const Current& c) {
    if (!c.mirror.starts_with('/')) return {};
    std::string quoted;
    for (const char ch : c.mirror) quoted += ch == '\'' ? "'\\''" : std::string(1, ch);
    return {"--upload-pack", fmt::format("git -c 'safe.directory={}' upload-pack", quoted)};
  }

  static CommandResult run(const Desired& d, const MachineReader& machine, std::vector<std::string> args) {
    return machine.commands().run(in_tree(d.to.text, {}, std::move(args)));
  }

  // The first line of git's output; absent if it fails.
  static std::optional<std::string> answer(const Desired& d, const MachineReader& machine,
                                           std::vector<std::string> args) {
    const CommandResult result = run(d, machine, std::move(args));
    if (result.status != 0) return {};
    return result.output.substr(0, result.output.find('\n'));
  }

  static std::string ask_remote(const Desired& d, const MachineReader& machine, const Current& c,
                                const std::vector<std::string>& names) {
    std::vector<std::string> args{"ls-remote"};
    const auto options = upload_pack_options(c);
    args.insert(args.end(), options.begin(), options.end());
    args.push_back(d.repo);
    args.insert(args.end(), names.begin(), names.end());
    const CommandResult result =
        machine.commands().run(with_patience(d, in_tree(d.to.text, mirror_options(d, c), args)));
    if (result.stalled || result.timed_out)
      throw Error(fmt::format("{} cannot be asked for its branches: it gave no answer within {}", d.repo,
                              duration_text(result.stalled ? stall_ms : d.timeout.ms)));
    if (result.status != 0)
      throw Error(fmt::format("{} cannot be asked for its branches: {}", d.repo, last_line(result.errors)));
    return result.output;
  }

  static std::string last_line(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  }

  // ---- acting ----

  // It changes only its tree; a plan does not know the tree's content afterwards.
  static RunCommand act(const Desired& d, Command command, std::string doing) {
    return {.command = std::move(command), .creates = {d.to.text}, .bounded = true, .doing = std::move(doing)};
  }

  static void clone(const Desired& d, const Current& c, Diff& diff) {
    if (!c.missing.empty()) throw no_parent(c.missing, d.to.text);
    diff.changes.push_back(Change::create());
    diff.changes.push_back({.property = "remote", .after = d.repo});
    if (d.ref) diff.changes.push_back({.property = "ref", .after = *d.ref});
    const std::string folder = clone_folder(d), doing = "cloning " + d.repo;
    const auto add = [&](std::vector<std::string> argv) {
      Command command{.argv = std::move(argv), .env = environment_of_git()};
      diff.actions.push_back(RunCommand{.command = with_patience(d, std::move(command)),
                                        .creates = {folder},
                                        .bounded = true,
                                        .remove_on_failure = folder,
                                        .doing = doing});
    };
    const bool commit = d.ref && is_commit(*d.ref);
    const auto mirror = mirror_options(d, c), upload_pack = upload_pack_options(c);
    std::vector<std::string> argv{"git"};
    argv.insert(argv.end(), mirror.begin(), mirror.end());
    argv.insert(argv.end(), {"clone", "--origin", d.remote});
    argv.insert(argv.end(), upload_pack.begin(), upload_pack.end());
    if (d.depth) argv.insert(argv.end(), {"--depth", std::to_string(*d.depth)});
    if (commit)
      argv.push_back("--no-checkout");
    else if (d.ref)
      argv.insert(argv.end(), {"--branch", *d.ref});
    argv.insert(argv.end(), {"--", d.repo, folder});
    add(std::move(argv));
    if (commit && d.depth) {
      std::vector<std::string> fetch{"fetch", "--depth", std::to_string(*d.depth)};
      fetch.insert(fetch.end(), upload_pack.begin(), upload_pack.end());
      fetch.insert(fetch.end(), {d.remote, *d.ref});
      add(in_tree(folder, mirror, fetch).argv);
    }
    if (commit) add(in_tree(folder, {}, {"switch", "--detach", *d.ref}).argv);
    diff.actions.push_back(RenamePath{folder, d.to.text});
  }

  static void set_remote(const Desired& d, const Current& c, Diff& diff) {
    diff.changes.push_back(
        {.property = "remote", .before = c.remote_url ? Value(*c.remote_url) : Value(), .after = d.repo});
    const char* const verb = c.remote_url ? "set-url" : "add";
    diff.actions.push_back(act(d, in_tree(d.to.text, {}, {"remote", verb, d.remote, d.repo}),
                               "setting the remote of " + d.to.text));
  }

  enum class Depth { all_since, cut };  // everything since the current commit, or no more than the depth
  static void fetch(const Desired& d, const Current& c, const std::vector<std::string>& what, Diff& diff,
                    Depth depth = Depth::cut) {
    std::vector<std::string> args{"fetch"};
    if (depth == Depth::cut && c.shallow) args.insert(args.end(), {"--depth", std::to_string(*d.depth)});
    const auto options = upload_pack_options(c);
    args.insert(args.end(), options.begin(), options.end());
    args.push_back(d.remote);
    args.insert(args.end(), what.begin(), what.end());
    Command command = with_patience(d, in_tree(d.to.text, mirror_options(d, c), args));
    diff.actions.push_back(act(d, std::move(command), "fetching " + d.repo));
  }

  static std::string tracking(const Desired& d, const std::string& branch) {
    return "refs/remotes/" + d.remote + "/" + branch;
  }

  static void switch_ref(const Desired& d, const Current& c, Diff& diff) {
    using Kind = Current::Kind;
    const std::string& ref = *d.ref;
    diff.changes.push_back(
        {.property = "ref", .before = c.branch.empty() ? shortened(c.head) : c.branch, .after = ref});
    std::vector<std::string> args{"switch", "--detach", ref};
    if (c.switch_to == Kind::tag) args.back() = "refs/tags/" + ref;
    if (c.switch_to == Kind::branch) {
      if (c.local_branch)
        args = {"switch", ref};
      else
        args = {"switch", "--create", ref, tracking(d, ref)};
    }
    if (c.switch_to == Kind::branch && !c.local_branch && (c.fetch || d.update))
      fetch(d, c, {fmt::format("+refs/heads/{}:{}", ref, tracking(d, ref))}, diff);
    else if (c.fetch && c.switch_to == Kind::tag)
      fetch(d, c, {fmt::format("refs/tags/{0}:refs/tags/{0}", ref)}, diff);
    else if (c.fetch)
      fetch(d, c, is_object_id(ref) ? std::vector<std::string>{ref} : std::vector<std::string>{}, diff);
    diff.actions.push_back(act(d, in_tree(d.to.text, {}, args), "switching " + d.to.text + " to " + ref));
  }

  static void fast_forward(const Desired& d, const Current& c, Diff& diff) {
    const std::string branch = c.switch_to == Current::Kind::branch ? *d.ref : c.branch;
    diff.changes.push_back({.property = "head",
                            .before = c.switch_to == Current::Kind::none ? Value(shortened(c.head)) : Value(),
                            .after = shortened(c.upstream)});
    // If the fetch were shallow, git could not see that the new commits follow the current ones.
    const std::vector<std::string> what{fmt::format("+refs/heads/{}:{}", branch, tracking(d, branch))};
    fetch(d, c, what, diff, Depth::all_since);
    diff.actions.push_back(act(d, in_tree(d.to.text, {}, {"merge", "--ff-only", tracking(d, branch)}),
                               fmt::format("fast-forwarding {}", d.to.text)));
    if (c.shallow) fetch(d, c, what, diff);
  }
};

}  // namespace

MLOPS_MODULE(Git);

}  // namespace mlops::modules
