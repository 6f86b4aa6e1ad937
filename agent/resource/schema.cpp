#include "resource/schema.hpp"

#include <fmt/format.h>

#include "base/suggest.hpp"
#include "base/utf8.hpp"

namespace mlops {
namespace {

constexpr std::size_t longest_shown = 60;  // bytes of an invalid text in a message

std::string with_article(const std::string& noun) {
  if (noun.starts_with('"') || noun == "true or false") return noun;
  return (noun.find_first_of("aeiou") == 0 ? "an " : "a ") + noun;
}

std::string listing(const std::vector<std::string>& words, std::string_view quote,
                    std::string_view last = " or ") {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i) text += i + 1 == words.size() ? last : std::string_view(", ");
    text.append(quote).append(words[i]).append(quote);
  }
  return text;
}

// "the number 644", "the text "x"", "a list".
std::string found(const Value& v, bool sensitive) {
  if (v.is_string() && v.as_string().empty()) return "an empty text";
  if (sensitive || v.is_null() || v.is_array() || v.is_object()) return std::string(v.kind_name());
  if (v.is_bool()) return v.to_text();
  if (v.is_number()) return "the number " + v.to_text();
  std::string_view text = v.as_string();
  if (text.size() <= longest_shown) return "the text " + json_quote(text);
  std::size_t cut = 0;
  while (cut < longest_shown) cut += std::max<std::size_t>(utf8_length(text.substr(cut)), 1);
  return "the text " + json_quote(std::string(text.substr(0, cut)) + "…");
}

void report_unknown(const SchemaBase& schema, const Value::Member& member, Decoder& d) {
  std::vector<std::string> names;
  for (const auto& p : schema.parameters()) names.push_back(p->name);
  const std::size_t own = names.size();
  names.insert(names.end(), common_keys.begin(), common_keys.end());
  std::string hint = did_you_mean(member.key, names);
  names.resize(own);
  if (hint.empty() && own) hint = fmt::format("expected {}", listing(names, "`"));
  d.diagnostics.add(member.key_where.source ? member.key_where : d.resource,
                    fmt::format("unknown parameter `{}`", member.key), std::move(hint));
}

void report_missing(const Parameter& p, Decoder& d) {
  d.diagnostics.add(d.resource, fmt::format("`{}` is missing", p.name),
                    fmt::format("`{}` is {}: {}", p.name, with_article(p.type_text), p.doc));
}

// The first secret in it, at any depth.
const Value& secret_in(const Value& v) {
  if (v.is_array())
    for (const Value& item : v.as_array())
      if (holds_secret(item)) return secret_in(item);
  if (v.is_object())
    for (const Value::Member& m : v.as_object())
      if (holds_secret(m.value)) return secret_in(m.value);
  return v;
}

void report_secret(const SchemaBase& schema, const Value::Member& m, Decoder& d) {
  std::vector<std::string> names;
  for (const auto& p : schema.parameters())
    if (p->sensitive) names.push_back(p->name);
  const Value& secret = secret_in(m.value);
  const Position where = secret.where.source    ? secret.where
                         : m.value.where.source ? m.value.where
                                                : m.key_where;
  d.diagnostics.add(where.source ? where : d.resource,
                    fmt::format("`{}` cannot hold a secret: it would be visible", m.key),
                    names.empty() ? "no parameter of this type can"
                                  : fmt::format("of this type, {} can", listing(names, "`", " and ")));
}

bool decode_one(const Parameter& p, const Value& v, void* desired, Decoder& d) {
  d.parameter = p.name;
  d.sensitive = p.sensitive;
  d.item = false;
  const bool good = p.decode(v, desired, d);
  d.parameter = {};
  d.sensitive = d.item = false;
  return good;
}

// Which parameters were given; more than 64 in one type would be a mistake of its author.
using Given = std::uint64_t;

}  // namespace

bool Decoder::must_be(const Value& at, std::string_view wanted, std::string hint) {
  const std::string subject =
      parameter.empty() ? "this" : fmt::format("{}`{}`", item ? "each of " : "", parameter);
  error(at, fmt::format("{} must be {}, found {}", subject, wanted, found(at, sensitive)), std::move(hint));
  return false;
}

std::string Decoder::list_hint(const Value& at) const {
  constexpr std::size_t longest = 200;  // bytes
  if (!at.is_string() || sensitive || holds_secret(at) || at.as_string().size() > longest) return "";
  if (parameter != "argv") return fmt::format("write [{}]", json_quote(at.as_string()));
  std::string_view rest = at.as_string();
  if (rest.find_first_of("|&;<>()$`\\\"'*?#~\n") != rest.npos)
    return "a text for the shell is given as `shell`";
  std::vector<std::string> words;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end > 0) words.push_back(json_quote(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return fmt::format("write [{}]; a text for the shell is given as `shell`", fmt::join(words, ", "));
}

const Parameter* SchemaBase::find(std::string_view name) const {
  for (const auto& p : parameters_)
    if (p->name == name) return p.get();
  return nullptr;
}

bool SchemaBase::decode(const Value& params, void* desired, Decoder& decoder,
                        const std::function<bool(const Value&)>& skip) const {
  Given given = 0;
  bool good = true, complete = true;
  if (person_) person_(desired, decoder);
  static const Value::Object none;
  for (const Value::Member& m : params.is_object() ? params.as_object() : none) {
    std::size_t i = 0;
    while (i < parameters_.size() && parameters_[i]->name != m.key) ++i;
    if (i == parameters_.size()) {
      report_unknown(*this, m, decoder);
      good = false;
      continue;
    }
    given |= Given{1} << i;
    const bool secret = holds_secret(m.value);
    if (secret && !parameters_[i]->sensitive) {
      report_secret(*this, m, decoder);
      good = false;
      continue;
    }
    if (secret && secrets_) secrets_(desired);
    if (skip && skip(m.value)) {
      complete = false;
    } else {
      good &= decode_one(*parameters_[i], m.value, desired, decoder);
    }
  }
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i]->required || (given >> i & 1)) continue;
    report_missing(*parameters_[i], decoder);
    good = false;
  }
  if (!good || !complete) return good;
  const std::size_t before = decoder.diagnostics.size();
  if (check_) check_(desired, params, decoder);
  if (absent_ && absent_(desired))
    for (const auto& p : parameters_)
      if (p->present_only) p->reset(desired);
  return decoder.diagnostics.size() == before;
}

void Checker::error(std::string_view parameter, std::string message, std::string hint) {
  if (const Value* v = params_.find(parameter)) return decoder_.error(*v, std::move(message), std::move(hint));
  decoder_.diagnostics.add(decoder_.resource, std::move(message), std::move(hint));
}

namespace schema_detail {

void fill_words(Parameter& p, const std::vector<std::string>& words) {
  p.type_text = listing(words, "\"");
  Value::Array list(words.begin(), words.end());
  p.json_schema.set("enum", std::move(list));
}

int decode_word(const Value& v, const std::vector<std::string>& words, Decoder& decoder) {
  if (v.is_string())
    for (std::size_t i = 0; i < words.size(); ++i)
      if (words[i] == v.as_string()) return static_cast<int>(i);
  decoder.must_be(v, listing(words, "\""), v.is_string() ? did_you_mean(v.as_string(), words) : "");
  return -1;
}

}  // namespace schema_detail

}  // namespace mlops
