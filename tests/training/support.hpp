#pragma once

#include "training/bpe_trainer.hpp"
#include "training/trainer.hpp"

#include <memory>
#include <string>
#include <vector>

namespace kedit::test {

/// Documents 0, 1, 2, ... that count, with a weight per piece. The state is the next number.
inline DocumentSource counting_documents() {
  auto next = std::make_shared<std::int64_t>(0);
  return {[next](double) {
            const std::int64_t n = (*next)++;
            return Document{{{" number", 0.1F}, {" " + std::to_string(n % 97), 1.0F}, {".", 0.5F}}};
          },
          [next] { return std::to_string(*next); },
          [next](const std::string& state) { *next = std::stoll(state); }};
}

inline std::shared_ptr<const Tokenizer> small_tokenizer() {
  std::vector<std::string> texts;
  for (int i = 0; i < 97; ++i) texts.push_back(" number " + std::to_string(i) + ".");
  return Tokenizer::parse(train_byte_level_bpe(texts, 300), "small tokenizer");
}

}  // namespace kedit::test
