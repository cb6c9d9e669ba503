#include "editors/locate/keys.hpp"

#include "editors/editor.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <numeric>

namespace kedit::locate {
std::vector<LocatedText> subject_texts(const Tokenizer& tokenizer, const EditRequest& request,
                                       const ContextTemplates& templates, FactToken token) {
  std::vector<LocatedText> texts;
  for (const std::string& context : templates) {
    const SplitPrompt prompt = prompt_in_context(context, request);
    LocatedText text =
        locate_subject(tokenizer, prompt.prefix, request.subject, prompt.suffix, token);
    text.ids.resize(static_cast<std::size_t>(text.position) + 1);
    texts.push_back(std::move(text));
  }
  return texts;
}

SubjectKeys collect_keys(const EditedModel& model, std::int64_t layer,
                         const std::vector<LocatedText>& texts) {
  const c10::NoGradGuard no_grad;
  const auto rows = row_numbers(texts.size());
  const auto positions = positions_of(texts);
  at::Tensor keys;
  at::Tensor outputs;
  Taps taps;
  taps.add(layer, Site::mlp_key, read_at(rows, positions, &keys))
      .add(layer, Site::mlp_value, read_at(rows, positions, &outputs))
      .stop_after(layer);
  ForwardInput input;
  input.ids = padded_batch(model, texts);
  input.want_logits = false;
  model.forward(input, nullptr, &taps);
  return {keys.to(at::kFloat), outputs.to(at::kFloat)};
}

at::Tensor padded_batch(const EditedModel& model, const std::vector<LocatedText>& texts) {
  std::size_t longest = 0;
  for (const LocatedText& text : texts) longest = std::max(longest, text.ids.size());
  const std::int64_t limit = model.architecture().max_positions;
  if (static_cast<std::int64_t>(longest) > limit) {
    throw EditError(
        fmt::format("running the edit's texts: expected at most {} tokens (the model's "
                    "positions), found {}; shorten the prompt or the context templates",
                    limit, longest));
  }
  at::Tensor ids = at::zeros(
      {static_cast<std::int64_t>(texts.size()), static_cast<std::int64_t>(longest)}, at::kLong);
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const auto& text = texts[row].ids;
    std::copy(text.begin(), text.end(), ids.data_ptr<std::int64_t>() + row * longest);
  }
  return ids.to(model.weights().token_embedding.device());
}

std::vector<std::int64_t> row_numbers(std::size_t n) {
  std::vector<std::int64_t> rows(n);
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

std::vector<std::int64_t> positions_of(const std::vector<LocatedText>& texts) {
  std::vector<std::int64_t> positions;
  for (const LocatedText& text : texts) positions.push_back(text.position);
  return positions;
}

}  // namespace kedit::locate
