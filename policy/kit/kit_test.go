package kit_test

import (
	"os"
	"testing"

	"github.com/recourse-dns/recourse/policy/kit"
)

func TestTheKitCanBeRead(t *testing.T) {
	read, err := kit.Read(os.DirFS("../testdata/kit"))
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Cases) < 150 {
		t.Errorf("%d cases", len(read.Cases))
	}
}
