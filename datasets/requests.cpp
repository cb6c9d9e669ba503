#include "datasets/requests.hpp"

#include "datasets/case_files.hpp"
#include "edits/request_json.hpp"
#include "json/json.hpp"
#include "json/short_name.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace kedit {
namespace {

constexpr std::size_t kIdBytes = 512;  // ids become keys of stores and reports

EditRequest read_request(const JsonView& record, const std::string& default_id) {
  EditRequest request = request_from_json(record);
  const auto id = record.find("id");
  if (!id)
    request.id = default_id;
  else if (request.id.empty() || request.id.size() > kIdBytes)
    id->fail("an id of 1 to 512 bytes");
  return request;
}

EditRequest checked_request(const Json& value, const std::string& origin,
                            const std::string& default_id) {
  try {
    return validate_request(read_request(JsonView(value, origin), default_id));
  } catch (const RequestError& error) {
    throw DataError(fmt::format("reading {}: {}", origin, error.what()));
  }
}

std::vector<EditRequest> read_lines(const std::filesystem::path& file) {
  const std::string text = read_text_file(file);
  const std::string stem = file == "-" ? "stdin" : file.stem().string();
  std::vector<EditRequest> requests;
  std::set<std::string> ids;
  std::size_t begin = 0;
  for (std::size_t number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string origin = fmt::format("{}, record line {}", file.string(), number);
    requests.push_back(
        checked_request(parse_json(line, origin), origin, fmt::format("{}/{}", stem, number)));
    if (!ids.insert(requests.back().id).second) {
      throw DataError(fmt::format("reading {}: /id: expected every id once, found \"{}\" again",
                                  origin, requests.back().id));
    }
  }
  return requests;
}

// Every id is the file's.
std::vector<const Case*> in_order_of_ids(const Dataset& dataset,
                                         const std::vector<std::int64_t>& ids) {
  std::map<std::int64_t, const Case*> by_id;
  for (const Case& one : dataset.cases) by_id.emplace(one.id, &one);
  std::vector<const Case*> cases;
  for (const std::int64_t id : ids) cases.push_back(by_id.at(id));
  return cases;
}

}  // namespace

std::vector<EditRequest> read_requests(const std::filesystem::path& file) {
  std::vector<EditRequest> requests;
  try {
    requests = read_lines(file);
  } catch (const JsonError& error) {
    throw DataError(error.what());
  }
  if (requests.empty()) {
    throw DataError(
        fmt::format("reading {}: expected one request a line, found none", file.string()));
  }
  return requests;
}

void write_requests(const std::filesystem::path& file, const std::vector<EditRequest>& requests) {
  std::string text;
  for (const EditRequest& request : requests) text += to_text(request_to_json(request)) + "\n";
  write_file_atomically(file, text);
}

std::vector<EditRequest> read_dataset_requests(const std::string& format_and_file,
                                               const std::string& cases) {
  const DatasetName name = parse_dataset_name(format_and_file);
  const Dataset dataset = read_case_file(name);
  const std::vector<std::int64_t> ids = parse_case_selection(cases, dataset);
  std::vector<EditRequest> requests;
  std::set<std::string> sentences;
  for (const Case* one : in_order_of_ids(dataset, ids)) {
    for (const EditRequest& request : one->edits) {
      const bool fresh = sentences.insert(edit_sentence(request)).second;
      // A record of the other formats is one edit: there, asking twice is the file's own business.
      if (fresh || !name.format->has_chains) requests.push_back(request);
    }
  }
  return requests;
}

}  // namespace kedit
