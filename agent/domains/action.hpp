// Everything that can be done to a machine, as plain values. Modules return them, machines perform them.
//
// Paths are absolute and normalised. Owners and groups are names (or decimal numbers if there is no name); ""
// keeps the current one, or, for something new, uses the acting identity. Modes are permission bits (07777).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/overloaded.hpp"
#include "base/process.hpp"
#include "model/endpoint.hpp"

namespace mlops {

// ---- files ------------------------------------------------------------------------------------------------

// Makes the path a regular file of this content, atomically (temporary file, fsync, rename). An existing
// regular file is replaced; a trusted link to one has its target written. Mode, owner and group are kept from
// it if not given, except for what must not pass to another owner, group or content (Handover). New files get
// 0644, sensitive ones 0600.
struct WriteFile {
  std::string path;
  std::string content;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  bool replace_link = false;  // a final symbolic link is itself replaced
  bool sensitive = false;     // the content is secret: neither it nor what it replaces is kept
};

// Makes the path a regular file of new random text, with mode 0600, like WriteFile: `bytes` random ones
// (getrandom(2)) in lower-case hexadecimal, without a newline. Only the machine that performs it knows the
// text.
struct CreateSecret {
  std::string path;
  std::uint64_t bytes = 32;
  std::string owner, group;
};

// Creates one folder; its parent must exist. Mode 0755 if not given.
struct CreateDirectory {
  std::string path;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
};

// Creates a symbolic link. Nothing may exist at path.
struct CreateLink {
  std::string path, target;
  std::string owner, group;
};

// Changes mode, owner or group of what is at the path. Links are followed if they are trusted. Rights that must
// not pass to another owner or group (Handover) are removed unless given here.
struct SetAttributes {
  std::string path;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  std::optional<std::map<std::string, std::string>> extended = {};  // extended attributes; others are removed
};

// Removes what is at the path, a link itself and not its target; absent is success. A folder with content is an
// error unless recursive. Never leaves the tree that it removes: mounts below are an error.
struct RemovePath {
  std::string path;
  bool recursive = false;
  bool sensitive = false;  // the old content is secret, and not kept
};

// rename(2) within one file system. Nothing may exist at to, except an empty folder if from is one.
struct RenamePath {
  std::string from, to;
};

// The complete state of a path. A file's content is kept separately, under its digest.
struct SavedPath {
  enum class Kind { absent, file, folder, link, other };  // other: a device, a socket, a named pipe
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
  friend bool operator==(const SavedPath&, const SavedPath&) = default;
};

// An entry below a folder, at any depth.
struct SavedBelow {
  SavedPath saved;
  std::optional<std::string> content;  // as RestorePath's
};

// Restores a file, folder or link with all its attributes and times. A file or link in its place is replaced, a
// folder keeps its content; any other type in its place is an error. The parent must exist. A tree is moved
// into place once it is complete, whoever owns its parts.
struct RestorePath {
  SavedPath saved;
  // of a file; filled in from the journal right before the action is performed
  std::optional<std::string> content;
  std::vector<SavedBelow> below = {};  // of a folder, parents before their content
};

// ---- accounts ---------------------------------------------------------------------------------------------

struct CreateGroup {
  std::string name;
  std::optional<std::uint32_t> gid;  // absent: the next free one of its range
  bool system = false;
  bool unless_there = false;  // a group of that name is left unchanged
};
struct ChangeGroup {
  std::string name;
  std::uint32_t gid = 0;
};
struct RemoveGroup {  // absent is success
  std::string name;
};

// Creates the account only: its home is created by actions of its own. The password is locked.
struct CreateUser {
  std::string name;
  std::optional<std::uint32_t> uid;
  bool system = false;
  std::string group;  // primary; "": a new group of the user's name
  std::string home, shell, comment;
  std::vector<std::string> groups;  // supplementary
  // Subordinate ids, "FIRST:COUNT" (subuid(5)). Absent: as useradd(8) assigns them.
  std::optional<std::vector<std::string>> subuids = {}, subgids = {};
};
struct ChangeUser {
  std::string name;
  std::optional<std::uint32_t> uid;
  std::optional<std::string> group, home, shell, comment;
};
// Absent is success. The group of the user's name is removed too, if it is the primary one and has no other
// members.
struct RemoveUser {
  std::string name;
  bool keep_group = false;  // the group is kept
};
// Adds to supplementary groups, which must exist, and removes from others.
struct ChangeMembership {
  std::string user;
  std::vector<std::string> add, remove;
};

// ---- packages ---------------------------------------------------------------------------------------------

// One package's part of a transaction. version_before is "" if it is not installed; version_after is "" if it
// is removed, or if the new version is not known ("version unknown").
struct PackageChange {
  std::string name;
  std::string version_before, version_after;
  friend bool operator==(const PackageChange&, const PackageChange&) = default;
};

// One non-interactive apt transaction. Changed configuration files are kept. wanted is in apt's format: "name",
// "name=version", "name:arch". Waits for another process's lock up to lock_timeout seconds, naming the holder.
struct InstallPackages {
  std::vector<std::string> wanted;
  bool refresh_index = false;  // fetch the index first
  std::uint64_t lock_timeout = 0;
  std::vector<PackageChange> expected;  // the forecast; the overlay assumes it
  std::vector<std::string> automatic;   // names to mark in apt as automatically installed
  // installed names to mark in apt as manually installed; wanted may be empty then
  std::vector<std::string> manual;
};
struct RemovePackages {
  std::vector<std::string> names;
  std::uint64_t lock_timeout = 0;
  std::vector<PackageChange> expected;
  std::vector<std::string> purged;  // those of names whose configuration files are removed too
};
// dpkg --configure -a, then apt's repair: completes an interrupted transaction.
struct RepairPackages {
  std::uint64_t lock_timeout = 0;
  // Microseconds since the epoch; 0: the machine has not rebooted since. Packages that were unpacked from then
  // on are installed again: dpkg syncs neither configuration files nor what scripts write, and may report lost
  // files as installed.
  std::int64_t power_lost_since = 0;
};

// ---- services ---------------------------------------------------------------------------------------------

// One verb on one unit; waits until its job ends. The manager is reloaded first if the unit's file changed.
struct ChangeUnit {
  enum class Verb { start, stop, restart, reload, enable, disable };
  std::string unit;  // with its suffix: "docker.service"
  Verb verb = Verb::start;
  std::vector<std::uint16_t> listens;  // TCP ports on which the unit listens once it runs; assumed by a plan
};

// ---- commands ---------------------------------------------------------------------------------------------

// Runs a program that changes something. The effects that a plan may assume are listed in creates and changes.
struct RunCommand {
  Command command;
  std::vector<int> ok_status = {0};
  std::vector<std::string> creates;  // paths that exist as folders or files afterwards, content unknown
  bool bounded = false;              // true: it changes only creates, and nothing else that a playbook manages
  std::string remove_on_failure;     // a path removed, recursively, if it fails or is stopped; "": none
  std::string doing;                 // shown in the live line: "cloning https://…"; "": the argv
  // it is not run again if creates exist: a failed run must not leave them behind
  bool until_created = false;
};

// ---- downloads --------------------------------------------------------------------------------------------

// Fetches url to path: into a partial file beside it, resumed and retried, verified, then renamed.
struct Download {
  std::string url, path;
  std::string sha256;      // 64 hex digits, or ""
  std::string sha256_url;  // a published checksum file that lists the file's name, or ""
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  std::uint64_t size_limit = 0;  // bytes; 0: none
  std::uint64_t timeout_ms = 0;  // for the whole download; 0: none
};

// ---- tunnels ----------------------------------------------------------------------------------------------

// Forwards connections through a host reached by ssh.
//   local    accepted at `listen` here, forwarded to `target` as the host sees it
//   remote   accepted at `listen` on the host, forwarded to `target` as seen from here
//   dynamic  accepted at `listen` here by SOCKS (4, 4a, 5), which names the targets; `target` is empty
struct Tunnel {
  enum class Direction { local, remote, dynamic };
  std::string name;  // 1 to 64 of letters, digits, '.', '_' and '-'; begins with a letter or digit
  Direction direction = Direction::local;
  std::string via;  // in the format of --host
  Endpoint listen, target;
  bool at_login = false;   // also started when the person logs in, by a unit of systemd's user manager
  std::string ssh_config;  // the file in which `via` is looked up; "": ~/.ssh/config
  friend bool operator==(const Tunnel&, const Tunnel&) = default;
};
// Establishes the tunnel as described: a detached process of this program keeps it. An existing process of the
// name that has other settings, or does not answer, is replaced; a correct one is asked to try its host now.
// Returns once the host was tried. A host that cannot be reached now is no Error; one that does not allow an
// unattended login is: then a new tunnel is removed again.
struct StartTunnel {
  Tunnel tunnel;
};
// Stops it, with the connections through it, and deletes its record. Absent is success.
struct StopTunnel {
  std::string name;
};

using Action = std::variant<WriteFile, CreateSecret, CreateDirectory, CreateLink, SetAttributes, RemovePath,
                            RenamePath, RestorePath,  //
                            CreateGroup, ChangeGroup, RemoveGroup, CreateUser, ChangeUser, RemoveUser,
                            ChangeMembership,                                 //
                            InstallPackages, RemovePackages, RepairPackages,  //
                            ChangeUnit, RunCommand, Download,                 //
                            StartTunnel, StopTunnel>;

}  // namespace mlops
