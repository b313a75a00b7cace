// Package quicdoor is what doors over QUIC share.
package quicdoor
