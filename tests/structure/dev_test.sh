#!/usr/bin/env bash
# ./dev: help without a build, patience with a package lock. Runs a copy in WORK with stand-ins for the
# system's commands. Usage: dev_test.sh SOURCE WORK
set -euo pipefail
source_tree=$1
work=$2

fail() { printf '%s\n' "dev_test: $*" >&2; exit 1; }

rm -rf "$work"
mkdir -p "$work/tree/tests/golden/help" "$work/bin"
cp "$source_tree/dev" "$work/tree/"
cp "$source_tree"/tests/golden/help/demo.txt "$work/tree/tests/golden/help/"
cd "$work/tree"

# A build would call one of these first.
for name in dpkg-query apt-get cmake; do
  printf '#!/bin/sh\necho built >> %s\nexit 1\n' "$work/calls" > "$work/bin/$name"
done
chmod +x "$work"/bin/*
for words in "demo --help" "demo --seed 3 -h"; do
  # shellcheck disable=SC2086
  PATH="$work/bin:$PATH" ./dev $words > "$work/out" 2> "$work/err" || fail "./dev $words failed"
  cmp -s "$work/out" tests/golden/help/demo.txt || fail "./dev $words: expected the help of kedit demo"
  grep -q 'builds build/kedit' "$work/err" || fail "./dev $words: does not say that demo builds"
done
[[ ! -e $work/calls ]] || fail "./dev demo --help built something"

# No package is there. apt-get is locked out twice, then works; then configuring fails, which is the end.
cat > "$work/bin/apt-get" <<TEXT
#!/bin/sh
echo "\$*" >> "$work/calls"
case "\$*" in *update*) kind=update ;; *) kind=install ;; esac
count=\$(cat "$work/\$kind" 2>/dev/null || echo 0)
echo \$((count + 1)) > "$work/\$kind"
[ "\$count" -ge 2 ] && exit 0
echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)" >&2
exit 100
TEXT
printf '#!/bin/sh\nexec "$@"\n' > "$work/bin/sudo"
printf '#!/bin/sh\necho configured >> %s\nexit 1\n' "$work/calls" > "$work/bin/cmake"
chmod +x "$work"/bin/*
PATH="$work/bin:$PATH" KEDIT_LOCK_SECONDS=0 KEDIT_TORCH_DIR=/nowhere ./dev build > "$work/out" 2> "$work/err" &&
  fail "./dev build: expected the stand-in for cmake to fail it"
[[ $(grep -c 'update' "$work/calls") == 3 ]] || fail "apt-get update: expected two more tries"
[[ $(grep -c 'install' "$work/calls") == 3 ]] || fail "apt-get install: expected two more tries"
grep -q 'DPkg::Lock::Timeout' "$work/calls" || fail "apt-get install: expected a lock timeout"
grep -q 'configured' "$work/calls" || fail "./dev build: expected to go on after the lock"
[[ $(grep -c 'waiting for it' "$work/err") == 2 ]] || fail "expected one word of waiting for each lock"

# Any other failure is one at once.
rm -f "$work/calls"
printf '#!/bin/sh\necho "$*" >> %s\necho "E: no network" >&2\nexit 100\n' "$work/calls" > "$work/bin/apt-get"
PATH="$work/bin:$PATH" KEDIT_LOCK_SECONDS=0 KEDIT_TORCH_DIR=/nowhere ./dev build > "$work/out" 2> "$work/err" &&
  fail "./dev build: expected a failure without packages"
[[ $(grep -c 'update' "$work/calls") == 1 ]] || fail "expected no second try without a lock"
grep -q 'could not be installed' "$work/err" || fail "expected to hear what is missing"

# The pretrained model of demo --real is fetched first unless another one is named; models fetches what it is told, or all.
cat > "$work/bin/dpkg-query" <<'TEXT'
#!/bin/sh
echo 'ii '
TEXT
printf '#!/bin/sh\nexit 0\n' > "$work/bin/cmake"
mkdir -p build
cat > build/kedit <<TEXT
#!/bin/sh
echo "\$*" >> "$work/calls"
case "\$*" in *--list*) echo '{"models":[{"name":"first"},{"name":"second"}]}' ;; esac
TEXT
chmod +x "$work"/bin/* build/kedit
calls_of() {
  rm -f "$work/calls"
  env -u KEDIT_MODEL PATH="$work/bin:$PATH" KEDIT_TORCH_DIR=/nowhere "$@" > "$work/out" 2> "$work/err" || fail "$*: failed"
  paste -sd ';' "$work/calls"
}
[[ $(calls_of ./dev demo --real --json) == "model get smollm2-135m-instruct;demo --real --json" ]] || fail "demo --real: expected the model first"
[[ $(calls_of ./dev demo --real --model x) == "demo --real --model x" ]] || fail "demo --real --model: expected nothing fetched"
[[ $(calls_of env KEDIT_MODEL=x ./dev demo --real) == "demo --real" ]] || fail "demo --real with KEDIT_MODEL: expected nothing fetched"
[[ $(calls_of ./dev demo) == "demo" ]] || fail "demo: expected nothing fetched"
[[ $(calls_of ./dev models) == "model get --list --json;model get first;model get second" ]] || fail "models: expected all of them"
[[ $(calls_of ./dev models second) == "model get second" ]] || fail "models NAME: expected that one"
