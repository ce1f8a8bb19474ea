// Package hostiletest holds haul to what it promises about servers of ill will
// and about secrets: no answer makes it take memory without bound, write
// elsewhere or send a signed request to another host, and no credential, token
// or key shows in an error, a log, a result or a journal.
package hostiletest
