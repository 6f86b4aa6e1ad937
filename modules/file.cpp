// file: a regular file, with its content, its mode and its owner.
#include <fmt/format.h>

#include <algorithm>

#include "base/text_diff.hpp"
#include "domains/files/attributes.hpp"
#include "resource/module.hpp"
#include "resource/ownership.hpp"
#include "resource/parent_folder.hpp"

namespace mlops::modules {
namespace {

struct File {
  static constexpr auto type = "file";
  enum class State { present, absent };

  struct Desired {
    Path path;
    State state = State::present;
    std::optional<std::string> content;
    std::optional<SourceFile> source;
    std::optional<Mode> mode;
    std::optional<std::string> owner, group;
    bool recursive = false, force = false, sensitive = false;
  };
  struct Current {
    enum class What { nothing, file, link_to_file, link, folder, other };
    What what = What::nothing;
    bool same_content = false;  // as desired; false if no content is given
    bool has_content = false;   // of a folder in the way; read only with force
    std::uint32_t mode = 0;
    std::uint64_t size = 0;           // bytes
    std::string owner, group;         // of the file, a link followed
    std::uint64_t links = 1;          // hard links to it
    Grants grants;                    // read only if it changes owner or group
    std::optional<std::string> text;  // the old content, if a diff is to be shown
    // "a folder": the current type; the missing parent folder, if it is absent
    std::string description, missing;
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A regular file, with its content, its mode and its owner.");
    s.named_by("path");
    s.required("path", &Desired::path, "Where the file is. A link there is followed when it points at a file.");
    s.one_of("state", &Desired::state, {{"present", State::present}, {"absent", State::absent}},
             "Whether it should exist.");
    s.optional("content", &Desired::content,
               "The whole content. With neither content nor source, what a file holds is left alone, "
               "and a new one is empty.")
        .secret()
        .for_present();
    s.optional("source", &Desired::source, "A file beside the playbook that has the content.").for_present();
    s.optional("mode", &Desired::mode,
               "Permission bits, \"0600\". Default: 0644 for a new file, 0600 for one with a secret; with "
               "another "
               "owner, group or content a file loses the set-user-ID and set-group-ID bits.")
        .for_present();
    s.optional("owner", &Desired::owner, "Name of the user it belongs to.").for_present();
    s.optional("group", &Desired::group, "Name of the group it belongs to.").for_present();
    s.optional(
        "force", &Desired::force,
        "Replace or remove anything at the path that is not a file: a folder, a device, the link itself.");
    s.optional("recursive", &Desired::recursive, "With force: also a folder that has content.");
    s.optional("sensitive", &Desired::sensitive,
               "Never show the content: it is *** everywhere, and what it replaces is not kept. "
               "Implied where `content` holds a secret.");
    s.secrets(&Desired::sensitive);
    s.absent([](const Desired& d) { return d.state == State::absent; });
    s.check(&File::check);
    s.example("A file of one line",
              R"({"type": "file", "path": "/etc/motd", "content": "Be kind.\n", "mode": "0644"})");
    s.example("Only the rights of a file", R"({"type": "file", "path": "~/.ssh/key.pem", "mode": "0400"})");
    s.example("No such file", R"({"type": "file", "path": "/etc/cron.d/old", "state": "absent"})");
  }

  static void check(const Desired& d, Checker& c) {
    if (d.content && d.source)
      c.error("source", "`content` and `source` are both given", "leave one of them out");
    if (d.recursive && !d.force) c.error("recursive", "`recursive` is for `force`", "set `force` too");
    if (d.path.text == "/") c.error("path", "the root folder is no file");
  }

  static Claims claims(const Desired& d) {
    Claims claims{
        {.key = d.path.text, .desired = d.state == State::absent ? "absent" : "", .tree = d.recursive}};
    add_owner_claims(d.owner, d.group, claims);
    return claims;
  }

  static Actor actor(const Desired& d) { return {Actor::Kind::path, d.path.text, d.owner.value_or("")}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    using What = Current::What;
    const FileReader& files = machine.files();
    const std::string* wanted = wanted_content(d);
    // One byte more than desired is enough to detect a longer file.
    const std::uint64_t limit = wanted && d.state == State::present ? wanted->size() + 1 : 0;
    auto view = files.view(d.path.text, limit);
    Current c;
    if (!view) {
      if (d.state == State::present) c.missing = missing_parent(d.path.text, files);
      return c;
    }
    if (view->status.type == FileType::regular) {
      c.what = What::file;
      look_at_file(d, d.path.text, std::move(*view), wanted, machine, c);
      return c;
    }
    c.description = to_text(view->status.type);
    c.what = view->status.type == FileType::directory ? What::folder : What::other;
    if (c.what == What::folder && d.force) {
      const auto names = files.list(d.path.text);
      c.has_content = names && !names->empty();
    }
    if (view->status.type != FileType::symlink) return c;
    c.what = What::link;
    c.description = fmt::format("a symbolic link to {}", view->target);
    const auto target = files.resolve(d.path.text);
    if (!target || d.force || d.state == State::absent) return c;
    view = files.view(*target, limit);
    if (!view || view->status.type != FileType::regular) return c;
    c.what = What::link_to_file;
    look_at_file(d, *target, std::move(*view), wanted, machine, c);
    return c;
  }

