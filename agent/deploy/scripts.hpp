// The shell texts that start this program on a host and put it there: POSIX sh with coreutils, tar and gzip.
//
// On a host a bundle (bundle.hpp) lies unpacked in FOLDER/ID, where FOLDER is the first of these that is ours, is
// writable by nobody else and lets programs be executed. The shell goes into it, judges where it is, and names all that
// it does from there: another user may give the name to something else at any time.
//   ${XDG_CACHE_HOME:-~/.cache}/mlops-agent/agents, /var/tmp/mlops-agent-UID, /tmp/mlops-agent-UID,
//   /run/user/UID/mlops-agent, /dev/shm/mlops-agent-UID
// Beside the bundle's own files lie there
//   start   shell text that executes the program: by the host's own loader where that can run it, else by the bundled one
//   .ready  size, inode and times of the host's loader and of every file, as they were when the digests were verified
//           and `mlops-agent bundle-check` had run. The bundle is used while they are the same; after any difference
//           the digests are verified again, and what is broken is sent again.
// A bundle is unpacked into FOLDER/.new-MARK, synced, and renamed. Of the others in FOLDER the newest stays, so that two
// people with two versions need not send theirs in turns; the rest is removed, but what a process was started from.
//
// What the host says are lines "MARK WORD…":
//   missing SYSTEM MACHINE  (uname -s, uname -m) it now reads from stdin a decimal length, a newline, and a script of so
//                           many bytes: unpack_script
//   send                    it now reads the archive from stdin, Bundle::size bytes
//   tried FOLDER: REASON    nothing can be kept or run there; goes on with the next
//   lacks PROGRAM…          programs that unpacking needs and the host has not; it ends
//   nowhere                 no folder is left; it ends
//   ready                   what follows is the program's own
#pragma once

#include <string>

#include "deploy/bundle.hpp"

namespace mlops {

// For Connection::run: one line in which no login shell sees anything of its own (sh, bash, zsh, fish, csh).
// mark: letters and digits. arguments: words for the program, of letters, digits and -_=./ only; Error for others.
std::string start_command(const Bundle& bundle, const std::string& mark, const std::string& arguments);

// What the start command reads when the bundle is missing. It may be another bundle than the one asked for first: that
// of the host's own architecture.
std::string unpack_script(const Bundle& bundle);

}  // namespace mlops
