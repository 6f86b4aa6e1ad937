// What an earlier version of a playbook made and this one no longer has.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "machine/host.hpp"
#include "model/event.hpp"
#include "resource/file_source.hpp"
#include "state/ledger.hpp"

namespace mlops {

// Listens to a pass over the whole playbook: which resources it has.
class DeclaredResources {
 public:
  void take(const Event& event);
  bool has(const Owned& owned) const;
  // A thing: "package jq".
  bool has(const std::string& thing) const;
  std::vector<std::string>& claimed() { return claimed_; }
  // To be called when all was taken, before has: what is listened to in every run is put in order only where it is asked.
  void order();

 private:
  std::vector<std::string> labels_;
  std::vector<std::string> vague_;    // of resources that were not filled in: skipped, failed, unknown
  std::vector<std::string> claimed_;  // "path /etc/motd"
};

struct Stale {
  Owned owned;
  std::string stays;  // why it is not removed; "": it may be
  std::vector<std::string> keeps;  // things of its resource that stay the playbook's when it is removed
};

// Of the playbook, what it created and no longer has, the newest first; what is gone already is not listed. Reads the
// things through the host as who made them. given: --state; digest: of what the pass made and found, with which the mark
// beside the database may say that there is nothing. None where there is no state, or it cannot be read.
// A folder that would not be empty stays; what of it is removed comes before it. keys: what the playbook is known by now, and
// was before.
std::vector<Stale> find_stale(const std::string& given, const std::vector<std::string>& keys, std::uint64_t digest,
                              DeclaredResources& held, Host& host);

// A playbook that removes them, as text; "" where nothing may be removed.
std::string removing_playbook(const std::vector<Stale>& stale, const std::string& person);

// A text in the place of a file.
class TextInsteadOfFile : public FileSource {
 public:
  TextInsteadOfFile(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {}
  FileBeside read(const std::string& path, bool content, std::uint64_t limit) const override;
  FileBeside whole(const std::string& path) const override;
  std::string similar(const std::string& path) const override { return files_on_disk().similar(path); }

 private:
  std::string path_, text_;
};

// No playbook that is recorded here owns the resource any more, or only the one of that name or at that path ("" for all); what
// is there stays as it is. Returns the playbooks that did, as they are known. With the lock on runs held. Error.
std::vector<std::string> forget_resource(const std::string& given, const std::string& resource,
                                         const std::string& playbook,
                                         const std::function<void(const std::string&)>& notice);

// They are the playbook's no more, under none of its keys: the run that removed them may have taken over what was recorded
// under former ones. run: the id of the run that removed them, whose undo makes them the playbook's again. With the lock on
// runs held. Error.
void forget_stale(const std::string& given, const std::vector<std::string>& keys, const std::string& run,
                  const std::vector<Stale>& removed);

}  // namespace mlops
