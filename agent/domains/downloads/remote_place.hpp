// Where a URL or a git remote points: host and path.
#pragma once

#include <optional>
#include <string>

namespace mlops {

struct RemotePlace {
  std::string host;  // with ":port" where one is given; user and password left out
  std::string path;  // without the leading slash, decoded; never has a ".." component
};

// Of http, https, ssh and git URLs, and of scp's form that git has (user@host:path). Absent for other texts
// (local paths, unknown schemes) and for paths that lead upwards.
std::optional<RemotePlace> remote_place(const std::string& url);

// The last component of a URL's path, without query and fragment; "" when it ends with a slash.
std::string url_file_name(const std::string& url);

}  // namespace mlops
