#include "domains/downloads/remote_place.hpp"

#include <array>
#include <cctype>
#include <string_view>

namespace mlops {
namespace {

constexpr auto npos = std::string_view::npos;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// RFC 3986, 2.1.
std::string decode(std::string_view text) {
  std::string s;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '%' && i + 2 < text.size();
    const int high = escaped ? hex_value(text[i + 1]) : -1, low = escaped ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      s += text[i];
    } else {
      s += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return s;
}

bool leads_upwards(std::string_view path) {
  for (std::size_t from = 0; from <= path.size();) {
    const auto to = std::min(path.find('/', from), path.size());
    if (path.substr(from, to - from) == "..") return true;
    from = to + 1;
  }
  return false;
}

std::string_view without_query(std::string_view url) { return url.substr(0, url.find_first_of("?#")); }

std::optional<RemotePlace> make_place(std::string_view host, std::string_view path) {
  host = host.substr(host.rfind('@') + 1);  // npos + 1 is 0
  while (path.starts_with('/')) path.remove_prefix(1);
  RemotePlace place{std::string(host), decode(path)};
  if (host.empty() || host == "." || host == ".." || host.find('/') != npos) return {};
  if (place.path.find('\0') != std::string::npos || leads_upwards(place.path)) return {};
  return place;
}

}  // namespace

std::optional<RemotePlace> remote_place(const std::string& url) {
  const std::string_view all(url);
  if (const auto scheme = all.find("://"); scheme != npos) {
    static constexpr std::array<std::string_view, 4> known{"http", "https", "ssh", "git"};
    bool good = false;
    for (const std::string_view k : known) good |= all.substr(0, scheme) == k;
    if (!good) return {};
    const std::string_view rest = without_query(all.substr(scheme + 3));
    const auto slash = rest.find('/');
    return make_place(rest.substr(0, slash), slash == npos ? std::string_view() : rest.substr(slash));
  }
  // git-clone(1): scp's form counts only when no slash comes before the first colon.
  const auto colon = all.find(':');
  if (colon == npos || colon > all.find('/')) return {};
  return make_place(all.substr(0, colon), all.substr(colon + 1));
}

std::string url_file_name(const std::string& url) {
  const std::string_view path = without_query(url);
  return decode(path.substr(path.rfind('/') + 1));
}

}  // namespace mlops
