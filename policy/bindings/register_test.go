package bindings_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recourse-dns/recourse/policy/bindings"
	"github.com/recourse-dns/recourse/policy/sealed"
)

var sealing = sealed.Key{1, 2, 3}

func open(t testing.TB, path string, key sealed.Key, logs *bytes.Buffer) *bindings.Register {
	t.Helper()
	register, err := bindings.OpenRegister(path, key, slog.New(slog.NewTextHandler(logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return register
}

func record(t testing.TB, register *bindings.Register, changes ...bindings.Change) {
	t.Helper()
	if refused, err := register.Apply(changes, time.Now()); err != nil || len(refused) > 0 {
		t.Fatal(refused, err)
	}
}

// What was bound is bound after a restart, also one that nobody expected, and nobody can read
// the file.
func TestRegisterOutlivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bindings.sealed")
	var logs bytes.Buffer
	register := open(t, path, sealing, &logs)
	end := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	kept := map[bindings.Subject]bindings.Binding{
		network("10.0.0.0/8"):            {Profile: "household-of-rossi", Until: end},
		network("2001:db8::/56"):         {Profile: "family", Jurisdiction: "IT", Until: end},
		network("2001:db8::1/128"):       {Jurisdiction: "FR", Until: end},
		ports("192.0.2.1", 1024, 2047):   {Profile: "family", Until: end.Add(time.Minute)},
		network("198.51.100.0/24"):       {Until: end},
		ports("192.0.2.1", 40000, 65535): {Profile: "kids", Until: end},
	}
	for subject, binding := range kept {
		record(t, register, bindings.Change{Subject: subject, Profile: "other", Until: end})
		record(t, register, bindings.Change{Subject: subject, Profile: binding.Profile, Jurisdiction: binding.Jurisdiction, Until: binding.Until})
	}
	record(t, register, bindings.Change{Subject: network("203.0.113.0/24"), Profile: "kids", Until: end}, bindings.Change{Subject: network("203.0.113.7/32"), Profile: "kids", Until: time.Now().Add(-time.Second)})
	record(t, register, bindings.Change{Subject: network("203.0.113.0/24"), Remove: true})
	for round := range 3 { // each writes the file anew
		again := open(t, path, sealing, &logs)
		if got := maps.Collect(again.All); !maps.Equal(got, kept) {
			t.Fatalf("round %d: %v, want %v", round, got, kept)
		}
		if round == 1 {
			continue // and this one is not even closed
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range [][]byte{[]byte("rossi"), []byte("family"), netip.MustParseAddr("198.51.100.0").AsSlice(), netip.MustParseAddr("2001:db8::1").AsSlice()} {
		if bytes.Contains(content, secret) {
			t.Errorf("%q can be read", secret)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if logs.Len() > 0 {
		t.Errorf("said: %s", &logs)
	}
}

// What an end in the middle of a write leaves does no harm; what is damaged is kept aside.
func TestRegisterAfterDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bindings.sealed")
	var logs bytes.Buffer
	register := open(t, path, sealing, &logs)
	for i := range 10 {
		record(t, register, bindings.Change{Subject: network(fmt.Sprintf("10.%d.0.0/16", i)), Profile: "p", Until: time.Now().Add(time.Hour)})
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cutOff, want := range map[int]int{0: 10, 1: 9, 30: 9} {
		if err := os.WriteFile(path, whole[:len(whole)-cutOff], 0o600); err != nil {
			t.Fatal(err)
		}
		if again := open(t, path, sealing, &logs); again.Len() != want {
			t.Errorf("without %d octets: %d bindings, want %d", cutOff, again.Len(), want)
		}
	}
	if logs.Len() > 0 {
		t.Errorf("said: %s", &logs)
	}
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	for name, test := range map[string]struct {
		content []byte
		key     sealed.Key
		most    int
	}{"an octet": {damaged, sealing, 9}, "another key": {whole, sealed.Key{9}, 0}, "no file of ours": {[]byte("x"), sealing, 0}} {
		logs.Reset()
		if err := os.WriteFile(path, test.content, 0o600); err != nil {
			t.Fatal(err)
		}
		again := open(t, path, test.key, &logs)
		if again.Len() > test.most || !bytes.Contains(logs.Bytes(), []byte("not all bindings")) {
			t.Errorf("%s: %d bindings; said %s", name, again.Len(), &logs)
		}
		if aside, err := os.ReadFile(path + ".damaged"); err != nil || !bytes.Equal(aside, test.content) {
			t.Errorf("%s: not kept aside: %v", name, err)
		}
		count := again.Len()
		record(t, again, bind(network("192.0.2.0/24"), "p"))
		logs.Reset()
		if after := open(t, path, test.key, &logs); after.Len() > count+1 || logs.Len() > 0 {
			t.Errorf("%s: then %d bindings; said %s", name, after.Len(), &logs)
		}
	}
}
