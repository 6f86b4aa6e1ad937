// The parameters of a resource type, declared once: parsing, messages, documentation and JSON Schema come from
// it. One header, because it is one template: what a type declares, and what reads the declaration.
#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/diagnostic.hpp"
#include "model/value.hpp"
#include "resource/file_source.hpp"

namespace mlops {

// ---- types of parameters besides text, boolean, integer, lists and maps of them -----------------------------

// An absolute path. "~" and "~/x" are below the person's home; ".", ".." and double slashes are resolved
// textually; any other relative path is an error.
struct Path {
  std::string text;
  friend bool operator==(const Path&, const Path&) = default;
};
// A path, written as Path is, and the person's home, which only the decoder knows: for resources that also
// concern the person's start-up files.
struct PersonalPath {
  std::string path, person_home;
};
// The person that the run is for; see Schema::person. user is "" while a playbook is only validated.
struct PersonOf {
  std::string user, home;
  std::string ssh_config;  // of --ssh-config, absolute; "": ~/.ssh/config
};
// Permission bits, written as an octal text: "0644". A number is an error.
struct Mode {
  std::uint32_t bits = 0;
  friend bool operator==(const Mode&, const Mode&) = default;
};
// A time span: "500ms", "10s", "5m", "2h", "1d"; a bare number is an error.
struct Duration {
  std::uint64_t ms = 0;
  friend bool operator==(const Duration&, const Duration&) = default;
};
// A size: "512", "10kB", "64MiB", "2GB" (a k, M, G or T is 1000-fold, a Ki, Mi, Gi or Ti 1024-fold); or a whole
// number of bytes.
struct ByteSize {
  std::uint64_t bytes = 0;
  friend bool operator==(const ByteSize&, const ByteSize&) = default;
};
// The content of a file beside the playbook, read when the resource's turn comes. A relative path is relative
// to the file that names it.
struct SourceFile {
  std::string path, content;
  friend bool operator==(const SourceFile&, const SourceFile&) = default;
};
// A text that may be given instead of a list: "a" means ["a"].
struct Texts {
  std::vector<std::string> list;
  friend bool operator==(const Texts&, const Texts&) = default;
};

// ---- decoding ----------------------------------------------------------------------------------------------

// The keys that every resource may have besides its type's parameters; they never reach a module.
inline constexpr std::array<std::string_view, 9> common_keys = {"type", "id",    "when",   "for_each", "tags",
                                                                "as",   "after", "notify", "retry"};

// The context for decoding values into parameters, and where mistakes are reported.
struct Decoder {
  Diagnostics& diagnostics;
  std::string home;          // the person's, for ~
  Position resource;         // where the resource begins: for missing parameters
  bool load_sources = true;  // false while validating: a SourceFile must exist, but is not read
  const FileSource* files = &files_on_disk();
  // The parameter being decoded, for messages; set by SchemaBase::decode. Values of a sensitive one are not
  // shown.
  std::string_view parameter = {};
  bool sensitive = false;
  bool item = false;            // it is an item of the parameter's list
  std::string user = {};        // the person's name; "" while validating, when it is not known yet
  std::string ssh_config = {};  // of PersonOf

