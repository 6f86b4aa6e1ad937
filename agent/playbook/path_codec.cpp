// Parameters that name files.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "playbook/schema.hpp"
#include "playbook/suggest.hpp"

namespace mlops {
namespace {

constexpr std::int64_t largest_source = 64 << 20;  // bytes; more is a download's work

// Nothing in the absolute path to resolve.
bool is_normal(std::string_view path) {
  if (path.size() > 1 && path.back() == '/') return false;
  for (std::size_t i = path.find('/'); i != path.npos; i = path.find('/', i + 1)) {
    const auto rest = path.substr(i + 1);
    if (rest.starts_with('/')) return false;
    if (rest.starts_with('.') && (rest.size() == 1 || rest[1] == '/' || rest[1] == '.')) return false;
  }
  return true;
}

// ".", ".." and double slashes of an absolute path resolved as text.
std::string normalised(std::string_view path) {
  if (is_normal(path)) return std::string(path);
  std::string out;
  while (!path.empty()) {
    const auto step = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(step.size() + 1, path.size()));
    if (step.empty() || step == ".") continue;
    if (step == "..") {
      out.resize(out.empty() ? 0 : out.rfind('/'));
    } else {
      out += '/';
      out += step;
    }
  }
  return out.empty() ? "/" : out;
}

bool below_home(std::string_view text) { return text == "~" || text.starts_with("~/"); }

std::string relative_hint(std::string_view text) {
  if (text.starts_with('~')) return "only the person's own home is known here: `~` or `~/…`";
  if (text.starts_with('$')) return "variables of the shell are not filled in: write `~/…` or `{{env.NAME}}`";
  return "";
}

// The text without what only a path may not have; false after reporting.
bool decode_text(const Value& v, std::string& into, std::string_view wanted, Decoder& d) {
  if (!v.is_string() || v.as_string().empty()) return d.must_be(v, wanted);
  if (v.as_string().find('\0') != std::string::npos) return d.must_be(v, "a path without NUL characters");
  const std::string& text = v.as_string();
  if (!below_home(text)) {
    into = text;
    return true;
  }
  if (d.home.empty()) return d.must_be(v, "an absolute path: the person has no home");
  into = d.home + text.substr(1);
  return true;
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// The folder of the file in which v was written; "" where that is the working folder.
std::string folder_of(const Value& v, const Decoder& d) {
  const Source* source = v.where.source;
  if (!source || source->name.starts_with("--")) source = d.resource.source;  // --set stands in no file
  if (!source) return "";
  const std::size_t slash = source->name.rfind('/');
  return slash == std::string::npos ? "" : source->name.substr(0, slash + 1);
}

std::string near_file(const std::string& path) {
  const std::filesystem::path wanted(path);
  const auto folder = wanted.has_parent_path() ? wanted.parent_path() : std::filesystem::path(".");
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator i(folder, error), end; !error && i != end; i.increment(error))
    names.push_back(i->path().filename().string());
  return did_you_mean(wanted.filename().string(), names);
}

bool cannot_read(const Value& v, const std::string& path, int error, Decoder& d) {
  const std::string why = std::generic_category().message(error);
  d.error(v, fmt::format("cannot read {}: {}", path, why), error == ENOENT ? near_file(path) : "");
  return false;
}

bool read_all(int fd, std::string& into) {
  std::size_t have = 0;
  while (have < into.size()) {
    const ssize_t n = ::read(fd, into.data() + have, into.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  into.resize(have);
  return true;
}

}  // namespace

bool Codec<Path>::decode(const Value& v, Path& into, Decoder& d) {
  constexpr std::string_view wanted = "an absolute path, or one that begins with ~/";
  if (!decode_text(v, into.text, wanted, d)) return false;
  if (into.text.front() != '/') return d.must_be(v, wanted, d.sensitive ? "" : relative_hint(into.text));
  into.text = normalised(into.text);
  return true;
}
std::string Codec<Path>::type_text() { return "path"; }
Value Codec<Path>::json_schema() {
  Value v;
  v.set("type", "string");
  v.set("pattern", "^(/|~$|~/)");
  return v;
}
Value Codec<Path>::to_value(const Path& p) { return p.text.empty() ? Value() : Value(p.text); }

bool Codec<SourceFile>::decode(const Value& v, SourceFile& into, Decoder& d) {
  if (!decode_text(v, into.path, "the path of a file beside the playbook", d)) return false;
  if (into.path.front() != '/') into.path = folder_of(v, d) + into.path;
  const Descriptor file{::open(into.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0) return cannot_read(v, into.path, errno, d);
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) return cannot_read(v, into.path, errno, d);
  if (!S_ISREG(status.st_mode)) {
    d.error(v, fmt::format("{} is {}", into.path,
                           S_ISDIR(status.st_mode) ? "a folder, not a file" : "no regular file"));
    return false;
  }
  if (status.st_size > largest_source) {
    d.error(v, fmt::format("{} has {} bytes, more than the {} that a source may have", into.path,
                           status.st_size, largest_source));
    return false;
  }
  if (!d.load_sources) return true;
  into.content.resize(static_cast<std::size_t>(status.st_size));
  return read_all(file.fd, into.content) || cannot_read(v, into.path, errno, d);
}
std::string Codec<SourceFile>::type_text() { return "file beside the playbook"; }
Value Codec<SourceFile>::json_schema() {
  Value v;
  v.set("type", "string");
  v.set("minLength", 1);
  return v;
}
Value Codec<SourceFile>::to_value(const SourceFile& f) { return f.path.empty() ? Value() : Value(f.path); }

}  // namespace mlops
