#!/usr/bin/env python3
"""Records what a user sees of a burnish command as an animated SVG.

usage: record.py OUT.svg COLUMNS ROWS FRAMES COMMAND...

Runs COMMAND in a tmux window of COLUMNS x ROWS, looks at the screen twice a second, keeps FRAMES of the different
screens (the first and the last among them) and writes them as one SVG that plays by CSS. Needs tmux, nothing else.
"""
import html
import re
import subprocess
import sys
import time

COLOURS = {"31": "#f7768e", "32": "#9ece6a", "33": "#e0af68"}
FOREGROUND, BACKGROUND, DIM = "#c0caf5", "#1a1b26", "#7a80a0"
CHAR, LINE, PAD = 8.4, 18, 14  # a monospace glyph's width and a line's height, in pixels
ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


def tmux(*args):
    return subprocess.run(["tmux", "-L", "record", *args], capture_output=True, text=True, check=True).stdout


def watch(columns, rows, command):
    """The different screens, with the seconds at which they appeared."""
    shell = " ".join("'%s'" % a.replace("'", "'\\''") for a in command)
    tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", f"printf '$ %s\\n' \"{' '.join(command)}\"; {shell}; sleep 3")
    start, screens = time.time(), []
    try:
        while True:
            screen = tmux("capture-pane", "-e", "-p", "-t", ":0").rstrip("\n")
            if screen and (not screens or screens[-1][1] != screen):
                screens.append((time.time() - start, screen))
            time.sleep(0.5)
    except subprocess.CalledProcessError:  # the window closed
        return screens


def spans(line):
    """A line's text as SVG spans."""
    out, style, at = [], "", 0
    for m in list(ESCAPE.finditer(line)) + [None]:
        text = line[at : m.start() if m else len(line)]
        if text:
            out.append(f"<tspan{style}>{html.escape(text)}</tspan>")
        if not m:
            break
        at = m.end()
        for code in m.group(1).split(";"):
            if code in ("", "0", "39", "22"):
                style = ""
            elif code == "1":
                style += ' font-weight="bold"'
            elif code == "2":
                style = f' fill="{DIM}"'
            elif code in COLOURS:
                style = f' fill="{COLOURS[code]}"'
    return "".join(out)


def svg(columns, rows, frames, seconds):
    width, height = columns * CHAR + 2 * PAD, rows * LINE + 2 * PAD
    n = len(frames)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" font-family="Menlo,Consolas,DejaVu Sans Mono,monospace" font-size="14" fill="{FOREGROUND}">',
        f"<style>g{{visibility:hidden;animation:show {seconds}s steps(1) infinite}}@keyframes show{{0%{{visibility:visible}}{100 / n:.3f}%{{visibility:hidden}}}}",
        *(f"#f{i}{{animation-delay:{seconds * i / n:.2f}s}}" for i in range(n)),
        f'</style><rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
    ]
    for i, screen in enumerate(frames):
        out.append(f'<g id="f{i}">')
        for row, line in enumerate(screen.split("\n")):
            if line.strip():
                out.append(f'<text x="{PAD}" y="{PAD + LINE * (row + 0.75):.1f}" xml:space="preserve">{spans(line)}</text>')
        out.append("</g>")
    return "\n".join(out) + "\n</svg>\n"


def main():
    path, columns, rows, keep = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    screens = watch(columns, rows, sys.argv[5:])
    picked = sorted({round(i * (len(screens) - 1) / max(keep - 1, 1)) for i in range(keep)})
    frames = [screens[i][1] for i in picked]
    frames += [frames[-1]] * 3  # the end stays longer
    with open(path, "w") as f:
        f.write(svg(columns, rows, frames, len(frames) * 0.8))
    print(f"{len(screens)} screens in {screens[-1][0]:.0f} s, {len(frames)} frames")


main()