  void error(const Value& at, std::string message, std::string hint = "") {
    diagnostics.add(at.where.source ? at.where : resource, std::move(message), std::move(hint));
  }
  // "`mode` must be a text such as "0644", found the number 644". Always false.
  bool must_be(const Value& at, std::string_view wanted, std::string hint = "");
  // The list form of a text that was given instead of a list of texts: an argv word for word. "" if it is not a
  // text.
  std::string list_hint(const Value& at) const;
};

// A C++ type as a parameter. decode returns false after reporting a mistake.
//   static bool decode(const Value&, T& into, Decoder&);   static std::string type_text();
//   static Value json_schema();                            static Value to_value(const T&);
template <class T>
struct Codec;

#define MLOPS_DECLARE_CODEC(T)                      \
  template <>                                       \
  struct Codec<T> {                                 \
    static bool decode(const Value&, T&, Decoder&); \
    static std::string type_text();                 \
    static Value json_schema();                     \
    static Value to_value(const T&);                \
  }
MLOPS_DECLARE_CODEC(bool);
MLOPS_DECLARE_CODEC(std::string);
MLOPS_DECLARE_CODEC(std::int64_t);
MLOPS_DECLARE_CODEC(std::uint32_t);
MLOPS_DECLARE_CODEC(Path);
MLOPS_DECLARE_CODEC(Mode);
MLOPS_DECLARE_CODEC(Duration);
MLOPS_DECLARE_CODEC(ByteSize);
MLOPS_DECLARE_CODEC(SourceFile);
MLOPS_DECLARE_CODEC(Texts);
using TextMap = std::map<std::string, std::string>;
MLOPS_DECLARE_CODEC(TextMap);
#undef MLOPS_DECLARE_CODEC

template <>
struct Codec<PersonalPath> {
  static bool decode(const Value& v, PersonalPath& into, Decoder& d) {
    Path path;
    if (!Codec<Path>::decode(v, path, d)) return false;
    into = {path.text, d.home};
    return true;
  }
  static std::string type_text() { return Codec<Path>::type_text(); }
  static Value json_schema() { return Codec<Path>::json_schema(); }
  static Value to_value(const PersonalPath& p) { return Value(p.path); }
};

template <class T>
struct Codec<std::optional<T>> {
  static bool decode(const Value& v, std::optional<T>& into, Decoder& d) {
    return Codec<T>::decode(v, into.emplace(), d);
  }
  static std::string type_text() { return Codec<T>::type_text(); }
  static Value json_schema() { return Codec<T>::json_schema(); }
  static Value to_value(const std::optional<T>& v) { return v ? Codec<T>::to_value(*v) : Value(); }
};

template <class T>
struct Codec<std::vector<T>> {
  static bool decode(const Value& v, std::vector<T>& into, Decoder& d) {
    if (!v.is_array()) return d.must_be(v, "a " + type_text(), d.list_hint(v));
    bool good = true;
    d.item = true;
    into.reserve(v.as_array().size());
    for (const Value& item : v.as_array()) good &= Codec<T>::decode(item, into.emplace_back(), d);
    d.item = false;
    return good;
  }
  static std::string type_text() { return "list of " + Codec<T>::type_text() + "s"; }
  static Value json_schema() {
    Value v;
    v.set("type", "array");
    v.set("items", Codec<T>::json_schema());
    return v;
  }
  static Value to_value(const std::vector<T>& list) {
    Value::Array a;
    for (const T& item : list) a.push_back(Codec<T>::to_value(item));
    return a;
  }
};

// ---- the schema --------------------------------------------------------------------------------------------

// One parameter as documentation and validation see it.
struct Parameter {
  std::string name, doc, type_text;
  bool required = false;
  bool sensitive = false;  // it may contain a secret; messages never show its value
  Value default_value;     // null: none, or unmanaged
  Value json_schema;
  // Checks or decodes a value into the desired struct that void* points to. False after reporting.
  std::function<bool(const Value&, void* desired, Decoder&)> decode;
  std::function<void(void* desired)> reset;  // restores its default
  bool present_only = false;

  Parameter& secret() {
    sensitive = true;
    return *this;
  }
  // It only applies to what is to be present: if Schema::absent is true it is checked, and then ignored.
  Parameter& for_present() {
    present_only = true;
    return *this;
  }
};

struct Example {
  std::string title, json;  // json: one resource, or a list of them, as in a playbook
};

// The parts that do not depend on the module's struct.
class SchemaBase {
 public:
  const std::vector<std::unique_ptr<Parameter>>& parameters() const { return parameters_; }
  const Parameter* find(std::string_view name) const;
  const std::string& summary() const { return summary_; }
  const std::string& primary() const { return primary_; }
  const std::string& script() const { return script_; }
  const std::vector<Example>& examples() const { return examples_; }

  // Decodes all members of params (an object without the keys that every resource has) into desired. Reports
  // unknown names (with the closest known one), missing and mistyped ones, and failed checks. Members for which
  // skip returns true (their {{ }} cannot be filled in yet) count as given and are left alone, and then the
  // checks are skipped. A secret is a mistake if the parameter is not sensitive.
  bool decode(const Value& params, void* desired, Decoder& decoder,
              const std::function<bool(const Value&)>& skip = {}) const;

 protected:
  std::vector<std::unique_ptr<Parameter>> parameters_;
  std::string summary_, primary_, script_;
  std::vector<Example> examples_;
  std::function<void(const void* desired, const Value& params, Decoder&)> check_;
  std::function<void(void* desired, const Decoder&)> person_;
  std::function<void(void* desired)> secrets_;
  std::function<bool(const void* desired)> absent_;
};

// For Schema::check: reports a mistake at a parameter (or at the resource if it was not given).
class Checker {
 public:
  Checker(const Value& params, Decoder& decoder) : params_(params), decoder_(decoder) {}
  bool given(std::string_view parameter) const { return params_.find(parameter) != nullptr; }
  void error(std::string_view parameter, std::string message, std::string hint = "");

