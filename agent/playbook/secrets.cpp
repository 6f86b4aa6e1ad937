#include "playbook/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "model/error.hpp"
#include "playbook/argv.hpp"
#include "playbook/interpolation.hpp"
#include "playbook/resource_shape.hpp"

namespace mlops {
namespace {

constexpr auto stars = "***";
constexpr std::size_t shortest_part = 8;  // bytes of a line of a secret, or of its base64, that gives it away

// The characters of base64 (RFC 4648, section 4) that the text alone decides where it stands `before` bytes behind the
// begin of a group of three.
std::string base64_part(std::string_view text, std::size_t before) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  const std::size_t first_bit = before * 8, bits = first_bit + text.size() * 8;
  for (std::size_t bit = (first_bit + 5) / 6 * 6; bit + 6 <= bits; bit += 6) {
    unsigned six = 0;
    for (std::size_t i = bit; i < bit + 6; ++i) {
      const auto byte = static_cast<unsigned char>(text[i / 8 - before]);
      six = six * 2 + (byte >> (7 - i % 8) & 1u);
    }
    encoded += digits[six];
  }
  return encoded;
}

std::string inside_single_quotes(const std::string& text) {
  std::string word;
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word;
}

// All texts that give the secret away.
std::vector<std::string> forms_of(const std::string& secret) {
  std::vector<std::string> forms{secret};
  const std::string quoted = json_quote(secret);
  forms.push_back(quoted.substr(1, quoted.size() - 2));
  forms.push_back(inside_single_quotes(secret));
  for (std::size_t from = 0; from < secret.size();) {
    const std::size_t end = std::min(secret.find('\n', from), secret.size());
    if (end - from >= shortest_part) forms.push_back(secret.substr(from, end - from));
    from = end + 1;
  }
  for (const std::size_t before : {0, 1, 2})
    if (std::string part = base64_part(secret, before); part.size() >= shortest_part) forms.push_back(std::move(part));
  return forms;
}

bool longer(const std::string& a, const std::string& b) { return a.size() != b.size() ? a.size() > b.size() : a < b; }

bool is_name(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-';
  });
}

constexpr std::array<std::string_view, 4> origins{"env", "file", "command", "prompt"};
constexpr auto origins_hint = R"(write {"env": "NAME"}, {"file": "~/key"}, {"command": ["pass", "x"]} or {"prompt": "Question"})";

// One entry of `secrets`.
class Reading {
 public:
  Reading(const std::string& name, const std::string& folder, const std::string& home, Diagnostics& diagnostics)
      : name_(name), folder_(folder), home_(home), diagnostics_(diagnostics) {}

  std::optional<SecretOrigin> read(const Value& written) {
    if (!written.is_object()) {
      // The line is not shown: it may hold what nobody should see.
      Position file = written.where;
      file.line = file.column = 0;
      diagnostics_.add(file,
                       fmt::format("the secret `{}` (line {}) must say where it is read from, found {}", name_,
                                   written.where.line, written.kind_name()),
                       origins_hint);
      return std::nullopt;
    }
    for (const Value::Member& m : written.as_object())
      if (std::find(origins.begin(), origins.end(), m.key) == origins.end()) {
        unknown_key(m, {"env", "file", "command", "prompt"}, diagnostics_);
        return std::nullopt;
      }
    if (written.as_object().size() != 1) {
      diagnostics_.add(written.where, fmt::format("the secret `{}` must be read from one place", name_), origins_hint);
      return std::nullopt;
    }
    return origin(written.as_object().front());
  }

 private:
  std::optional<SecretOrigin> origin(const Value::Member& m) {
    SecretOrigin origin;
    origin.where = m.value.where;
    if (needs_filling(m.value)) {
      diagnostics_.add(m.value.where, fmt::format("`{}` cannot hold `{{{{`: secrets are read as they are written", m.key));
      return std::nullopt;
    }
    if (m.key == "command") {
      origin.kind = SecretOrigin::Kind::command;
      return command(m.value, std::move(origin));
    }
    if (!m.value.is_string() || m.value.as_string().empty()) {
      diagnostics_.add(m.value.where, fmt::format("`{}` must be a text, found {}", m.key,
                                                  m.value.is_string() ? "an empty one" : m.value.kind_name()));
      return std::nullopt;
    }
    origin.text = m.value.as_string();
    origin.kind = m.key == "env" ? SecretOrigin::Kind::env : SecretOrigin::Kind::prompt;
    if (m.key == "file") {
      origin.kind = SecretOrigin::Kind::file;
      origin.text = path(origin.text);
    }
    return origin;
  }

