"""A small part of MQuAKE-CF-3k with what a real model answered, and the counts that follow.

    python mquake_sample.py CASES PREDICTIONS

CASES is MQuAKE-CF-3k.json with one case a line (princeton-nlp/MQuAKE, MIT), PREDICTIONS what one
real language model said to it (AOZMH/MQUAKE-Reproduction, MIT): case_id, up to three preds and the
run's own flag `succ`, which compares with the answers of before the edits. Every 60th case is kept
and the first five in which nothing but an alias was said, in the layout of the published one-line
files. Writes mquake/cases.json, mquake/predictions.json and mquake/expected.json; the counts
are computed here, with nothing but string equality (rule M0). Needs Python alone.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent / "mquake"


def records(file):
    """{case_id: its line}"""
    lines = [line.rstrip("\n").rstrip(",") for line in open(file, encoding="utf-8")]
    return {json.loads(line)["case_id"]: line for line in lines if line not in ("[", "]", "")}


def golds(case, new, aliases):
    kind = "new_answer" if new else "answer"
    return {case[kind], *(case[kind + "_alias"] if aliases else [])}


def counts(cases, said, new, aliases):
    hit = {case["case_id"]: [text in golds(case, new, aliases)
                             for text in said[case["case_id"]]["preds"]] for case in cases}
    hops = {case["case_id"]: len(case["orig"]["triples"]) for case in cases}
    return {
        "any": sum(map(any, hit.values())),
        "first": sum(bool(one and one[0]) for one in hit.values()),
        "by_hops": {str(n): sum(any(one) for id, one in hit.items() if hops[id] == n)
                    for n in (2, 3, 4)},
        "agrees_with_flag": sum(any(one) == said[id]["succ"] for id, one in hit.items()),
        "cases": [id for id, one in hit.items() if any(one)],
    }


def only_alias(case, said):
    return any(not golds(case, new, False) & set(said["preds"])
               and golds(case, new, True) & set(said["preds"]) for new in (False, True))


def main():
    case_lines, said_lines = records(sys.argv[1]), records(sys.argv[2])
    cases = {id: json.loads(line) for id, line in case_lines.items()}
    said = {id: json.loads(line) for id, line in said_lines.items()}
    kept = {id for id in cases if id % 60 == 0}
    kept |= set([id for id, case in cases.items() if only_alias(case, said[id])][:5])
    cases = [case for id, case in cases.items() if id in kept]
    said_lines = [line for id, line in said_lines.items() if id in kept]
    HERE.mkdir(exist_ok=True)
    (HERE / "cases.json").write_text(json.dumps(cases))
    (HERE / "predictions.json").write_text("[\n" + ",\n".join(said_lines) + "\n]\n", encoding="utf-8")
    expected = {f"{side}{'' if aliases else ' without aliases'}":
                counts(cases, said, side == "post", aliases)
                for side in ("pre", "post") for aliases in (True, False)}
    (HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


main()
