#include "deploy/bundle.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/backend.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/handle.hpp"
#include "base/own_executable.hpp"
#include "base/person.hpp"
#include "base/process.hpp"
#include "deploy/bundle_contents.hpp"
#include "domains/accounts/acting_user.hpp"

namespace mlops {
namespace {

namespace fs = std::filesystem;

constexpr const char* sums_name = "SUMS";
constexpr const char* about_name = "ABOUT";

std::string own_architecture() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  utsname name{};
  ::uname(&name);
  return name.machine;
#endif
}

ActingUser self() {
  const Person person = effective_person();
  return {person.name, person.home, person.shell, person.uid, person.gid};
}

CommandResult run(std::vector<std::string> argv, const Cancellation& cancellation) {
  return run_process(Command{.argv = std::move(argv)}, self(), {.cancellation = &cancellation});
}

// ---- texts of "key value" lines -----------------------------------------------------------------------------

using Fields = std::map<std::string, std::string>;

Fields parse_fields(const std::string& text) {
  Fields fields;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const std::size_t at = line.find(' '); at != std::string::npos)
      fields[line.substr(0, at)] = line.substr(at + 1);
  return fields;
}

std::uint64_t number(const Fields& fields, const std::string& key) {
  const auto at = fields.find(key);
  std::uint64_t value = 0;
  if (at != fields.end()) std::from_chars(at->second.data(), at->second.data() + at->second.size(), value);
  return value;
}

std::string word(const Fields& fields, const std::string& key) {
  const auto at = fields.find(key);
  return at == fields.end() ? std::string() : at->second;
}

Bundle described_by(const Fields& fields) {
  Bundle b;
  b.version = word(fields, "version");
  b.architecture = word(fields, "architecture");
  b.interpreter = word(fields, "interpreter");
  b.unpacked = number(fields, "unpacked");
  b.files = number(fields, "files");
  return b;
}

std::string about(const Bundle& b) {
  return fmt::format("version {}\narchitecture {}\ninterpreter {}\nunpacked {}\nfiles {}\n", b.version,
                     b.architecture, b.interpreter, b.unpacked, b.files);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw system_error("cannot write " + path, errno);
}

// ---- records of packed bundles, and whether they are current ----------------------------------------------

// Size, times and inode of a path; "absent" when there is none.
std::string stamp(const std::string& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return "absent";
  return fmt::format("{} {} {}.{:09} {}.{:09}", s.st_ino, S_ISDIR(s.st_mode) ? 0 : s.st_size, s.st_mtim.tv_sec,
                     s.st_mtim.tv_nsec, s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
}

// A record of one packing: ABOUT's fields, id and archive, then a line "input STAMP = PATH" for every input.
class Record {
 public:
  static std::optional<Bundle> current(const std::string& path) {
    const std::string text = read_text(path);
    const Fields fields = parse_fields(text);
    Bundle b = described_by(fields);
    b.id = word(fields, "id");
    b.archive = word(fields, "archive");
    b.size = number(fields, "size");
    if (!is_sha256(b.id) || word(fields, "end").empty()) return {};
    std::istringstream lines(text);
    constexpr std::string_view input = "input ", separator = " = ";
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(input)) continue;
      const std::size_t at = line.find(separator);
      if (at == std::string::npos || stamp(line.substr(at + separator.size())) != line.substr(6, at - 6))
        return {};
    }
    return b;
  }
  static std::string text(const Bundle& b, const std::vector<std::pair<std::string, std::string>>& stamps) {
    std::string text = about(b) + fmt::format("id {}\narchive {}\nsize {}\n", b.id, b.archive, b.size);
    for (const auto& [path, was] : stamps) text += fmt::format("input {} = {}\n", was, path);
    return text + "end .\n";
  }
};

// ---- packing ------------------------------------------------------------------------------------------------

