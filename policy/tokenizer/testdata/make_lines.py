"""The text lines that make_golden.py encodes: lines() gives about 1,300, always the same."""
import random

ENGLISH = """The quick brown fox jumps over the lazy dog.
It's what we've said: I'm sure they'll say you're right, but he'd doubt it, wouldn't he?
IT'S WHAT WE'VE SAID, I'M SURE THEY'LL SAY YOU'RE RIGHT; HE'D DOUBT IT
'tis 'twas 'S 'T 'RE 'Ve 'lL 'ſ x'ſx don''t ''s 's's'd ' s '1 'é
A train leaves at 10:45 and travels 1,234.5 km at 60 km/h; how long, in minutes?
Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.
"Quoted", (bracketed), [listed] {braced} <tagged> -- dashed --- and... dotted!!! ???
hello world  two  spaces   three    four     end      
 leading space
  two leading
trailing space 
trailing two  
e-mail: someone@example.org, see https://example.org/a/b?c=d&e=f#g""".split("\n")
CODE = [
    "func main() {\n\tfmt.Println(\"hi\")\n}\n",
    "def f(x):\n    if x > 0:\n        return x ** 2\n    return -x\n",
    "for (int i = 0; i < 10; ++i) { a[i] += b[i] * 0x1F; } // done",
    "SELECT * FROM t WHERE a='b' AND c <> 3;",
    "<div class=\"x\">\r\n  <p>&amp; &lt;</p>\r\n</div>\r\n",
    "\t\t\tif err != nil {\n\t\t\t\treturn err\n\t\t\t}\n\n\n\n",
    "x=1;y=22;z=333;w=4444;v=55555;u=666666 1234567890123",
]
JSON = [
    '{"reasoning": "12+7=19; 19*3=57", "answer": 57}',
    '```json\n{"answer": -3, "steps": ["1-4=-3"]}\n```',
    '{"a":[1,2.50,-3e10,null,true,false,{"b":"\\u00e9\\n\\t\\"q\\""}]}',
    '12+7=19; 19*3=57. The answer is 57.',
    '{\n  "key": "value",\n  "list": [\n    1,\n    2\n  ]\n}\n',
    "#### 72", "48/2 = <<48/2=24>>24 clips",
]
WORLD = """天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。
これは日本語の文章です。カタカナとひらがな、漢字２０２４年。
한국어 문장입니다. 안녕하세요!
مرحبا بالعالم ١٢٣٤ كيف حالك؟
שלום עולם, מה שלומך?
Привет, мир! Сколько будет дважды два?
Γειά σου Κόσμε
नमस्ते दुनिया १२३ कैसे हो
สวัสดีชาวโลก ๑๒๓
Zażółć gęślą jaźń; Ünïcödé naïve façade œuvre ß ẞ İ ı ŉ ǆ ﬁ ﬂ ﬆ
é è ñ ô ç ő a̐éö̲ ᄀ각 각 Å Å Ω Ω
e\u0301 n\u0303 o\u0308\u0304 q\u0307\u0323 \u1100\u1161\u11a8 \u0958 \u2126 \u212b
½ ¼ ² ³ ¹ Ⅷ ⅻ ① ⑳ ㊿ 〇 五 ௧௨ 𝟙𝟚 𐄇 ᛮ 9½ 3² x²y
😀 😀😀 👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️ ☃ ✔️ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 a😀b1😀2
∀x∈ℝ: ⌈x⌉ = −⌊−x⌋ ∑ √2 ≠ ∞ → ⇒ ± × ÷ € £ ¥ © ® ™ § ¶ … – — ‘’ “” «»
𝒜𝓁𝑔𝑒𝒷𝓇𝒶 𠀀𠀁 𐍈 \U00010d41 \U0001e5f0 \U00016d70 \U0002ebf0 \ue000 \U000f0000 \uffff \ufdd0""".split("\n")
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\n\n", "\r", "\v", "\f", "\x1c", "\x85", "\u00a0", "\u1680", "\u180e", "\u2003", "\u2009",
          "\u200b", "\u200d", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff", "\x00", "\x07", "\x1b", "\x7f", " \n ", "\n \n"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_start|>user\nhi<|im_end|>\n", "<|im_end", "|im_end|>", "<<|im_end|>>",
           "<|im_end|><|im_end|>", " <|im_end|> ", "a<|im_start|>b", "<|IM_END|>", "<|repo_name|>", "<file_sep>"]
ADDED = ["[strip]", "  [strip]  ", "x[strip]y", "[strip] [strip]", "word", "words", " word ", "aword", "word's", "éword", "1word", "café", "cafe\u0301",
         "a cafe\u0301 b", "[left] [right]", "a [left] b [right] c", "\u00a0[left]\u2003[right]\n", "[a]", "[a][ab]", "[ab]", "[right] [left]", "[right]  [strip]"]


def lines():
    r = random.Random(7)
    out = [""] + ENGLISH + CODE + JSON + WORLD + SPACES + SPECIAL + ADDED
    words = [w for l in ENGLISH + CODE + JSON + WORLD for w in l.split(" ") if w]
    for _ in range(400):  # words with odd white space between
        out.append("".join(r.choice(words) + r.choice(SPACES + [" "] * 20) for _ in range(r.randint(1, 12))))
    for _ in range(200):  # white space in runs
        out.append("".join(r.choice(SPACES + ["a", "1", ".", "'s", " "]) for _ in range(r.randint(1, 20))))
    for _ in range(200):  # ASCII in every order
        out.append("".join(chr(r.choice([r.randrange(32, 127), r.choice([9, 10, 13, 32, 39, 48, 57, 115, 83])])) for _ in range(r.randint(1, 40))))
    for _ in range(200):  # characters of all planes
        top = r.choice([0x250, 0x800, 0x3000, 0x10000, 0x20000, 0x110000])
        chars = [c for c in (r.randrange(top) for _ in range(r.randint(1, 16))) if not 0xD800 <= c <= 0xDFFF]
        out.append("".join(map(chr, chars)))
    for _ in range(150):  # added tokens in text
        out.append("".join(r.choice([r.choice(SPECIAL), r.choice(ADDED), r.choice(words), r.choice(SPACES)]) for _ in range(r.randint(2, 8))))
    out += ["a" * 1000, " " * 500 + "x", "ab" * 333, "\n" * 99, "1" * 200, "!" * 300, "é" * 300]
    return out
