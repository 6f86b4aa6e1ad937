// The mirror that is tried before the internet: a folder or a URL with HOST/PATH below it.
#pragma once

#include <optional>
#include <string>

namespace mlops {

class Mirror {
 public:
  // "" for no mirror.
  explicit Mirror(std::string place);

  bool is_folder() const { return !place_.empty() && !is_url_; }
  bool is_url() const { return is_url_; }
  // MIRROR/HOST/PATH of a URL or git remote, whether it exists or not. Absent without a mirror, and for
  // anything without a host.
  std::optional<std::string> place_of(const std::string& url) const;

 private:
  std::string place_;
  bool is_url_;
};

}  // namespace mlops
