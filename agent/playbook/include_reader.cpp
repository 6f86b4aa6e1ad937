#include "playbook/include_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.hpp"
#include "model/document.hpp"
#include "playbook/condition.hpp"
#include "playbook/given_vars.hpp"
#include "playbook/interpolation.hpp"
#include "playbook/resource_shape.hpp"

namespace mlops {
namespace {

constexpr std::size_t most_nested = 16;  // nested includes

// "web-" of "roles/web.json".
std::string prefix_of(const std::string& file) {
  std::string stem = file.substr(file.rfind('/') + 1);
  stem = stem.substr(0, stem.find('.', 1));
  for (char& c : stem)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-') c = '_';
  return stem + "-";
}

// "." and double slashes resolved textually; ".." too, if a folder comes before it.
std::string normal(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    const std::string part = path.substr(from, end - from);
    from = end + 1;
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else
      parts.push_back(part);
  }
  return (path.starts_with('/') ? "/" : "") + fmt::format("{}", fmt::join(parts, "/"));
}

// "an include takes `id`, `when` and `tags`"
std::string allowed_beside(const std::vector<std::string>& more) {
  std::vector<std::string> keys{"id", "when", "tags"};
  keys.insert(keys.end(), more.begin(), more.end());
  const std::string last = keys.back();
  keys.pop_back();
  return fmt::format("an include takes `{}` and `{}`", fmt::join(keys, "`, `"), last);
}

}  // namespace

std::optional<OpenedInclude> IncludeReader::open(Value& entry, const Include* outer,
                                                 const std::vector<std::string>& more) {
  auto include = std::make_unique<Include>();
  include->outer = outer;
  include->where = entry.where;
  OpenedInclude opened;
  const std::string id = take_keys(entry, more, *include, opened);
  Value vars;
  bool is_described = false;
  for (Value::Member& m : entry.as_object())
    if (m.key == "include") is_described = describe(m.value, *include, vars);
  if (!is_described) return std::nullopt;
  include->prefix = (outer ? outer->prefix : "") + (id.empty() ? prefix_of(include->file) : id + "-");
  if (!is_prefix_free(*include)) return std::nullopt;
  const Source* source = read_source(include->file, playbook_, diagnostics_, entry.find("include")->where);
  auto document = source ? parse_document(*source, diagnostics_) : std::nullopt;
  if (!document) return std::nullopt;
  Include& kept = *playbook_.includes.emplace_back(std::move(include));
  if (!take_vars(*document, vars, kept)) return std::nullopt;
  opened.include = &kept;
  opened.document = *std::move(document);
  return opened;
}

// Returns the id; "" if there is none.
std::string IncludeReader::take_keys(Value& entry, const std::vector<std::string>& more, Include& include,
                                     OpenedInclude& opened) {
  std::string id;
  for (Value::Member& m : entry.as_object()) {
    if (m.key == "include" || std::find(more.begin(), more.end(), m.key) != more.end()) continue;
    if (m.key == "id") {
      id = read_text(m.value, m.key, diagnostics_);
      if (id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != id.npos)
        diagnostics_.add(m.value.where, fmt::format("an id is of letters, digits, `_`, `.` and `-`, found {}",
                                                    json_quote(id)));
    } else if (m.key == "when") {
      check_condition(m.value, diagnostics_);
      if (m.value.is_object()) include.when = std::move(m.value);
    } else if (m.key == "tags") {
      for (PlacedText& tag : read_texts(m.value, m.key, diagnostics_))
        opened.tags.push_back(std::move(tag.text));
    } else {
      diagnostics_.add(m.key_where, fmt::format("`{}` cannot stand beside `include`", m.key),
                       allowed_beside(more));
    }
  }
  return id;
}

bool IncludeReader::is_prefix_free(const Include& include) {
  for (const auto& other : playbook_.includes)
    if (other->prefix == include.prefix) {
      diagnostics_.add({include.where,
                        fmt::format("two includes give their ids the prefix `{}`", include.prefix),
                        "give one of them another `id`", other->where, "the other stands here"});
      return false;
    }
  return true;
}

// The value of "include".
bool IncludeReader::describe(Value& what, Include& include, Value& vars) {
  Value file;
  if (what.is_string()) {
    file = what;
  } else if (what.is_object()) {
    for (Value::Member& m : what.as_object()) {
      if (m.key == "file")
        file = m.value;
      else if (m.key == "vars")
        vars = std::move(m.value);
      else
        unknown_key(m, {"file", "vars"}, diagnostics_);
    }
  } else {
    return must_be(what, "include", R"(an object such as {"file": "web.json"})", diagnostics_);
  }
  if (file.is_null() && file.where.line == 0) {
    diagnostics_.add(what.where, "`file` is missing", "it is the path of the file to take in");
    return false;
  }
  if (!file.is_string() || file.as_string().empty())
    return must_be(file, "file", "the path of a file", diagnostics_);
  if (needs_filling(file)) {
    diagnostics_.add(file.where, "`file` cannot hold `{{`: it must be known before a run");
    return false;
  }
  include.file =
      normal(file.as_string().front() == '/' ? file.as_string() : folder_beside(what.where) + file.as_string());
  return !goes_round(include, file.where);
}

bool IncludeReader::goes_round(const Include& include, const Position& where) {
  std::vector<std::string> way{include.file};
  bool round = false;
  for (const Include* outer = include.outer; outer; outer = outer->outer) {
    way.push_back(outer->file);
    round = round || outer->file == include.file;
  }
  way.push_back(playbook_.path);
  round = round || normal(playbook_.path) == include.file;
  std::reverse(way.begin(), way.end());
  if (round)
    diagnostics_.add(where,
                     fmt::format("files that include each other in a circle: {}", fmt::join(way, " -> ")));
  else if (way.size() > most_nested + 1)
    diagnostics_.add(where, fmt::format("more than {} files are included in each other", most_nested));
  else
    return false;
  return true;
}

bool IncludeReader::take_vars(Value& document, Value& vars, Include& include) {
  include.vars = Value(Value::Object{});
  if (!document.is_object()) {
    diagnostics_.add(document.where,
                     fmt::format("a file that is included must be an object, found {}", document.kind_name()));
    return false;
  }
  for (Value::Member& m : document.as_object()) {
    if (m.key != "vars") continue;
    if (m.value.is_object())
      include.vars = std::move(m.value);
    else
      must_be(m.value, m.key, "an object", diagnostics_);
  }
  pass(vars, include);
  return true;
}

// The include's vars override those of the file.
void IncludeReader::pass(Value& vars, Include& include) {
  if (vars.is_null() && vars.where.line == 0) return;
  if (!vars.is_object()) {
    must_be(vars, "vars", "an object", diagnostics_);
    return;
  }
  for (Value::Member& m : vars.as_object()) {
    const Value* declared = include.vars.find(m.key);
    if (!declared) {
      diagnostics_.add(m.key_where, fmt::format("{} has no var `{}`", include.file, m.key),
                       did_you_mean(m.key, member_names(include.vars)));
      continue;
    }
    playbook_.replaced.push_back({Replaced::By::include, &include, {m.key}, declared->where, m.value.where});
    include.passed.push_back(m.key);
    include.vars.set(m.key, std::move(m.value));
  }
}

}  // namespace mlops
