package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	dir := flag.String("dir", "", "the folder to write to")
	count := flag.Int("names", 1_000_000, "how many names in all")
	flag.Parse()
	if *dir == "" || *count < listCount {
		flag.Usage()
		os.Exit(2)
	}
	if err := writeAll(*dir, *count); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
