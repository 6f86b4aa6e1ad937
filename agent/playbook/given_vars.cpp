#include "playbook/given_vars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/suggest.hpp"
#include "model/document.hpp"
#include "playbook/interpolation.hpp"
#include "playbook/placeholder.hpp"

namespace mlops {
namespace {

Source& add_source(Playbook& playbook, std::string name, std::string text) {
  return *playbook.sources.emplace_back(std::make_unique<Source>(Source{std::move(name), std::move(text)}));
}

// The member of an object or the element of a list; null if there is none.
Value* child(Value& parent, const std::string& name) {
  if (parent.is_object())
    for (Value::Member& member : parent.as_object())
      if (member.key == name) return &member.value;
  if (parent.is_array())
    for (std::size_t i = 0; i < parent.as_array().size(); ++i)
      if (std::to_string(i) == name) return &parent.as_array()[i];
  return nullptr;
}

bool same_kind(const Value& given, const Value& declared) {
  if (declared.is_number() && !declared.is_integer()) return given.is_number();
  return given.kind_name() == declared.kind_name();
}

void move_to(const Source& source, Value& value) {
  value.where.source = &source;
  if (value.is_array())
    for (Value& element : value.as_array()) move_to(source, element);
  if (value.is_object())
    for (Value::Member& member : value.as_object()) {
      member.key_where.source = &source;
      move_to(source, member.value);
    }
}

// One NAME=VALUE.
class Setting {
 public:
  Setting(const Source& source, Diagnostics& diagnostics) : source_(source), diagnostics_(diagnostics) {}

  void apply(Playbook& playbook) {
    const std::string_view text = source_.text;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return diagnostics_.add(at(0), fmt::format("`{}` is not NAME=VALUE", text));
    const ParsedPath name = parse_path(text.substr(0, equals));
    if (name.path.empty())
      return diagnostics_.add(at(name.mistake.offset), "this is no name of a var: " + name.mistake.message);
    bool known = false;
    for (const auto& include : playbook.includes) {
      if (!child(include->vars, name.path[0])) continue;
      known = true;
      // If it is given as a whole, the include no longer gives it.
      if (name.path.size() == 1) std::erase(include->passed, name.path[0]);
      set_in(include->vars, include.get(), name.path, equals + 1, playbook);
    }
    if (!known || child(playbook.vars, name.path[0]))
      set_in(playbook.vars, nullptr, name.path, equals + 1, playbook);
  }

 private:
  Position at(std::size_t offset) const {
    const auto is_first = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    const auto begin = source_.text.begin();
    return {&source_, 1,
            static_cast<std::uint32_t>(1 + std::count_if(begin, begin + static_cast<long>(offset), is_first))};
  }

  void set_in(Value& vars, const Include* include, const std::vector<std::string>& path, std::size_t begin,
              Playbook& playbook) {
    Value* target = find(vars, path);
    if (!target) return;
    playbook.replaced.push_back({Replaced::By::set, include, path, target->where, at(begin)});
    set(*target, path, begin);
  }

  Value* find(Value& vars, const std::vector<std::string>& path) {
    Value* target = &vars;
    std::vector<std::string> known{"vars"};
    for (const std::string& name : path) {
      Value* next = child(*target, name);
      known.push_back(name);
      if (!next) {
        diagnostics_.add(at(0), fmt::format("there is no `{}` to be set", path_text(known)),
                         did_you_mean(name, member_names(*target)));
        return nullptr;
      }
      target = next;
    }
    return target;
  }

  void set(Value& target, const std::vector<std::string>& path, std::size_t begin) {
    const std::string_view text = std::string_view(source_.text).substr(begin);
    auto given = target.is_string() ? std::nullopt : json(begin);
    if (!target.is_string() && !target.is_null() && (!given || !same_kind(*given, target)))
      return diagnostics_.add(at(begin), fmt::format("`{}` must be {} as its default is, found `{}`",
                                                     path_text(path), target.kind_name(), text));
    if (!given) {
      given = Value(text);
      given->where = at(begin);
    }
    target = *std::move(given);
  }

  // VALUE as JSON, with positions in the whole NAME=VALUE.
  std::optional<Value> json(std::size_t begin) const {
    const Source blanked{"", std::string(at(begin).column - 1, ' ') + source_.text.substr(begin)};
    Diagnostics mistakes;
    auto value = parse_document(blanked, mistakes);
    if (!value || !mistakes.empty()) return {};
    move_to(source_, *value);
    return value;
  }

  const Source& source_;
  Diagnostics& diagnostics_;
};

}  // namespace

const Source* read_source(const std::string& path, Playbook& playbook, Diagnostics& diagnostics,
                          const Position& wanted) {
  for (const auto& known : playbook.sources)
    if (known->name == path && wanted.source) return known.get();
  FileBeside file = playbook.files->whole(path);
  if (!file.refused.empty()) {
    Position where = wanted;
    if (!where.source) where.source = &add_source(playbook, path, "");
    diagnostics.add(where, std::move(file.refused), refused_hint);
    return nullptr;
  }
  if (file.error != 0 && wanted.source) {
    std::string hint = file.error == ENOENT ? playbook.files->similar(path) : "";
    if (hint.empty() && file.error == ENOENT) hint = "it is looked for beside the file that includes it";
    diagnostics.add(wanted, fmt::format("{} cannot be read: {}", path, std::strerror(file.error)),
                    std::move(hint));
    return nullptr;
  }
  if (file.error == 0 && !file.regular && wanted.source) {
    diagnostics.add(wanted, not_regular(path, file));
    return nullptr;
  }
  Source& source = add_source(playbook, path, std::move(file.content));
  if (file.error == 0 && file.regular) return &source;
  if (file.error == 0) {
    diagnostics.add({&source, 0, 0}, file.folder ? "it is a folder, not a file" : "it is no regular file",
                    file.folder ? "" : "write its output to a file first");
    return nullptr;
  }
  diagnostics.add({&source, 0, 0}, fmt::format("cannot be read: {}", std::strerror(file.error)),
                  file.error == ENOENT ? playbook.files->similar(path) : "");
  return nullptr;
}

void apply_vars_files(const std::vector<std::string>& paths, Playbook& playbook, Diagnostics& diagnostics) {
  for (const std::string& path : paths) {
    const Source* source = read_source(path, playbook, diagnostics);
    auto given = source ? parse_document(*source, diagnostics) : std::nullopt;
    if (!given) continue;
    if (!given->is_object()) {
      diagnostics.add(given->where,
                      fmt::format("a file of vars must be an object, found {}", given->kind_name()));
      continue;
    }
    for (Value::Member& member : given->as_object()) {
      const auto replace = [&](Value& vars, const Include* include) {
        const Value* was = vars.find(member.key);
        playbook.replaced.push_back({Replaced::By::vars_file,
                                     include,
                                     {member.key},
                                     was ? was->where : Position(),
                                     member.value.where});
        vars.set(member.key, member.value);
      };
      for (const auto& include : playbook.includes) {
        if (!include->vars.find(member.key)) continue;
        std::erase(include->passed, member.key);
        replace(include->vars, include.get());
      }
      replace(playbook.vars, nullptr);
    }
  }
}

void apply_sets(const std::vector<std::string>& sets, Playbook& playbook, Diagnostics& diagnostics) {
  for (const std::string& text : sets)
    Setting(add_source(playbook, "--set", text), diagnostics).apply(playbook);
}

}  // namespace mlops
