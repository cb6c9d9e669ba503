#!/usr/bin/env bash
# Packs what bench/gpu/run.sh needs on a machine that has only a driver and a LibTorch: the binaries of
# build/, libkedit_cuda.so, the system libraries that they name, golden models and the lab model.
#
#   bench/gpu/pack.sh [FILE]        default: build/kedit-gpu.tar.gz
# There:  tar xzf kedit-gpu.tar.gz && kedit-gpu/run.sh
set -euo pipefail

readonly ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly BUILD=${KEDIT_BUILD:-$ROOT/build}
file=${1:-$BUILD/kedit-gpu.tar.gz}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
pack=$folder/kedit-gpu
mkdir -p "$pack/bin" "$pack/lib" "$pack/tests/golden" "$pack/assets"

for binary in kedit libkedit_cuda.so bench/gpu/kedit_bench_gpu_update \
              bench/gpu/kedit_bench_gpu_random_checkpoint tests/kernels/kedit_tests_kernels \
              tests/model/kedit_tests_model; do
  [[ -e $BUILD/$binary ]] || { echo "pack: $BUILD/$binary is not built (KEDIT_CUDA=ON, tests, benchmarks)" >&2; exit 1; }
  cp "$BUILD/$binary" "$pack/bin/"
  strip --strip-debug "$pack/bin/$(basename "$binary")"
done
# What the machine certainly has stays out: glibc, libstdc++, and LibTorch, which comes from there.
for binary in "$pack"/bin/*; do
  ldd "$binary" | awk '$3 ~ /^\// { print $3 }'
done | sort -u | grep -v '/\(libc\|libm\|libdl\|librt\|libpthread\|libutil\|libstdc++\|libgcc_s\|ld-linux[^/]*\)\.so' |
  grep -v 'torch\|libc10\|nvidia\|libcud\|libcupti\|libgomp' | xargs -I{} cp -L {} "$pack/lib/"
cp -r "$ROOT/tests/golden/models" "$pack/tests/golden/"
cp -r "$ROOT/assets/lab" "$pack/assets/"
cp "$ROOT/bench/gpu/run.sh" "$pack/"
tar -C "$folder" -czf "$file" kedit-gpu
echo "$file: $(du -h "$file" | cut -f1)"
