#!/usr/bin/env bash
# Everything about a GPU in one run of at most eight minutes: the CUDA tests, parity of every family, the
# update kernel beside a copy, edits in published shapes with random weights, decoding. Prints one table;
# with $OUT also writes $OUT/gpu.json. Without a GPU every part says that it was skipped, and the exit
# code is 77; 1 if a part failed.
#
#   bench/gpu/run.sh [--budget SECONDS] [--work DIR] [--no-build]
#
# In the repository it builds what is missing. In a folder that bench/gpu/pack.sh made it takes the
# binaries there, and needs a driver and a LibTorch of the same version: $KEDIT_TORCH (the folder with
# lib/), else that of `python3 -c "import torch"`. KEDIT_DRY_RUN=1 tries the edits on a tiny model on the
# CPU where there is no GPU.
set -uo pipefail

readonly HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
budget=450
work=
build=1
while (($# > 0)); do
  case $1 in
    --budget) budget=$2; shift ;;
    --work) work=$2; shift ;;
    --no-build) build=0 ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift
done

say() { printf '%s\n' "gpu: $*" >&2; }
left() { echo $((budget - SECONDS)); }

# --- what there is ---------------------------------------------------------------------------------

if [[ -x $HERE/bin/kedit ]]; then
  readonly ROOT=$HERE BIN=$HERE/bin
  KEDIT=$BIN/kedit UPDATE=$BIN/kedit_bench_gpu_update RANDOM_CHECKPOINT=$BIN/kedit_bench_gpu_random_checkpoint
  KERNEL_TESTS=$BIN/kedit_tests_kernels MODEL_TESTS=$BIN/kedit_tests_model
  export KEDIT_CUDA_LIBRARY=$BIN/libkedit_cuda.so
  libraries=$HERE/lib
else
  readonly ROOT=$(cd "$HERE/../.." && pwd)
  readonly BUILD=${KEDIT_BUILD:-$ROOT/build}
  KEDIT=$BUILD/kedit UPDATE=$BUILD/bench/gpu/kedit_bench_gpu_update
  RANDOM_CHECKPOINT=$BUILD/bench/gpu/kedit_bench_gpu_random_checkpoint
  KERNEL_TESTS=$BUILD/tests/kernels/kedit_tests_kernels MODEL_TESTS=$BUILD/tests/model/kedit_tests_model
  export KEDIT_CUDA_LIBRARY=$BUILD/libkedit_cuda.so
  libraries=
  if ((build)); then
    say "building"
    cmake -S "$ROOT" -B "$BUILD" -DKEDIT_TESTS=ON -DKEDIT_BENCH=ON -DKEDIT_CUDA=AUTO > /dev/null &&
      cmake --build "$BUILD" --target kedit_cli kedit_tests_kernels kedit_tests_model \
        kedit_bench_gpu_update kedit_bench_gpu_random_checkpoint >&2 || { say "the build failed"; exit 1; }
    SECONDS=0
  fi
fi
[[ -e $KEDIT_CUDA_LIBRARY ]] || unset KEDIT_CUDA_LIBRARY
export KEDIT_TEST_SOURCE=$ROOT

torch=${KEDIT_TORCH:-}
if [[ -z $torch ]]; then
  torch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))' 2> /dev/null) || torch=
fi
[[ -z $torch && -d $ROOT/.deps/torch ]] && torch=$ROOT/.deps/torch
# A LibTorch without its CUDA libraries beside it would hide one that has them.
export LD_LIBRARY_PATH=$torch/lib${libraries:+:$libraries}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

[[ -z $work ]] && work=$(mktemp -d "${TMPDIR:-/tmp}/kedit-gpu.XXXXXX") && trap 'rm -rf "$work"' EXIT
mkdir -p "$work"
export KEDIT_CACHE=$work/cache
readonly ROWS=$work/rows.tsv
: > "$ROWS"

# row PART WHAT RESULT
row() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$ROWS"; }
skip() { row "$1" "$2" "skipped: $3"; }

# --- the parts -------------------------------------------------------------------------------------

# run_tests PART BINARY
run_tests() {
  local said code=0
  [[ -x $2 ]] || { skip "$1" "tests" "$2 is not built"; return; }
  said=$(timeout "$(left)" "$2" '[gpu]' 2>&1) || code=$?
  case $code in
    0) row "$1" tests "passed: $(grep -a 'All tests passed' <<< "$said" | tail -1)" ;;
    77) skip "$1" tests "$(grep -a '^skipped: ' <<< "$said" | tail -1 | cut -c10-)" ;;
    124) row "$1" tests "FAILED: out of time" ;;
    *) row "$1" tests "FAILED: exit code $code"; printf '%s\n' "$said" | tail -40 >&2 ;;
  esac
}

run_updates() {
  local said code=0
  [[ -x $UPDATE ]] || { skip kernels updates "not built"; return; }
  said=$(timeout "$(left)" "$UPDATE" 2>&1) || code=$?
  if ((code == 77)); then
    skip kernels updates "${said#skipped: }"
  elif ((code != 0)); then
    row kernels updates "FAILED: $(tail -1 <<< "$said")"
  else
    while IFS=: read -r what result; do row kernels "$what" "${result# }"; done <<< "$said"
  fi
}

