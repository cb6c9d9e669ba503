"""Golden values of word and sentence splitting, n-gram entropy and TF-IDF.

    pip install nltk==3.7 scikit-learn numpy
    python tests/golden/text_metrics_golden.py

writes tests/golden/text_metrics/words.json and tfidf.json with NLTK's PunktSentenceTokenizer and
NLTKWordTokenizer (3.7) and scikit-learn's TfidfVectorizer. The sentence model is
tests/golden/text_metrics/punkt, small tables made by hand in the layout of NLTK's punkt_tab.
"""

import json
from collections import Counter, defaultdict
from math import log2
from pathlib import Path

import nltk
import numpy as np
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
from sklearn.feature_extraction.text import TfidfVectorizer

FOLDER = Path(__file__).parent / "text_metrics"
assert nltk.__version__ == "3.7"

TEXTS = [
    "",
    "   ",
    "Avia",
    "The old mill by the river is closed.",
    "Dr. Lund saw it. The town did not.",
    "He lives at No. 7 Av. Kern, e.g. near the mill. Then he left.",
    "It was 3 p.m. The house was empty. It was 5 p.m. then.",
    "J. Lund met K. The two bakers of Mt. Ivo. river",
    "On May 3. maypole dancing began. On May 4. Then it ended.",
    "She said: \"Stop!\" Then she left. 'Why?' he asked.",
    "(He came late.) [Then he left.] {And so on.}\nNobody knew.",
    "Wait... what? No. . . . Yes -- no --- maybe.",
    "I can't, won't and shan't; you'll see: they've gone, I'm sure he'd know it's Ann's.",
    "DON'T! WE'LL SEE. 'Tis late and 'twas early; gimme that, lemme go, I'm gonna, wanna come?",
    "I cannot; D'ye know? More'n ten. Gotta go.",
    "Cost: $3.50, or 1,000,000 yen (12%) & more; a@b.c #1 *bold* x/y.",
    "``quoted'' and \"quoted\" and ''quoted'' (\"inside\") <\"tag\">",
    "«Le Petit» said “no” and ‘yes’; don’t „ask“.",
    "Bakers’ bread, e.g. rye–wheat—spelt… and so on.",
    "Übung. Élan vital. ÉCOLE É. Zola. ß. 中文。 Ünder the bridge!? Yes?! No.",
    "a\u00a0b\u3000c\u2003d e\tf\n\ng. h\r\ni",
    "x.y.z. u.s. The U.S. has. The U.S. He went.",
    "well-known dr. semi-dr. The town.",
    "3.14 is pi. -5 and ,5 and .5 are numbers. 1.2.3. 2. then 2. The end. 1,000. Then.",
    "word,word , word: word :word 3:30 10,000 a,b",
    "end with colon: ",
    "closing '' \" marks.\")) and 'single' 's 'll x",
    "the the the the the the the the",
]


def sentence_model(tables):
    parameters = PunktParameters()
    if tables:
        lines = lambda name: [l for l in (FOLDER / "punkt" / name).read_text().split("\n") if l]
        parameters.abbrev_types = set(lines("abbrev_types.txt"))
        parameters.sent_starters = set(lines("sent_starters.txt"))
        parameters.collocations = {tuple(l.split("\t")) for l in lines("collocations.tab")}
        parameters.ortho_context = defaultdict(
            int, {w: int(f) for w, f in (l.split("\t") for l in lines("ortho_context.tab"))})
    tokenizer = PunktSentenceTokenizer()
    tokenizer._params = parameters
    return tokenizer


def entropy(words, n):
    counts = Counter(tuple(words[i:i + n]) for i in range(len(words) - n + 1))
    total = sum(counts.values())
    return -sum(c / total * log2(c / total) for c in counts.values()) if total else 0.0


def words_golden():
    words = NLTKWordTokenizer()
    models = {"punkt": sentence_model(True), "plain": sentence_model(False)}
    out = []
    for text in TEXTS:
        one = {"text": text, "alone": words.tokenize(text)}
        for name, model in models.items():
            sentences = model.tokenize(text)
            tokens = [token for sentence in sentences for token in words.tokenize(sentence)]
            h2, h3 = entropy(tokens, 2), entropy(tokens, 3)
            one[name] = {"sentences": sentences, "tokens": tokens, "H2": h2, "H3": h3,
                         "ngram_entropy": float(np.mean([2 / 3 * h2, 4 / 3 * h3]))}
        out.append(one)
    return {"nltk": nltk.__version__, "texts": out}


DOCUMENTS = [
    "Nor is a river town; its bakers are known in all of Avia.",
    "The bakers of NOR bake rye. Rye, rye and rye again!",
    "Élan and élan, ÉCOLE and école: x_1, a b c, 3 and 42.",
    "Straße ΣΑΣ İzmir don't naïve",
]
PAIRS = [
    ("Nor is known for rye.", "The bakers of Nor"),
    ("école x_1 42", "ÉCOLE, 42 and x_1 élan"),
    ("straße σας i̇zmir", "STRASSE ΣΑΣ İzmir naïve don"),
    ("nothing here", "The bakers of Nor"),
    ("The bakers of Nor", "The bakers of Nor"),
]


def tfidf_golden():
    vectorizer = TfidfVectorizer().fit(DOCUMENTS)
    idf = {word: float(vectorizer.idf_[i]) for word, i in sorted(vectorizer.vocabulary_.items())}
    cosines = []
    for pair in PAIRS:
        a, b = vectorizer.transform(pair).toarray()
        product = np.linalg.norm(a) * np.linalg.norm(b)
        cosines.append(float(a @ b / product) if product else None)
    return {"documents": DOCUMENTS, "idf": idf,
            "pairs": [{"texts": pair, "cosine": c} for pair, c in zip(PAIRS, cosines)]}


for name, value in (("words", words_golden()), ("tfidf", tfidf_golden())):
    text = json.dumps(value, ensure_ascii=False, indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
