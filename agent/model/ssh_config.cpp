#include "model/ssh_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/trimmed.hpp"

namespace mlops {
namespace {

constexpr std::string_view keywords =
    "AddKeysToAgent AddressFamily BatchMode BindAddress BindInterface CanonicalDomains "
    "CanonicalizeFallbackLocal CanonicalizeHostname CanonicalizeMaxDots CanonicalizePermittedCNAMEs "
    "CASignatureAlgorithms CertificateFile ChannelTimeout CheckHostIP Ciphers ClearAllForwardings "
    "Compression ConnectionAttempts ConnectTimeout ControlMaster ControlPath ControlPersist "
    "DynamicForward EnableEscapeCommandline EnableSSHKeysign EscapeChar ExitOnForwardFailure "
    "FingerprintHash ForkAfterAuthentication ForwardAgent ForwardX11 ForwardX11Timeout "
    "ForwardX11Trusted GatewayPorts GlobalKnownHostsFile GSSAPIAuthentication GSSAPIClientIdentity "
    "GSSAPIDelegateCredentials GSSAPIKexAlgorithms GSSAPIKeyExchange GSSAPIRenewalForcesRekey "
    "GSSAPIServerIdentity GSSAPITrustDns HashKnownHosts HostbasedAcceptedAlgorithms "
    "HostbasedAuthentication HostKeyAlgorithms HostKeyAlias HostName IdentitiesOnly IdentityAgent "
    "IdentityFile IgnoreUnknown IPQoS KbdInteractiveAuthentication KbdInteractiveDevices "
    "KexAlgorithms KnownHostsCommand LocalCommand LocalForward LogLevel LogVerbose MACs "
    "NoHostAuthenticationForLocalhost NumberOfPasswordPrompts ObscureKeystrokeTiming "
    "PasswordAuthentication PermitLocalCommand PermitRemoteOpen PKCS11Provider Port "
    "PreferredAuthentications ProxyCommand ProxyJump ProxyUseFdpass PubkeyAcceptedAlgorithms "
    "PubkeyAuthentication RekeyLimit RemoteCommand RemoteForward RequestTTY RequiredRSASize "
    "RevokedHostKeys SecurityKeyProvider SendEnv ServerAliveCountMax ServerAliveInterval SessionType "
    "SetEnv StdinNull StreamLocalBindMask StreamLocalBindUnlink StrictHostKeyChecking SyslogFacility "
    "Tag TCPKeepAlive Tunnel TunnelDevice UpdateHostKeys User UserKnownHostsFile VerifyHostKeyDNS "
    "VisualHostKey XAuthLocation";

constexpr std::array<std::string_view, 6> collected = {"IdentityFile",  "CertificateFile", "LocalForward",
                                                       "RemoteForward", "DynamicForward",  "SendEnv"};

constexpr std::string_view indentation = "    ";
constexpr std::string_view blanks = " \t\r\f\v";

bool same_word(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

// The words of an argument, without their quotes.
std::vector<std::string> words_of(std::string_view argument) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool begun = false;
  for (const char c : argument) {
    if (quote ? c == quote : c == '"' || c == '\'') {
      quote = quote ? 0 : c;
      begun = true;
    } else if (!quote && blanks.find(c) != blanks.npos) {
      if (begun) words.push_back(std::move(word));
      word.clear();
      begun = false;
    } else {
      word += c;
      begun = true;
    }
  }
  if (begun) words.push_back(std::move(word));
  return words;
}

// "keyword argument", "keyword=argument" (ssh_config(5)). All views are into the line.
struct Line {
  std::string_view raw;                // without its newline
  std::string_view indent, keyword;    // keyword "": an empty line or a comment
  std::string_view argument, comment;  // comment: from the blanks before an unquoted # on
  bool is(std::string_view word) const { return same_word(keyword, word); }
  bool is_block() const { return is("Host") || is("Match"); }
  bool is_empty() const { return trimmed(raw, blanks).empty(); }
  bool is_comment() const { return trimmed(raw, blanks).starts_with('#'); }
};

Line read_line(std::string_view raw) {
  Line line;
  line.raw = raw;
  const auto begin = std::min(raw.find_first_not_of(blanks), raw.size());
  line.indent = raw.substr(0, begin);
  std::string_view rest = raw.substr(begin);
  if (rest.empty() || rest.starts_with('#')) return line;
  const auto end = std::min(rest.find_first_of(" \t\r\f\v="), rest.size());
  line.keyword = rest.substr(0, end);
  rest.remove_prefix(end);
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  if (rest.starts_with('=')) rest.remove_prefix(1);
  bool quoted = false;
  std::size_t stop = rest.size();
  for (std::size_t i = 0; i < rest.size() && stop == rest.size(); ++i) {
    if (rest[i] == '"') quoted = !quoted;
    if (rest[i] == '#' && !quoted && i > 0 && blanks.find(rest[i - 1]) != blanks.npos) stop = i;
  }
  line.argument = trimmed(rest.substr(0, stop), blanks);
  if (stop < rest.size()) line.comment = rest.substr(rest.substr(0, stop).find_last_not_of(blanks) + 1);
  return line;
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(read_line(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// * and ? as in ssh's match_pattern.
bool matches_pattern(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (std::size_t i = 0; i <= text.size(); ++i)
      if (matches_pattern(text.substr(i), pattern.substr(1))) return true;
    return false;
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         matches_pattern(text.substr(1), pattern.substr(1));
}

// A matching negated pattern excludes the host, whatever the others match.
bool matches(std::string_view host, const std::vector<std::string>& patterns) {
  bool found = false;
  for (const std::string_view pattern : patterns) {
    if (pattern.starts_with('!') && matches_pattern(host, pattern.substr(1))) return false;
    found = found || matches_pattern(host, pattern);
  }
  return found;
}

bool is_own(const Line& line, std::string_view host) {
  if (!line.is("Host")) return false;
  const auto patterns = words_of(line.argument);
  return patterns.size() == 1 && patterns[0] == host;
}

// The end of the block that begins at a line: after its last line that is neither empty nor a comment. What
// follows belongs to the next one.
std::size_t end_of_block(const std::vector<Line>& lines, std::size_t begin) {
  std::size_t end = begin + 1;
  for (std::size_t i = begin + 1; i < lines.size() && !lines[i].is_block(); ++i)
    if (!lines[i].keyword.empty()) end = i + 1;
  return end;
}

std::optional<std::size_t> find_own(const std::vector<Line>& lines, std::string_view host) {
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (is_own(lines[i], host)) return i;
  return std::nullopt;
}

[[noreturn]] void refuse(std::string_view name, std::size_t index, const std::string& message) {
  throw Error(fmt::format("{}:{}: {}", name, index + 1, message));
}

void refuse_shared(const std::vector<Line>& lines, std::string_view host, std::string_view name) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].is("Host") || is_own(lines[i], host)) continue;
    const auto patterns = words_of(lines[i].argument);
    if (std::find(patterns.begin(), patterns.end(), host) != patterns.end())
      refuse(name, i,
             fmt::format("`Host {}` names {} beside others; give it a block of its own, or manage them all",
                         lines[i].argument, host));
  }
}

// A line in comparable form: "a  b" and "\"a\" b" are equal.
std::string meaning(std::string_view argument) { return fmt::format("{}", fmt::join(words_of(argument), " ")); }

// An earlier value, before line `end`, that applies to the host overrides the block's.
void refuse_overruled(const std::vector<Line>& lines, std::size_t end, std::string_view host,
                      const std::vector<SshOption>& wanted, std::string_view name) {
  bool counts = true;
  for (std::size_t i = 0; i < end; ++i) {
    const Line& line = lines[i];
    if (line.is("Host")) counts = matches(host, words_of(line.argument));
    if (line.is("Match")) counts = same_word(line.argument, "all");
    if (!counts || line.is_block()) continue;
    for (const SshOption& option : wanted) {
      if (!line.is(option.keyword) || is_collected(option.keyword) || option.values.empty()) continue;
      if (meaning(line.argument) == meaning(option.values[0])) continue;
      refuse(name, i,
             fmt::format(
                 "`{} {}` comes before the block of {} and wins over its {}; ssh takes the first value: move "
                 "it below, or leave `{}` out",
                 line.keyword, line.argument, host, option.values[0], option.keyword));
    }
  }
}

// A text being assembled from lines, with the file's line ending.
struct Output {
  std::vector<std::string> lines;
  std::string_view end;
  explicit Output(const std::vector<Line>& from)
      : end(!from.empty() && from[0].raw.ends_with('\r') ? "\r\n" : "\n") {
    for (const Line& line : from) lines.emplace_back(line.raw);
  }
  // Lines from the file include their own \r.
  std::string made(std::string line) const { return end == "\r\n" ? std::move(line) + "\r" : line; }
  void insert(std::size_t at, std::vector<std::string> more) {
    for (std::string& line : more) line = made(std::move(line));
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), more.begin(), more.end());
  }
  void erase(std::size_t from, std::size_t to) {
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(from),
                lines.begin() + static_cast<std::ptrdiff_t>(to));
  }
  std::string text() const {
    std::string all;
    for (const std::string& line : lines) all.append(line) += '\n';
    return all;
  }
};