// A temporary folder, removed with its content.
class Scratch {
 public:
  explicit Scratch(const std::string& beside) : path_(beside + "/.new-XXXXXX") {
    if (!::mkdtemp(path_.data())) throw system_error("cannot make a folder in " + beside, errno);
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void copy_without_symbols(const BundleFile& file, const std::string& to, const ActingUser& who,
                          const Cancellation& cancellation) {
  if (file.ours && !find_program("strip", {}, who).empty() &&
      run({"strip", "--strip-unneeded", "-o", to, file.source}, cancellation).status == 0)
    return;
  fs::copy_file(file.source, to, fs::copy_options::overwrite_existing);
}

std::string digest_line(const std::string& root, const std::string& name) {
  const Handle file(::open((root + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw system_error("reading " + name, errno);
  return fmt::format("{}  {}\n", sha256_hex(file.get()), name);
}

// Fills the folder with the bundle's files. Returns SUMS.
std::string lay_out(const BundleContents& contents, Bundle& bundle, const std::string& root,
                    const Cancellation& cancellation) {
  const ActingUser who = self();
  std::string sums;
  for (const BundleFile& file : contents.files) {
    const std::string to = root + "/" + file.name;
    fs::create_directories(fs::path(to).parent_path());
    copy_without_symbols(file, to, who, cancellation);
    fs::permissions(to, fs::perms(0755));
    bundle.unpacked += fs::file_size(to);
    sums += digest_line(root, file.name);
  }
  bundle.files = contents.files.size() + 2;
  write_text(root + "/" + about_name, about(bundle));
  sums = digest_line(root, about_name) + sums;
  write_text(root + "/" + sums_name, sums);
  return sums;
}

void pack(const std::string& root, const std::string& archive, const Cancellation& cancellation) {
  for (const char* program : {"tar", "gzip"})
    if (find_program(program, {}, self()).empty())
      throw Error(fmt::format("{} is needed to pack this program for other hosts; install it", program),
                  ErrorKind::unavailable);
  // ABOUT and SUMS first: reading only those does not require unpacking the rest.
  const CommandResult result = run({"tar", "--owner=0", "--group=0", "--numeric-owner", "-czf", archive, "-C",
                                    root, about_name, sums_name, "bin", "backends", "lib", "glibc"},
                                   cancellation);
  if (result.status != 0) throw Error("cannot pack this program for other hosts: " + result.errors);
}

// Archives that no record names any more: of builds that no longer exist.
void remove_others(const std::string& folder) {
  std::vector<std::string> named;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".record")
      named.push_back(word(parse_fields(read_text(entry.path())), "archive"));
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".gz" && std::find(named.begin(), named.end(), entry.path()) == named.end())
      fs::remove(entry.path());
}

// Any change of an input after this call makes the record stale.
std::vector<std::pair<std::string, std::string>> stamps_of(const BundleContents& contents) {
  std::vector<std::pair<std::string, std::string>> stamps{{backends_folder(), stamp(backends_folder())}};
  for (const BundleFile& file : contents.files) stamps.emplace_back(file.source, stamp(file.source));
  return stamps;
}

Bundle make_bundle(const std::string& folder, const std::string& record, const Cancellation& cancellation) {
  const BundleContents contents = bundle_contents(cancellation);
  auto stamps = stamps_of(contents);
  Bundle bundle{
      .version = MLOPS_VERSION, .architecture = own_architecture(), .interpreter = contents.interpreter};
  const Scratch scratch(folder);
  const std::string root = scratch.path() + "/root", packed = scratch.path() + "/packed";
  bundle.id = sha256_hex(lay_out(contents, bundle, root, cancellation));
  pack(root, packed, cancellation);
  bundle.size = fs::file_size(packed);
  bundle.archive = fmt::format("{}/{}.tar.gz", folder, bundle.id);
  fs::rename(packed, bundle.archive);
  stamps.emplace_back(bundle.archive, stamp(bundle.archive));
  write_text(scratch.path() + "/record", Record::text(bundle, stamps));
  fs::rename(scratch.path() + "/record", record);
  remove_others(folder);
  return bundle;
}

std::vector<std::string> bundle_places(const std::string& architecture) {
  const std::string program = own_executable(), folder = program.substr(0, program.rfind('/'));
  const char* xdg = std::getenv("XDG_DATA_HOME");
  const std::string data = xdg && xdg[0] == '/' ? xdg : current_person().home + "/.local/share";
  std::vector<std::string> places;
  for (const std::string& place :
       {folder + "/bundles", folder + "/../lib/mlops-agent/bundles", data + "/mlops-agent/bundles"})
    places.push_back(fmt::format("{}/{}.tar.gz", fs::path(place).lexically_normal().string(), architecture));
  return places;
}

}  // namespace

Bundle own_bundle(const Cancellation& cancellation, const ProgressSink& progress) {
  const std::string folder = cache_folder(self()) + "/bundles";
  const std::string record = fmt::format("{}/{}.record", folder, sha256_hex(own_executable()).substr(0, 16));
  if (const auto current = Record::current(record)) return *current;
  try {
    fs::create_directories(folder);
    const Handle lock(::open((folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock || ::flock(lock.get(), LOCK_EX) != 0) throw system_error("cannot lock " + folder, errno);
    if (const auto current = Record::current(record)) return *current;  // another process was faster
    if (progress) progress({"packing mlops-agent for other hosts", 0, 0});
    return make_bundle(folder, record, cancellation);
  } catch (const fs::filesystem_error& e) {
    throw Error(
        fmt::format("cannot pack this program for other hosts: {}: {}", e.path1().string(), e.code().message()),
        ErrorKind::unavailable);
  }
}

Bundle read_bundle(const std::string& archive, const Cancellation& cancellation) {
  const auto member = [&](const char* name) {
    const CommandResult result = run({"tar", "--occurrence=1", "-xzOf", archive, name}, cancellation);
    if (result.status != 0)
      throw Error(fmt::format("{} is no bundle of mlops-agent: {}", archive, result.errors),
                  ErrorKind::unavailable);
    return result.output;
  };
  Bundle bundle = described_by(parse_fields(member(about_name)));
  bundle.id = sha256_hex(member(sums_name));
  bundle.archive = archive;
  bundle.size = fs::file_size(archive);
  if (bundle.architecture.empty() || !bundle.interpreter.starts_with('/') || bundle.unpacked == 0)
    throw Error(archive + " is no bundle of mlops-agent", ErrorKind::unavailable);
  return bundle;
}

Bundle bundle_for(const std::string& architecture, const Cancellation& cancellation) {
  const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  if (architecture.empty() || !std::all_of(architecture.begin(), architecture.end(), plain))
    throw Error("it does not tell its architecture", ErrorKind::unavailable);
  const std::vector<std::string> places = bundle_places(architecture);
  for (const std::string& place : places) {
    if (::access(place.c_str(), R_OK) != 0) continue;
    const Bundle bundle = read_bundle(place, cancellation);
    if (bundle.architecture != architecture)
      throw Error(fmt::format("{} is a bundle for {}, not for {}", place, bundle.architecture, architecture),
                  ErrorKind::unavailable);
    if (bundle.version != MLOPS_VERSION)
      throw Error(
          fmt::format(
              "{} is of mlops-agent {}, and this is {}: make it anew there with `mlops-agent bundle --out "
              "{}.tar.gz`",
              place, bundle.version, MLOPS_VERSION, architecture),
          ErrorKind::unavailable);
    return bundle;
  }
  throw Error(fmt::format("it is {}, and this mlops-agent is for {}. Build mlops-agent on such a machine, run "
                          "`mlops-agent bundle --out {}.tar.gz` there, and put that file here as {}",
                          architecture, own_architecture(), architecture, places.back()),
              ErrorKind::unavailable);
}

}  // namespace mlops
