package bundle_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/blocklists"
	"github.com/recourse-dns/recourse/blocklists/bundle"
	"github.com/recourse-dns/recourse/resolver/wire"
)

// fill gives every field of a value something that is not its zero value.
func fill(v reflect.Value) {
	if _, is := v.Interface().(time.Time); is {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	}
}

// All that a manifest can say survives the way into the process that compiles.
func TestAJobIsReadAsItWasWritten(t *testing.T) {
	manifest := new(blocklists.Manifest)
	fill(reflect.ValueOf(manifest).Elem())
	own := bundle.OwnNames{Own: bundle.Own{Kind: bundle.ProfileDeny}, Octets: [][]byte{[]byte("\x02\xff\x00\x01x\x00")}}
	job := bundle.Job{Dir: "d", Manifests: []*blocklists.Manifest{manifest}, Own: []bundle.OwnNames{own}, Unmoved: []blocklists.ListID{"x"}, Previous: 7}
	text, err := json.Marshal(&job)
	if err != nil {
		t.Fatal(err)
	}
	read, err := bundle.ReadJob(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	job.Own[0].Names = []wire.Name{"\x02\xff\x00\x01x\x00"}
	if !reflect.DeepEqual(read, &job) {
		t.Errorf("read %+v\nof %s", read, text)
	}
}
