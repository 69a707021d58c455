//go:build unix

package channel

import (
	"net"
	"syscall"
)

// Quiet reports whether a connection that should be silent is: neither closed by
// the other end nor holding unasked-for bytes (a mail server's 421, a gateway's
// 408). It looks without waiting and without taking a byte. A provider that
// closes just after the look is still met as a lost connection.
func Quiet(c net.Conn) bool {
	s, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Read(func(fd uintptr) bool {
		var one [1]byte
		_, _, e := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = e == syscall.EAGAIN || e == syscall.EINTR
		return true
	})
	return err == nil && quiet
}
