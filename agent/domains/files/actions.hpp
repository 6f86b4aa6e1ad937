// What can be done to files, as plain values.
//
// Paths are absolute and normalised. Owners and groups are names (or decimal numbers if there is no name); ""
// keeps the current one, or, for something new, uses the acting identity. Modes are permission bits (07777).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/fields.hpp"
#include "base/type_list.hpp"
#include "domains/action_traits.hpp"

namespace mlops {

// Makes the path a regular file of this content, atomically (temporary file, fsync, rename). An existing
// regular file is replaced; a trusted link to one has its target written. Mode, owner and group are kept from
// it if not given, except for what must not pass to another owner, group or content (Handover). New files get
// 0644, sensitive ones 0600.
struct WriteFile {
  static constexpr ActionTraits traits{
      "write_file",    Runs::no_program,   Effect::foreseen, OnFailure::nothing_done,
      Needs::any_user, Repeated::succeeds, Groups::unchanged};
  std::string path;
  std::string content;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  bool replace_link = false;  // a final symbolic link is itself replaced
  bool sensitive = false;     // the content is secret: neither it nor what it replaces is kept
  static constexpr auto fields() {
    return std::tuple(field("path", &WriteFile::path), unrecorded("content", &WriteFile::content),
                      field("mode", &WriteFile::mode), field("owner", &WriteFile::owner),
                      field("group", &WriteFile::group), field("replace_link", &WriteFile::replace_link),
                      field("sensitive", &WriteFile::sensitive));
  }
  friend bool operator==(const WriteFile&, const WriteFile&) = default;
};

// Makes the path a regular file of new random text, with mode 0600, like WriteFile: `bytes` random ones
// (getrandom(2)) in lower-case hexadecimal, without a newline. Only the machine that performs it knows the
// text.
struct CreateSecret {
  static constexpr ActionTraits traits{"create_secret",         Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string path;
  std::uint64_t bytes = 32;
  std::string owner, group;
  static constexpr auto fields() {
    return std::tuple(field("path", &CreateSecret::path), field("bytes", &CreateSecret::bytes),
                      field("owner", &CreateSecret::owner), field("group", &CreateSecret::group));
  }
  friend bool operator==(const CreateSecret&, const CreateSecret&) = default;
};

// Makes a new key pair for ssh: the private key without a passphrase at the path, the public half at PATH.pub
// with mode 0644. Nothing may exist at either. Only the machine that performs it knows the key. RSA keys are
// written in PEM, others in OpenSSH's format.
struct CreateSshKey {
  static constexpr ActionTraits traits{"create_ssh_key",        Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::fails,
                                       Groups::unchanged};
  enum class Type { ed25519, rsa };
  friend constexpr auto enumerators(Type) { return std::array{"ed25519", "rsa"}; }
  std::string path;
  Type type = Type::ed25519;
  std::uint64_t bits = 0;  // of rsa
  std::string comment;     // of the public half; one line
  std::uint32_t mode = 0400;
  std::string owner, group;
  static constexpr auto fields() {
    return std::tuple(field("path", &CreateSshKey::path), field("type", &CreateSshKey::type),
                      field("bits", &CreateSshKey::bits), field("comment", &CreateSshKey::comment),
                      field("mode", &CreateSshKey::mode), field("owner", &CreateSshKey::owner),
                      field("group", &CreateSshKey::group));
  }
  friend bool operator==(const CreateSshKey&, const CreateSshKey&) = default;
};

// Creates one folder; its parent must exist. Mode 0755 if not given.
struct CreateDirectory {
  static constexpr ActionTraits traits{"create_directory",      Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string path;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  static constexpr auto fields() {
    return std::tuple(field("path", &CreateDirectory::path), field("mode", &CreateDirectory::mode),
                      field("owner", &CreateDirectory::owner), field("group", &CreateDirectory::group));
  }
  friend bool operator==(const CreateDirectory&, const CreateDirectory&) = default;
};

// Creates a symbolic link. Nothing may exist at path.
struct CreateLink {
  static constexpr ActionTraits traits{"create_link",           Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string path, target;
  std::string owner, group;
  static constexpr auto fields() {
    return std::tuple(field("path", &CreateLink::path), field("target", &CreateLink::target),
                      field("owner", &CreateLink::owner), field("group", &CreateLink::group));
  }
  friend bool operator==(const CreateLink&, const CreateLink&) = default;
};

// Changes mode, owner or group of what is at the path. Links are followed if they are trusted. Rights that must
// not pass to another owner or group (Handover) are removed unless given here.
struct SetAttributes {
  static constexpr ActionTraits traits{"set_attributes",        Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string path;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  std::optional<std::map<std::string, std::string>> extended = {};  // extended attributes; others are removed
  static constexpr auto fields() {
    return std::tuple(field("path", &SetAttributes::path), field("mode", &SetAttributes::mode),
                      field("owner", &SetAttributes::owner), field("group", &SetAttributes::group),
                      field("extended", &SetAttributes::extended));
  }
  friend bool operator==(const SetAttributes&, const SetAttributes&) = default;
};

// Removes what is at the path, a link itself and not its target; absent is success. A folder with content is an
// error unless recursive. Never leaves the tree that it removes: mounts below are an error.
struct RemovePath {
  static constexpr ActionTraits traits{"remove_path",           Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  std::string path;
  bool recursive = false;
  bool sensitive = false;  // the old content is secret, and not kept
  static constexpr auto fields() {
    return std::tuple(field("path", &RemovePath::path), field("recursive", &RemovePath::recursive),
                      field("sensitive", &RemovePath::sensitive));
  }
  friend bool operator==(const RemovePath&, const RemovePath&) = default;
};

// rename(2) within one file system. Nothing may exist at to, except an empty folder if from is one.
struct RenamePath {
  static constexpr ActionTraits traits{"rename_path",           Runs::no_program, Effect::foreseen,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::fails,
                                       Groups::unchanged};
  std::string from, to;
  static constexpr auto fields() {
    return std::tuple(field("from", &RenamePath::from), field("to", &RenamePath::to));
  }
  friend bool operator==(const RenamePath&, const RenamePath&) = default;
};

// The complete state of a path. A file's content is kept separately, under its digest.
struct SavedPath {
  enum class Kind { absent, file, folder, link, other };  // other: a device, a socket, a named pipe
  friend constexpr auto enumerators(Kind) { return std::array{"absent", "file", "folder", "link", "other"}; }
  std::string path;
  Kind kind = Kind::absent;
  std::uint32_t mode = 0;
  std::string owner, group;
  std::int64_t accessed_ns = 0, modified_ns = 0;  // since the epoch
  std::map<std::string, std::string> attributes;  // extended attributes, ACLs among them
  std::string target;                             // of a link
  std::uint64_t size = 0;                         // of a file, bytes
  std::string digest;                             // SHA-256 of a file's content; "" if it is not kept
  std::string hard_link;                          // another path of the same file; "" if none is known
  std::uint64_t inode = 0;                        // of a file that has such a path
  std::uint64_t other_names = 0;                  // hard links to the file whose paths are not known
  static constexpr auto fields() {
    return std::tuple(field("path", &SavedPath::path), field("kind", &SavedPath::kind),
                      field("mode", &SavedPath::mode), field("owner", &SavedPath::owner),
                      field("group", &SavedPath::group), field("accessed_ns", &SavedPath::accessed_ns),
                      field("modified_ns", &SavedPath::modified_ns),
                      field("attributes", &SavedPath::attributes), field("target", &SavedPath::target),
                      field("size", &SavedPath::size), field("digest", &SavedPath::digest),
                      field("hard_link", &SavedPath::hard_link), field("inode", &SavedPath::inode),
                      field("other_names", &SavedPath::other_names));
  }
  friend bool operator==(const SavedPath&, const SavedPath&) = default;
};

// An entry below a folder, at any depth.
struct SavedBelow {
  SavedPath saved;
  std::optional<std::string> content;  // as RestorePath's
  static constexpr auto fields() {
    return std::tuple(field("saved", &SavedBelow::saved), unrecorded("content", &SavedBelow::content));
  }
  friend bool operator==(const SavedBelow&, const SavedBelow&) = default;
};

// Restores a file, folder or link with all its attributes and times. A file or link in its place is replaced, a
// folder keeps its content; any other type in its place is an error. The parent must exist. A tree is moved
// into place once it is complete, whoever owns its parts.
struct RestorePath {
  static constexpr ActionTraits traits{"restore_path",          Runs::no_program, Effect::assumed,
                                       OnFailure::nothing_done, Needs::any_user,  Repeated::succeeds,
                                       Groups::unchanged};
  SavedPath saved;
  // of a file; filled in from the journal right before the action is performed
  std::optional<std::string> content;
  std::vector<SavedBelow> below = {};  // of a folder, parents before their content
  static constexpr auto fields() {
    return std::tuple(field("saved", &RestorePath::saved), unrecorded("content", &RestorePath::content),
                      field("below", &RestorePath::below));
  }
  friend bool operator==(const RestorePath&, const RestorePath&) = default;
};

using FileActions = TypeList<WriteFile, CreateSecret, CreateSshKey, CreateDirectory, CreateLink, SetAttributes,
                             RemovePath, RenamePath, RestorePath>;

}  // namespace mlops
