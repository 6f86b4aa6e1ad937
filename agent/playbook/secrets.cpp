#include "playbook/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/error.hpp"
#include "playbook/interpolation.hpp"
#include "playbook/resource_shape.hpp"
#include "resource/argv.hpp"

namespace mlops {
namespace {

constexpr auto stars = "***";
// bytes of a secret, or of a line of one: shorter ones occur in ordinary text
constexpr std::size_t shortest = 4;
constexpr std::size_t shortest_base64 = 8;  // minimum base64 characters that are masked

// The base64 characters (RFC 4648, section 4) that the text alone determines if it starts `before` bytes after
// the start of a group of three.
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

// The secret and its lines, with surrounding blanks removed.
std::vector<std::string> parts_of(const std::string& secret) {
  std::vector<std::string> parts{secret};
  for (std::size_t from = 0; from < secret.size();) {
    const std::size_t end = std::min(secret.find('\n', from), secret.size());
    std::string_view line = std::string_view(secret).substr(from, end - from);
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
    if (line.size() >= shortest) parts.emplace_back(line);
    from = end + 1;
  }
  return parts;
}

// All encodings of a secret, except those that are found byte by byte.
std::vector<std::string> forms_of(const std::string& secret) {
  std::vector<std::string> forms = parts_of(secret);
  const std::string quoted = json_quote(secret);
  forms.push_back(quoted.substr(1, quoted.size() - 2));
  forms.push_back(inside_single_quotes(secret));
  for (const std::size_t before : {0, 1, 2}) {
    std::string part = base64_part(secret, before);
    if (part.size() < shortest_base64) continue;
    forms.push_back(part);
    std::replace(part.begin(), part.end(), '+', '-');
    std::replace(part.begin(), part.end(), '/', '_');
    forms.push_back(std::move(part));
  }
  return forms;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = static_cast<char>(c | 0x20);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// Whether two hexadecimal digits at the start of the text represent the byte.
bool is_hex_of(std::string_view text, char byte) {
  return text.size() >= 2 && hex_digit(text[0]) == static_cast<unsigned char>(byte) >> 4 &&
         hex_digit(text[1]) == (byte & 15);
}

// How much of the start of the text is the secret with some of its bytes percent-encoded; 0: none.
std::size_t percent_encoded(std::string_view text, std::string_view secret) {
  std::size_t at = 0;
  for (const char byte : secret) {
    if (at == text.size()) return 0;
    if (text[at] == '%' && is_hex_of(text.substr(at + 1), byte))
      at += 3;
    else if (text[at] == byte || (text[at] == '+' && byte == ' '))
      ++at;
    else
      return 0;
  }
  return at;
}

// The same for hexadecimal digits.
std::size_t hexadecimal(std::string_view text, std::string_view secret) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    if (i > 0 && text.substr(at).starts_with("\\x"))
      at += 2;
    else if (i > 0 && at < text.size() && (text[at] == ' ' || text[at] == ':' || text[at] == '-'))
      ++at;
    if (!is_hex_of(text.substr(at), secret[i])) return 0;
    at += 2;
  }
  return at;
}

using Encoded = std::size_t (*)(std::string_view text, std::string_view secret);

struct FoundAt {
  std::size_t at = std::string_view::npos, size = 0;
};

FoundAt find_encoded(std::string_view text, std::string_view secret, Encoded encoded, std::size_t from) {
  for (std::size_t at = from; at + secret.size() <= text.size(); ++at)
    if (const std::size_t size = encoded(text.substr(at), secret)) return {at, size};
  return {};
}

struct Longer {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  }
};

bool is_secret_name(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-';
  });
}

constexpr std::array<std::string_view, 4> origins{"env", "file", "command", "prompt"};
constexpr auto origins_hint =
    R"(write {"env": "NAME"}, {"file": "~/key"}, {"command": ["pass", "x"]} or {"prompt": "Question"})";

// One entry of `secrets`.
class SecretsReading {
 public:
  SecretsReading(const std::string& name, const std::string& folder, const std::string& home,
                 Diagnostics& diagnostics)
      : name_(name), folder_(folder), home_(home), diagnostics_(diagnostics) {}

  std::optional<SecretOrigin> read(const Value& written) {
    if (!written.is_object()) {
      // The line is not shown: it may contain a secret.
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
      diagnostics_.add(written.where, fmt::format("the secret `{}` must be read from one place", name_),
                       origins_hint);
      return std::nullopt;
    }
    return origin(written.as_object().front());
  }

