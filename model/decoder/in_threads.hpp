#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

#include <cstdint>

namespace kedit::decoder {

/// Calls `work(first, last)` for parts of [0, count) of at least `grain`, in the library's threads;
/// what is no more than one such part runs at once. at::parallel_for would not: it is a template,
/// and without OpenMP in our own flags it becomes a plain loop, while the loop of an iterator is
/// compiled into the library.
template <class Work>
void in_threads(std::int64_t count, std::int64_t grain, const Work& work) {
  if (count <= grain || at::get_num_threads() == 1) {
    if (count > 0) work(0, count);
    return;
  }
  at::Tensor places = at::empty({count}, at::TensorOptions().dtype(at::kByte));
  const char* origin = static_cast<const char*>(places.const_data_ptr());
  auto iterator = at::TensorIterator::nullary_op(places);
  iterator.for_each(
      [&](char** data, const std::int64_t* strides, std::int64_t length, std::int64_t runs) {
        for (std::int64_t run = 0; run < runs; ++run) {
          const std::int64_t first = data[0] + run * strides[1] - origin;
          work(first, first + length);
        }
      },
      grain);
}

}  // namespace kedit::decoder