std::vector<std::string> new_block(std::string_view host, const std::vector<SshOption>& wanted) {
  std::vector<std::string> block{fmt::format("Host {}", host)};
  for (const SshOption& option : wanted)
    for (const std::string& value : option.values)
      block.push_back(fmt::format("{}{} {}", indentation, option.keyword, value));
  return block;
}

std::string with_new_block(const std::vector<Line>& lines, std::string_view host,
                           const std::vector<SshOption>& wanted, std::string_view name) {
  std::size_t at = 0;
  while (at < lines.size() && !lines[at].is("Match") &&
         !(lines[at].is("Host") && matches(host, words_of(lines[at].argument))))
    ++at;
  refuse_overruled(lines, at, host, wanted, name);
  Output out(lines);
  std::vector<std::string> block = new_block(host, wanted);
  if (at == lines.size()) {
    if (at > 0) block.insert(block.begin(), "");
  } else {
    while (at > 0 && lines[at - 1].is_comment()) --at;  // it belongs to the block below
    if (at == 0 || lines[at - 1].is_empty()) block.emplace_back();
  }
  out.insert(at, std::move(block));
  return out.text();
}

// The lines of the block that set the option: for a keyword that ssh does not collect only the first, unless it
// is to be removed.
std::vector<std::size_t> lines_with(const std::vector<Line>& lines, std::size_t begin, std::size_t end,
                                    const SshOption& option) {
  std::vector<std::size_t> found;
  const bool all = option.values.empty() || is_collected(option.keyword);
  for (std::size_t i = begin + 1; i < end; ++i)
    if (lines[i].is(option.keyword) && (all || found.empty())) found.push_back(i);
  return found;
}

