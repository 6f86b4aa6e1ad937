#include "deploy/scripts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/path_parts.hpp"

namespace mlops {
namespace {

// Runs between quotes of any shell: without single quotes, backslashes and exclamation marks, and each line is
// complete when the next is joined to it by a blank. m: the mark; i: the bundle; w: the program's words; x: the
// host's loader, if it has one of that name; c, u: where folders are. enter FOLDER: changes into it and checks
// the folder itself rather than its name, which another user may give to something else meanwhile: whether it
// has that name and is ours, and no one else may write to it or, unless it is in our home, rename it. now: the
// expected content of .ready. try FOLDER: starts the program if it is there; never returns then. each COMMAND:
// runs it with each folder. A person's LD_… variables are meant for other programs, and are removed.
constexpr std::string_view start_text = R"sh(
unset LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT LD_BIND_NOW CDPATH;
m=@MARK@; i=@ID@; w="@ARGUMENTS@"; x=@INTERPRETER@;
[ -e $x ] || x=;
PATH=${PATH:+$PATH:}/usr/bin:/bin; export PATH;
c=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}};
enter() { why="cannot go there"; cd "$1" 2>/dev/null || return 1;
why="it is a link"; case $(pwd -P) in */"${1##*/}") ;; *) return 1;; esac;
why="it belongs to another user"; [ -O . ] || return 1;
why="others may write to it"; case $(ls -ld .) in ?????-??-*) ;; *) return 1;; esac;
why="others may write to the folder above it";
case $1 in "${c:-none}"/*) return 0;; esac;
case $(ls -ld ..) in ?????-??-* | ?????????[tT]*) ;; *) return 1;; esac; };
now() { ( LC_ALL=C; TZ=UTC0; export LC_ALL TZ; cd "$r" && stat -L -c "%n %s %i %y %z" $x start */* ABOUT SUMS 2>/dev/null ) };
try() { enter "$1" || return 1;
r=$(pwd -P)/$i;
[ -x "./$i/bin/mlops-agent" ] || return 1;
[ -s "./$i/.ready" ] || return 1;
[ "$(cat "./$i/.ready")" = "$(now)" ] || return 1;
echo "$m ready";
. "./$i/start"; };
each() {
case $c in /*) $1 "$c/mlops-agent/agents";; esac;
u=${u:-$(id -u)};
$1 /var/tmp/mlops-agent-$u;
$1 /tmp/mlops-agent-$u;
$1 /run/user/$u/mlops-agent;
$1 /dev/shm/mlops-agent-$u; };
each try;
echo "$m missing $(uname -s) $(uname -m)";
read -r n && eval "$(dd bs=1 count=$n 2>/dev/null)"
)sh";

// Continues in the same shell, with its functions and variables. Everything below the entered folder is
// addressed relative to it.
constexpr std::string_view unpack_text = R"sh(
i=@ID@ x=@INTERPRETER@ size=@SIZE@ kib=@KIB@ loader=@LOADER@
[ -e $x ] || x=
umask 077
unset t
trap 'rm -rf "${t:-/nonexistent}"' EXIT
trap 'exit 1' HUP INT TERM PIPE

# One line, whatever the text holds.
tell() {
  set -f
  # shellcheck disable=SC2048,SC2086
  set -- $*
  set +f
  echo "$m $*"
}

refuse() {
  tell "tried $d: $*"
  [ -z "$entered" ] || rm -rf "$t"
  cd /
  [ -z "$made" ] || rmdir "$d" 2>/dev/null
}

# Goes into the folder, which is made where it is missing: whether it is writable by us alone, has room, and lets
# programs be executed. Makes $t in it.
usable() {
  case $d in
    */mlops-agent/agents) why=; [ -d "$d" ] || ! why=$(mkdir -p "$d" 2>&1) || made=yes ;;
    *) ! why=$(mkdir "$d" 2>&1) || made=yes; [ ! -d "$d" ] || why= ;;
  esac
  [ -z "$why" ] || { refuse "$why"; return 1; }
  enter "$d" || { refuse "$why"; return 1; }
  entered=yes
  why=$({ chmod 700 . && mkdir "$t"; } 2>&1) || { refuse "$why"; return 1; }
  why=$({ printf '#!/bin/sh\n' >"$t/probe" && chmod 700 "$t/probe"; } 2>&1) || { refuse "$why"; return 1; }
  why=$("$t/probe" 2>&1) || { refuse "no program can be executed there (mounted noexec?): $why"; return 1; }
  rm "$t/probe"
}

has_room() {
  free=$(df -Pk "$t" 2>/dev/null | tail -n 1 | { read -r _ _ _ free _; echo "$free"; })
  case $free in
    '' | *[!0-9]*) return 0 ;;
  esac
  [ "$free" -ge "$kib" ] || { refuse "no space left: $kib KiB are needed, $free KiB are free"; return 1; }
}

