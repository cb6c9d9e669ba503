"""Goldens of chat templates, rendered by Jinja2 3.1.6 as transformers 4.57.1 sets it up.

chat_golden.json: {"library", "templates", "messages", "cases": [{"template", "messages", "generation", "text"}]}: places in the
lists; text is null where the library raises. The templates are written for this test: one for each family's way of writing a
conversation, and one for each part of the language; "expressions" [[template, text or null]] holds many more small ones over VALUES,
which may be refused by an error but never come out differently; those of "supported" ones must come out.
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

VALUES = {"role": "user", "content": "aaa", "n": 18446744073709551615, "big": 9007199254740993, "neg": -7, "f": 2.5, "t": True, "z": None,
          "x": {"b": 1, "a": [1, 2], "items": "own", "pop": 1}, "wide": "\u3000\u4f60\u597d\u00a0x\u2003", "odd": "\u00a0\x1c\x7f\u3000'\"\\ \U0001f600\u200b",
          "quotes": "\u201chi \u201d", "list": [3, 1, 2], "people": [{"a": 1, "n": {"k": "u"}}, {}, {"a": None}], "lines": "a\nb\r\nc\u2028d\n\ne",
          "sigma": "\u039f\u0394\u039f\u03a3", "e": "", "s": "Hello wOrld"}
SUPPORTED = [
    "{% macro f(a) %}{{ a }}{{ varargs }}{% endmacro %}{{ f(1,2) }}", "{% macro f(a) %}{{ a }}{{ kwargs }}{% endmacro %}{{ f(1,b=2) }}", "{% macro f(a, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ f(1, nope) }}",
    "{{ m.people | map(attribute='a', default='q') | join(',') }}", "{{ m.people | map(attribute='n.k', default='q') | join(',') }}", "{{ m.content.replace('a','b',1) }} {{ m.content | replace('a','b',1) }}",
    "{{ m.content | replace('a', 1) }} {{ 'ab'.replace('', '-') }} {{ 'ab'.replace('', '-', 2) }} {{ 'ab' | replace('b', '', count=0) }}", "{{ m.x | tojson(separators=(',', ':')) }} {{ m.x | tojson(sort_keys=true) }}",
    "{{ m.odd | tojson(ensure_ascii=true) }} {{ m.odd | tojson }} {{ m.x | tojson(indent='\t') }} {{ m.x | tojson(indent=0) }}", "{{ m.wide.split() | join('|') }} {{ ' a  b c '.split(none, 1) }} {{ 'a b c'.split(maxsplit=1) }}",
    "[{{ m.quotes.strip('\u201c\u201d') }}] [{{ m.wide | trim }}] [{{ m.wide.lstrip() }}] [{{ m.wide.rstrip() }}] [{{ 'xax' | trim('x') }}] [{{ m.odd.strip() }}]",
    "{% for i in m.list %}{{ loop.depth }}{{ loop.depth0 }}{{ loop.cycle('a','b') }}{% endfor %}", "{{ m.sigma | lower }} {{ '\ufb01' | upper }} {{ 'stra\u00dfe'.upper() }} {{ m.sigma.lower() }} {{ '\ufb01x' | capitalize }}",
    "{{ m.n }} {{ m.n | tojson }} {{ [m.n] }} {{ m.big == m.big - 1 }} {{ m.big }}", "{{ \"they're a-b (c) d\" | title }} {{ \"they're\".title() }}", "{{ (1, 2) }} {{ (1,) }} {{ () }} {{ [(1, 'a')] }} {{ (1,) + (2,) }}",
    "{{ m.x.items() }} {{ m.x.keys() | list }} {{ m.x.values() }} {{ m.x | items | list }}", "{{ 'abc' | reverse }} {{ m.list | reverse | list }} {{ m.list | reverse | join }}", "{{ 2 ** 62 }} {{ 2 ** -1 }} {{ 1 // 0.1 }} {{ -7 // 2.0 }} {{ -7.5 % 2 }} {{ 7 % -2.5 }}",
    "{{ '5.7' | int }} {{ ' -5 ' | int }} {{ 'x' | int(3) }} {{ none | int }} {{ 2.9 | int }} {{ 'x' | int(default=none) }} {{ true | int }}", "{{ m.list[true] }} {{ m.lines | indent(2) }} {{ m.lines | indent(2, true, true) }}", "{{ '\\101\\0\\x41\\7' | tojson }}",
    "{{ [m.odd] }} {{ ['\\x00'] }}", "{% if m.list | select('odd') %}yes{% endif %}{% if m.list | select('none') %}yes{% endif %}", "{% set g = m.list | select('odd') %}{% for a in g %}{{ a }}{% endfor %}{% for a in g %}{{ a }}{% endfor %}",
    "{{ 1 in (m.list | map('int')) }} {{ 'user' in [m] | map(attribute='role') }}", "{{ (m.list | map('string') | first) }} {{ m.people | selectattr('a', 'defined') | list | length }}", "{{ 3.0 is odd }} {{ 2.5 is even }} {{ m.n is number }} {{ m.n is integer }}",
    "{{ m.list is sequence }} {{ (m.list | map('int')) is sequence }} {{ m.x.keys() is iterable }} {{ m is mapping }} {{ range(3) is sequence }}", "{{ 'a,b'.startswith(('x', 'a')) }} {{ 'Hello'.find('l') }} {{ '\u00e9l'.find('l') }}", "{{ range(3) | list }} {{ range(5)[1:3] | list }} {{ range(3)[1] }}",
    "{{ m.x.get('b') }} {{ m.x.get('q', 7) }} {{ m.x.get('q') }} {{ m['x']['items'] }} {{ m.x['keys'] is callable }}", "{{ +1 }} {{ -true }} {{ - 2.0 }} {{ -0.0 }}", "{% set a, b = 1, 2 %}{% set c = 1, 2 %}{{ a }}{{ b }}{{ c }}", "{{ [1.0, 2.50, 100000.0 * 100000.0 * 1000000.0 * 10.0] }}",
    "{{ m.people | map(attribute='a') | list }} {{ m.people | join('-', attribute='a') }} {{ m.people | rejectattr('a') | list }}", "{% for k, v in m.x | items %}{{ k }}{{ v }}{% endfor %}", "{{ m.e | default('d', true) }} {{ m.e | d('x') }}|{{ nope | d(none) }} {{ m.nope | default(default_value=1) }}",
]
WIDE = [
    "{{ m.list | map('int') }}", "{{ m.list | select }}", "{{ m.list | map('int') | length }}", "{{ (m.list | map('int'))[0] }}", "{{ m.list.count(1) }}", "{{ m.list.index }}", "{{ m.s.isdigit }}", "{{ m.s.swapcase() }}", "{{ m.x.update }}", "{{ m.x.pop('b') }}", "{{ m.x.pop }}",
    "{{ m.__class__ }}", "{{ m.s.__len__() }}", "{{ m.neg.real }}", "{{ m.f.is_integer() }}", "{% for i in m.list %}{{ loop }}{% endfor %}", "{% for i in m.list %}{{ loop | length }}{{ loop is mapping }}{{ loop.nope is defined }}{{ loop['index'] }}{% endfor %}",
    "{% for i in m.list %}{{ loop.changed(i) }}{% endfor %}", "{% for i in m.list recursive %}{{ loop.depth }}{% endfor %}", "{{ namespace(a=1) }}", "{{ namespace(a=1) is mapping }}", "{% for k in namespace(a=1) %}{{ k }}{% endfor %}", "{{ dict([('a', 1)]) }}", "{{ dict(m.x, c=1) }}", "{{ range(stop=3) | list }}",
    "{{ range(3) }}", "{{ m.s.split(' ', 1, 2) }}", "{{ m.s.strip(chars='H') }}", "{{ m.s.strip(1) }}", "{{ m.s | upper(1) }}", "{{ m.s | default('a', 'b', 'c') }}", "{{ m.s | trim(x='a') }}", "{{ m.s | replace('a') }}", "{{ m.s.startswith('ello', 1) }}", "{{ m.s.startswith(['H']) }}", "{{ ','.join(m.list) }}",
    "{{ m.list | join(d=',', x=1) }}", "{{ m.list + (1,) }}", "{{ m.list == (3, 1, 2) }}", "{{ [1] == [1.0] }}", "{{ (m.list | map('int')) == m.list }}", "{{ 2 ** 64 }}", "{{ 9223372036854775807 + 1 }}", "{{ m.big / 1 }}", "{{ 0 ** -1 }}", "{{ (-8) ** 0.5 }}", "{{ 2 ** 3 ** 2 }}", "{{ -2 ** 2 }}",
    "{{ m.n + 1 }}", "{{ m.n > 1 }}", "{{ m.n % 2 }}", "{{ m.n == 18446744073709551615 }}", "{{ +'a' }}", "{{ -'a' }}", "{{ 'a' * 2 }}{{ 2 * 'a' }}", "{{ [1] * 2 }}", "{{ '%s' % 1 }}", "{{ 1 < 'a' }}", "{{ [1] < [2] }}", "{{ 1 == true }}", "{{ 1.0 == 1 }}", "{{ 007 }}", "{{ 1_000 }}", "{{ 0x10 }}", "{{ 1e3 }}",
    "{{ '\\N{DASH}' }}", "{{ '\\d' }}", "{{ '\\\u00e9' }}", "{{ '12' | int(base=16) }}", "{{ '0x1F' | int(base=16) }}", "{{ '1_0' | int }}", "{{ '\u0663' | int }}", "{{ '1e3' | int }}", "{{ 'nan' | int }}", "{{ 'inf' | int }}", "{{ [] | int }}", "{{ nope | int }}", "{{ nope | tojson }}", "{{ nope | upper }}|{{ nope | length }}",
    "{{ nope | join }}|{{ nope | first }}", "{{ nope + 'a' }}", "{{ nope ~ 'a' }}", "{{ 'a' in nope }}", "{{ nope == nope2 }}", "{{ nope < 1 }}", "{{ none | length }}", "{{ none | trim }}", "{{ 1 | first }}", "{{ m | first }} {{ m.x | last }}", "{{ m.list | map('int') | last }}", "{{ m.x | reverse | list }}", "{{ m.people | map(attribute='n.k') | list }}",
    "{{ m.people | map(attribute='a', x=1) | list }}", "{{ m.people | map('default', 'q') | list }}", "{{ m.people | selectattr(attribute='a') | list }}", "{{ m.people | selectattr('a', 'equalto', 1) | list }}", "{{ m.list | select('equalto') | list }}", "{{ m.list | select('in', [1, 2]) | list }}", "{{ m.list | select('odd', 1) | list }}",
    "{{ m.people | map(attribute=0) | list }}", "{{ [[1, 2]] | map(attribute='0') | list }}", "{{ m.list | sort }}", "{{ m.list | sum }}", "{{ m.s | wordcount }}", "{{ m.f | round }}", "{{ m.neg | abs }}", "{{ m.x | dictsort }}", "{{ m.s | e }}", "{{ m.s | attr('x') }}", "{{ m.list | unique | list }}", "{{ m.list | batch(2) | list }}", "{{ m.s | truncate(3) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, a=2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}[{{ f() }}]", "{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}", "{% macro f(a) %}x{% endmacro %}{{ f.name }}", "{% macro f(a) %}x{% endmacro %}{{ f }}",
    "{% for x in m.list %}{% macro f() %}{{ x }}{% endmacro %}{{ f() }}{% endfor %}", "{% set y = 1 %}{% macro f() %}{{ y }}{% endmacro %}{% set y = 2 %}{{ f() }}", "{% for x in m.list %}{% set y = x %}{% endfor %}{{ y }}", "{% if true %}{% set y = 3 %}{% endif %}{{ y }}", "{% set m2 = m %}{% for m in m2.list %}{{ m }}{% endfor %}{{ m.role }}",
    "{% macro f(x) %}{% set y = x %}{{ y }}{% endmacro %}{% set y = 0 %}{{ f(5) }}{{ y }}", "{% set ns = namespace(a=[]) %}{% for i in m.list %}{% set ns.a = ns.a + [i] %}{% endfor %}{{ ns.a }}{{ ns.b is defined }}", "{% for x in m.list %}{{ x }}{% else %}none{% endfor %}", "{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %}", "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for (a, b) in [(1, 2)] %}{{ a }}{% endfor %}", "{% for x in none %}{% endfor %}", "{% for x in nope %}x{% endfor %}", "{% for x in 5 %}{% endfor %}", "{% for x in 'ab' %}{{ x }}.{% endfor %}", "{% for x in m.list if x > 1 %}{{ loop.index }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}", "{% call f() %}x{% endcall %}", "{% filter upper %}x{% endfilter %}",
    "{% with a=1 %}{{ a }}{% endwith %}", "{% set x | upper %}a{% endset %}{{ x }}", "{{ m.list[5] }}|{{ m.list['a'] }}|{{ m.s[1] }}|{{ m.s[-1] }}|{{ m.list[1.0] }}", "{{ m.list[:2] }}{{ m.list[::-1] }}{{ m.s[1:3] }}{{ (1,2,3)[1:] }}", "{{ (m.list | map('int'))[:1] }}", "{{ m.x.items()[0] }}", "{{ m.x.items() | first }}", "{{ m.x.items() | length }}",
    "{{ m.x.keys() == m.x.keys() }}", "{{ 'items' in m.x }} {{ 1 in m.x }} {{ 'b' in m.x.keys() }}", "{{ 1 in 'abc' }}", "{{ m.x.a.b.c }}", "{{ m.nope.x }}", "{{ m.list.0 }}", "{{ m['list'][0] }}", "{{ m.s | string | length }}", "{{ [none, true, 1.5, 'a', [1], {'a': (1,)}] }}", "{{ {'a': 1, 'b': [1, {'c': none}]} }}", "{{ {1: 2} }}", "{{ {'a': 1}.a }}",
    "{{ 1.0 }} {{ 1e16 if false else 12345678901234567.0 }} {{ 0.1 + 0.2 }} {{ 1 / 3 }} {{ 100000000000000000000.0 }}", "{{ 0.00001 }} {{ 123456789.123 }} {{ 5.0 // 2 }} {{ 2.0 ** 0.5 }} {{ 10 / 5 }}", "{{ 1 if false }}|{{ (1 if false) is defined }}", "{{ not 1 == 2 }} {{ not not 1 }} {{ 1 and 0 or 2 }} {{ 1 < 2 == true }}", "{{ 'a' if 1 > 2 else 'b' if 2 > 3 else 'c' }}",
    "{{ 1 is defined and 2 is defined }}", "{{ 1 is not none }} {{ none is none }} {{ 'a' is in 'abc' }} {{ 1 is in [1] }} {{ 1 is eq 1 }} {{ 1 is not eq 2 }}", "{{ m.s is string and m.s is not mapping }}", "{{ 5 is divisibleby 5 }}", "{{ 'a' is lower }}", "{{ 1 is sameas 1 }}", "{{ cycler(1, 2).next() }}", "{{ joiner(',') }}", "{{ lipsum() }}", "{{ self }}", "{{ loop }}",
    "{{ m.s | indent('>> ') }} {{ m.lines | indent }}", "{{ 5 | indent }}", "{{ m.s | indent(-1) }}", "{{ 'a\nb' | indent(width=2, first=true) }}", "{{ m.x | tojson(indent=2) }}", "{{ m.x | tojson(indent=2, separators=(',', ': ')) }}", "{{ m.x | tojson(4) }}", "{{ m.x | tojson(indent=true) }}", "{{ m.people | tojson }}", "{{ (1, 2) | tojson }} {{ m.f | tojson }} {{ 1e0 | tojson if false }}",
    "{{ m.x.items() | tojson }}", "{{ range(2) | tojson }}", "{{ m.list | map('int') | tojson }}", "{{ namespace() | tojson }}", "{{ m.s | tojson(default=1) }}", "{{ '<>&\\'' | tojson }}", "{{ '\\x08\\x0c\\x1f\\x7f' | tojson }}", "{{ m.s.split('') }}", "{{ m.s.split(sep='o', maxsplit=1) }}", "{{ m.s.split('o', -1) }}", "{{ m.s.split(none) }}", "{{ m.s.rsplit(' ', 1) }}",
    "{{ m.wide.split(' ') }}", "{{ ''.split() }}{{ ''.split(',') }}{{ '  '.split() }}", "{{ 'a  b '.split(none, 1) }}", "{{ 'a b'.split(none, 0) }}", "{{ m.s.title() }} {{ m.s.capitalize() }} {{ m.s | capitalize }} {{ m.s | title }} {{ 'a_b c.d 3e' | title }} {{ 'a_b c.d 3e'.title() }}", "{{ '\u01c6' | title }}{{ '\u01c6'.title() }}", "{{ m.e | title }}{{ m.e | capitalize }}[{{ m.e | trim }}]",
    "\u00a0 {% if true %}x{% endif %}\n\u3000{% if true %}\ny{% endif %}", "\x1f{% set x = 1 -%}\x1c\n z", "a\n  {%- if true %} b {%+ if true %}c{% endif %}\n{% endif -%}\n d", "  {{- 1 }}\n  {{ 2 -}}\n 3", "{% raw %} {{ a }} {% if %}{% endraw %}", " {%- raw -%} {{ a }} {%- endraw -%} x", "{#- a -#} b {# c #}\n d", "{% if true -%}\n\n x\n{%- endif %}\n\ny", "\t{% if true %}\n\tx\n\t{% endif %}\n", "x{% if true %}\n{% endif %}\n\n", "{{ 'a' }}\n{{ 'b' }}\n", "\u3000{%- if true %}x{% endif -%}\u3000y",
    "{% if true %}\u00a0\n  {% endif %}x", "\r\n{% if true %}\r\nx\r\n{% endif %}", "{% for x in m.list -%}\n {{ x }}\n{%- endfor %}", "{%- set x = 1 -%}\n{{ x }}", "{{ m.s | upper | lower | length }}", "{{ (m.s | upper)[0] }} {{ m.s | upper ~ 'x' }} {{ -1 | string }}", "{{ 'a' ~ 1 + 2 }}", "{{ 1 + 2 ~ 'a' }}", "{{ raise_exception() }}", "{{ strftime_now('%%') }}", "{{ m.s.format }}", "{{ 'x{}'.format(1) }}",
    "{{ m.x | items }}", "{{ m.x.copy() }}", "{{ m.keys() | join(',') }}", "{{ true | upper }} {{ none | string }} {{ 1.50 | string }}", "{{ [] or 'x' }} {{ {} or 'y' }} {{ '' or none }}", "{{ m.x.items() or 'e' }}", "{{ {}.items() or 'e' }}", "{{ m.t + 1 }} {{ m.t * 3 }} {{ m.t / 2 }}", "{{ 5 % 0 }}", "{{ 5.5 // 0.5 }} {{ -5.5 // 2 }} {{ 5 // -2 }} {{ 5 % -3 }} {{ -0.0 // 3 }} {{ 1e308 * 10 if false }}",
]


def evaluated(template):
    try:
        return _compile_jinja_template(template).render(m=VALUES)
    except Exception:  # whatever a template raises
        return None


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
              "messages": MESSAGES, "cases": cases, "values": VALUES,
              "supported": [[template, evaluated(template)] for template in SUPPORTED],
              "expressions": [[template, evaluated(template)] for template in WIDE]}
    (pathlib.Path(__file__).parent / "tokenizer" / "chat_golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
