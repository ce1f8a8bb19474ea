package h1

import (
	"errors"
	"fmt"
	"net/http"
)

// interimMax is how many interim answers may come before the final one.
const interimMax = 20

// readHead reads heads until a final one, which it keeps. Interim ones are
// dropped (RFC 9110 §15.2); after one, what is not here yet is waited for only
// if wait is set.
func (x *exchange) readHead(wait bool) (final bool, err error) {
	c := x.conn
	if c.tls != nil {
		c.sock.lend(recordRoom, 0)
	}
	for x.interim <= interimMax {
		b, err := c.in.until("\r\n\r\n", inputMax)
		if err != nil {
			if c.in.total == 0 {
				err = fmt.Errorf("no answer: %w", err)
			}
			return false, err
		}
		if x.head, err = parseHead(b); err != nil {
			return false, err
		}
		if x.head.status >= 200 {
			return true, nil
		}
		if x.head.status == http.StatusSwitchingProtocols {
			return false, errors.New("the server switched to another protocol, unasked")
		}
		x.interim++
		if !wait && c.in.left() == 0 {
			return false, nil
		}
	}
	return false, malformed("too many interim answers")
}