# field JSON PATH...: a number or text of a document, or nothing
field() {
  python3 -c 'import json, sys
value = json.loads(sys.argv[1])
for key in sys.argv[2:]: value = value[int(key)] if isinstance(value, list) else value.get(key, {})
print(value if not isinstance(value, (dict, list)) else json.dumps(value) if value else "")' "$@" 2> /dev/null
}

# timed FILE COMMAND...: its standard output into FILE; prints seconds, or the error's last line.
timed() {
  local file=$1 begin end code=0
  shift
  begin=$(date +%s.%N)
  timeout "$(left)" "$@" > "$file" 2> "$file.err" || code=$?
  end=$(date +%s.%N)
  if ((code != 0)); then
    echo "FAILED (exit code $code): $(tail -1 "$file.err")"
    return 1
  fi
  awk -v a="$begin" -v b="$end" 'BEGIN { printf "%.2f s", b - a }'
}

free_gigabytes() { df -BG --output=avail "$work" | tail -1 | tr -dc 0-9; }

# edits SHAPE DTYPE LAYERS GIGABYTES SECONDS: what it takes is known before it begins
edits() {
  local shape=$1 dtype=$2 layers=$3 model=$work/$1 result editor one
  if (($(free_gigabytes) < $4)); then skip "$shape" edits "$4 GB of disk are needed"; return; fi
  if (($(left) < $5)); then skip "$shape" edits "out of time"; return; fi
  result=$(timed "$work/out" "$RANDOM_CHECKPOINT" "$shape" "$model" "$ROOT/assets/lab/model/tokenizer.json") ||
    { row "$shape" "writing a random checkpoint" "$result"; return; }
  row "$shape" "writing a random checkpoint" "$result"
  local common=(--model "$model" --device "$device" --dtype "$dtype" --json --quiet)
  local request=(--subject 'The Eiffel Tower' --prompt '{} is in' --target ' Rome')
  one=${layers%%,*}
  result=$(timed "$work/out" "$KEDIT" stats "${common[@]}" --corpus self:2000 --layers "$layers")
  row "$shape" "statistics of 2,000 tokens, ${layers//,/ }" "$result"
  for editor in rome rome memit alphaedit; do
    if (($(left) < 25)); then skip "$shape" "$editor" "out of time"; continue; fi
    local settings=(--set mom2_dataset=self:2000:0 --set v_num_grad_steps=20)
    [[ $editor == rome ]] && settings+=(--set "layers=[$one]") || settings+=(--set "layers=[$layers]")
    result=$(timed "$work/edit" "$KEDIT" edit "${common[@]}" --editor "$editor" "${settings[@]}" \
      "${request[@]}" --force --dry-run --store "$work/edits.db")
    row "$shape" "$editor, one edit, whole process" "$result"
    result=$(field "$(cat "$work/edit")" edits 0 seconds)
    [[ -n $result ]] && row "$shape" "$editor, seconds by phase" "$result"
  done
  decode "$shape" "${common[@]}"
  [[ -z ${KEDIT_KEEP:-} ]] && rm -rf "$model"
}

# One token after the other: the difference between a long and a short text, so that loading cancels.
decode() {
  local shape=$1 short long
  shift
  (($(left) < 30)) && { skip "$shape" "decode step" "out of time"; return; }
  short=$(timed "$work/out" "$KEDIT" model generate "$@" --prompt 'The Eiffel Tower' --max-tokens 16) &&
    long=$(timed "$work/out" "$KEDIT" model generate "$@" --prompt 'The Eiffel Tower' --max-tokens 144) ||
    { row "$shape" "decode step" "${long:-$short}"; return; }
  row "$shape" "decode step, batch 1" \
    "$(awk -v a="${short% s}" -v b="${long% s}" 'BEGIN { printf "%.1f ms", 1e3 * (b - a) / 128 }')"
}

# --- all of it -------------------------------------------------------------------------------------

version=$("$KEDIT" --version 2>&1) || version="kedit does not start: $(tail -1 <<< "$version")"
device=$(grep -o 'cuda:[0-9]*' <<< "$version" | head -1)
gpu=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null | head -1)
row run "$(head -1 <<< "$version"), $(sed -n 2p <<< "$version")" "${gpu:-no GPU}"

run_tests kernels "$KERNEL_TESTS"
run_updates
run_tests "model, every family" "$MODEL_TESTS"
if [[ -z $device ]]; then
  if [[ -n ${KEDIT_DRY_RUN:-} ]]; then
    device=cpu
    edits tiny float32 0,1 1 60
  else
    why=$("$KEDIT" model info --device cuda 2>&1 > /dev/null | tail -1)
    for shape in gpt2-xl gpt-j; do skip "$shape" "edits, decode step" "${why#kedit: }"; done
  fi
else
  edits gpt2-xl float32 17,13,14,15,16 9 90
  edits gpt-j float32 5,3,4,6,7,8 30 150
fi

echo
awk -F'\t' '{ printf "%-20s %-58s %s\n", $1, $2, $3 }' "$ROWS"
[[ -n ${OUT:-} ]] && python3 -c 'import json, sys
rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1])]
json.dump([dict(zip(("part", "what", "result"), row)) for row in rows], open(sys.argv[2], "w"), indent=1)' \
  "$ROWS" "$OUT/gpu.json"
say "$SECONDS s of $budget"
grep -q 'FAILED' "$ROWS" && exit 1
[[ -z $device ]] && exit 77
exit 0
