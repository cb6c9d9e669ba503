"""Makes tests/golden/runs: stored benchmark runs as the program wrote them at commit 653deef, the last one whose
results held one list per way of asking (no "version"). Later versions must open, report and resume them with the same
numbers.

    python3 tests/golden/runs_golden.py PATH/TO/kedit   (built at that commit, for the lab model as it lies here)

The runs: MQuAKE's lab cases with everything that can be asked, killed; CounterFact and zsRE records made of
the lab's requests, finished; a run where most cases stay unedited (P-rem), finished. Beside the store lie the
record files and what `kedit report` and `kedit score` said.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

GOLDEN = pathlib.Path(__file__).resolve().parent / "runs"
ASSETS = GOLDEN.parents[2] / "assets" / "lab"
WORK = pathlib.Path("/tmp/kedit-golden-runs")  # stands in the stored configurations
STORE = GOLDEN / "finished.db"
CUT = GOLDEN / "interrupted.db"
ALL_ASKS = ["cloze", "question", "direct", "cot", "probe", "recall", "specificity", "tokens"]


def kedit(*words, check=True):
    return subprocess.run([sys.argv[1], *map(str, words)], check=check, capture_output=True, text=True).stdout


def requests():
    lines = (ASSETS / "requests.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines[:4]]


def counterfact_records():
    edits = requests()
    for i, edit in enumerate(edits):
        other = edits[(i + 1) % len(edits)]
        yield {
            "case_id": i,
            "requested_rewrite": {
                "prompt": edit["prompt"], "relation_id": "P1", "subject": edit["subject"],
                "target_new": {"str": edit["target_new"], "id": "Q1"},
                "target_true": {"str": edit["target_true"], "id": "Q2"}},
            # The second record has no paraphrase, the third two.
            "paraphrase_prompts": [[edit["rephrase"][0]], [], edit["rephrase"][:2], [edit["rephrase"][0]]][i],
            "neighborhood_prompts": [other["rephrase"][0]],
            "generation_prompts": []}


def zsre_records():
    edits = requests()
    for i, edit in enumerate(edits):
        other = edits[(i + 1) % len(edits)]
        yield {
            "subject": edit["subject"], "src": edit["prompt"].replace("{}", edit["subject"]),
            "answers": [edit["target_new"]], "rephrase": edit["rephrase"][0],
            "loc": "nq question: " + other["rephrase"][0], "loc_ans": other["target_true"]}


def config(name, dataset, **more):
    value = {"name": name, "model": str(WORK / "lab" / "model"), "dataset": dataset,
             "editors": [{"name": "rome"}, {"name": "in-context"}],
             "controls": ["unedited", "oracle", "copy-last-edit"], **more}
    file = WORK / f"{name}.json"
    file.write_text(json.dumps(value))
    return file


def run(file):
    kedit("bench", "run", file, "--store", STORE, "--threads", 1)


def status(store):
    text = kedit("bench", "status", "--store", store, "--json", check=False)
    return json.loads(text)["runs"] if text else []


def cut_off(file, after):
    """Kills a run in the middle of a group whose edits are made: groups have six cases."""
    for _ in range(10):
        for ending in ("", "-wal", "-shm"):
            pathlib.Path(str(CUT) + ending).unlink(missing_ok=True)
        process = subprocess.Popen([sys.argv[1], "bench", "run", str(file), "--store", str(CUT), "--threads", "1"])
        while not any(one["done"] >= after for one in status(CUT)):
            time.sleep(0.005)
        process.kill()
        process.wait()
        if status(CUT)[0]["done"] % 6 != 0:
            return


def predictions():
    cases = json.loads((ASSETS / "mquake.json").read_text())[:40]
    for i, case in enumerate(cases):
        chain = [hop["answer"] for hop in case["new_single_hops"]]
        trace = [{"question": "", "answer": answer} for answer in chain]
        said = [case["new_answer"], case["answer"], "x"][i % 3]
        yield {"case_id": case["case_id"], "preds": [said, case["new_answer"]][: 1 + i % 2],
               "gens": [trace, trace[:1]][: 1 + i % 2], "succ": i % 3 == 0,
               "edits": [r["target_new"]["str"] for r in case["requested_rewrite"]][: 1 if i % 5 else None],
               "hops": chain, "cot": [said], "probe_clozes": chain[:1], "probe_questions": chain,
               "edit_tokens": [[1, 2]], "tokens": [[i % 3, 3]]}


def numbers(report):
    """What is computed from stored outputs, without intervals: those depend on how they are drawn."""
    def bare(one):
        return {key: value for key, value in one.items() if key != "interval95"}
    return {"scores": [list(bare(one).values()) for one in report["scores"]], "recall": report.get("recall"),
            "specificity": [bare(one) for one in report.get("specificity", [])]}


def main():
    GOLDEN.mkdir(exist_ok=True)
    WORK.mkdir(exist_ok=True)
    STORE.unlink(missing_ok=True)
    if not (WORK / "lab").exists():
        os.symlink(ASSETS, WORK / "lab")
    for name, records in (("counterfact", counterfact_records()), ("zsre", zsre_records())):
        text = json.dumps(list(records), indent=1)
        (GOLDEN / f"{name}.json").write_text(text)
        (WORK / f"{name}-records.json").write_text(text)
    lab = "mquake:" + str(WORK / "lab" / "mquake.json")
    run(config("unedited-rest", lab, cases="1-6", protocol={"grouping": "rem", "group_size": 2},
               answerers=["cloze", "question", "direct"]))
    for name in ("counterfact", "zsre"):
        run(config("records-" + name, f"{name}:{WORK / name}-records.json", protocol={"grouping": "file", "group_size": 2}))
    cut_off(config("cut", lab, cases="1-6", protocol={"group_size": "all"}, answerers=ALL_ASKS,
                     match=["M0", "M2", "M6"]), 19)
    reports = {}
    for store in (STORE, CUT):
        kedit("store", "verify", "--store", store)
        for one in status(store):
            report = kedit("report", one["id"], "--store", store, "--out", "-", "--format", "json", "--draws", 50)
            reports[one["name"]] = numbers(json.loads(report)["runs"][0])
    (GOLDEN / "reports.json").write_text(json.dumps(reports))
    (GOLDEN / "predictions.json").write_text(json.dumps(list(predictions())))
    scored = {}
    for side in ("post", "pre"):
        score = json.loads(kedit("score", "--dataset", "mquake:" + str(ASSETS / "mquake.json"), "--predictions",
                                 GOLDEN / "predictions.json", "--gold", side, "--match", "all", "--json"))
        scored[side] = {key: score[key] for key in ("protocol", "metrics", "hits")}
        scored[side]["by"] = {name: score["by"][name] for name in ("hops", "contaminated")}
    (GOLDEN / "scored.json").write_text(json.dumps(scored))



main()
