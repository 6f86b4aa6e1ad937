// Parts of the program that are loaded on first use: shared objects beside the program.
#pragma once

#include <string>
#include <vector>

namespace mlops {

// A loaded backend. It stays loaded as long as the process (its libraries keep state of their own), so copies
// of this and results of function() stay valid; creating another of the same name is cheap.
class Backend {
 public:
  // Loads NAME.so from backends_folder(). The libraries it needs are taken from the folder lib beside that one
  // if they are there (on a target: deploy/bundle_contents.hpp), else as ld.so(8) finds them. Error
  // unavailable, which says what is missing, or, as root, who other than root and the caller could change the
  // loaded files.
  explicit Backend(const std::string& name);

  // The function of that C name. Fn is the function's type. Error unavailable if the backend has none.
  template <class Fn>
  Fn* function(const char* symbol) const {
    return reinterpret_cast<Fn*>(find(symbol));
  }

 private:
  void* find(const char* symbol) const;
  std::string name_;
  void* handle_ = nullptr;
};

// The folder backends beside this program, or ../backends (the build's tests; a target), or
// ../lib/mlops-agent/backends (installed). Error unavailable if none of them exists.
std::string backends_folder();
// The names of existing backends, sorted.
std::vector<std::string> backend_names();

// Call before this process drops privileges: its backends can then still be found, even if the new user may not
// access their path. Never fails.
void keep_backends_reachable();

}  // namespace mlops
