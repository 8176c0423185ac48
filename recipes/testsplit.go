package recipes

import "reflect"

// TestSplit is the section whose environment is told to use a split named test: env or eval_env; "" when neither is.
func (r *Recipe) TestSplit() string {
	for _, s := range []struct {
		name    string
		options any
	}{{"env", r.Env.Options}, {"eval_env", r.EvalEnv.Options}} {
		v := reflect.Indirect(reflect.ValueOf(s.options))
		if !v.IsValid() || v.Kind() != reflect.Struct {
			continue
		}
		for i := range v.NumField() {
			if keyOf(v.Type().Field(i)) == "split" && v.Field(i).Kind() == reflect.String && v.Field(i).String() == "test" {
				return s.name
			}
		}
	}
	return ""
}
