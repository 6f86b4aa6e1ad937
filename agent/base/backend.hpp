// Parts of the program that are loaded when they are first used: a shared object each, beside the program.
#pragma once

#include <string>
#include <vector>

namespace mlops {

// A loaded backend. It stays loaded as long as the process (its libraries keep state of their own), so copies
// of this and what function() returned stay good; making another of the same name is cheap.
class Backend {
 public:
  // Loads NAME.so from backends_folder(). The libraries it needs are taken from the folder lib beside that one
  // where they are there (another host: deploy/bundle_contents.hpp), else as ld.so(8) finds them. Error
  // unavailable, which says what is missing, or, as root, who beside root and the caller could change what is
  // loaded.
  explicit Backend(const std::string& name);

  // The function of that C name. Fn is the function's type. Error unavailable when the backend has none.
  template <class Fn>
  Fn* function(const char* symbol) const {
    return reinterpret_cast<Fn*>(find(symbol));
  }

 private:
  void* find(const char* symbol) const;
  std::string name_;
  void* handle_ = nullptr;
};

// The folder backends beside this program, or ../backends (the build's tests; another host), or
// ../lib/mlops-agent/backends (installed). Error unavailable when there is none of them.
std::string backends_folder();
// The names of those that are there, sorted.
std::vector<std::string> backend_names();

// To be called before this process gives up rights: its backends are found afterwards too, though the user that it
// becomes may not walk to them. Never fails.
void keep_backends_reachable();

}  // namespace mlops
