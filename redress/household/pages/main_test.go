package pages_test

import (
	"os"
	"testing"

	"github.com/recourse-dns/recourse/policy/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m, `InABrowser$`)) }
