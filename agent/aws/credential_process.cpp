// Credentials that a program of the person's prints.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
#include <fmt/format.h>

#include <vector>

#include "aws/credential_sources.hpp"
#include "aws/json.hpp"
#include "base/command_line.hpp"
#include "base/error.hpp"
#include "base/process.hpp"

namespace mlops::aws {
namespace {

constexpr std::uint64_t limit_ms = 120'000;

// Takes the text up to the closing quote. Within double quotes a backslash keeps its meaning before " and
// \ only.
void take_quoted(const std::string& line, std::size_t& at, std::string& word) {
  const char quote = line[at++];
  for (; at < line.size() && line[at] != quote; ++at) {
    const bool escapes = quote == '"' && line[at] == '\\' && at + 1 < line.size() &&
                         (line[at + 1] == '"' || line[at + 1] == '\\');
    if (escapes) ++at;
    word += line[at];
  }
  if (at == line.size()) throw Error("an open quote");
}

CommandResult run(const SourceContext& context, const ConfigValue& line, const std::string& profile) {
  Command command;
  try {
    command.argv = split_command(line.text);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: credential_process has {}", line.where, error.message()));
  }
  if (command.argv.empty()) throw Error(fmt::format("{}: credential_process is empty", line.where));
  command.env = context.environment().variables;
  command.timeout_ms = limit_ms;
  try {
    return run_process(command, context.environment().user, {.cancellation = context.settings.cancellation});
  } catch (Error& error) {
    error.while_doing(fmt::format("the credential_process of the profile {} ({})", profile, line.where));
    throw;
  }
}

}  // namespace

std::vector<std::string> split_command(const std::string& line) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (c == '\'' || c == '"') {
      take_quoted(line, at, words.back());
    } else if (c == '\\') {
      if (++at == line.size()) throw Error("a backslash at its end");
      words.back() += line[at];
    } else {
      words.back() += c;
    }
  }
  return words;
}

Found credential_process(const SourceContext& context, const std::string& profile) {
  const ConfigValue* line = context.files().find(profile, "credential_process");
  if (!line) return {};
  const CommandResult result = run(context, *line, profile);
  const std::string name = fmt::format("{}: the credential_process of the profile {}", line->where, profile);
  if (result.timed_out) throw Error(fmt::format("{} did not end within {}", name, duration_text(limit_ms)));
  if (result.status != 0)
    throw Error(fmt::format("{} ended with status {}", name, result.status))
        .with_output(last_lines(result.errors));
  Value answer;
  try {
    answer = parse_json(result.output, "stdout");
  } catch (const Error& error) {
    throw Error(fmt::format("{} printed no credentials: {}", name, error.message()));
  }
  const Value* version = answer.find("Version");
  if (!version || !version->is_integer() || version->as_integer() != 1)
    throw Error(name + " printed no `\"Version\": 1`");
  return credentials_in(answer, "SessionToken", {SourceKind::process, line->where, profile}, context.now());
}

}  // namespace mlops::aws
