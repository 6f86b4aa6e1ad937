#include "domains/files/git_folder.hpp"

#include <algorithm>
#include <string_view>

#include "base/trimmed.hpp"

namespace mlops {
namespace {

constexpr std::uint64_t text_limit = 64u << 20;

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lowered;
}

// path relative to folder, without "." and "..".
std::string from_folder(const std::string& folder, const std::string& path) {
  const std::string all = path.starts_with('/') ? path : folder + "/" + path;
  std::string normal;
  for (std::size_t from = 0; from < all.size();) {
    const std::size_t to = std::min(all.find('/', from), all.size());
    const std::string part = all.substr(from, to - from);
    from = to + 1;
    if (part == "..")
      normal.erase(std::min(normal.rfind('/'), normal.size()));
    else if (!part.empty() && part != ".")
      normal += "/" + part;
  }
  return normal.empty() ? "/" : normal;
}

bool is_folder(const FileReader& files, const std::string& path) {
  const auto real = files.resolve(path);
  const auto status = real ? files.status(*real) : std::nullopt;
  return status && status->type == FileType::directory;
}

// Parses a configuration's values character by character.
class ConfigText {
 public:
  explicit ConfigText(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return text_[at_]; }
  char take() { return text_[at_++]; }

  void skip_line() {
    while (!at_end() && take() != '\n') {
    }
  }
  void skip_blank() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n')) take();
  }

  // After '[': "core]", "remote "origin"]", or the old form "branch.main]".
  std::string section() {
    std::string name, subsection;
    while (!at_end() && peek() != ']' && peek() != '"' && peek() != '\n') name += take();
    name = lower(trimmed(name));
    if (at_end() || peek() != '"') {
      skip_line_after_bracket();
      return name;
    }
    take();
    while (!at_end() && peek() != '"' && peek() != '\n') {
      if (peek() == '\\') take();
      if (!at_end()) subsection += take();
    }
    skip_line_after_bracket();
    return name + "." + subsection;
  }

  std::string key() {
    std::string name;
    while (!at_end() && peek() != '=' && peek() != '\n' && peek() != '#' && peek() != ';') name += take();
    return lower(trimmed(name));
  }

  // After '=': to the end of the line; quotes removed, escapes decoded, lines that end with \ joined.
  std::string value() {
    std::string text;
    bool quoted = false;
    std::size_t keep = 0;  // trailing blanks up to here are kept
    while (!at_end() && peek() == ' ') take();
    while (!at_end()) {
      char c = take();
      if (c == '\n') break;
      if (!quoted && (c == '#' || c == ';')) {
        skip_line();
        break;
      }
      if (c == '"') {
        quoted = !quoted;
        keep = text.size();
        continue;
      }
      if (c == '\\' && !at_end()) {
        c = take();
        if (c == '\n') continue;
        text += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'b' ? '\b' : c;
        keep = text.size();
        continue;
      }
      text += c;
      if (quoted) keep = text.size();
    }
    while (text.size() > keep && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
      text.pop_back();
    return text;
  }

 private:
  // A variable may follow on the same line.
  void skip_line_after_bracket() {
    while (!at_end() && peek() != '\n')
      if (take() == ']') return;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool is_object_id(const std::string& text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::map<std::string, std::string> parse_git_config(const std::string& text) {
  std::map<std::string, std::string> values;
  ConfigText t(text);
  std::string section;
  for (t.skip_blank(); !t.at_end(); t.skip_blank()) {
    if (t.peek() == '[') {
      t.take();
      section = t.section();
    } else if (t.peek() == '#' || t.peek() == ';') {
      t.skip_line();
    } else {
      const std::string key = t.key();
      const bool has_value = !t.at_end() && t.peek() == '=';
      if (has_value) t.take();
      values[section + "." + key] = has_value ? t.value() : "true";
      if (!has_value) t.skip_line();
    }
  }
  return values;
}

std::optional<GitFolder> GitFolder::open(const FileReader& files, const std::string& work_tree) {
  GitFolder g(files);
  g.folder_ = work_tree + "/.git";
  if (!files.exists(g.folder_)) return {};
  if (!is_folder(files, g.folder_)) {
    const std::string text = files.read(g.folder_, text_limit).value_or("");
    if (!text.starts_with("gitdir:")) return {};
    g.folder_ = from_folder(work_tree, std::string(trimmed(std::string_view(text).substr(7))));
  }
  const auto common = files.read(g.folder_ + "/commondir", text_limit);
  g.common_ = common ? from_folder(g.folder_, std::string(trimmed(*common))) : g.folder_;
  const auto config = files.read(g.common_ + "/config", text_limit);
  if (!config || !files.exists(g.folder_ + "/HEAD")) return {};
  g.read_config(*config);
  g.read_packed_refs(files.read(g.common_ + "/packed-refs", text_limit).value_or(""));
  g.read_head();
  return g;
}

void GitFolder::read_config(const std::string& text) {
  config_ = parse_git_config(text);
  for (const auto& [name, value] : config_)
    if (name.starts_with("include.") || name.starts_with("includeif.") || name == "extensions.refstorage" ||
        (name == "extensions.worktreeconfig" && value == "true"))
      readable_ = false;
}

// "ID NAME", and after an annotated tag "^COMMIT".
void GitFolder::read_packed_refs(const std::string& text) {
  PackedRef* last = nullptr;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    const std::string line = text.substr(from, to - from);
    from = to + 1;
    if (line.starts_with('#')) {
      fully_peeled_ = line.find(" fully-peeled") != std::string::npos;
    } else if (line.starts_with('^')) {
      if (last) last->peeled = line.substr(1);
    } else if (const auto space = line.find(' '); space != std::string::npos) {
      last = &packed_[line.substr(space + 1)];
      *last = {line.substr(0, space), ""};
    }
  }
}

void GitFolder::read_head() {
  const std::string text = files_->read(folder_ + "/HEAD", text_limit).value_or("");
  const std::string head(trimmed(text));
  if (is_object_id(head)) {
    head_ = head;
    return;
  }
  if (!head.starts_with("ref: refs/heads/")) {
    readable_ = false;
    return;
  }
  branch_ = head.substr(16);
  head_ = ref("refs/heads/" + branch_).value_or("");
}

std::optional<std::string> GitFolder::config(const std::string& name) const {
  const auto found = config_.find(name);
  return found == config_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> GitFolder::ref(const std::string& name) const {
  if (const auto loose = files_->read(common_ + "/" + name, text_limit)) {
    const std::string id(trimmed(*loose));
    return is_object_id(id) ? std::optional(id) : std::nullopt;
  }
  const auto packed = packed_.find(name);
  return packed == packed_.end() ? std::nullopt : std::optional(packed->second.id);
}

std::optional<std::string> GitFolder::tag_commit(const std::string& tag) const {
  const std::string name = "refs/tags/" + tag;
  const auto packed = packed_.find(name);
  if (packed == packed_.end() || files_->exists(common_ + "/" + name)) return {};
  if (!packed->second.peeled.empty()) return packed->second.peeled;
  return fully_peeled_ ? std::optional(packed->second.id) : std::nullopt;
}

}  // namespace mlops
