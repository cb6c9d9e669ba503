#include "lab/teacher_forcing.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <numeric>

namespace kedit::lab {
namespace {

struct Row {
  std::vector<std::int64_t> ids;  // prompt and continuation
  std::int64_t prompt_tokens = 0;
};

Row encode_row(const Tokenizer& tokenizer, const std::string& prompt,
               const std::string& continuation) {
  Row row;
  row.ids = tokenizer.ids(prompt);
  row.prompt_tokens = static_cast<std::int64_t>(row.ids.size());
  const auto rest = tokenizer.ids(continuation, false);
  row.ids.insert(row.ids.end(), rest.begin(), rest.end());
  return row;
}

// Rows are filled up on the right, where the causal mask hides the filling from everything asked.
void score_batch(const EditedModel& model, const std::vector<Row>& rows,
                 const std::vector<std::size_t>& batch, std::vector<bool>* matches) {
  std::size_t longest = 0;
  for (const std::size_t i : batch) longest = std::max(longest, rows[i].ids.size());
  const auto seq = static_cast<std::int64_t>(longest);
  at::Tensor ids = at::zeros({static_cast<std::int64_t>(batch.size()), seq}, at::kLong);
  std::vector<std::int64_t> positions, targets;
  std::vector<std::size_t> owners;
  auto* data = ids.data_ptr<std::int64_t>();
  for (std::size_t r = 0; r < batch.size(); ++r) {
    const Row& row = rows[batch[r]];
    const std::int64_t begin = static_cast<std::int64_t>(r) * seq;
    std::copy(row.ids.begin(), row.ids.end(), data + begin);
    for (auto t = row.prompt_tokens; t < static_cast<std::int64_t>(row.ids.size()); ++t) {
      positions.push_back(begin + t - 1);
      targets.push_back(row.ids[static_cast<std::size_t>(t)]);
      owners.push_back(batch[r]);
    }
  }
  for (const std::size_t i : batch) (*matches)[i] = true;
  if (positions.empty()) return;
  ForwardInput input;
  input.ids = ids;
  input.logit_positions = at::tensor(positions, at::kLong);
  const at::Tensor best = model.forward(input).logits.argmax(1).contiguous();
  const auto* chosen = best.const_data_ptr<std::int64_t>();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (chosen[i] != targets[i]) (*matches)[owners[i]] = false;
  }
}

}  // namespace

std::vector<bool> forced_matches(const EditedModel& model,
                                 const std::vector<std::pair<std::string, std::string>>& pairs,
                                 std::int64_t batch_rows) {
  const c10::NoGradGuard no_grad;
  std::vector<Row> rows;
  rows.reserve(pairs.size());
  for (const auto& [prompt, continuation] : pairs) {
    rows.push_back(encode_row(model.tokenizer(), prompt, continuation));
  }
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&rows](std::size_t a, std::size_t b) {
    return rows[a].ids.size() < rows[b].ids.size();
  });
  std::vector<bool> matches(rows.size());
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(batch_rows, 1));
  for (std::size_t begin = 0; begin < order.size(); begin += width) {
    const std::size_t end = std::min(begin + width, order.size());
    score_batch(model, rows,
                {order.begin() + static_cast<std::ptrdiff_t>(begin),
                 order.begin() + static_cast<std::ptrdiff_t>(end)},
                &matches);
  }
  return matches;
}

}  // namespace kedit::lab
