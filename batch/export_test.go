package batch

// Unfit is unfit.
func Unfit(name string, windows bool) string { return unfit(name, windows) }
