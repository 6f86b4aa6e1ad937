// Feeds texts to what reads AWS's configuration files, command lines, answers and times.
//
// With clang: clang++ -fsanitize=fuzzer,address -DMLOPS_LIBFUZZER …
#include <cstdint>
#include <cstdlib>
#include <string>

#include "../support/replay.hpp"
#include "aws/answer.hpp"
#include "aws/config_files.hpp"
#include "aws/credential_sources.hpp"
#include "aws/errors.hpp"
#include "aws/region.hpp"
#include "aws/time.hpp"
#include "aws/xml.hpp"
#include "base/error.hpp"

namespace {

using namespace mlops;
using namespace mlops::aws;

void require(bool holds) {
  if (!holds) std::abort();
}

// A mistake has its line; a value has no line's end of its own but those of continued lines.
void check_config(const std::string& text) {
  try {
    for (const auto& [name, section] : parse_config(text, "f"))
      for (const auto& [key, value] : section.values) {
        require(!key.empty() && value.where.starts_with("f:"));
        require(value.nested.empty() || value.text.empty());
      }
  } catch (const Error& error) {
    require(error.message().starts_with("f:"));
  }
}

void check_command(const std::string& text) {
  try {
    std::size_t size = 0;
    for (const std::string& word : split_command(text)) size += word.size();
    require(size <= text.size());
  } catch (const Error& error) {
    require(!error.message().empty());
  }
}

// An error's text is one line that a terminal shows as it is.
void check_answer(const std::string& text, AnswerForm form) {
  HttpAnswer answer;
  answer.result.response.status = 400;
  answer.body = text;
  const auto failure = failure_of(answer, form, "ec2 Go", 0);
  require(failure && failure->sent == Sent::yes);
  for (const char c : std::string(AwsError(*failure).what())) require(static_cast<unsigned char>(c) >= ' ');
}

void check_tree(const XmlNode& node, int depth) {
  require(depth <= 64 && !node.name.empty());
  require(node.children.empty() || node.text.empty());
  for (const XmlNode& child : node.children) check_tree(child, depth + 1);
}

void check_xml(const std::string& text) {
  try {
    check_tree(parse_xml(text), 1);
  } catch (const Error& error) {
    require(error.message().starts_with("not XML: "));
  }
}

void check_time(const std::string& text) {
  if (const auto moment = parse_iso_time(text))
    require(*moment >= 253402300800 || *moment < 0 || parse_iso_time(iso_time(*moment)) == moment);
  parse_http_date(text);
  require(!is_region_name(text) || text.find_first_of("./:@ \n") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_config(text);
  check_command(text);
  check_answer(text, AnswerForm::xml);
  check_answer(text, AnswerForm::json);
  check_xml(text);
  check_time(text);
  return 0;
}

#ifndef MLOPS_LIBFUZZER
int main(int argc, char** argv) {
  return replay(
      argc, argv,
      {"# note\n[default]\nregion = eu-central-1\n\n[profile a]\nservices = s\n[services s]\nec2 =\n  "
       "endpoint_url = http://127.0.0.1:1\n[sso-session c]\nsso_region: eu-west-1\n  more\n",
       "/opt/keys --profile 'a b' \"c \\\" d\" e\\ f",
       "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>X&amp;</Code><Message>m</Message></Error>"
       "</Errors><RequestID>r</RequestID></Response>",
       "<!DOCTYPE a [<!ENTITY x \"y\">]><a><!-- c --><![CDATA[d]]>&x;<?p i?></a>",
       R"({"__type":"com.amazon#Code:http://x","message":"m","Message":"n"})", "2026-08-01T12:00:00.5+02:00",
       "Sat, 01 Aug 2026 12:00:00 GMT"});
}
#endif
