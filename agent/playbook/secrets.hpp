// The root `secrets`: declared at the top of a playbook, read where the command was typed, never shown.
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
  std::string text;               // the variable, the path (absolute, or relative to the working folder), the question
  std::vector<std::string> argv;  // of a command
  Position where;                 // of what it is read from: the value of "env", "file", …
};

// Has the texts of secrets.
class SecretReader {
 public:
  virtual ~SecretReader() = default;
  // Without the newlines at its end. Error where it cannot be had, Unknown where it is not asked for now.
  virtual std::string read(const std::string& name, const SecretOrigin& origin) = 0;
};

// Safe to use from several threads.
class Secrets {
 public:
  struct Declared {
    std::string name;
    SecretOrigin origin;
  };

  Secrets();
  ~Secrets();

  void declare(std::string name, SecretOrigin origin) { declared_.push_back({std::move(name), std::move(origin)}); }
  const std::vector<Declared>& declared() const { return declared_; }
  bool empty() const { return declared_.empty(); }

  // From now on they are read, each when it is first wanted, once. Before, a stand-in has their place, so that a
  // playbook can be checked without reading any.
  void open(std::unique_ptr<SecretReader> reader);
  bool is_open() const { return reader_ != nullptr; }

  // Its text, marked as secret; absent where there is none of that name. InterpolationError, at its declaration, where
  // it cannot be had, has fewer than 4 bytes (it could not be told apart in what is shown) or holds a NUL; Unknown as
  // the reader has it; Error only where it is interrupted.
  std::optional<Value> value(std::string_view name) const;
  // Whether one was wanted that cannot be had.
  bool failed() const;

  // What was made of a secret that has been read is hidden from now on, too. A text of fewer than 4 bytes is not.
  void hide(const std::string& derived) const;

  // The text with *** in the place of each secret that has been read, and of what was made of one: as it is, its lines of
  // at least 4 bytes, as JSON, base64 (RFC 4648, both alphabets) and a POSIX shell write it, with any of its bytes
  // percent-encoded (RFC 3986; + for a blank), and as hexadecimal digits, also with blanks, colons or \\x between bytes.
  std::string concealed(std::string text) const;
  // Whether concealed would change it.
  bool shows_in(std::string_view text) const;

 private:
  struct State;
  std::vector<Declared> declared_;
  std::unique_ptr<SecretReader> reader_;
  std::unique_ptr<State> state_;
};

// Reads the object `secrets` of a playbook, whose folder is folder ("" or with a slash at its end), into the secrets;
// mistakes of its form are reported. home: the person's.
void read_secrets(const Value& written, const std::string& folder, const std::string& home, Secrets& into,
                  Diagnostics& diagnostics);

}  // namespace mlops
