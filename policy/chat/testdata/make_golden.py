"""Writes golden.json: what transformers renders for templates/*.jinja and the builtin model's template.

usage: make_golden.py TOKENIZER_CONFIG_JSON > golden.json

The clock stands at 2024-07-04 09:05:03. Needs the Python package transformers.
"""
import datetime, glob, json, os, random, sys
from transformers.utils import chat_template_utils as ctu

NOW = datetime.datetime(2024, 7, 4, 9, 5, 3)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


ctu.datetime = Clock
m = lambda role, content: dict(role=role, content=content)
ODD = "a < b && \"c\" 'd' {{ e }} {% f %} {# g #} \\n \u00e9 \U0001f600 e\u0301 \u00a0 <|im_end|> \t\x01\x7f\r\nend \n"
CONVERSATIONS = [
    [m("user", "Hi")],
    [m("system", "Be brief."), m("user", "What is 2+2?")],
    [m("user", "What is 2+2?"), m("assistant", "4"), m("user", "And 3+3?")],
    [m("system", "S"), m("user", "  spaces around \n"), m("assistant", "\n yes \n\n"), m("user", "ok"), m("assistant", "bye")],
    [m("user", ODD), m("assistant", ODD), m("user", "")],
    [m("user", "think"), m("assistant", "<think>\n12+7=19\n</think>\n\n19"), m("user", "<tool>x</tool>"), m("assistant", "<think>a</think>b")],
    [m("assistant", "first"), m("user", "second")],
    [m("user", "one"), m("user", "two"), m("tool", "t"), m("skip", "s")],
    [m("system", "only")],
    [m("user", "\u4f60\u597d\uff0c\u4e16\u754c"), m("assistant", "\u0645\u0631\u062d\u0628\u0627"), m("user", "x" * 300)],
]
SPECIAL = dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def render(template, messages, add):
    try:
        return ctu.render_jinja_template([messages], chat_template=template, add_generation_prompt=add, **SPECIAL)[0][0]
    except Exception as e:
        return dict(error=str(e))


here = os.path.dirname(os.path.abspath(__file__))
templates = {os.path.basename(p)[:-6]: open(p, encoding="utf-8", newline="").read() for p in sorted(glob.glob(f"{here}/templates/*.jinja"))}
templates["builtin"] = json.load(open(sys.argv[1], encoding="utf-8"))["chat_template"]
# Line ends, which git or an editor would change in a file.
extra = {"crlf": templates["lines"].replace("\n", "\r\n"), "cr": templates["macro"].replace("\n", "\r"), "ends": "{{ bos_token }}\n\n\n"}
templates.update(extra)
cases = [
    dict(template=name, messages=c, add=add, want=render(t, c, add))
    for name, t in templates.items() for c in CONVERSATIONS for add in (False, True)
]


def random_templates():
    """Templates of tags and white space in every order, and literals that only a lexer gets right."""
    r = random.Random(5)
    pieces = ["{{ 'x' }}", "{{- 'y' -}}", "{{ 'z' -}}", "{{- messages[0].content }}", "{# c #}", "{#- d -#}", "{#+ e +#}", "{% if true %}I{% endif %}",
              "{%- if true -%} J {%- endif -%}", "{%+ if true +%}\nK{%+ endif +%}", "{% set a = 1 %}", "{%- set b = 2 %}", "{% for i in range(2) %}\n  {{ i }}\n{% endfor %}",
              "{% for i in range(2) -%}\n {{ i }} {%- endfor %}", "{% raw %} {{ r }} {% endraw %}", "{%- raw -%}\n {% q %}\n{%- endraw -%}\n", "{% raw %}\n{% endraw +%}\n"]
    gaps = ["", "", " ", "  ", "\n", "\n\n", "\n  ", " \n", "\t", "t", "\u00a0", "\x1c", "it's \\ \"q\"", "\n\n  \n"]
    out = ["".join(r.choice(gaps) + r.choice(pieces) for _ in range(r.randint(1, 7))) + r.choice(gaps) for _ in range(400)]
    return out + ["{{ '%}' }}{% if '}}' %}a{% endif %}", "{{ {'a': {'b': 1}}['a']['b'] }}|{{ {'a': {'b': 1}} | tojson }}",
                  "{{ 'it\\'s \\\\ \\n \\t \\r \\x41\\x27 \\u00e9 \\U0001f600 \\q' }}", "{{ \"it's\" }}", "{# {{ '#}", "{#-#} a", "{{ '\\\n' }}"]


small = [dict(template=t, want=render(t, CONVERSATIONS[0], True)) for t in random_templates()]
json.dump(dict(small=small, special=SPECIAL, templates=extra, cases=cases), sys.stdout, ensure_ascii=False, indent=0)
