// What a world's overlay has beyond its base, and how two worlds differ.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace torture {

// One path, without its times. kind is f, d, l, p, s, c or b; 0 for nothing there.
struct Entry {
  char kind = 0;
  std::uint32_t mode = 0, uid = 0, gid = 0;
  std::uint64_t device = 0;
  std::string content;                            // of a file, or the target of a link
  std::map<std::string, std::string> attributes;  // extended ones, but the overlay's own
  friend bool operator==(const Entry&, const Entry&) = default;
};

// "file 0644 0:0, 12 bytes"
std::string text_of(const Entry& entry);
// What differs first: "mode 0644 -> 0600".
std::string difference(const Entry& before, const Entry& after);

// What is at a path; nothing when it is not there.
Entry entry_at(const std::string& path);

// Paths below /, without the slash, that two worlds need not have in common: "var/log" with all below it; *
// stands for any text of one part.
class Ignored {
 public:
  Ignored();
  void add(const std::string& pattern) { patterns_.push_back(pattern); }
  bool holds(const std::string& path) const;

 private:
  std::vector<std::string> patterns_;
};

// The paths of the upper folder of an overlay as they look in it, those that were removed included.
using Snapshot = std::map<std::string, Entry>;
Snapshot take_snapshot(const std::string& upper, const std::string& base, const Ignored& ignored);

// A line for each path that differs: "etc/motd: mode 0644 -> 0600". base: what is at a path that a world did
// not touch. Of the paths in noise only kind, mode and owner count.
std::vector<std::string> differences(const Snapshot& wanted, const Snapshot& found, const std::string& base,
                                     const std::map<std::string, bool>& noise);
// The paths whose contents differ.
std::map<std::string, bool> noise_of(const Snapshot& one, const Snapshot& other);

}  // namespace torture