 private:
  std::optional<SecretOrigin> origin(const Value::Member& m) {
    SecretOrigin origin;
    origin.where = m.value.where;
    if (needs_filling(m.value)) {
      diagnostics_.add(m.value.where,
                       fmt::format("`{}` cannot hold `{{{{`: secrets are read as they are written", m.key));
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
  std::set<std::string, Longer> parts, forms;

  void hide(const std::string& text) {
    for (std::string& form : forms_of(text)) forms.insert(std::move(form));
    for (std::string& part : parts_of(text)) parts.insert(std::move(part));
  }

  // Calls found with each position of a secret in the text; it returns where to continue, npos to end.
  template <class Found>
  void search(const std::string& text, const Found& found) const {
    const bool percent = text.find_first_of("%+") != text.npos;
    for (const Encoded encoded : {percent_encoded, hexadecimal}) {
      if (encoded == percent_encoded && !percent) continue;
      for (const std::string& part : parts)
        for (FoundAt place = find_encoded(text, part, encoded, 0); place.at != text.npos;) {
          const std::size_t next = found(place.at, place.size);
          if (next == text.npos) return;
          place = find_encoded(text, part, encoded, next);
        }
    }
    for (const std::string& form : forms)
      for (std::size_t at = text.find(form); at != text.npos;) {
        const std::size_t next = found(at, form.size());
        if (next == text.npos) return;
        at = text.find(form, next);
      }
  }

  const Value& keep(const std::string& name, std::string text) {
    hide(text);
    Value& value = texts.emplace(name, Value(std::move(text))).first->second;
    value.secret = true;
    return value;
  }
};

Secrets::Secrets() : state_(std::make_unique<State>()) {}
Secrets::~Secrets() = default;

void Secrets::open(std::unique_ptr<SecretReader> reader) { reader_ = std::move(reader); }

std::optional<Value> Secrets::value(std::string_view name) const {
  const auto known =
      std::find_if(declared_.begin(), declared_.end(), [&](const Declared& d) { return d.name == name; });
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
      if (text.size() < shortest)
        throw Error(
            fmt::format("it has fewer than {} bytes, which cannot be told apart in what is shown", shortest));
      if (text.find('\0') != std::string::npos) throw Error("it holds a NUL character");
      return state_->keep(known->name, std::move(text));
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::cancelled) throw;
      std::string hint = e.output();
      failure = state_->failures
                    .emplace(known->name,
                             Diagnostic{known->origin.where,
                                        fmt::format("the secret `{}` cannot be read: {}", name, e.what()),
                                        std::move(hint),
                                        {},
                                        {}})
                    .first;
    }
  }
  throw InterpolationError{failure->second};
}

bool Secrets::failed() const {
  const std::lock_guard lock(state_->mutex);
  return !state_->failures.empty();
}

void Secrets::hide(const std::string& derived) const {
  if (!reader_ || derived.size() < shortest) return;
  const std::lock_guard lock(state_->mutex);
  if (!state_->parts.contains(derived)) state_->hide(derived);
}

std::string Secrets::concealed(std::string text) const {
  if (declared_.empty() || text.empty()) return text;
  const std::lock_guard lock(state_->mutex);
  state_->search(text, [&](std::size_t at, std::size_t size) {
    text.replace(at, size, stars);
    return at + std::string_view(stars).size();
  });
  return text;
}

bool Secrets::shows_in(std::string_view text) const {
  if (declared_.empty()) return false;
  const std::lock_guard lock(state_->mutex);
  bool shows = false;
  state_->search(std::string(text), [&](std::size_t, std::size_t) {
    shows = true;
    return std::string::npos;
  });
  return shows;
}

void read_secrets(const Value& written, const std::string& folder, const std::string& home, Secrets& into,
                  Diagnostics& diagnostics) {
  if (!written.is_object()) {
    must_be(written, "secrets", "an object", diagnostics);
    return;
  }
  for (const Value::Member& m : written.as_object()) {
    if (!is_secret_name(m.key)) {
      diagnostics.add(m.key_where, fmt::format("a secret's name is of letters, digits, `_` and `-`, found {}",
                                               json_quote(m.key)));
      continue;
    }
    if (auto origin = SecretsReading(m.key, folder, home, diagnostics).read(m.value))
      into.declare(m.key, *std::move(origin));
  }
}

}  // namespace mlops
