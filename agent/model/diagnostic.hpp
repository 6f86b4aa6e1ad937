// A mistake in user input, and the list that collects mistakes.
#pragma once

#include <string>
#include <vector>

#include "model/value.hpp"

namespace mlops {

// One mistake at one place. message describes it in a sentence without a full stop; hint is "" or the fix ("did
// you mean `names`?"). related points to a second place ("first defined here").
struct Diagnostic {
  Position where;
  std::string message;
  std::string hint;
  Position related;
  std::string related_message;
};

// The message as shown to people, each line with a newline:
//     playbook.json:3:18: error: unknown parameter `nme`
//       {"type": "file", "nme": "motd"}
//                        ^
//       hint: did you mean `name`?
//     playbook.json:1:2: note: first defined here
//       {
//       ^
// Tabs of the line are kept before the caret; lines of more than 76 code points are shortened around it, with …
// where something is left out; terminal control characters become U+FFFD. Without a source there is no place
// and no line, with line 0 no line. Colours are ANSI's.
std::string to_text(const Diagnostic& diagnostic, bool colour = false);

// Collects mistakes so that all of a run's are shown together.
class Diagnostics {
 public:
  void add(Diagnostic d) { list_.push_back(std::move(d)); }
  void add(Position where, std::string message, std::string hint = "") {
    list_.push_back({where, std::move(message), std::move(hint), {}, {}});
  }
  bool empty() const { return list_.empty(); }
  std::size_t size() const { return list_.size(); }
  const std::vector<Diagnostic>& list() const { return list_; }
  // By source, then line, then column; exact repeats removed.
  void sort();

 private:
  std::vector<Diagnostic> list_;
};

}  // namespace mlops
