package envs_test

import (
	"fmt"

	"github.com/burnish-rl/burnish/envs"
)

func ExampleArithJSON() {
	env, _ := (&envs.ArithJSON{Split: envs.Train, Forms: envs.FormsJSON}).Open()
	task, _ := env.Task(3)
	fmt.Println(task.Messages[0].Content)
	fmt.Println(task.Demonstration)
	// Output:
	// Zoe has 39 cards. Zoe buys 10 more. Zoe gives away 30. A friend gives Zoe 15 more. How many cards does Zoe have now?
	// {"reasoning": "39+10=49; 49-30=19; 19+15=34", "answer": 34}
}

func ExampleGSM8K() {
	env, err := (&envs.GSM8K{Path: "testdata/problems", Split: envs.Test}).Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	task, _ := env.Task(1)
	fmt.Println(task.Messages[0].Content)
	fmt.Println(task.Demonstration)
	// Output:
	// Two boats hold 8 crates each. How many crates?
	// 2*8=16 crates.
	// #### 16
}

func ExampleGSM8KJSON() {
	env, err := (&envs.GSM8KJSON{Path: "testdata/problems", Split: envs.Test}).Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	task, _ := env.Task(0)
	fmt.Println(task.Messages[0].Content)
	fmt.Println(task.Messages[1].Content)
	fmt.Println(task.Demonstration)
	// Output:
	// Solve the problem. Reply with one JSON object and nothing else, no code fence:
	// {"reasoning": "<your steps, short>", "answer": <number>}
	// "answer" is a JSON number without units, commas or quotes.
	// A rope of 5 metres is cut in half. How long is a piece?
	// {"reasoning": "Half of 5 is 5/2=2.5 metres.", "answer": 2.5}
}

func ExampleJSONL() {
	env, err := (&envs.JSONL{
		Path:       "testdata/columns.jsonl",
		Split:      envs.Train,
		Prompt:     "ask",
		System:     "Answer in one word.",
		Completion: "reply",
		Reference:  "gold.value",
		Metadata:   []string{"meta.level"},
	}).Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	task, _ := env.Task(1)
	fmt.Println(task.Messages)
	fmt.Println(task.Demonstration, task.Reference, task.Metadata)
	// Output:
	// [{system Answer in one word.} {user Name the colour of grass.}]
	// {"colour": "green"} green map[meta.level:2]
}
