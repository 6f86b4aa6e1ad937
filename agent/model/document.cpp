#include "model/document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/utf8.hpp"
#include "model/bounds.hpp"
#include "model/json_text.hpp"
#include "model/syntax_error.hpp"

namespace mlops {
namespace {

constexpr std::size_t few = 16;  // up to this many members are compared pairwise

// Receives nlohmann's events, and follows the text in parallel: an event comes once its token has been read, so
// the token begins at the first character after the last one's end that is no blank, comma or colon.
//
// Members of open lists and objects wait on one stack, so that each of these is created once, in its final
// size.
class Builder : public nlohmann::json::json_sax_t {
 public:
  Builder(const Source& source, std::string_view text, Diagnostics& diagnostics)
      : diagnostics_(diagnostics),
        cursor_(source, text.data()),
        after_(text.data()),
        end_(text.data() + text.size()) {}

  bool null() override { return literal(Value(), 4); }
  bool boolean(bool b) override { return literal(Value(b), b ? 4 : 5); }
  bool number_integer(std::int64_t i) override { return number(Value(i)); }
  bool number_unsigned(std::uint64_t i) override {
    if (i <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return number(Value(static_cast<std::int64_t>(i)));
    return number(Value(static_cast<double>(i)), true);
  }
  bool number_float(double d, const std::string& raw) override {
    return number(Value(d), raw.find_first_of(".eE") == raw.npos);
  }
  bool string(std::string& text) override {
    const Position where = begin_token();
    after_ = text_end(token_, end_);
    return add(Value(std::string_view(text)), where);
  }
  bool binary(nlohmann::json::binary_t&) override { return false; }
  bool key(std::string& text) override {
    key_where_ = begin_token();
    after_ = text_end(token_, end_);
    key_ = text;
    last_ = ParseState::Last::key;
    return true;
  }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }

  bool end_object() override {
    close_bracket();
    Frame& frame = frames_.back();
    Value::Object members(std::make_move_iterator(waiting_.begin() + frame.first),
                          std::make_move_iterator(waiting_.end()));
    report_duplicates(members);
    return close(Value(std::move(members)));
  }
  bool end_array() override {
    close_bracket();
    Frame& frame = frames_.back();
    Value::Array items;
    items.reserve(waiting_.size() - static_cast<std::size_t>(frame.first));
    for (auto i = waiting_.begin() + frame.first; i != waiting_.end(); ++i)
      items.push_back(std::move(i->value));
    return close(Value(std::move(items)));
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    // Error 406 is a number beyond a double's range: not a syntax mistake.
    if (error.id == 406) {
      const Position where = begin_token();
      const std::string_view raw(token_, number_end(token_, end_));
      diagnostics_.add(where, fmt::format("the number {} is too large", raw.substr(0, 40)));
      return false;
    }
    explain();
    return false;
  }

  // After a successful parse: nothing may follow.
  std::optional<Value> result() {
    if (skip_blank(after_, end_) == end_) return std::move(waiting_.front().value);
    explain();
    return std::nullopt;
  }

 private:
  struct Frame {
    bool object;
    std::ptrdiff_t first;  // of its members in waiting_
    Position where;
    std::string key;
    Position key_where;
  };

  Position begin_token() {
    const char* p = skip_blank(after_, end_);
    while (p != end_ && (*p == ',' || *p == ':')) p = skip_blank(p + 1, end_);
    token_ = p;
    return cursor_(p);
  }

  bool add(Value value, const Position& where) {
    value.where = where;
    waiting_.emplace_back(std::move(key_), key_where_, std::move(value));
    key_.clear();
    last_ = ParseState::Last::value;
    return true;
  }

  bool literal(Value value, std::ptrdiff_t length) {
    const Position where = begin_token();
    after_ = token_ + length;
    return add(std::move(value), where);
  }

  bool number(Value value, bool too_large = false) {
    const Position where = begin_token();
    after_ = number_end(token_, end_);
    if (too_large)
      diagnostics_.add(where, fmt::format("the integer {} does not fit 64 bits",
                                          std::string_view(token_, after_).substr(0, 40)));
    return add(std::move(value), where);
  }

  bool open(bool object) {
    const Position where = begin_token();
    after_ = token_ + 1;
    if (frames_.size() == deepest_nesting) {
      diagnostics_.add(where, fmt::format("more than {} lists and objects inside each other", deepest_nesting));
      return false;
    }
    frames_.push_back(
        {object, static_cast<std::ptrdiff_t>(waiting_.size()), where, std::move(key_), key_where_});
    key_.clear();
    last_ = ParseState::Last::open;
    return true;
  }

  void close_bracket() {
    begin_token();
    after_ = token_ + 1;
  }

  bool close(Value value) {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    waiting_.erase(waiting_.begin() + frame.first, waiting_.end());
    key_ = std::move(frame.key);
    key_where_ = frame.key_where;
    return add(std::move(value), frame.where);
  }

