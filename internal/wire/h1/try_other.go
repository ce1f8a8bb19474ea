//go:build !unix

package h1

// tryRead is empty where sockets can't be read without waiting.
type tryRead struct{}

func (*tryRead) init() {}

// tryRead never finds anything: a connection that its server has closed is
// noticed when it is used, an early answer when sending fails or lasts.
func (s *socket) tryRead([]byte) (int, error) { return 0, errNothing }
