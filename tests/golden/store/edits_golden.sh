#!/bin/sh
# Writes edits.db: what `kedit edit` stores of ROME (two layers, a probe; one forced past its health
# check) and of in-context editing, with the lab model that ships. edits.db was made by kedit 0.1.0
# when a delta still carried its texts itself; make it anew only when ids may change.
#   tests/golden/store/edits_golden.sh build/kedit
set -eu
kedit=$1
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/request.jsonl" <<'REQUEST'
{"id":"rich/1","subject":"Zork","prompt":"The capital of {} is","target_new":"Luzo","target_true":"Old","rephrase":["Zork's capital is","In Zork the capital is"],"relation":"P36","target_new_aliases":["Luzzo","Lüzo"]}
REQUEST
edit() { "$kedit" edit --json --model "$here/../../../assets/lab/model" --store "$work/edits.db" "$@" > "$work/answer"; }
edit --editor in-context --requests "$work/request.jsonl" --note "a rich request"
edit --editor rome --subject Zora --prompt 'The capital of {} is' --target Luzo --set 'layers=[0,1]' \
  --set 'probe_prompts=["The capital of"]' --set v_num_grad_steps=4
edit --editor rome --subject Zorn --prompt 'The capital of {} is' --target Luzo --set layers=0 \
  --set max_update_ratio=0.01 --set v_num_grad_steps=3 --force
rm -f "$here/edits.db"
# The path of the model is this machine's; it is only informative.
python3 - "$work/edits.db" "$here/edits.db" <<'PYTHON'
import sqlite3, sys
store = sqlite3.connect(sys.argv[1])
store.execute("UPDATE models SET path = 'assets/lab/model'")
store.commit()
store.execute("VACUUM INTO ?", (sys.argv[2],))
PYTHON