  // Of equal keys the first one is kept.
  void report_duplicates(Value::Object& members) {
    if (members.size() <= few) {
      for (std::size_t i = 1; i < members.size(); ++i)
        for (std::size_t j = 0; j < i; ++j)
          if (members[i].key == members[j].key) {
            report_duplicate(members[j], members[i]);
            members.erase(members.begin() + static_cast<std::ptrdiff_t>(i--));
            break;
          }
      return;
    }
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return members[a].key < members[b].key; });
    std::vector<bool> again(members.size());
    for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
      if (members[order[i]].key != members[order[first]].key) {
        first = i;
        continue;
      }
      report_duplicate(members[order[first]], members[order[i]]);
      again[order[i]] = true;
    }
    std::size_t i = 0;
    std::erase_if(members, [&](const Value::Member&) { return again[i++]; });
  }

  void report_duplicate(const Value::Member& first, const Value::Member& second) {
    diagnostics_.add({second.key_where, fmt::format("the key `{}` is already there", second.key), "",
                      first.key_where, "first here"});
  }

  void explain() {
    ParseState state{last_, after_, key_, {}};
    for (const Frame& f : frames_) state.open.push_back({f.object, f.where});
    diagnostics_.add(explain_syntax_error(state, end_, cursor_));
  }

  Diagnostics& diagnostics_;
  Cursor cursor_;
  const char* token_ = nullptr;  // where the current token begins
  const char* after_;            // the byte after the last token
  const char* const end_;
  ParseState::Last last_ = ParseState::Last::nothing;
  std::string key_;  // of the next value
  Position key_where_;
  std::vector<Frame> frames_;
  std::vector<Value::Member> waiting_;
};

// Replaces trailing commas, which JSON does not allow, by blanks: true if there were any. Of two commas in a
// row, and of a comma without an item before it, none is replaced.
bool drop_trailing_commas(std::string& text) {
  bool any = false;
  const char* const end = text.data() + text.size();
  char before = '[';  // the character before p, except for blanks and comments
  for (const char* p = skip_blank(text.data(), end); p != end; p = skip_blank(p, end)) {
    if (*p == '"') {
      p = text_end(p, end);
      before = '"';
      continue;
    }
    const char* const next = skip_blank(p + 1, end);
    const bool last = *p == ',' && next != end && (*next == ']' || *next == '}');
    if (last && before != ',' && before != '[' && before != '{') {
      text[static_cast<std::size_t>(p - text.data())] = ' ';
      any = true;
    }
    before = *p++;
  }
  return any;
}

bool parse(Builder& builder, std::string_view text) {
  constexpr bool strict = true, comments = true;
  return nlohmann::json::sax_parse(text.data(), text.data() + text.size(), &builder,
                                   nlohmann::json::input_format_t::json, strict, comments);
}

std::string_view without_mark(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text;
}

// Texts that are not valid UTF-8 as a whole; false after reporting.
bool is_readable(const Source& source, std::string_view text, Diagnostics& diagnostics) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    diagnostics.add({&source, 0, 0}, "the text is UTF-16", "save it as UTF-8");
    return false;
  }
  if (const std::size_t nul = text.find('\0'); nul != text.npos) {
    diagnostics.add(Cursor(source, text.data())(text.data() + nul), "there is a NUL character in the text");
    return false;
  }
  return true;
}

// A copy of the text in which each invalid UTF-8 byte is a question mark, so that everything else can still be
// checked; the first such byte of each of the first ten lines is reported.
std::string repaired(const Source& source, std::string_view text, Diagnostics& diagnostics) {
  std::string copy(text);
  Cursor cursor(source, copy.data());
  std::uint32_t line = 0;
  int lines = 0;
  for (std::size_t i = 0, n; (n = find_invalid_utf8(std::string_view(copy).substr(i))) != text.npos;) {
    i += n;
    const int byte = static_cast<unsigned char>(copy[i]);
    copy[i] = '?';
    const Position where = cursor(copy.data() + i);
    if (where.line != line && ++lines <= 10)
      diagnostics.add(where, fmt::format("the byte 0x{:02x} is no UTF-8", byte), "save the file as UTF-8");
    line = where.line;
  }
  return copy;
}

}  // namespace

std::optional<Value> parse_document(const Source& source, Diagnostics& diagnostics) {
  std::string_view text = without_mark(source.text);
  if (!is_readable(source, text, diagnostics)) return std::nullopt;
  std::string copy;
  if (find_invalid_utf8(text) != text.npos) text = copy = repaired(source, text, diagnostics);
  Diagnostics first;
  Builder builder(source, text, first);
  const bool good = parse(builder, text);
  auto value = good ? builder.result() : std::nullopt;
  // Trailing commas are only searched for if the text is not valid JSON.
  std::string lenient(good ? "" : text);
  if (!good && drop_trailing_commas(lenient)) {
    Builder again(source, lenient, diagnostics);
    return parse(again, lenient) ? again.result() : std::nullopt;
  }
  for (const Diagnostic& d : first.list()) diagnostics.add(d);
  return value;
}

}  // namespace mlops
