// Package generator runs `recourse bench` and reads its report: this module imports nothing
// of the binary's, and has it load the servers all the same.
package generator
