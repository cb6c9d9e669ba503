#pragma once

#include "model/decoder/architecture.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace kedit::gguf {

/// How the rows of a stored matrix, or the elements of a stored vector, stand against those of the
/// checkpoint.
struct RowOrder {
  enum class Kind {
    same,
    pairs,  ///< A head's halves (i, i + width / 2) lie as pairs (2i, 2i + 1).
    parts,  ///< All of q, all of k, all of v; the checkpoint has q, k, v of head 0, of head 1, ...
  };
  Kind kind = Kind::same;
  std::int64_t heads = 0, width = 0;  ///< Of one head.

  std::int64_t checkpoint_row(std::int64_t stored_row) const;
};

struct StoredForm {
  std::string name;  ///< In the file: "blk.3.attn_q.weight"
  RowOrder rows;
  bool transposed = false;  ///< GPT-2's matrices: [out, in] in the file, [in, out] there.
  bool plus_one = false;    ///< Gemma's norms: the file has 1 + weight.
};

/// The stored form of every tensor of a model by its checkpoint name. `gguf_architecture` is
/// llama.cpp's name, on which the order of rows depends: "llama" has those of q and k in the order
/// of interleaved rotation, "gptneox" has q, k and v apart.
std::unordered_map<std::string, StoredForm> stored_forms(const Architecture& architecture,
                                                         const std::string& gguf_architecture);

}  // namespace kedit::gguf
