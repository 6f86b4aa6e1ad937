// The reads of files as values, one for each member of FileReader: what decorates a reader handles each as one
// of these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/type_list.hpp"
#include "domains/files/reader.hpp"

namespace mlops {

struct ViewFile {
  using Result = std::optional<FileView>;
  std::string path;
  std::uint64_t content_limit = 0;
  Result ask(const FileReader& reader) const { return reader.view(path, content_limit); }
};
struct ListFolder {
  using Result = std::optional<std::vector<std::string>>;
  std::string path;
  Result ask(const FileReader& reader) const { return reader.list(path); }
};
struct ResolvePath {
  using Result = std::optional<std::string>;
  std::string path;
  Result ask(const FileReader& reader) const { return reader.resolve(path); }
};
struct DigestFile {
  using Result = std::optional<std::string>;
  std::string path;
  Result ask(const FileReader& reader) const { return reader.sha256(path); }
};
struct ReadGrants {
  using Result = std::optional<Grants>;
  std::string path;
  Result ask(const FileReader& reader) const { return reader.grants(path); }
};

using FileQueries = TypeList<ViewFile, ListFolder, ResolvePath, DigestFile, ReadGrants>;

// The reader that hands each read to Asker::ask as a query.
template <class Asker>
class AskedFiles : public FileReader {
  std::optional<FileView> view(const std::string& path, std::uint64_t content_limit) const override {
    return asker().ask(ViewFile{path, content_limit});
  }
  std::optional<std::vector<std::string>> list(const std::string& path) const override {
    return asker().ask(ListFolder{path});
  }
  std::optional<std::string> resolve(const std::string& path) const override {
    return asker().ask(ResolvePath{path});
  }
  std::optional<std::string> sha256(const std::string& path) const override {
    return asker().ask(DigestFile{path});
  }
  std::optional<Grants> grants(const std::string& path) const override { return asker().ask(ReadGrants{path}); }
  const Asker& asker() const { return static_cast<const Asker&>(*this); }
};

}  // namespace mlops
