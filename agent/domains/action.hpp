// Everything that can be done to a machine, as plain values. Modules return them, machines perform them.
//
// Paths are absolute and normalised. Owners and groups are names (or decimal numbers where there is no name); ""
// leaves them as they are, or, for something new, to the identity that acts. Modes are permission bits (07777).
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

// Makes the path a regular file of this content, atomically (temporary file, fsync, rename). What is there is
// replaced when it is a regular file, or a trusted link to one (then its target is written); mode, owner and
// group are kept from it where not given, without what another owner, group or content is not to have
// (Handover). New files get 0644, sensitive ones 0600.
struct WriteFile {
  std::string path;
  std::string content;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  bool replace_link = false;  // a final symbolic link is itself replaced
  bool sensitive = false;     // the content is not to be seen: neither it nor what it replaces is kept
};

// Makes the path a regular file of new random text, with mode 0600, as WriteFile does: `bytes` random ones (getrandom(2))
// in lower-case hexadecimal, without a newline. Nobody but the machine that performs it knows the text.
struct CreateSecret {
  std::string path;
  std::uint64_t bytes = 32;
  std::string owner, group;
};

// Makes one folder; its parent must be there. Mode 0755 where not given.
struct CreateDirectory {
  std::string path;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
};

// Makes a symbolic link. Nothing may be at path.
struct CreateLink {
  std::string path, target;
  std::string owner, group;
};

// Changes mode, owner or group of what is at the path. Links are followed as far as they are trusted. What does
// not go along to another owner or group (Handover) is taken away unless it is given here.
struct SetAttributes {
  std::string path;
  std::optional<std::uint32_t> mode;
  std::string owner, group;
  std::optional<std::map<std::string, std::string>> extended = {};  // extended attributes; others are removed
};

// Removes what is at the path, a link itself and not its target; absent is success. A folder that has content
// is an error unless recursive. Never leaves the tree that it removes: mounts below are an error.
struct RemovePath {
  std::string path;
  bool recursive = false;
  bool sensitive = false;  // what was there is not to be seen, and not kept
};

// rename(2) within one file system. Nothing may be at to, or an empty folder when from is one.
struct RenamePath {
  std::string from, to;
};

// All of what was at a path. A file's content is kept apart, under its digest.
struct SavedPath {
  enum class Kind { absent, file, folder, link, other };  // other: a device, a socket, a named pipe
  std::string path;
  Kind kind = Kind::absent;
  std::uint32_t mode = 0;
  std::string owner, group;
  std::int64_t accessed_ns = 0, modified_ns = 0;   // since the epoch
  std::map<std::string, std::string> attributes;  // extended attributes, ACLs among them
  std::string target;                             // of a link
  std::uint64_t size = 0;                         // of a file, bytes
  std::string digest;                             // SHA-256 of a file's content; "" where it is not kept
  std::string hard_link;                          // another path of the same file; "" where none is known
  std::uint64_t inode = 0;                        // of a file that has such a path
  std::uint64_t other_names = 0;                  // hard links to a file whose paths are not known
  friend bool operator==(const SavedPath&, const SavedPath&) = default;
};

// What was in a folder, at any depth.
struct SavedBelow {
  SavedPath saved;
  std::optional<std::string> content;  // as RestorePath's
};

// Makes a file, folder or link what it was, with all its attributes and times. A file or link in its place is
// replaced, a folder keeps what is in it; anything else in its place is an error. The parent must be there. A
// tree gets its place when it is whole, whoever owns its parts.
struct RestorePath {
  SavedPath saved;
  std::optional<std::string> content;  // of a file; put in by who keeps it, right before it is performed
  std::vector<SavedBelow> below = {};  // of a folder, parents before what is in them
};

// ---- accounts ---------------------------------------------------------------------------------------------

struct CreateGroup {
  std::string name;
  std::optional<std::uint32_t> gid;  // absent: the next free one of its range
  bool system = false;
  bool unless_there = false;  // one of the name is left as it is
};
struct ChangeGroup {
  std::string name;
  std::uint32_t gid = 0;
};
struct RemoveGroup {  // absent is success
  std::string name;
};

// Makes the account only: its home is made by actions of its own. The password is locked.
struct CreateUser {
  std::string name;
  std::optional<std::uint32_t> uid;
  bool system = false;
  std::string group;  // primary; "": a new group of the user's name
  std::string home, shell, comment;
  std::vector<std::string> groups;  // supplementary
  // Subordinate ids, "FIRST:COUNT" (subuid(5)). Absent: as useradd(8) gives them.
  std::optional<std::vector<std::string>> subuids = {}, subgids = {};
};
struct ChangeUser {
  std::string name;
  std::optional<std::uint32_t> uid;
  std::optional<std::string> group, home, shell, comment;
};
// Absent is success. The group of the user's name goes, too, where it is the primary one and nobody else is in it.
struct RemoveUser {
  std::string name;
  bool keep_group = false;  // it stays as it is
};
// Adds to supplementary groups, which must exist, and removes from others.
struct ChangeMembership {
  std::string user;
  std::vector<std::string> add, remove;
};

