package body

// IsTurn says that the part's bytes go straight to the writer.
func (p *OrderedPart) IsTurn() bool { return p.isTurn() }