 private:
  const Value& params_;
  Decoder& decoder_;
};

template <class D>
class Schema : public SchemaBase {
 public:
  // The purpose of the type, in a sentence.
  Schema& summary(std::string text) {
    summary_ = std::move(text);
    return *this;
  }
  // The parameter whose value labels a resource without an id: "package[docker.io]". script: a parameter whose
  // first words are used if the other is not given; "" for none.
  Schema& named_by(std::string parameter, std::string script = "") {
    primary_ = std::move(parameter);
    script_ = std::move(script);
    return *this;
  }
  // The condition for a resource that is to be absent: parameters that are for_present are then ignored.
  Schema& absent(bool (*is)(const D&)) {
    absent_ = [is](const void* d) { return is(*static_cast<const D*>(d)); };
    return *this;
  }
  Schema& example(std::string title, std::string json) {
    examples_.push_back({std::move(title), std::move(json)});
    return *this;
  }
  // A member that is always set to the person, whatever the parameters are.
  Schema& person(PersonOf D::*member) {
    person_ = [member](void* d, const Decoder& decoder) {
      static_cast<D*>(d)->*member = {decoder.user, decoder.home, decoder.ssh_config};
    };
    return *this;
  }
  // A member that becomes true if a parameter was given a secret: its value must not be shown.
  Schema& secrets(bool D::*member) {
    secrets_ = [member](void* d) { static_cast<D*>(d)->*member = true; };
    return *this;
  }
  // Rules between parameters; called once each has been decoded without a mistake.
  Schema& check(void (*rule)(const D&, Checker&)) {
    check_ = [rule](const void* d, const Value& params, Decoder& decoder) {
      Checker checker(params, decoder);
      rule(*static_cast<const D*>(d), checker);
    };
    return *this;
  }

  template <class T>
  Parameter& required(std::string name, T D::*member, std::string doc) {
    Parameter& p = add(std::move(name), member, std::move(doc));
    p.required = true;
    return p;
  }
  // The default is the member's initialiser; an empty std::optional is "unmanaged".
  template <class T>
  Parameter& optional(std::string name, T D::*member, std::string doc) {
    Parameter& p = add(std::move(name), member, std::move(doc));
    p.default_value = Codec<T>::to_value(D{}.*member);
    return p;
  }
  // A parameter that takes one of a few words.
  template <class E>
  Parameter& one_of(std::string name, E D::*member, std::vector<std::pair<std::string, E>> words,
                    std::string doc) {
    std::vector<std::string> names;
    for (const auto& [word, value] : words) names.push_back(word);
    Parameter& p = add_words(std::move(name), names, std::move(doc));
    p.reset = [member](void* d) { static_cast<D*>(d)->*member = D{}.*member; };
    for (const auto& [word, value] : words)
      if (value == D{}.*member) p.default_value = Value(word);
    p.decode = [member, words, names](const Value& v, void* d, Decoder& decoder) {
      const int i = decode_word(v, names, decoder);
      if (i >= 0) static_cast<D*>(d)->*member = words[static_cast<std::size_t>(i)].second;
      return i >= 0;
    };
    return p;
  }

 private:
  template <class T>
  Parameter& add(std::string name, T D::*member, std::string doc) {
    auto p = std::make_unique<Parameter>();
    p->name = std::move(name);
    p->doc = std::move(doc);
    p->type_text = Codec<T>::type_text();
    p->json_schema = Codec<T>::json_schema();
    p->reset = [member](void* d) { static_cast<D*>(d)->*member = D{}.*member; };
    p->decode = [member](const Value& v, void* d, Decoder& decoder) {
      return Codec<T>::decode(v, static_cast<D*>(d)->*member, decoder);
    };
    return *parameters_.emplace_back(std::move(p));
  }
  Parameter& add_words(std::string name, const std::vector<std::string>& words, std::string doc);
  static int decode_word(const Value& v, const std::vector<std::string>& words, Decoder& decoder);
};

// The parts of Schema that do not depend on D. decode_word: the index of the word, or -1 after reporting.
namespace schema_detail {
void fill_words(Parameter& p, const std::vector<std::string>& words);
int decode_word(const Value& v, const std::vector<std::string>& words, Decoder& decoder);
}  // namespace schema_detail

template <class D>
Parameter& Schema<D>::add_words(std::string name, const std::vector<std::string>& words, std::string doc) {
  auto p = std::make_unique<Parameter>();
  p->name = std::move(name);
  p->doc = std::move(doc);
  schema_detail::fill_words(*p, words);
  return *parameters_.emplace_back(std::move(p));
}
template <class D>
int Schema<D>::decode_word(const Value& v, const std::vector<std::string>& words, Decoder& decoder) {
  return schema_detail::decode_word(v, words, decoder);
}

}  // namespace mlops