std::vector<std::string> meanings(const std::vector<std::string>& values) {
  std::vector<std::string> all;
  for (const std::string& value : values) all.push_back(meaning(value));
  return all;
}

}  // namespace

std::vector<std::string_view> ssh_keywords() {
  std::vector<std::string_view> all;
  for (std::size_t from = 0; from < keywords.size();) {
    const std::size_t end = std::min(keywords.find(' ', from), keywords.size());
    all.push_back(keywords.substr(from, end - from));
    from = end + 1;
  }
  return all;
}

std::optional<std::string_view> ssh_keyword(std::string_view word) {
  for (const std::string_view keyword : ssh_keywords())
    if (same_word(keyword, word)) return keyword;
  return std::nullopt;
}

bool is_ssh_line(std::string_view keyword, std::string_view value) {
  const std::string raw = fmt::format("{}{} {}", indentation, keyword, value);
  const Line line = read_line(raw);
  return raw.find_first_of("\r\n") == raw.npos && line.keyword == keyword && !keyword.empty() &&
         !line.is_block() && !line.is("Include") && line.comment.empty() &&
         meaning(line.argument) == meaning(value);
}

bool is_collected(std::string_view keyword) {
  return std::any_of(collected.begin(), collected.end(),
                     [&](std::string_view k) { return same_word(k, keyword); });
}