  std::optional<SecretOrigin> command(const Value& written, SecretOrigin origin) {
    const bool texts = written.is_array() && !written.as_array().empty() &&
                       std::all_of(written.as_array().begin(), written.as_array().end(),
                                   [](const Value& v) { return v.is_string(); });
    if (!texts || written.as_array()[0].as_string().empty()) {
      diagnostics_.add(written.where, "`command` must be a list of texts: a program and its arguments",
                       "no shell is involved");
      return std::nullopt;
    }
    for (const Value& word : written.as_array()) origin.argv.push_back(below_home(word.as_string(), home_));
    return origin;
  }

  std::string path(const std::string& text) const {
    if (text == "~" || text.starts_with("~/")) return home_ + text.substr(1);
    return text.front() == '/' ? text : folder_ + text;
  }

  const std::string& name_;
  const std::string& folder_;
  const std::string& home_;
  Diagnostics& diagnostics_;
};

}  // namespace

struct Secrets::State {
  mutable std::mutex mutex;
  std::map<std::string, Value, std::less<>> texts;
  std::map<std::string, Diagnostic, std::less<>> failures;
  std::vector<std::string> forms;  // the longest first

  const Value& keep(const std::string& name, std::string text) {
    const std::vector<std::string> more = forms_of(text);
    forms.insert(forms.end(), more.begin(), more.end());
    std::sort(forms.begin(), forms.end(), longer);
    forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
    Value& value = texts.emplace(name, Value(std::move(text))).first->second;
    value.secret = true;
    return value;
  }
};

Secrets::Secrets() : state_(std::make_unique<State>()) {}
Secrets::~Secrets() = default;

void Secrets::open(std::unique_ptr<SecretReader> reader) { reader_ = std::move(reader); }

std::optional<Value> Secrets::value(std::string_view name) const {
  const auto known = std::find_if(declared_.begin(), declared_.end(), [&](const Declared& d) { return d.name == name; });
  if (known == declared_.end()) return std::nullopt;
  if (!reader_) {
    Value stand_in(stars);
    stand_in.secret = true;
    return stand_in;
  }
  const std::lock_guard lock(state_->mutex);
  if (const auto text = state_->texts.find(name); text != state_->texts.end()) return text->second;
  auto failure = state_->failures.find(name);
  if (failure == state_->failures.end()) {
    try {
      std::string text = reader_->read(known->name, known->origin);
      if (text.empty()) throw Error("it is empty");
      if (text.find('\0') != std::string::npos) throw Error("it holds a NUL character");
      return state_->keep(known->name, std::move(text));
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      std::string hint = e.output();
      failure = state_->failures
                    .emplace(known->name, Diagnostic{known->origin.where,
                                                     fmt::format("the secret `{}` cannot be read: {}", name, e.what()),
                                                     std::move(hint), {}, {}})
                    .first;
    }
  }
  throw InterpolationError{failure->second};
}

bool Secrets::failed() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->failures.empty();
}

std::string Secrets::concealed(std::string text) const {
  if (declared_.empty() || text.empty()) return text;
  const std::lock_guard lock(state_->mutex);
  for (const std::string& form : state_->forms)
    for (std::size_t at = text.find(form); at != std::string::npos; at = text.find(form, at + 3))
      text.replace(at, form.size(), stars);
  return text;
}

bool Secrets::shows_in(std::string_view text) const {
  if (declared_.empty()) return false;
  const std::lock_guard lock(state_->mutex);
  return std::any_of(state_->forms.begin(), state_->forms.end(),
                     [&](const std::string& form) { return text.find(form) != std::string_view::npos; });
}

void read_secrets(const Value& written, const std::string& folder, const std::string& home, Secrets& into,
                  Diagnostics& diagnostics) {
  if (!written.is_object()) {
    must_be(written, "secrets", "an object", diagnostics);
    return;
  }
  for (const Value::Member& m : written.as_object()) {
    if (!is_name(m.key)) {
      diagnostics.add(m.key_where, fmt::format("a secret's name is of letters, digits, `_` and `-`, found {}",
                                               json_quote(m.key)));
      continue;
    }
    if (auto origin = Reading(m.key, folder, home, diagnostics).read(m.value)) into.declare(m.key, *std::move(origin));
  }
}

}  // namespace mlops
