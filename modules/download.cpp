// download: a file from a server.
#include <fmt/format.h>

#include <algorithm>

#include "domains/files/attributes.hpp"
#include "resource/module.hpp"
#include "resource/ownership.hpp"
#include "resource/parent_folder.hpp"
#include "resource/verified_url.hpp"

namespace mlops::modules {
namespace {

struct DownloadedFile {
  static constexpr auto type = "download";

  struct Desired {
    std::string url;
    Path path;
    std::optional<std::string> sha256, sha256_url;
    std::optional<Mode> mode;
    std::optional<std::string> owner, group;
    std::optional<ByteSize> size_limit;
    Duration timeout;
    bool force = false, recursive = false;
  };
  struct Current {
    enum class What { nothing, file, other };
    What what = What::nothing;
    std::string sha256;        // of the file; "": not read, or not known
    std::string wanted;        // the expected digest; "": none is known
    bool right = false;        // the content is as expected
    bool has_content = false;  // of a folder in the way; read only with force
    std::uint32_t mode = 0;
    std::string owner, group;
    std::uint64_t links = 1;  // hard links to the file
    Grants grants;            // read only if it changes owner or group
    // "a folder": the current type; the missing parent folder, if it is absent
    std::string description, missing;
  };

  static void describe(Schema<Desired>& s) {
    s.summary("A file that comes from a server: verified, resumed after a cut, put in place when it is whole.");
    s.named_by("path");
    s.required("url", &Desired::url, "Where it comes from: http or https. https never falls back to http.");
    s.required("path", &Desired::path, "Where it is to be. A link there is followed when it points at a file.");
    s.optional("sha256", &Desired::sha256, "The SHA-256 that it must have, 64 hex digits. \"\" is as none.");
    s.optional("sha256_url", &Desired::sha256_url,
               "A published checksum file that lists it by the last part of its URL: as sha256sum writes it, "
               "BSD's, or a lone digest. Once the file was verified it is not asked for again.");
    s.optional("mode", &Desired::mode,
               "Permission bits, \"0755\". Default: 0644 for a new file; with another owner, group or "
               "content a "
               "file loses the set-user-ID and set-group-ID bits.");
    s.optional("owner", &Desired::owner, "Name of the user it belongs to.");
    s.optional("group", &Desired::group, "Name of the group it belongs to.");
    s.optional("size_limit", &Desired::size_limit, "A larger file is refused.");
    s.optional("timeout", &Desired::timeout,
               "After this time a transfer is ended, with all tries, and the resource failed; 0s: never. "
               "One that moves no byte for 60 s is ended in any case, and tried again.");
    s.optional("force", &Desired::force,
               "Replace anything at the path that is not a file: a folder, a device, a link.");
    s.optional("recursive", &Desired::recursive, "With force: also a folder that has content.");
    s.check(&DownloadedFile::check);
    s.example("A program, verified by the checksum file that is published with it",
              R"({"type": "download", "path": "/usr/local/bin/tool", "mode": "0755",
 "url": "https://example.org/releases/v1.2/tool-linux-x86_64",
 "sha256_url": "https://example.org/releases/v1.2/checksums.txt"})");
    s.example("Data that is fetched again when the server has a newer version",
              R"({"type": "download", "url": "https://example.org/data.csv", "path": "~/data.csv",
 "size_limit": "100MB"})");
  }

  static void check(const Desired& d, Checker& c) {
    check_verified_url(d.url, d.sha256, d.sha256_url, c);
    if (is_given(d.sha256_url) && file_name(d.url).empty())
      c.error("url", "a checksum file cannot list it: the URL does not end with a file's name");
    if (d.recursive && !d.force) c.error("recursive", "`recursive` is for `force`", "set `force` too");
    if (d.path.text == "/") c.error("path", "the root folder is no file");
  }

  static Claims claims(const Desired& d) {
    Claims claims{{.key = d.path.text, .tree = d.recursive}};
    add_owner_claims(d.owner, d.group, claims);
    return claims;
  }

  static Actor actor(const Desired& d) { return {Actor::Kind::path, d.path.text, d.owner.value_or("")}; }

  static Current inspect(const Desired& d, const MachineReader& machine) {
    const FileReader& files = machine.files();
    Current c;
    auto status = files.status(d.path.text);
    if (!status) {
      c.missing = missing_parent(d.path.text, files);
    } else if (status->type == FileType::symlink) {
      const auto target = files.resolve(d.path.text);
      const auto of_target = target ? files.status(*target) : std::nullopt;
      if (of_target && of_target->type == FileType::regular) status = of_target;
    }
    if (status && status->type != FileType::regular) {
      c.what = Current::What::other;
      c.description = to_text(status->type);
      const auto names = d.force ? files.list(d.path.text) : std::nullopt;
      c.has_content = status->type == FileType::directory && names && !names->empty();
    } else if (status) {
      c.what = Current::What::file;
      c.mode = status->mode;
      c.links = status->links;
      c.owner = owner_as_wanted(d.owner, status->owner, machine.accounts());
      c.group = group_as_wanted(d.group, status->group, machine.accounts());
    }
    look_at_content(d, machine, c);
    if (c.what == Current::What::file && handover(wanted_attributes(d), c.owner, c.group, !c.right).any())
      c.grants = files.grants(files.resolve(d.path.text).value_or(d.path.text)).value_or(Grants());
    return c;
  }

