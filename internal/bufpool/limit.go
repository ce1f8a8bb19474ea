package bufpool

// The bounds of DefaultLimit, in bytes.
const (
	// defaultLimitMax keeps a large machine from giving haul more than any
	// network needs.
	defaultLimitMax int64 = 2 << 30
	// defaultLimitUnknown is taken where the machine's memory is not known.
	defaultLimitUnknown int64 = 1 << 30
)

// quarter returns the default limit for so much memory: a quarter of it, at
// most 2 GiB.
func quarter(memory int64) int64 { return min(memory/4, defaultLimitMax) }
