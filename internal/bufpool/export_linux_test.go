package bufpool

// DefaultLimitFrom is DefaultLimit on a given file tree and machine.
var DefaultLimitFrom = defaultLimit
