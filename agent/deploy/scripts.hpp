// The shell scripts that install and start this program on a target: POSIX sh with coreutils, tar and gzip.
//
// On a target a bundle (bundle.hpp) is unpacked in FOLDER/ID, where FOLDER is the first of these that is ours,
// is writable by no one else and allows execution. The shell changes into it, checks where it is, and addresses
// everything relative to it: another user may give the name to something else at any time.
//   ${XDG_CACHE_HOME:-~/.cache}/mlops-agent/agents, /var/tmp/mlops-agent-UID, /tmp/mlops-agent-UID,
//   /run/user/UID/mlops-agent, /dev/shm/mlops-agent-UID
// Beside the bundle's own files there are
//   start   a script that executes the program: with the host's own loader if possible, else the bundled one
//   .ready  size, inode and times of the host's loader and of every file, recorded after the digests were
//           verified and `mlops-agent bundle-check` had run. The bundle is used while they are the same; after
//           any difference the digests are verified again, and a broken bundle is sent again.
// A bundle is unpacked into FOLDER/.new-MARK, synced, and renamed. Of the others in FOLDER the newest stays, so
// that two people with two versions need not send theirs in turns; the rest is removed, except those in use by
// a process.
//
// The host's output consists of lines "MARK WORD…":
//   missing SYSTEM MACHINE  (uname -s, uname -m) it now reads from stdin a decimal length, a newline, and a
//                           script of that many bytes: unpack_script
//   send                    it now reads the archive from stdin, Bundle::size bytes
//   tried FOLDER: REASON    files cannot be stored or run there; continues with the next
//   lacks PROGRAM…          programs that unpacking needs and the host lacks; it exits
//   nowhere                 no folder is left; it exits
//   ready                   what follows is the program's output
#pragma once

#include <string>

#include "deploy/bundle.hpp"

namespace mlops {

// For Connection::run: one line that contains no special syntax of any login shell (sh, bash, zsh, fish, csh).
// mark: letters and digits. arguments: words for the program, of letters, digits and -_=./ only; Error for
// others.
std::string start_command(const Bundle& bundle, const std::string& mark, const std::string& arguments);

// Read by the start command if the bundle is missing. It may be another bundle than the one requested first:
// that of the host's own architecture.
std::string unpack_script(const Bundle& bundle);

}  // namespace mlops
