package sdk

import (
	"fmt"
	"math"
	"reflect"
	"unicode/utf8"
)

// badValue finds what in a value has no form in JSON, and says where: "`place.speed` is NaN, …". It
// is asked only where marshalling went wrong.
func badValue(value any) string {
	return badIn(reflect.ValueOf(value), "", 0)
}

func badIn(v reflect.Value, path string, depth int) string {
	if depth > 64 {
		return ""
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Sprintf("%s is %v, for which JSON has no number: give nil, or return an error", placed(path), f)
		}
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return fmt.Sprintf("%s is not UTF-8: convert it, or give it as []byte, which becomes base64", placed(path))
		}
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128:
		return fmt.Sprintf("%s is a %s, which has no form in JSON", placed(path), v.Type())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			return badIn(v.Elem(), path, depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if bad := badIn(v.Index(i), fmt.Sprintf("%s.%d", path, i), depth+1); bad != "" {
				return bad
			}
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			if bad := badIn(v.MapIndex(key), fmt.Sprintf("%s.%v", path, key), depth+1); bad != "" {
				return bad
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := jsonName(v.Type().Field(i))
			if name == "" {
				continue
			}
			if bad := badIn(v.Field(i), path+"."+name, depth+1); bad != "" {
				return bad
			}
		}
	}
	return ""
}

func placed(path string) string {
	if path == "" {
		return "the record"
	}
	return "`" + path[1:] + "`"
}
