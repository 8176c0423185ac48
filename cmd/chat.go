package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/burnish-rl/burnish/policy"
	"github.com/urfave/cli/v2"
)

func chatCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "chat", Usage: "talk to a model",
		UsageText: "burnish chat --model M [--system TEXT]",
		Description: "A line is a message; /reset forgets the conversation, /exit or the end of input ends it.\n\nExamples:\n" +
			"  burnish chat --model SmolLM2.gguf\n" +
			"  echo \"Tom has 3 apples and buys 4 more. How many apples does Tom have now?\" | burnish chat --model builtin:tiny",
		Flags: append([]cli.Flag{
			modelFlag, precisionFlag,
			&cli.StringFlag{Name: "system", Usage: "`TEXT` system message"},
		}, decodingFlags(0.7, 512)...),
		Action: func(c *cli.Context) error { return chat(t, c) },
	}
}

// maxChatLine bounds one message.
const maxChatLine = 1 << 20

func chat(t *term, c *cli.Context) error {
	if err := wantArgs(c, 0, 0); err != nil {
		return err
	}
	m, err := t.open(c)
	if err != nil {
		return err
	}
	var history []policy.Message
	if s := c.String("system"); s != "" {
		history = append(history, policy.Message{Role: "system", Content: s})
	}
	start := len(history)
	in := bufio.NewScanner(t.in)
	in.Buffer(nil, maxChatLine)
	for turn := uint32(1); ; turn++ {
		if t.live && isTerminal(t.in) && !t.json {
			fmt.Fprint(t.err, t.paint(bold, "> "))
		}
		if !in.Scan() {
			break
		}
		line := strings.TrimSpace(in.Text())
		switch line {
		case "":
			continue
		case "/exit":
			return nil
		case "/reset":
			history = history[:start]
			continue
		}
		history = append(history, policy.Message{Role: "user", Content: line})
		answer, err := reply(t, c, m, history, turn)
		if err != nil {
			return err
		}
		history = append(history, policy.Message{Role: "assistant", Content: answer})
	}
	if err := in.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("input: %w", err)
	}
	return nil
}

// reply samples the assistant's turn and prints it as it comes, or whole where a stop string may take some of it back.
func reply(t *term, c *cli.Context, m *policy.Model, history []policy.Message, turn uint32) (string, error) {
	_, ids, err := m.Render(history, true)
	if err != nil {
		return "", err
	}
	d := decoding(c)
	d.Step = turn
	stream := m.Tokenizer().NewStream(true)
	streamed := !t.json && len(d.Stop) == 0
	if streamed {
		d.Sampled = func(_, _ int, id int32) { t.print(t.safe(stream.Push(id))) }
	}
	for done, err := range m.Generate(c.Context, []policy.Request{{Prompt: ids, Samples: 1}}, d, nil) {
		if err != nil {
			return "", err
		}
		switch {
		case t.json:
			t.fields([]field{{"role", "assistant"}, {"content", done.Text}, {"stop", done.Stop}, {"tokens", len(done.Tokens)}})
		case streamed:
			t.print(t.safe(stream.Flush()) + "\n")
		default:
			t.print(t.safe(done.Text) + "\n")
		}
		return done.Text, nil
	}
	return "", errors.New("the model gave no answer")
}
