package classic

import (
	"reflect"

	"github.com/haul-s3/haul/internal/checksum"
)

// The SDK's types have a field for every algorithm: ChecksumCRC32, …SHA256.
// These two functions find the one that is meant.

// sumOf returns the value of algorithm a in v, a pointer to one of the SDK's
// structs; "" if there is none.
func sumOf(v any, a checksum.Algorithm) string {
	if a == checksum.None {
		return ""
	}
	f := reflect.ValueOf(v).Elem().FieldByName("Checksum" + string(a))
	if !f.IsValid() {
		return ""
	}
	s, _ := f.Interface().(*string)
	if s == nil {
		return ""
	}
	return *s
}

// setSum sets the value of algorithm a in v; an empty one is left out.
func setSum(v any, a checksum.Algorithm, value string) {
	if a == checksum.None || value == "" {
		return
	}
	if f := reflect.ValueOf(v).Elem().FieldByName("Checksum" + string(a)); f.IsValid() {
		f.Set(reflect.ValueOf(&value))
	}
}

// anySum returns the algorithm of which v has a value, the best one first.
func anySum(v any) (checksum.Algorithm, string) {
	for _, a := range []checksum.Algorithm{checksum.CRC64NVME, checksum.CRC32C, checksum.CRC32, checksum.SHA256, checksum.SHA1} {
		if s := sumOf(v, a); s != "" {
			return a, s
		}
	}
	return checksum.None, ""
}
