package proof

// Explain is how a record that says something else is explained.
var Explain = otherValue
