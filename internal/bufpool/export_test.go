package bufpool

// Idle returns the bytes of idle slices and of idle staging buffers.
func (p *Pool) Idle() (slices int, staging int64) {
	p.slicesMu.Lock()
	defer p.slicesMu.Unlock()
	p.staging.mu.Lock()
	defer p.staging.mu.Unlock()
	return p.idleBytes, p.staging.idleBytes
}

// IdleBytesMax is the bound of idle memory.
const IdleBytesMax = idleBytesMax