# Whether a folder holds the bundle, byte by byte.
whole() {
  [ "$(sha256sum <"$1/SUMS")" = "$i  -" ] && (cd "$1" && sha256sum -c SUMS)
} >/dev/null 2>&1

# Finds out how it is started here, and notes its state. The host's loader is right where its C library does.
settle() {
  r=$1
  if "$r/bin/mlops-agent" bundle-check >/dev/null 2>&1 </dev/null; then
    start='exec "$r/bin/mlops-agent" $w'
  else
    why=$("$r/glibc/$loader" --library-path "$r/glibc" "$r/bin/mlops-agent" bundle-check 2>&1 </dev/null) ||
      { why="it does not run: $why"; return 1; }
    start='exec "$r/glibc/'$loader'" --library-path "$r/glibc" "$r/bin/mlops-agent" $w'
  fi
  why=$({ echo "$start" >"$r/start" && now >"$r/.ready.new" && mv "$r/.ready.new" "$r/.ready"; } 2>&1)
}

receive() {
  echo "$m send"
  why=$(head -c "$size" | { tar -x -z -o -f - -C "$t" 2>&1; echo "tar $?"; cat >/dev/null; })
  case $why in
    *"tar 0") ;;
    *) refuse "${why%tar *}"; return 1 ;;
  esac
  whole "$t" || { refuse "what arrived is not what was sent"; return 1; }
  settle "$t" || { refuse "$why"; return 1; }
  sync -f "$t" 2>/dev/null || sync
}

# Puts $t in its place. Another run may do the same: the first one there stays.
put() {
  mv -T "$t" "./$i" 2>/dev/null || [ -e "./$i" ] || mv "$t" "./$i"
  rm -rf "$t"
}

remove_others() (
  enter "$1" || return 0
  find . -name '.*-*' -prune -mmin +60 -exec rm -rf {} + 2>/dev/null
  kept=0
  for o in $(ls -t); do
    [ "$o" = "$i" ] && continue
    kept=$((kept + 1))
    [ "$kept" = 1 ] && [ "$1" = "$d" ] && continue
    ls -l /proc/[0-9]*/exe 2>/dev/null | grep -q -F "/$o/" || rm -rf "./${o:?}"
  done
)

place() {
  d=$1 t=./.new-$m made='' entered=''
  if enter "$d" && [ -d "./$i" ]; then
    whole "./$i" && settle "./$i" && try "$d"
  fi
  usable && has_room && receive || return 0
  # What was there is broken: the rename waits for its place.
  [ ! -e "./$i" ] || whole "./$i" || mv "./$i" "./.old-$m"
  put
  rm -rf "./.old-$m"
  each remove_others
  try "$d"
  tell "tried $d: the bundle was changed as soon as it was there"
  cd /
}

lacks=
for p in tar gzip sha256sum stat head tail df mkdir mv rm chmod cat find grep ls; do
  command -v $p >/dev/null 2>&1 || lacks="$lacks $p"
done
[ -z "$lacks" ] || { echo "$m lacks$lacks"; exit 1; }
each try
each place
echo "$m nowhere"
exit 1
)sh";

std::string filled(std::string_view text, const std::map<std::string, std::string>& values) {
  std::string result;
  while (!text.empty()) {
    const std::size_t from = text.find('@');
    if (from == std::string_view::npos) break;
    const std::size_t to = text.find('@', from + 1);
    result.append(text.substr(0, from)).append(values.at(std::string(text.substr(from + 1, to - from - 1))));
    text.remove_prefix(to + 1);
  }
  return result.append(text);
}

std::string safe(const std::string& word, std::string_view also = "") {
  const auto plain = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_=./").find(c) != std::string_view::npos ||
           also.find(c) != std::string_view::npos;
  };
  if (word.empty() || !std::all_of(word.begin(), word.end(), plain))
    throw Error(fmt::format("`{}` cannot stand in a shell's text", word));
  return word;
}

}  // namespace

std::string start_command(const Bundle& bundle, const std::string& mark, const std::string& arguments) {
  std::string script = filled(start_text, {{"MARK", safe(mark)},
                                           {"ID", safe(bundle.id)},
                                           {"ARGUMENTS", safe(arguments, " ")},
                                           {"INTERPRETER", safe(bundle.interpreter)}});
  std::replace(script.begin(), script.end(), '\n', ' ');
  return "exec sh -c '" + script + "'";
}

std::string unpack_script(const Bundle& bundle) {
  // A file takes whole blocks of 4 KiB; two extra MiB are for folders and concurrent writes by others.
  const std::uint64_t kib = bundle.unpacked / 1024 + bundle.files * 4 + 2048;
  return filled(unpack_text, {{"ID", safe(bundle.id)},
                              {"SIZE", std::to_string(bundle.size)},
                              {"KIB", std::to_string(kib)},
                              {"INTERPRETER", safe(bundle.interpreter)},
                              {"LOADER", safe(std::string(name_of(bundle.interpreter)))}});
}

}  // namespace mlops
