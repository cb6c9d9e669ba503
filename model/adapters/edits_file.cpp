#include "model/adapters/edits_file.hpp"

#include "edits/request_json.hpp"
#include "json/canonical.hpp"

#include <system_error>
#include <utility>

namespace kedit::adapters {
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{256} << 20;

}  // namespace

Json edits_document(const EditedModel& model) {
  Json edits = Json::array();
  for (std::size_t i = 0; i < model.deltas().size(); ++i) {
    const EditDelta& delta = *model.deltas()[i];
    Json requests = Json::array();
    for (const EditRequest& request : delta.requests) {
      requests.push_back(canonical(request_to_json(request)));
    }
    edits.push_back(
        {{"id", model.mounted()[i]}, {"editor", delta.editor}, {"requests", std::move(requests)}});
  }
  return {{"model", model.base().fingerprint()}, {"edits", std::move(edits)}};
}

RecordedEdits read_recorded_edits(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kEditsFile;
  std::error_code absent;
  if (!std::filesystem::exists(file, absent)) return {};
  const Json document = read_json(file, {kMostBytes, 8});
  const JsonView view(document, file.string());
  RecordedEdits recorded;
  recorded.model = view.at("model").string();
  const JsonView edits = view.at("edits");
  for (std::size_t i = 0; i < edits.size(); ++i) {
    const JsonView requests = edits.at(i).at("requests");
    for (std::size_t k = 0; k < requests.size(); ++k) {
      recorded.requests.push_back(validate_request(request_from_json(requests.at(k))));
    }
  }
  return recorded;
}

}  // namespace kedit::adapters