bool has_ssh_host(std::string_view text, std::string_view host) {
  return find_own(lines_of(text), host).has_value();
}

std::vector<SshOption> ssh_host_options(std::string_view text, std::string_view host,
                                        const std::vector<SshOption>& wanted) {
  const auto lines = lines_of(text);
  const auto begin = find_own(lines, host);
  std::vector<SshOption> options;
  for (const SshOption& option : wanted) {
    SshOption& now = options.emplace_back(SshOption{option.keyword, {}});
    if (!begin) continue;
    for (const std::size_t i : lines_with(lines, *begin, end_of_block(lines, *begin), option))
      now.values.push_back(meaning(lines[i].argument));
  }
  return options;
}

std::string with_ssh_host(std::string_view text, std::string_view host, const std::vector<SshOption>& wanted,
                          std::string_view name) {
  auto lines = lines_of(text);
  refuse_shared(lines, host, name);
  const auto found = find_own(lines, host);
  if (!found) return with_new_block(lines, host, wanted, name);
  const std::size_t begin = *found;
  refuse_overruled(lines, begin, host, wanted, name);
  // One option after the other: each changes the lines that the next one sees.
  std::string current(text);
  for (const SshOption& option : wanted) {
    lines = lines_of(current);
    const std::size_t end = end_of_block(lines, begin);
    const auto places = lines_with(lines, begin, end, option);
    std::vector<std::string> now;
    for (const std::size_t i : places) now.emplace_back(lines[i].argument);
    if (meanings(now) == meanings(option.values)) continue;
    Output out(lines);
    std::string indent(begin + 1 < end ? lines[end - 1].indent : indentation), keyword = option.keyword,
                                                                               comment;
    std::size_t at = end;
    if (!places.empty()) {
      at = places[0];
      indent = lines[at].indent;
      keyword = lines[at].keyword;
      comment = trimmed(lines[at].comment, blanks).empty() ? "" : lines[at].comment;
      while (comment.ends_with('\r')) comment.pop_back();
      for (auto i = places.rbegin(); i != places.rend(); ++i) out.erase(*i, *i + 1);
    }
    std::vector<std::string> more;
    for (const std::string& value : option.values) {
      more.push_back(fmt::format("{}{} {}{}", indent, keyword, value, comment));
      comment.clear();
    }
    out.insert(at, std::move(more));
    current = out.text();
  }
  return current;
}

std::string without_ssh_host(std::string_view text, std::string_view host, std::string_view name) {
  refuse_shared(lines_of(text), host, name);
  std::string current(text);
  for (;;) {
    const auto lines = lines_of(current);
    const auto begin = find_own(lines, host);
    if (!begin) return current;
    Output out(lines);
    const std::size_t end = end_of_block(lines, *begin);
    const bool first = *begin == 0, last = end == lines.size();
    const bool empty_above = !first && lines[*begin - 1].is_empty(),
               empty_below = !last && lines[end].is_empty();
    out.erase(*begin, end);
    if (empty_below && (first || empty_above))
      out.erase(*begin, *begin + 1);
    else if (last && empty_above)
      out.erase(*begin - 1, *begin);
    current = out.text();
  }
}

}  // namespace mlops