// ---- packages ---------------------------------------------------------------------------------------------

// One package's part of a transaction. version_before is "" when it is not installed; version_after is "" when it
// is removed, or when it is not known which will come ("version unknown").
struct PackageChange {
  std::string name;
  std::string version_before, version_after;
  friend bool operator==(const PackageChange&, const PackageChange&) = default;
};

// One non-interactive apt transaction. Changed configuration files are kept. wanted is as apt takes it: "name",
// "name=version", "name:arch". Waits for another's lock up to lock_timeout seconds, naming the holder.
struct InstallPackages {
  std::vector<std::string> wanted;
  bool refresh_index = false;  // fetch the index before
  std::uint64_t lock_timeout = 0;
  std::vector<PackageChange> expected;  // the forecast; the overlay assumes it
  std::vector<std::string> automatic;   // names that apt is told came along with others
  std::vector<std::string> manual;      // installed names that apt is told were asked for; wanted may be empty then
};
struct RemovePackages {
  std::vector<std::string> names;
  std::uint64_t lock_timeout = 0;
  std::vector<PackageChange> expected;
  std::vector<std::string> purged;  // those of names whose configuration files go, too
};
// dpkg --configure -a, then apt's repair: ends an interrupted transaction.
struct RepairPackages {
  std::uint64_t lock_timeout = 0;
  // Microseconds since the epoch; 0: the machine has not started anew since. Packages that were unpacked from then on are
  // installed again: dpkg syncs neither configuration files nor what scripts write, and may call installed what is lost.
  std::int64_t power_lost_since = 0;
};

// ---- services ---------------------------------------------------------------------------------------------

// One verb on one unit, waited for until its job ends; the manager is reloaded first when the unit's file changed.
struct ChangeUnit {
  enum class Verb { start, stop, restart, reload, enable, disable };
  std::string unit;  // with its suffix: "docker.service"
  Verb verb = Verb::start;
  std::vector<std::uint16_t> listens;  // TCP ports where the unit takes connections once it runs; a plan assumes it
};

// ---- commands ---------------------------------------------------------------------------------------------


// Runs a program that changes something. What a plan may assume of it stands in creates and changes.
struct RunCommand {
  Command command;
  std::vector<int> ok_status = {0};
  std::vector<std::string> creates;  // paths that are folders or files afterwards, content unknown
  bool bounded = false;              // true: it changes creates and nothing else that a playbook manages
  std::string remove_on_failure;     // a path removed, recursively, when it fails or is stopped; "": none
  std::string doing;                 // for the live line: "cloning https://…"; "": the argv
  bool until_created = false;        // it is not run again where creates are there: a failure must not leave that belief
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
  std::uint64_t timeout_ms = 0;  // for all of it; 0: none
};

// ---- tunnels ----------------------------------------------------------------------------------------------

// Connections that one side takes and the other carries on, through a host reached by ssh.
//   local    taken at `listen` here, carried on to `target` as the host sees it
//   remote   taken at `listen` on the host, carried on to `target` as seen from here
//   dynamic  taken at `listen` here by SOCKS (4, 4a, 5), which names each one's target; `target` is empty
struct Tunnel {
  enum class Direction { local, remote, dynamic };
  std::string name;  // 1 to 64 of letters, digits, '.', '_' and '-'; begins with a letter or digit
  Direction direction = Direction::local;
  std::string via;  // as --host takes it
  Endpoint listen, target;
  bool at_login = false;  // also started when the person logs in, by a unit of systemd's user manager
  std::string ssh_config;  // the file in which `via` is looked up; "": ~/.ssh/config
  friend bool operator==(const Tunnel&, const Tunnel&) = default;
};
// Makes the tunnel stand as it is described: a detached process of this program keeps it. One of the name that runs
// with other settings, or does not answer, is replaced; one that is right is asked to try its host now. Returns once
// the host was tried; one that cannot be reached now is no Error, one that lets nobody in unattended is: then a tunnel that
// was not there before is not there afterwards.
struct StartTunnel {
  Tunnel tunnel;
};
// Ends it, with the connections through it, and forgets it. Absent is success.
struct StopTunnel {
  std::string name;
};

using Action = std::variant<WriteFile, CreateSecret, CreateDirectory, CreateLink, SetAttributes, RemovePath,
                            RenamePath, RestorePath,  //
                            CreateGroup, ChangeGroup, RemoveGroup, CreateUser, ChangeUser, RemoveUser,
                            ChangeMembership,                                   //
                            InstallPackages, RemovePackages, RepairPackages,  //
                            ChangeUnit, RunCommand, Download,  //
                            StartTunnel, StopTunnel>;

}  // namespace mlops
