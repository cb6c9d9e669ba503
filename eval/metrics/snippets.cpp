#include "eval/metrics/snippets.hpp"

#include "datasets/case.hpp"
#include "edits/hash.hpp"
#include "json/json.hpp"

namespace kedit::metrics {
namespace {

std::vector<Snippet> samples_from(const JsonView& list) {
  std::vector<Snippet> samples;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const JsonView sample = list.at(i);
    samples.push_back({sample.at("name").string(), sample.at("text").string()});
  }
  return samples;
}

}  // namespace

Snippets::Snippets(Samples samples, const std::vector<std::string>& texts, std::string sha256)
    : samples_(std::move(samples)), index_(texts), sha256_(std::move(sha256)) {}

Snippets Snippets::read(const std::filesystem::path& file) {
  Samples samples;
  std::vector<std::string> texts;
  try {
    const std::string bytes = read_text_file(file);
    const Json document = parse_json(bytes, file.string());
    const JsonView list(document, file.string());
    for (std::size_t i = 0; i < list.size(); ++i) {
      const JsonView entry = list.at(i);
      // A relation and object that come again add to what there is, as in the harness.
      std::vector<Snippet>& known =
          samples[{entry.at("relation_id").string(), entry.at("target_id").string()}];
      for (Snippet& one : samples_from(entry.at("samples"))) {
        texts.push_back(one.text);
        known.push_back(std::move(one));
      }
    }
    if (texts.empty()) list.fail("at least one entry with a sample");
    return {std::move(samples), texts, sha256_hex(bytes)};
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
}

std::string Snippets::about_object(const std::string& relation, const std::string& target) const {
  const auto found = samples_.find({relation, target});
  if (found == samples_.end()) return "";
  std::string text;
  for (const Snippet& one : found->second) text += (text.empty() ? "" : " ") + one.text;
  return text;
}

std::string Snippets::about_subject(const std::string& relation, const std::string& target,
                                    const std::string& subject) const {
  const auto found = samples_.find({relation, target});
  if (found == samples_.end()) return "";
  std::string text;
  for (const Snippet& one : found->second) {
    if (one.name == subject) text += (text.empty() ? "" : " ") + one.text;
  }
  return text;
}

}  // namespace kedit::metrics
