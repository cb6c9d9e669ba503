#include "datasets/mquake.hpp"
#include "datasets/requests.hpp"
#include "edits/hash.hpp"
#include "tests/datasets/fixtures.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/real_data.hpp"

#include <set>

using namespace kedit;
using namespace kedit::test;

namespace {

const MquakeDataset* real_dataset() {
  const auto file = real_data("mquake/MQuAKE-CF-3k.json");
  if (!file) return nullptr;
  static const MquakeDataset dataset = read_mquake(*file);
  return &dataset;
}

}  // namespace

TEST_CASE("MQuAKE reader: CF-3k passes every load check and has the published counts") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  CHECK(dataset->content_sha256 ==
        "53f6ab0916a3b604647b13db5a79d7a9d45204e55afd8b214567b78fce474311");
  std::map<std::int64_t, std::map<std::size_t, int>> by_hops;
  std::set<std::string> sentences, paths;
  std::set<Triple> pre, post;
  std::size_t occurrences = 0, questions = 0;
  for (const MquakeCase& c : dataset->cases) {
    ++by_hops[c.hop_count()][c.rewrites.size()];
    questions += c.questions.size();
    std::string path;
    for (const Triple& hop : c.triples) path += hop.relation + " ";
    paths.insert(path);
    pre.insert(c.triples.begin(), c.triples.end());
    post.insert(c.new_triples.begin(), c.new_triples.end());
    for (const EditRequest& request : requests_of(c)) {
      ++occurrences;
      sentences.insert(edit_sentence(request));
    }
  }
  CHECK(by_hops[2] == std::map<std::size_t, int>{{1, 513}, {2, 487}});
  CHECK(by_hops[3] == std::map<std::size_t, int>{{1, 356}, {2, 334}, {3, 310}});
  CHECK(by_hops[4] == std::map<std::size_t, int>{{1, 224}, {2, 246}, {3, 262}, {4, 268}});
  CHECK(occurrences == 6015);
  CHECK(sentences.size() == 2786);
  CHECK(paths.size() == 368);
  CHECK(pre.size() == 3476);
  CHECK(post.size() == 4446);
  CHECK(questions == 9000);
}

TEST_CASE("MQuAKE writer: CF-3k is written with the published bytes") {
  const MquakeDataset* dataset = real_dataset();
  if (dataset == nullptr) return;
  const TemporaryFolder folder;
  write_mquake(folder.file("out.json"), dataset->cases);
  const std::string bytes = read_text_file(folder.file("out.json"));
  CHECK(bytes.size() == 16055945);
  CHECK(sha256_hex(bytes) == "ce27a39c39f2983512b9b5578fadea5fbe352e5368f49d64f38d37ce304edc80");
}

TEST_CASE("MQuAKE requests: CF-3k has 2786 distinct edit requests") {
  const auto file = real_data("mquake/MQuAKE-CF-3k.json");
  if (!file) return;
  CHECK(read_dataset_requests("mquake:" + file->string(), "").size() == 2786);
}
