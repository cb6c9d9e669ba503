#pragma once

#include "edits/delta.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kedit {

/// One weight update as it lies in the store.
struct UpdateRow {
  std::string weight;
  std::string kind;   ///< "low-rank" or "dense"
  std::string dtype;  ///< of the factors: "float32"
  std::int64_t rows = 0, columns = 0, rank = 0;
  std::string sha256;  ///< of `factors`
  std::vector<std::uint8_t> factors;
};

/// One request as it lies in the store. Id and body are always written; stores may hold rows that
/// lack one of them.
struct RequestRow {
  bool has_id = false;
  std::string id, subject, prompt, target_new;
  bool has_body = false;
  std::string body;  ///< the whole request, canonical JSON
};

/// An edit's content, all that its id is made from. Figures (seconds, curves), time and note
/// are not in it: the same edit made twice has the same content.
struct EditContent {
  std::string editor, settings, model;
  std::vector<RequestRow> requests;
  std::vector<UpdateRow> updates;
  std::vector<Fact> facts;
  std::vector<UpdateRow> state;  ///< tensors as dense "updates" of the state's name
};

/// Takes a delta apart into what is written. Throws `DeltaError` when tensors are not well-formed
/// or settings are no object.
EditContent content_of(const EditDelta& delta);

/// SHA-256 over the content, every field preceded by its length; of the factors only the checksum.
std::string content_sha256(const EditContent& content);

/// 12 hex digits from the content and what the edit hangs on: the previous edit of its branch or
/// its run; either may be empty.
std::string edit_id(std::string_view content_sha256, std::string_view parent, std::string_view run);
/// 12 hex digits from the kind of commit, the edit and the previous commit (may be empty).
std::string commit_id(std::string_view kind, std::string_view edit, std::string_view parent);
/// 12 hex digits from what is run and its number in the store.
std::string run_id(std::string_view name, std::string_view config, std::string_view header,
                   std::int64_t sequence);

}  // namespace kedit
