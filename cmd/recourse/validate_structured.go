package main

// Structured is how clients ask for structured errors.
type Structured struct {
	// Option is the EDNS option by which they do, until IANA assigns one; 0: by the older sign alone.
	Option uint16 `yaml:"option"`
}

const (
	// structuredOption is the first of those that are for local use (RFC 6891, section 9).
	structuredOption = 65001
	// lastAssigned is the highest option that means something else (RFC 10029).
	lastAssigned = 21
)

func (c *Config) checkStructured() {
	if option := c.Resolver.Structured.Option; option > 0 && option <= lastAssigned {
		c.report.problem("resolver.structured_errors.option", "%d means something else; until IANA assigns one, say %d, or 0 for none", option, structuredOption)
	}
}
