// Parameters that are paths.
#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include "base/suggest.hpp"
#include "resource/file_source.hpp"
#include "resource/schema.hpp"

namespace mlops {
namespace {

// The absolute path has nothing to resolve.
bool is_normal(std::string_view path) {
  if (path.size() > 1 && path.back() == '/') return false;
  for (std::size_t i = path.find('/'); i != path.npos; i = path.find('/', i + 1)) {
    const auto rest = path.substr(i + 1);
    if (rest.starts_with('/')) return false;
    if (rest.starts_with('.') && (rest.size() == 1 || rest[1] == '/' || rest[1] == '.')) return false;
  }
  return true;
}

// ".", ".." and double slashes of an absolute path resolved textually.
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

// Checks what only a path must not contain; false after reporting.
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

// The folder of the file in which v was written; "" for the working folder.
std::string folder_of(const Value& v, const Decoder& d) {
  const Source* source = v.where.source;
  if (!source || source->name.starts_with("--")) source = d.resource.source;  // --set is not in a file
  if (!source) return "";
  const std::size_t slash = source->name.rfind('/');
  return slash == std::string::npos ? "" : source->name.substr(0, slash + 1);
}

bool cannot_read(const Value& v, const std::string& path, int error, Decoder& d) {
  const std::string why = std::generic_category().message(error);
  std::string hint = error == ENOENT ? d.files->similar(path) : "";
  if (hint.empty() && error == ENOENT && v.as_string() != path)
    hint = "it is looked for beside the file that names it";
  d.error(v, fmt::format("cannot read {}: {}", path, why), std::move(hint));
  return false;
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
  FileBeside file = d.files->read(into.path, d.load_sources, FileSource::largest_source);
  if (!file.refused.empty()) {
    d.error(v, file.refused, file.error == EPERM ? refused_hint : file.error == EACCES ? not_sent_hint : "");
    return false;
  }
  if (file.error != 0) return cannot_read(v, into.path, file.error, d);
  if (!file.regular) {
    d.error(v, not_regular(into.path, file));
    return false;
  }
  if (file.size > FileSource::largest_source) {
    d.error(v, fmt::format("{} has {} bytes, more than the {} that a source may have", into.path, file.size,
                           FileSource::largest_source));
    return false;
  }
  into.content = std::move(file.content);
  return true;
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