  //  current \ desired  sha256 or sha256_url                       neither
  //  nothing            fetch (no folder for it: error)            fetch (no folder for it: error)
  //  file               of that digest: mode, owner, group;        what the server has: mode, owner, group;
  //                     else fetch                                 else fetch
  //  link to a file     the same of the file that it points at     the same of the file that it points at
  //  folder, other link error; force: replace it (a folder with content: recursive besides force)
  static Diff diff(const Desired& d, const Current& c) {
    if (c.what == Current::What::file) return difference(d, c);
    if (c.what == Current::What::nothing) return creation(d, c);
    if (!d.force)
      throw Error(
          fmt::format("{} is {}, not a file; with `force` it would be replaced", d.path.text, c.description));
    if (c.has_content && !d.recursive)
      throw Error(
          fmt::format("{} is a folder that has content; with `recursive` besides `force` it would be replaced",
                      d.path.text));
    Diff replaced = creation(d, c);
    replaced.changes.front() = {.property = "type", .before = c.description, .after = "a file"};
    replaced.actions.insert(replaced.actions.begin(), RemovePath{d.path.text, c.has_content});
    return replaced;
  }

  static Value removal(const Desired& d) {
    Value v;
    v.set("type", "file");
    v.set("path", d.path.text);
    v.set("state", "absent");
    return v;
  }

  static Value outputs(const Desired& d, const Current& c) {
    Value v;
    v.set("path", d.path.text);
    v.set("sha256", c.sha256.empty() ? Value() : Value(c.sha256));
    return v;
  }

 private:
  static std::string file_name(const std::string& url) {
    const std::string path = url.substr(0, url.find_first_of("?#"));
    return path.substr(path.rfind('/') + 1);
  }

  static std::string lower(std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    return text;
  }

  static void look_at_content(const Desired& d, const MachineReader& machine, Current& c) {
    const DownloadReader& downloads = machine.downloads();
    const bool file = c.what == Current::What::file;
    const std::string sha256_url = d.sha256_url.value_or("");
    if (is_given(d.sha256)) {
      c.wanted = lower(*d.sha256);
      if (file) c.sha256 = digest(d, "", machine);
    } else if (is_given(d.sha256_url)) {
      // A verified file needs no request.
      const auto proved = file ? downloads.proved(d.path.text, d.url, sha256_url) : std::nullopt;
      c.wanted = proved ? *proved : downloads.published_sha256(sha256_url, file_name(d.url), d.timeout.ms);
      if (file) c.sha256 = proved ? *proved : digest(d, sha256_url, machine);
    } else if (file) {
      // In a plan, content that is yet to be downloaded is not known: reading it reports that.
      const FileReader& files = machine.files();
      static_cast<void>(files.view(files.resolve(d.path.text).value_or(d.path.text), 1));
      c.right = downloads.unchanged(d.path.text, d.url, d.timeout.ms);
      c.sha256 = downloads.proved(d.path.text, d.url, "").value_or("");
    }
    if (!c.wanted.empty()) c.right = c.sha256 == c.wanted;
  }

  // Cached if possible: reading a large file takes long.
  static std::string digest(const Desired& d, const std::string& sha256_url, const MachineReader& machine) {
    if (auto proved = machine.downloads().proved(d.path.text, d.url, sha256_url)) return *proved;
    return machine.files().sha256(d.path.text).value_or("");
  }

  static WantedAttributes wanted_attributes(const Desired& d) {
    return {d.mode ? std::optional(d.mode->bits) : std::nullopt, d.owner, d.group};
  }
  static Value shortened(const std::string& sha256) {
    return sha256.empty() ? Value() : Value("sha256 " + sha256.substr(0, 12));
  }
  static Value new_content(const Desired& d, const Current& c) {
    return c.wanted.empty() ? Value("what " + d.url + " has") : shortened(c.wanted);
  }

  static Download fetch(const Desired& d, const Current& c) {
    return {.url = d.url,
            .path = d.path.text,
            .sha256 = c.wanted,
            .sha256_url = d.sha256_url.value_or(""),
            .owner = d.owner.value_or(""),
            .group = d.group.value_or(""),
            .size_limit = d.size_limit ? d.size_limit->bytes : 0,
            .timeout_ms = d.timeout.ms};
  }

  static Diff creation(const Desired& d, const Current& c) {
    if (!c.missing.empty()) throw no_parent(c.missing, d.path.text);
    Diff diff;
    Download download = fetch(d, c);
    download.mode = d.mode ? d.mode->bits : 0644;
    diff.changes.push_back(Change::create());
    diff.changes.push_back({.property = "content", .after = new_content(d, c)});
    diff.changes.push_back({.property = "mode", .after = octal(*download.mode)});
    if (d.owner) diff.changes.push_back({.property = "owner", .after = *d.owner});
    if (d.group) diff.changes.push_back({.property = "group", .after = *d.group});
    diff.actions.push_back(std::move(download));
    return diff;
  }

  static Diff difference(const Desired& d, const Current& c) {
    Diff diff;
    if (!c.right)
      diff.changes.push_back(
          {.property = "content", .before = shortened(c.sha256), .after = new_content(d, c)});
    SetAttributes set =
        differing_attributes(d.path.text, wanted_attributes(d),
                             {c.mode, c.owner, c.group, false, c.links, c.grants}, !c.right, diff.changes);
    if (!c.right) {
      Download download = fetch(d, c);
      download.mode = set.mode;
      diff.actions.push_back(std::move(download));
    } else if (!diff.changes.empty()) {
      diff.actions.push_back(std::move(set));
    }
    return diff;
  }
};

}  // namespace

MLOPS_MODULE(DownloadedFile);

}  // namespace mlops::modules
