"""Goldens of chat templates, rendered by Jinja2 3.1.6 as transformers 4.57.1 sets it up.

chat_golden.json: {"library", "templates", "messages", "cases": [{"template", "messages", "generation", "text"}]}: places in the
lists; text is null where the library raises. The templates are written for this test: one for each family's way of writing a
conversation, and one for each part of the language.
"""

import json
import pathlib

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

FAMILIES = [
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}",
    "{%- if messages[0].role == 'system' -%}\n  {%- set system = '<<SYS>>' ~ messages[0].content ~ '<</SYS>>' %}\n  {%- set rest = "
    "messages[1:] %}\n{%- else %}\n  {%- set system, rest = '', messages %}\n{%- endif %}\n{%- for m in rest %}\n  {%- if (m.role == "
    "'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('turns!') }}{% endif %}\n  {%- if m.role == 'user' %}{{ bos_token ~ "
    "'[INST] ' ~ (system if loop.first else '') ~ m.content.strip() ~ ' [/INST]' }}\n  {%- else %} {{ m.content | trim }} {{ "
    "eos_token }}{% endif %}\n{%- endfor %}",
    "{{ bos_token }}{% for m in messages %}{{ '<|start|>' + m['role'] + '<|end|>\n\n' + m['content'] | trim + '<|eot|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant<|end|>\n\n' }}{% endif %}",
    "{% for m in messages %}\n{% if m['role'] in ['user', 'system'] %}\n{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token }}\n"
    "{% else %}\n{{ '<|bot|>\n' + m['content'] }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|bot|>' }}\n"
    "{% endif %}\n{% endfor %}",
    "{%- set ns = namespace(turns=0, seen=[]) %}\n{%- for m in messages %}\n    {%- if m.role == 'user' and not (m.tools is defined "
    "and m.tools is not none) %}\n        {%- set ns.turns = ns.turns + 1 %}\n        {%- set ns.seen = ns.seen + [m.content | upper] "
    "%}\n    {%- endif %}\n{%- endfor %}\n{{- ns.turns ~ ': ' ~ ns.seen | join('/') }}",
]
PARTS = [
    "{{ messages|length }} {{ messages[-1].content[:3] }} {{ 'a' ~ 1 ~ none ~ true ~ 2.0 }}",
    "{% for k, v in messages[0].items() %}{{ k }}={{ v|upper }};{% endfor %}", "  {% if true %}\n  x\n  {% endif %}\n  y\n",
    "a  {%- if true -%}  b  {%- endif -%}  c", "a {%+ if true %}\nb{% endif +%}\nc", "{# c #}\n x {#- d -#} y",
    "{% raw %}{{ x }}{% endraw %}!", "{% macro m(a, b='z') %}[{{ a }}{{ b }}]{% endmacro %}{{ m('x') }}{{ m('x', b='q') }}",
    "{{ messages|tojson }} {{ {'a': [1, 2.5, none, true], 'b': {}}|tojson(indent=2) }}",
    "{{ [1,2,3]|join(', ') }} {{ [3,1]|first }} {{ 'abc'|last }} {{ 'abc'[::-1] }} {{ [1,2,3,4][1:3] }}",
    "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 1 + 2 * 3 - 4 }} {{ 1.5 * 2 }}",
    "{{ 1 < 2 < 3 }} {{ 3 in [1,2,3] }} {{ 'a' not in 'abc' }} {{ not true or true and false }}",
    "{{ nope }}|{{ nope is defined }}|{{ nope|default('d') }}|{{ messages[0].nope|default('e', true) }}",
    "{% for m in messages if m.role == 'user' %}{{ loop.index }}/{{ loop.length }} {{ loop.last }};{% else %}none{% endfor %}",
    "{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% set x %}block {{ 1 }}{% endset %}{{ x|trim }}{{ x is string }}", "{{ 'x' if messages[0].role == 'user' else 'y' }}",
    "{{ 'a b  c'.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'xxyxx'.strip('x') }} {{ 'ab'.startswith('a') }} {{ 'he llo'.title() }}",
    "{{ messages | map(attribute='role') | list }} {{ messages | rejectattr('role','equalto','user') | map(attribute='content') | "
    "join('|') }}", "{{ 'line\n  two\n\nthree' | indent(2) }} {{ 'x'|indent(4, first=True) }}",
    "{{ \"it's\" }} {{ ['it\\'s', \"q\\\"\"] }} {{ '\\u00e9\\x41\\n' }}", "{{ messages[0] is mapping and 3 is odd }}",
    "{{ 'a' 'b' }} {{ -1 | string }} {{ '5'|int + 1 }}", "{{ messages.nope.x }}", "{{ 1 + 'a' }}", "{{ raise_exception('no') }}",
    "{{ 'abc' | replace('b', 'X') }} {{ dict(a=1).a }} {{ {'a':1}.get('b', 3) }} {{ {'a':1}.get('z') }}",
    "{% generation %}g{% endgeneration %}", "x\n", "x\n\n", "\n{% if true %}\n\n{{ 1 }}\n{% endif %}\n",
    "{%- if messages|length > 1 %}many{%- elif true %}one{%- endif %}\n\n", "{{ true }} {{ none }} {{ [true, none, 'x'] }}",
]
TURNS = [("user", "Hi"), ("assistant", " Hello! "), ("user", "Bye \u00e9 <b> & \"q\"")]
MESSAGES = [[{"role": role, "content": content} for role, content in turns]
            for turns in (TURNS[:1], [("system", "Be brief. "), ("user", " Hello there\n")], TURNS)]


def rendered(template, messages, generation):
    try:
        return _compile_jinja_template(template).render(
            messages=messages, tools=None, documents=None, add_generation_prompt=generation, bos_token="<s>", eos_token="</s>")
    except Exception:  # whatever a template raises
        return None


def main():
    templates = FAMILIES + PARTS
    cases = [{"template": t, "messages": m, "generation": generation, "text": rendered(templates[t], MESSAGES[m], generation)}
             for t in range(len(templates)) for m in range(len(MESSAGES)) for generation in ((True, False) if t < len(FAMILIES) else (True,))]
    golden = {"library": f"jinja2 {jinja2.__version__}, transformers {transformers.__version__}", "templates": templates,
              "messages": MESSAGES, "cases": cases}
    (pathlib.Path(__file__).parent / "tokenizer" / "chat_golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
