// Renders the templates of a chart as `helm template` does: Go's text/template with the functions of sprig, and the
// functions that Helm adds. Reads {"files": {name: text}, "data": {…}} from standard input, and writes {name: text}.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type input struct {
	Files map[string]string
	Data  map[string]interface{}
}

func main() {
	var chart input
	exitOn(json.NewDecoder(os.Stdin).Decode(&chart))
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(sprig.TxtFuncMap()).Funcs(helmFunctions(all))
	for name, text := range chart.Files {
		_, err := all.New(name).Parse(text)
		exitOn(err)
	}
	rendered := map[string]string{}
	for name := range chart.Files {
		var text bytes.Buffer
		exitOn(all.ExecuteTemplate(&text, name, chart.Data))
		// With missingkey=zero, a missing value is rendered as this text. Helm also removes it.
		rendered[name] = strings.ReplaceAll(text.String(), "<no value>", "")
	}
	exitOn(json.NewEncoder(os.Stdout).Encode(rendered))
}

func helmFunctions(all *template.Template) template.FuncMap {
	return template.FuncMap{
		"include": func(name string, data interface{}) (string, error) {
			var text bytes.Buffer
			err := all.ExecuteTemplate(&text, name, data)
			return text.String(), err
		},
		"toYaml": func(value interface{}) (string, error) {
			text, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(text), "\n"), err
		},
		"required": func(message string, value interface{}) (interface{}, error) {
			if value == nil || value == "" {
				return nil, errors.New(message)
			}
			return value, nil
		},
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
