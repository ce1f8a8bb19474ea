package haul

import (
	"context"
	"errors"
	"fmt"
)

// Shutdown takes no further transfers (they get ErrShutdown) and waits until
// all there are have ended, OnDone hooks included; then it closes what the
// Manager owns. If ctx ends first, Shutdown stops waiting and returns its
// cause; it cancels nothing and may be called again. Several goroutines may
// call it. The errors of transfers are not reported here: they are on their
// Futures. Called in a hook, it would wait for that hook.
func (m *Manager) Shutdown(ctx context.Context) error {
	m.close()
	select {
	case <-m.idle: // a Manager that is idle shuts down whatever ctx says
	default:
		select {
		case <-m.idle:
		case <-ctx.Done():
			return fmt.Errorf("shutdown: transfers are still running: %w", context.Cause(ctx))
		}
	}
	return m.closeDriver(ctx)
}

// ShutdownNow is Shutdown, but cancels all transfers first. Each ends in
// ErrCanceled with cause, or with ErrShutdown if cause is nil.
func (m *Manager) ShutdownNow(ctx context.Context, cause error) error {
	m.close()
	if cause == nil {
		cause = ErrShutdown
	}
	for _, t := range m.living() {
		t.future.end(cause)
	}
	return m.Shutdown(ctx)
}

// Run calls fn and then shuts the Manager down, so that no transfer outlives
// it. When fn returns nil, Run waits for all transfers. When fn returns an
// error, or when ctx ends, it cancels all with that cause, waits for them, and
// returns the cause. When fn panics, it does the same and panics again. The
// errors of transfers are not reported here: they are on their Futures.
func (m *Manager) Run(ctx context.Context, fn func(context.Context) error) (err error) {
	waiting := context.WithoutCancel(ctx) // what is cancelled is still waited for
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil { // runtime.Goexit
			_ = m.ShutdownNow(waiting, nil)
			return
		}
		cause, ok := v.(error)
		if !ok {
			cause = fmt.Errorf("panic: %v", v)
		}
		_ = m.ShutdownNow(waiting, cause) // the panic is what counts
		panic(v)
	}()
	err = fn(ctx)
	returned = true
	if err != nil {
		return errors.Join(err, m.ShutdownNow(waiting, err))
	}
	if err = m.Shutdown(ctx); err == nil || ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	return errors.Join(cause, m.ShutdownNow(waiting, cause))
}

// close lets no further transfer in.
func (m *Manager) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		m.shut(ErrShutdown)
		m.idleLocked()
	}
}

// idleLocked tells those who wait for it that nothing runs and nothing will.
func (m *Manager) idleLocked() {
	if m.closed && len(m.active) == 0 {
		m.idleOnce.Do(func() { close(m.idle) })
	}
}

// living are the transfers of the moment.
func (m *Manager) living() []*transfer {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*transfer, 0, len(m.active))
	for t := range m.active {
		all = append(all, t)
	}
	return all
}

// closeDriver closes what the Manager owns, once: a call that ctx cut short is
// made up for by the next.
func (m *Manager) closeDriver(ctx context.Context) error {
	select {
	case m.closing <- struct{}{}:
	default:
		select {
		case m.closing <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("shutdown: %w", context.Cause(ctx))
		}
	}
	defer func() { <-m.closing }()
	if m.released {
		return nil
	}
	err := m.release(ctx)
	m.released = err == nil || ctx.Err() == nil
	return err
}
