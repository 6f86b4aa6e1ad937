// Downloads that a plan simulates.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "domains/domains.hpp"

namespace mlops {

class OverlayDownloads {
 public:
  static OverlayDownloads over(const MachineReader& /*real*/, const MachineReader& /*root*/) { return {}; }

  // The URL that the path is to be downloaded from; absent if that is not simulated.
  std::optional<std::string> url_of(const std::string& path) const {
    const auto found = urls_.find(path);
    return found == urls_.end() ? std::nullopt : std::optional(found->second);
  }
  void add(const std::string& path, const std::string& url) { urls_[path] = url; }

  // Between begin and commit or go_back changes can be reverted; go_back does.
  void begin() { kept_ = urls_; }
  void commit() { kept_.reset(); }
  void go_back() {
    if (kept_) urls_ = std::move(*kept_);
    kept_.reset();
  }

 private:
  std::map<std::string, std::string> urls_;                 // by path
  std::optional<std::map<std::string, std::string>> kept_;  // at begin
};

}  // namespace mlops
