#include "tokenizer/models/vocabulary.hpp"

namespace kedit::tokenizer {

bool Vocabulary::add(std::string token, std::int64_t id) {
  if (id < 0 || id > kMaxId || contains(id)) return false;
  const auto [entry, added] = ids_.emplace(std::move(token), id);
  if (!added) return false;
  if (id >= size()) by_id_.resize(static_cast<std::size_t>(id) + 1, nullptr);
  by_id_[static_cast<std::size_t>(id)] = &entry->first;
  return true;
}

std::optional<std::int64_t> Vocabulary::id(std::string_view token) const {
  const auto entry = ids_.find(token);
  if (entry == ids_.end()) return std::nullopt;
  return entry->second;
}

bool Vocabulary::contains(std::int64_t id) const {
  return id >= 0 && id < size() && by_id_[static_cast<std::size_t>(id)] != nullptr;
}

const std::string& Vocabulary::token(std::int64_t id) const {
  return contains(id) ? *by_id_[static_cast<std::size_t>(id)] : none_;
}

}  // namespace kedit::tokenizer
