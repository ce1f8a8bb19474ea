package haul

import "github.com/haul-s3/haul/internal/driver"

// NewOnDriver returns a Manager on a driver of a test's own, as on the plain SDK.
func NewOnDriver(d driver.Driver, optFns ...func(*Options)) (*Manager, error) {
	o, err := newOptions(optFns)
	if err != nil {
		return nil, err
	}
	return newManager(d, o, func(*Manager) {}), nil
}

// Active is how many transfers a Manager keeps account of.
func Active(m *Manager) int { return len(m.living()) }

// ParseCopySource is parseCopySource.
func ParseCopySource(s string) (bucket, key, versionID string, err error) {
	c, err := parseCopySource(s)
	return c.bucket, c.key, c.versionID, err
}

// Attempts and the checksum settings that a Manager took over from a client.
func Attempts(m *Manager) int { return m.o.retries().MaxAttempts }

// PartSize is the Manager's part size.
func PartSize(m *Manager) int64 { return m.o.PartSize }

// DefaultChecksums says whether transfers have checksums without being asked.
func DefaultChecksums(m *Manager) (requests, answers bool) { return m.requestSum, m.answerSum }

// Watched is how many contexts a Manager watches for transfers that wait.
func Watched(m *Manager) int {
	m.q.mu.Lock()
	defer m.q.mu.Unlock()
	return len(m.q.line.watches)
}
