package recipes

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v4"
)

// ModelConfig is the shape of a new model: the path of a config.json, or its keys written into the recipe.
type ModelConfig struct {
	Path string
	JSON []byte // the keys as a JSON object, in the recipe's order; nil when Path is set
}

// IsZero says that there is none.
func (c ModelConfig) IsZero() bool { return c.Path == "" && c.JSON == nil }

func (d *decoder) modelConfig(n *yaml.Node, c *ModelConfig, path string) {
	switch {
	case n.Kind == yaml.MappingNode:
		var b bytes.Buffer
		d.writeJSON(&b, n, path)
		c.JSON = b.Bytes()
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str":
		c.Path = n.Value
	default:
		d.report(n, "%s is %s, want the path of a config.json or its keys", path, kindOf(n))
	}
}

// writeJSON keeps the order of the keys.
func (d *decoder) writeJSON(b *bytes.Buffer, n *yaml.Node, path string) {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			writeScalar(b, n.Content[i].Value)
			b.WriteByte(':')
			d.writeJSON(b, n.Content[i+1], join(path, n.Content[i].Value))
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			d.writeJSON(b, c, path)
		}
		b.WriteByte(']')
	default:
		var v any
		switch n.ShortTag() {
		case "!!int", "!!float", "!!bool", "!!null":
			if n.Decode(&v) != nil || !writeScalar(b, v) {
				d.report(n, "%s is %s, want a value that JSON has", path, kindOf(n))
			}
		default:
			writeScalar(b, n.Value)
		}
	}
}

func writeScalar(b *bytes.Buffer, v any) bool {
	data, err := json.Marshal(v)
	if err != nil { // NaN, .inf
		b.WriteString("null")
		return false
	}
	b.Write(data)
	return true
}

// node is the configuration as it stands in a recipe.
func (c ModelConfig) node() *yaml.Node {
	if c.JSON == nil {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: c.Path}
	}
	var doc yaml.Node
	if err := yaml.Load(c.JSON, &doc); err != nil || len(doc.Content) != 1 { // JSON is YAML
		panic("recipes: encode: model.config is not JSON")
	}
	return doc.Content[0]
}
