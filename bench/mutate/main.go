// Command mutate shows that haul's promises are tested: it changes one line of
// the code at a time, in a copy that only the compiler sees, runs the test that
// is to notice, and fails if the test stays green.
//
//	go run ./bench/mutate               all of them
//	go run ./bench/mutate --ten         the ten of CI, which build fast
//	go run ./bench/mutate --only 7,8    these, by their numbers in docs/proof.md
//	go run ./bench/mutate --doc         writes docs/proof.md
//
// It is run at the root of the tree.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// page is the page that --doc writes.
const page = "docs/proof.md"

func main() {
	only := flag.String("only", "", "the numbers of mutations, with commas between them")
	ten := flag.Bool("ten", false, "those of CI")
	doc := flag.Bool("doc", false, "write "+page)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *ten, *doc); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, ten, doc bool) error {
	if doc {
		text, err := proof(".")
		if err != nil {
			return err
		}
		return os.WriteFile(page, []byte(text), 0o644)
	}
	scratch, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	done, green := 0, 0
	for i, m := range mutations {
		if only != "" && !slices.Contains(strings.Split(only, ","), strconv.Itoa(i+1)) || ten && !m.fast || ctx.Err() != nil {
			continue
		}
		began := time.Now()
		why := m.survives(ctx, scratch)
		done++
		if why != "" {
			green++
			fmt.Printf("%2d GREEN %s: %s\n", i+1, m.promise, why)
			continue
		}
		fmt.Printf("%2d red   %s (%s, %.1f s)\n", i+1, m.promise, m.test, time.Since(began).Seconds())
	}
	fmt.Printf("%d mutations, %d noticed\n", done, done-green)
	if green > 0 || done == 0 {
		return fmt.Errorf("%d of %d mutations were not noticed", green, done)
	}
	return ctx.Err()
}
