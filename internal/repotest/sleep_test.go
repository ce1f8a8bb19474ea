package repotest

import "testing"

func TestSleepOfABadExample(t *testing.T) {
	cases := map[string]struct{ file, body, want string }{
		"sleeps":          {"a_test.go", "time.Sleep(1)", "sleeps"},
		"in-a-literal":    {"a_test.go", "t.Run(x, func() { time.Sleep(1) })", "sleeps"},
		"on-a-fake-clock": {"a_test.go", "synctest.Test(t, func() { time.Sleep(1) })", ""},
		"production":      {"a.go", "time.Sleep(1)", ""},
		"another-sleep":   {"a_test.go", "clock.Sleep(1)", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			wantFault(t, checkSleep(newTree(map[string][]byte{c.file: []byte("package a\n\nfunc f() { " + c.body + " }\n")})), c.want)
		})
	}
}
