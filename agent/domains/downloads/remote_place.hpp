// The host and path of a URL or a git remote.
#pragma once

#include <optional>
#include <string>

namespace mlops {

struct RemotePlace {
  std::string host;  // with ":port" if one is given; user and password omitted
  std::string path;  // without the leading slash, decoded; never has a ".." component
};

// Of http, https, ssh and git URLs, and of git's scp-like form (user@host:path). Absent for other texts (local
// paths, unknown schemes) and for paths that lead upwards.
std::optional<RemotePlace> remote_place(const std::string& url);

// The last component of a URL's path, without query and fragment; "" if it ends with a slash.
std::string url_file_name(const std::string& url);

}  // namespace mlops
