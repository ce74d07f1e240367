package sdk

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
)

// parseConfig reads a configuration over its defaults. The host has filled them in already; a
// test need not.
func parseConfig[C any](text string) (C, error) {
	var config C
	if err := setDefaults(reflect.ValueOf(&config).Elem()); err != nil {
		return config, err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		return config, invalid{configError(err)}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return config, InvalidConfig("the configuration goes on after its end, at byte %d", decoder.InputOffset())
	}
	return config, nil
}

// configError says what encoding/json found, in the words of who wrote the configuration.
func configError(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return "`" + wrong.Field + "` is a " + wrong.Value + ", where a " + wrong.Type.String() + " is needed"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

func setDefaults(v reflect.Value) error {
	if v.Kind() != reflect.Struct {
		return nil
	}
	for _, field := range fieldsOf(v.Type()) {
		target := v.FieldByIndex(field.Index)
		text, ok := field.Tag.Lookup("default")
		if !ok {
			if err := setDefaults(target); err != nil {
				return err
			}
			continue
		}
		value, err := json.Marshal(tagValue(field, "default", text))
		if err == nil {
			err = json.Unmarshal(value, target.Addr().Interface())
		}
		if err != nil {
			return InvalidConfig("the default %q of `%s` is no %s", text, field.Name, field.Type)
		}
	}
	return nil
}
