// Parts of the program that are loaded when they are first used: a shared object each, beside the program.
#pragma once

#include <string>

namespace mlops {

// A loaded backend. It stays loaded as long as the process (its libraries keep state of their own), so copies
// of this and what function() returned stay good; making another of the same name is cheap.
class Backend {
 public:
  // Loads NAME.so from the folder backends beside this program, or ../backends (the build's tests), or
  // ../lib/mlops-agent/backends (installed). Error unavailable, which says what is missing.
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

}  // namespace mlops
