package sdk

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// SchemaOf is the JSON Schema of a record that looks like T, made of its fields and their tags:
//
//	json:"name,omitempty"   the name; what may be left out is not required
//	doc:"…"                 the description
//	min:"0" max:"160"       bounds of a number, or of a length
//	enum:"a,b"              the only values
//	format:"date-time"      as JSON Schema has it
//
// A pointer may be null. It panics where a tag makes no sense, which is a mistake in the program.
func SchemaOf[T any]() string { return schemaText(reflect.TypeFor[T](), false) }

// ConfigSchema is the JSON Schema of a configuration. Besides the tags of [SchemaOf] there is
//
//	default:"50"            the value when users say nothing, as JSON (text needs no quotes)
//
// What has no default is required, and unknown fields are refused.
func ConfigSchema[C any]() string { return schemaText(reflect.TypeFor[C](), true) }

func schemaText(t reflect.Type, config bool) string {
	schema := members{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", t.Name()}}
	schema = append(schema, schemaOf(t, config)...)
	text, err := json.Marshal(schema)
	if err != nil {
		panic(fmt.Sprintf("the schema of %s: %v", t, err))
	}
	return string(text)
}

// members is an object whose members keep their order.
type members []member

type member struct {
	name  string
	value any
}

func (m members) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, member := range m {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := json.Marshal(member.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(member.value)
		if err != nil {
			return nil, err
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	return append(text, '}'), nil
}

var (
	fixedType = reflect.TypeFor[Fixed]()
	timeType  = reflect.TypeFor[time.Time]()
	rawType   = reflect.TypeFor[json.RawMessage]()
)

func schemaOf(t reflect.Type, config bool) members {
	switch t {
	case fixedType:
		return members{{"type", "number"}}
	case timeType:
		return members{{"type", "string"}, {"format", "date-time"}}
	case rawType:
		return members{}
	}
	switch t.Kind() {
	case reflect.Bool:
		return members{{"type", "boolean"}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return members{{"type", "integer"}, {"format", t.Kind().String()}}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return members{{"type", "integer"}, {"format", t.Kind().String()}, {"minimum", 0}}
	case reflect.Float32:
		return members{{"type", "number"}, {"format", "float"}}
	case reflect.Float64:
		return members{{"type", "number"}, {"format", "double"}}
	case reflect.String:
		return members{{"type", "string"}}
	case reflect.Pointer:
		return members{{"anyOf", []members{schemaOf(t.Elem(), config), {{"type", "null"}}}}}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return members{{"type", "string"}, {"contentEncoding", "base64"}}
		}
		return members{{"type", "array"}, {"items", schemaOf(t.Elem(), config)}}
	case reflect.Map:
		return members{{"type", "object"}, {"additionalProperties", schemaOf(t.Elem(), config)}}
	case reflect.Struct:
		return structSchema(t, config)
	case reflect.Interface:
		return members{}
	}
	panic(fmt.Sprintf("%s has no form in JSON, so it has no schema", t))
}

func structSchema(t reflect.Type, config bool) members {
	properties, required := members{}, []string{}
	for _, field := range fieldsOf(t) {
		name, omitempty, _ := jsonName(field)
		properties = append(properties, member{name, fieldSchema(field, config)})
		_, hasDefault := field.Tag.Lookup("default")
		optional := omitempty || (config && (hasDefault || allDefault(field.Type)))
		if !optional {
			required = append(required, name)
		}
	}
	schema := members{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		schema = append(schema, member{"required", required})
	}
	if config {
		schema = append(schema, member{"additionalProperties", false})
	}
	return schema
}

// allDefault says whether a struct may be left out since each of its fields may.
func allDefault(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || t == fixedType || t == timeType {
		return false
	}
	for _, field := range fieldsOf(t) {
		if _, ok := field.Tag.Lookup("default"); !ok && !allDefault(field.Type) {
			return false
		}
	}
	return true
}

// fieldsOf lists the fields that encoding/json writes; those of an embedded struct as its own.
func fieldsOf(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, named := jsonName(field)
		switch {
		case field.Anonymous && !named && field.Type.Kind() == reflect.Struct:
			for _, inner := range fieldsOf(field.Type) {
				inner.Index = append(append([]int{}, field.Index...), inner.Index...)
				fields = append(fields, inner)
			}
		case name != "":
			fields = append(fields, field)
		}
	}
	return fields
}

// jsonName is a field's name in JSON, or "" where it has none; whether it may be left out; and
// whether the tag says the name.
func jsonName(field reflect.StructField) (name string, omitempty, named bool) {
	if !field.IsExported() {
		return "", false, false
	}
	tag := field.Tag.Get("json")
	if tag == "-" {
		return "", false, true
	}
	name, options, _ := strings.Cut(tag, ",")
	omitempty = strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	if name == "" {
		return field.Name, omitempty, false
	}
	return name, omitempty, true
}

func fieldSchema(field reflect.StructField, config bool) members {
	schema := schemaOf(field.Type, config)
	if doc := field.Tag.Get("doc"); doc != "" {
		schema = append(members{{"description", doc}}, schema...)
	}
	if format := field.Tag.Get("format"); format != "" {
		schema = schema.with("format", format)
	}
	for _, bound := range []string{"min", "max"} {
		if text, ok := field.Tag.Lookup(bound); ok {
			schema = schema.with(boundName(field.Type, bound), tagValue(field, bound, text))
		}
	}
	if list := field.Tag.Get("enum"); list != "" {
		var allowed []any
		for _, text := range strings.Split(list, ",") {
			allowed = append(allowed, tagValue(field, "enum", text))
		}
		schema = schema.with("enum", allowed)
	}
	if text, ok := field.Tag.Lookup("default"); ok {
		schema = schema.with("default", tagValue(field, "default", text))
	}
	return schema
}

// with sets a member, in the place of one of the same name.
func (m members) with(name string, value any) members {
	for i := range m {
		if m[i].name == name {
			m[i].value = value
			return m
		}
	}
	return append(m, member{name, value})
}

func boundName(t reflect.Type, bound string) string {
	names := map[reflect.Kind]string{reflect.String: "Length", reflect.Slice: "Items", reflect.Map: "Properties"}
	if name, ok := names[t.Kind()]; ok {
		return bound + name
	}
	return bound + "imum"
}

// tagValue reads a value in a tag: JSON, or text without quotes in a field of text.
func tagValue(field reflect.StructField, tag, text string) any {
	if field.Type.Kind() == reflect.String && (tag == "default" || tag == "enum") {
		return text
	}
	if !json.Valid([]byte(text)) {
		panic(fmt.Sprintf("the field %s has the tag %s:%q, which is no JSON", field.Name, tag, text))
	}
	return json.RawMessage(text)
}
