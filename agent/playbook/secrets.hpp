// The root `secrets`: declared at the top of a playbook, read on the controller, never shown.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/value.hpp"

namespace mlops {

// Where a secret comes from.
struct SecretOrigin {
  enum class Kind { env, file, command, prompt };
  Kind kind = Kind::env;
  // the variable, the path (absolute, or relative to the working folder), the question
  std::string text;
  std::vector<std::string> argv;  // of a command
  Position where;                 // of the source: the value of "env", "file", …
};

// Reads the texts of secrets.
class SecretReader {
 public:
  virtual ~SecretReader() = default;
  // Without trailing newlines. Error if it cannot be read, Unknown if it is not requested now.
  virtual std::string read(const std::string& name, const SecretOrigin& origin) = 0;
};

// Thread-safe.
class Secrets {
 public:
  struct Declared {
    std::string name;
    SecretOrigin origin;
  };

  Secrets();
  ~Secrets();

  void declare(std::string name, SecretOrigin origin) {
    declared_.push_back({std::move(name), std::move(origin)});
  }
  const std::vector<Declared>& declared() const { return declared_; }
  bool empty() const { return declared_.empty(); }

  // From now on they are read, each on first use, once. Before, a placeholder takes their place, so that a
  // playbook can be checked without reading any.
  void open(std::unique_ptr<SecretReader> reader);
  bool is_open() const { return reader_ != nullptr; }

  // Its text, marked as secret; absent if there is none of that name. InterpolationError, at its declaration,
  // if it cannot be read, has fewer than 4 bytes (it could not be recognized in output) or contains a NUL; the
  // reader's Unknown; Error only if it is interrupted.
  std::optional<Value> value(std::string_view name) const;
  // Whether an unreadable one was requested.
  bool failed() const;

  // From now on also masks a text that was made from a secret. A text of fewer than 4 bytes is not masked.
  void hide(const std::string& derived) const;

  // The text with *** in place of each secret that has been read, and of texts made from one: literally, its
  // lines of at least 4 bytes, as JSON, base64 (RFC 4648, both alphabets) and a POSIX shell write it, with any
  // of its bytes percent-encoded (RFC 3986; + for a blank), and as hexadecimal digits, also with blanks, colons
  // or \\x between bytes.
  std::string concealed(std::string text) const;
  // Whether concealed would change it.
  bool shows_in(std::string_view text) const;

 private:
  struct State;
  std::vector<Declared> declared_;
  std::unique_ptr<SecretReader> reader_;
  std::unique_ptr<State> state_;
};

// Reads the object `secrets` of a playbook, whose folder is folder ("" or with a trailing slash), into the
// secrets; structural mistakes are reported. home: the person's.
void read_secrets(const Value& written, const std::string& folder, const std::string& home, Secrets& into,
                  Diagnostics& diagnostics);

}  // namespace mlops