  //  current \ desired   present                                   absent
  //  nothing             create (no folder for it: error)          –
  //  file                content, mode, owner, group               remove
  //  link to a file      the same of the file it points at;        remove the link
  //                      force: replace the link
  //  other link          error; force: replace the link            remove the link
  //  folder              error; force: replace it                  error; force: remove it
  //                      (with content: recursive besides force)   (with content: recursive besides force)
  //  device or the like  error; force: replace it                  error; force: remove it
  static Diff diff(const Desired& d, const Current& c) {
    using What = Current::What;
    if (d.state == State::absent) return removal(d, c);
    if (c.what == What::file || c.what == What::link_to_file) return difference(d, c);
    if (c.what == What::nothing) return creation(d, c);
    guard(d, c, "replaced");
    Diff replaced = creation(d, c);
    replaced.changes.front() = {.property = "type", .before = c.description, .after = "a file"};
    if (c.what == What::link)
      std::get<WriteFile>(replaced.actions.front()).replace_link = true;
    else
      replaced.actions.insert(replaced.actions.begin(), RemovePath{d.path.text, c.has_content, d.sensitive});
    return replaced;
  }

  static Value removal(const Desired& d) {
    if (d.state == State::absent) return false;
    Value v;
    v.set("type", type);
    v.set("path", d.path.text);
    v.set("state", "absent");
    if (d.sensitive) v.set("sensitive", true);
    return v;
  }

  static Value outputs(const Desired& d, const Current&) {
    Value v;
    v.set("path", d.path.text);
    return v;
  }

 private:
  static constexpr std::uint64_t diff_limit = 4u << 20;  // bytes; the same limit as in unified_diff

  static const std::string* wanted_content(const Desired& d) {
    return d.content ? &*d.content : d.source ? &d.source->content : nullptr;
  }

  static void look_at_file(const Desired& d, const std::string& path, FileView view, const std::string* wanted,
                           const MachineReader& machine, Current& c) {
    c.mode = view.status.mode;
    c.size = view.status.size;
    c.links = view.status.links;
    c.owner = owner_as_wanted(d.owner, view.status.owner, machine.accounts());
    c.group = group_as_wanted(d.group, view.status.group, machine.accounts());
    c.same_content = wanted && view.content && *view.content == *wanted;
    const bool rewrite = wanted && !c.same_content && d.state == State::present;
    if (handover(wanted_attributes(d), c.owner, c.group, rewrite).any())
      c.grants = machine.files().grants(path).value_or(Grants());
    if (!wanted || d.state == State::absent || c.same_content || d.sensitive || c.size > diff_limit) return;
    c.text = std::move(view.content);
    if (c.text) return;
    if (auto whole = machine.files().view(path, diff_limit)) c.text = std::move(whole->content);
  }

  static WantedAttributes wanted_attributes(const Desired& d) {
    return {d.mode ? std::optional(d.mode->bits) : std::nullopt, d.owner, d.group};
  }
  static std::string bytes(std::uint64_t size) { return size == 1 ? "1 byte" : fmt::format("{} bytes", size); }

  static Diff creation(const Desired& d, const Current& c) {
    if (!c.missing.empty()) throw no_parent(c.missing, d.path.text);
    Diff diff;
    const std::string* content = wanted_content(d);
    const std::uint32_t mode = d.mode ? d.mode->bits : d.sensitive ? 0600 : 0644;
    diff.changes.push_back(Change::create());
    if (content && !content->empty())
      diff.changes.push_back({.property = "content",
                              .after = bytes(content->size()),
                              .sensitive = d.sensitive,
                              .text_diff = d.sensitive ? "" : unified_diff("", *content)});
    diff.changes.push_back({.property = "mode", .after = octal(mode)});
    if (d.owner) diff.changes.push_back({.property = "owner", .after = *d.owner});
    if (d.group) diff.changes.push_back({.property = "group", .after = *d.group});
    diff.actions.push_back(WriteFile{.path = d.path.text,
                                     .content = content ? *content : "",
                                     .mode = mode,
                                     .owner = d.owner.value_or(""),
                                     .group = d.group.value_or(""),
                                     .sensitive = d.sensitive});
    return diff;
  }

  static Diff difference(const Desired& d, const Current& c) {
    Diff diff;
    const std::string* content = wanted_content(d);
    const bool rewrite = content && !c.same_content;
    if (rewrite)
      diff.changes.push_back({.property = "content",
                              .before = bytes(c.size),
                              .after = bytes(content->size()),
                              .sensitive = d.sensitive,
                              .text_diff = c.text ? unified_diff(*c.text, *content) : ""});
    SetAttributes set =
        differing_attributes(d.path.text, wanted_attributes(d),
                             {c.mode, c.owner, c.group, false, c.links, c.grants}, rewrite, diff.changes);
    if (rewrite)
      diff.actions.push_back(WriteFile{.path = set.path,
                                       .content = *content,
                                       .mode = set.mode,
                                       .owner = std::move(set.owner),
                                       .group = std::move(set.group),
                                       .sensitive = d.sensitive});
    else if (!diff.changes.empty())
      diff.actions.push_back(std::move(set));
    return diff;
  }

  static Diff removal(const Desired& d, const Current& c) {
    using What = Current::What;
    if (c.what == What::nothing) return {};
    if (c.what == What::folder || c.what == What::other) guard(d, c, "removed");
    Diff diff;
    diff.changes.push_back(Change::remove());
    diff.actions.push_back(RemovePath{d.path.text, c.has_content, d.sensitive});
    return diff;
  }

  static void guard(const Desired& d, const Current& c, const char* verb) {
    if (!d.force)
      throw Error(
          fmt::format("{} is {}, not a file; with `force` it would be {}", d.path.text, c.description, verb));
    if (c.has_content && !d.recursive)
      throw Error(
          fmt::format("{} is a folder that has content; with `recursive` besides `force` it would be {}",
                      d.path.text, verb));
  }
};

}  // namespace

MLOPS_MODULE(File);

}  // namespace mlops::modules
