#pragma once

/// Which vector instructions this processor has, and the attributes that compile a function for
/// them. Functions for a higher set are only called after `instruction_set` has said so.
namespace kedit::kernels {

enum class InstructionSet { plain, avx2, avx512 };

#if defined(__x86_64__) && defined(__GNUC__)
#define KEDIT_TARGET_AVX2 __attribute__((target("avx2,fma")))
#define KEDIT_TARGET_AVX512 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")))

inline InstructionSet instruction_set() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("fma")) {
    return InstructionSet::avx512;
  }
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return avx2 ? InstructionSet::avx2 : InstructionSet::plain;
}
#else
#define KEDIT_TARGET_AVX2
#define KEDIT_TARGET_AVX512

inline InstructionSet instruction_set() { return InstructionSet::plain; }
#endif

}  // namespace kedit::kernels
